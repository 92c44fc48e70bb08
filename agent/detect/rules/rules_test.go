package rules

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"seawall/pkg/auditrule"
	"seawall/pkg/hostfs"
)

// captures returns the records of each behaviour in a file, as auditd would write them.
func captures(t testing.TB, name string) map[string][]byte {
	t.Helper()
	packed, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string][]byte{}
	} else if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range txtar.Parse(text).Files {
		all[f.Name] = f.Data
	}
	return all
}

func TestOwn(t *testing.T) {
	list, err := Own()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 60 {
		t.Errorf("%d rules", len(list))
	}
	for _, r := range list {
		if r.ID == "" || r.Title == "" || r.Description == "" || r.Level == 0 || len(r.Techniques()) == 0 || len(r.FalsePositives) == 0 || r.Custom["needs"] == nil || r.Custom["examples"] == nil {
			t.Errorf("%s:%d: %s lacks something", r.File, r.Line, r.Title)
		}
	}
}

// place makes a host whose directory of rules has these files.
func place(t *testing.T, files map[string]string) hostfs.Root {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, Dir), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

const simple = "title: rule %[1]d\nid: %[1]d\nlogsource: {product: linux, category: process_creation}\ndetection: {s: {CommandLine|contains: 'word-%[1]d-of-many'}, condition: s}\n---\n"

// TestManyRules: ten thousand rules are read, and the one more is told.
func TestManyRules(t *testing.T) {
	files := map[string]string{}
	for i := range maxRules/1000 + 1 {
		var text strings.Builder
		for j := range 1000 {
			fmt.Fprintf(&text, simple, i*1000+j)
		}
		files[fmt.Sprintf("%02d.yaml", i)] = text.String()
	}
	list, err := Read(place(t, files), Dir)
	if len(list) != maxRules || err == nil || !strings.Contains(err.Error(), "more than 10000 rules; what comes after some of 10.yaml is left out") {
		t.Errorf("%d rules, %v", len(list), err)
	}
}

// TestFaults: what is wrong with a file is told with its name, and hides no other file.
func TestFaults(t *testing.T) {
	large := filepath.Join(Dir, "large.yaml")
	root := place(t, map[string]string{
		"bad.yaml":  "title: a\nlogsource: {product: linux, category: process_creation}\ndetection:\n  s: {CommandLine|re: '(x+x+)+(?!y)'}\n  condition: s\n",
		"good.yaml": fmt.Sprintf(simple, 1),
		"own.yaml":  fmt.Sprintf(simple, 2) + fmt.Sprintf(simple, 2),
		".x.yaml":   "not read",
		"x.txt":     "not read",
	})
	if err := os.Truncate(root.Path(filepath.Join(Dir, "own.yaml")), 1<<20); err != nil { // what is behind the rules is NUL
		t.Fatal(err)
	}
	if err := os.WriteFile(root.Path(large), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(root.Path(large), 50<<20); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(root.Path(filepath.Join(Dir, "pipe.yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := Read(root, Dir)
	if len(list) != 1 || list[0].Title != "rule 1" {
		t.Errorf("%d rules", len(list))
	}
	for _, want := range []string{
		Dir + `/bad.yaml:4: selection s, field CommandLine: regular expression: "(?!" looks ahead or behind`,
		"large.yaml", "pipe.yaml", "own.yaml:1: the file is larger than 262144 bytes; split it",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in\n%v", want, err)
		}
	}
	t.Log(err)
}

// TestProfile: the sensor can make each rule of the profile, and none is there twice.
func TestProfile(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(Profile()) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if _, err := auditrule.Parse(line); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if seen[line] {
			t.Errorf("%s is there twice", line)
		}
		seen[line] = true
	}
	if len(seen) < 40 {
		t.Errorf("%d rules", len(seen))
	}
}
