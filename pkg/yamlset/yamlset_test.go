package yamlset

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestSet(t *testing.T) {
	const file = "# Settings.\n# Where.\n#advertise: a:1\n\nlevel: info # or debug\nhosts: [a, b]\n"
	for _, c := range []struct {
		text string
		to   []Setting
		want string
	}{
		{"", []Setting{{"a", "1"}}, "a: \"1\"\n"},
		{"# only a comment", []Setting{{"a", "b:c"}, {"d", ""}}, "# only a comment\na: b:c\nd: \"\"\n"},
		{file, []Setting{{"advertise", "c.example.net:9443"}}, strings.Replace(file, "a:1\n", "a:1\nadvertise: c.example.net:9443\n", 1)},
		{file, []Setting{{"level", "info"}}, file},
		{file, []Setting{{"level", "debug"}}, strings.Replace(file, "info # or debug", "debug", 1)},
		{file, []Setting{{"hosts", "c,d"}}, strings.Replace(file, "[a, b]", "c,d", 1)},
		{file, []Setting{{"new", "'"}}, file + "new: ''''\n"},
		{"null\n", nil, "null\n"},
	} {
		got, err := Set([]byte(c.text), c.to...)
		if err != nil || string(got) != c.want {
			t.Errorf("%q with %v: %q, %v; want %q", c.text, c.to, got, err, c.want)
		}
	}
}

// TestRefuses leaves alone what cannot be changed by the line.
func TestRefuses(t *testing.T) {
	for _, text := range []string{"- a\n", "a: [\n", "a: 1\na: 2\n", "{a: 1}\n", "a:\n  - x\n", "a: |\n  x\n", "\"a\": x\n", "---\na: 1\n...\n---\nb: 2\n", "x: 1\n...\n"} {
		if got, err := Set([]byte(text), Setting{"a", "new"}); err == nil {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got, err := Set(nil, Setting{"a", "two\nlines"}); err == nil {
		t.Errorf("two lines became %q", got)
	}
}

func TestUpdate(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.yaml")
	if changed, err := Update(name, Setting{"a", "b"}); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(name, 1, 2); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := Update(name, Setting{"a", "b"}); err != nil || changed {
		t.Errorf("the same: %v, %v", changed, err)
	}
	if changed, err := Update(name, Setting{"a", "c"}); err != nil || !changed {
		t.Errorf("another: %v, %v", changed, err)
	}
	after, err := os.Stat(name)
	was, is := before.Sys().(*syscall.Stat_t), after.Sys().(*syscall.Stat_t)
	if err != nil || is.Mode != was.Mode || is.Uid != was.Uid || is.Gid != was.Gid {
		t.Errorf("%+v became %+v", was, is)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "a: c\n" {
		t.Errorf("%q, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Dir(name) + "/.*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := Update(filepath.Dir(name), Setting{"a", "c"}); err == nil {
		t.Error("a folder is a file")
	}
	if _, err := Update(filepath.Join(name, "x"), Setting{"a", "c"}); err == nil {
		t.Error("a file is a folder")
	}
}

// TestLink changes the file that a link leads to, and not the link.
func TestLink(t *testing.T) {
	dir := t.TempDir()
	name, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.WriteFile(name, []byte("a: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", link); err != nil {
		t.Fatal(err)
	}
	if _, err := Update(link, Setting{"a", "x"}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "a: x\n" {
		t.Errorf("%q, %v", text, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v, %v", info, err)
	}
}

// FuzzSet changes one setting of any file: it has its value then and the others are
// what they were, or the file is refused.
func FuzzSet(f *testing.F) {
	f.Add([]byte("# c\na: 1\nb: [x]\n"), "a", "2")
	f.Add([]byte("#a: 1\nb: |\n  a: 3\n  c\nd: x"), "a", "2")
	f.Add([]byte("b: \"x\n  a: 1\n  \"\n"), "a", "'\"")
	f.Fuzz(func(t *testing.T, text []byte, name, value string) {
		before, err := parse(text)
		if err != nil {
			return
		}
		got, err := Set(text, Setting{name, value})
		if err != nil {
			return
		}
		after, err := parse(got)
		if err != nil || after[name] != value {
			t.Fatalf("%q: %v, %q", got, err, after[name])
		}
		for n, v := range before {
			if n != name && after[n] != v {
				t.Fatalf("%s was %q and is %q:\n%s", n, v, after[n], got)
			}
		}
		again, err := Set(got, Setting{name, value})
		if err != nil || string(again) != string(got) {
			t.Fatalf("again: %q, %v", again, err)
		}
	})
}
