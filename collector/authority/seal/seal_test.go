package seal

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func made(t *testing.T) (*Keys, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "seal.key")
	if err := Make(name); err != nil {
		t.Fatal(err)
	}
	k, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return k, name
}

func TestSeal(t *testing.T) {
	k, _ := made(t)
	text := []byte("a key of the authority")
	sealed := k.Seal("a", text)
	if bytes.Contains(sealed, text[:8]) || bytes.Equal(sealed, k.Seal("a", text)) {
		t.Errorf("sealed: %q", sealed)
	}
	got, newest, err := k.Open("a", sealed)
	if err != nil || !newest || !bytes.Equal(got, text) {
		t.Errorf("open: %q, %v, %v", got, newest, err)
	}
	if _, _, err := k.Open("b", sealed); err == nil {
		t.Error("opened under another name")
	}
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 1
		if _, _, err := k.Open("a", altered); err == nil {
			t.Fatalf("opened with byte %d altered", i)
		}
		if _, _, err := k.Open("a", sealed[:i]); err == nil {
			t.Fatalf("opened %d bytes of %d", i, len(sealed))
		}
	}
	other, _ := made(t)
	if _, _, err := other.Open("a", sealed); !errors.Is(err, ErrOtherKey) {
		t.Errorf("another key: %v", err)
	}
}

// TestReplace replaces a key as the documentation says.
func TestReplace(t *testing.T) {
	k, name := made(t)
	sealed := k.Seal("a", []byte("text"))
	old, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fresh := line()
	for _, step := range []struct {
		file   string
		newest bool
		ok     bool
	}{
		{string(old) + string(fresh), true, true},
		{"# the new one\n\n" + string(fresh) + string(old), false, true},
		{string(fresh), false, false},
	} {
		if err := os.WriteFile(name, []byte(step.file), 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, newest, err := k.Open("a", sealed); newest != step.newest || (err == nil) != step.ok {
			t.Errorf("newest %v, %v; want %v, %v", newest, err, step.newest, step.ok)
		}
	}
	if again, err := Read(name); err != nil || again.ID() == k.ID() || len(again.ID()) != 16 {
		t.Errorf("%v, %v", again, err)
	}
}

func TestMakeReplacesNothing(t *testing.T) {
	k, name := made(t)
	if err := Make(name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made twice: %v", err)
	}
	if again, err := Read(name); err != nil || again.ID() != k.ID() {
		t.Errorf("another key: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(name)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestReadRefuses(t *testing.T) {
	good := string(line())
	for name, test := range map[string]struct {
		text string
		mode fs.FileMode
	}{
		"empty":           {"", 0o600},
		"comments":        {"# none\n", 0o600},
		"no base64":       {"secret secret\n", 0o600},
		"short":           {good[:40] + "\n", 0o600},
		"twice":           {good + good, 0o600},
		"many":            {lines(maxKeys + 1), 0o600},
		"large":           {good + strings.Repeat("#\n", maxFile), 0o600},
		"read by all":     {good, 0o604},
		"written by some": {good, 0o620},
		"run by some":     {good, 0o610},
	} {
		file := filepath.Join(t.TempDir(), "seal.key")
		if err := errors.Join(os.WriteFile(file, []byte(test.text), 0o600), os.Chmod(file, test.mode)); err != nil {
			t.Fatal(err)
		}
		_, err := Read(file)
		if err == nil || strings.Contains(err.Error(), good[:40]) || strings.Contains(err.Error(), "secret secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Read(t.TempDir()); err == nil {
		t.Error("a folder is a key")
	}
}

func lines(n int) string {
	var all []byte
	for range n {
		all = append(all, line()...)
	}
	return string(all)
}

// TestCredential reads a file as systemd hands it over: root's group may read it.
func TestCredential(t *testing.T) {
	_, name := made(t)
	if err := os.Chmod(name, 0o440); err != nil {
		t.Fatal(err)
	}
	_, err := Read(name)
	if ok := os.Getgid() == 0; ok != (err == nil) {
		t.Errorf("mode 0440 and group %d: %v", os.Getgid(), err)
	}
}

// FuzzKeys has no text make the parser fail but with an error that does not show it.
func FuzzKeys(f *testing.F) {
	f.Add(line())
	f.Add([]byte("# x\n\n" + lines(2)))
	f.Add([]byte("AAAA\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := parse(data)
		if err != nil {
			return
		}
		text, newest, err := k.Open("n", k.Seal("n", data))
		if err != nil || !newest || !bytes.Equal(text, data) {
			t.Errorf("%q, %v, %v", text, newest, err)
		}
	})
}

// FuzzOpen has nothing opened that was not sealed.
func FuzzOpen(f *testing.F) {
	k, err := parse([]byte(strings.Repeat("A", 43) + "=\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("state", []byte{version})
	f.Add("state", k.Seal("other", []byte("{}")))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if text, _, err := k.Open(name, data); err == nil && !bytes.Equal(text, []byte("{}")) {
			t.Errorf("opened %q", text)
		}
	})
}
