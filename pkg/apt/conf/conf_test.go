package conf

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = `// a comment
# another
#clear APT::Never;
APT::Default-Release "stable"; apt { architecture "amd64"; Periodic { Enable 1; Unattended-Upgrade "1"; }; };
/* a comment
   of two lines */ Acquire::http::Proxy "http://p:3128/" /* here, too */ ;
DPkg::Post-Invoke { "one; two"; "three // no comment"; };
DPkg::Post-Invoke:: "four" " and more";
Unattended-Upgrade::Origins-Pattern {
        "origin=Debian,label=Debian";	// the same
        "origin=Debian,codename=${distro_codename}-security";
};
APT::Long
   "value";
APT::Periodic::Enable "0";
Cleared { a "1"; b "2"; };
#clear Cleared;
Cleared::b "3";
`

// dump is the tree as apt-config prints it.
func dump(n *node, prefix string) []string {
	var all []string
	for _, c := range n.children {
		name := prefix + c.tag
		all = append(all, fmt.Sprintf("%s %q;", name, c.value.Text))
		all = append(all, dump(c, name+"::")...)
	}
	return all
}

// TestAgainstAptConfig asks the real program about the same file.
func TestAgainstAptConfig(t *testing.T) {
	for i, text := range []string{sample, "A { B { C \"d\"; }; E f; };\n", "a%62b c%21;\nList:: x; List:: y;\nX [a b];\nUnits { m { x; y; }; };\n",
		"a \"\";\nb::c;\nd { };\nQ \"say # and // inside\"; # out\n", "One 1; ONE 2; one::Two 3;\n"} {
		name := filepath.Join(t.TempDir(), "apt.conf")
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("apt-config", "-c", name, "dump")
		cmd.Env = append(os.Environ(), "APT_CONFIG=/dev/null")
		all, err := cmd.Output()
		if err != nil {
			t.Fatalf("file %d: ask apt-config (Debian package apt): %v", i, err)
		}
		var tree Tree
		if err := tree.Parse(name, []byte(text)); err != nil {
			t.Errorf("file %d: %v", i, err)
		}
		have := strings.Split(strings.ToLower(string(all)), "\n")
		for _, line := range dump(&tree.root, "") {
			if !slices.Contains(have, strings.ToLower(line)) && !strings.HasSuffix(line, ` "";`) {
				t.Errorf("file %d: apt has no %s", i, line)
			}
		}
	}
}

func TestFind(t *testing.T) {
	var tree Tree
	if err := tree.Parse("f", []byte(sample)); err != nil {
		t.Fatal(err)
	}
	got := map[string]Value{}
	for _, name := range []string{"APT::Default-Release", "apt::periodic::enable", "APT::Periodic::Unattended-Upgrade", "APT::Long", "Acquire::http::proxy", "Cleared::b"} {
		got[name], _ = tree.Find(name)
	}
	want := map[string]Value{
		"APT::Default-Release": {"stable", "f", 4}, "apt::periodic::enable": {"0", "f", 15}, "APT::Periodic::Unattended-Upgrade": {"1", "f", 4},
		"APT::Long": {"value", "f", 14}, "Acquire::http::proxy": {"http://p:3128/", "f", 6}, "Cleared::b": {"3", "f", 18},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if _, ok := tree.Find("Cleared::a"); ok {
		t.Error("what was cleared is still there")
	}
	var list []string
	for _, v := range tree.List("dpkg::post-invoke") {
		list = append(list, v.Text)
	}
	if d := cmp.Diff([]string{"one; two", "three // no comment", "four  and more"}, list); d != "" {
		t.Errorf("list (-want +got):\n%s", d)
	}
	if len(tree.List("Unattended-Upgrade::Origins-Pattern")) != 2 || tree.List("None") != nil {
		t.Error("lists")
	}
	for text, want := range map[string]bool{"yes": true, "TRUE": true, "1": true, "0": false, "disable": false} {
		b := Tree{}
		if err := b.Parse("f", []byte("x \""+text+"\";")); err != nil || b.Bool("X", !want) != want {
			t.Errorf("%s is not %v (%v)", text, want, err)
		}
	}
	if !tree.Bool("None", true) || !tree.Bool("APT::Long", true) {
		t.Error("what is neither yes nor no is not the default")
	}
}

func TestInclude(t *testing.T) {
	tree := Tree{Include: func(name string) ([]byte, error) {
		switch name {
		case "/a":
			return []byte("A 1;\n#include \"/b\";\n"), nil
		case "/b":
			return []byte("B 2;\n"), nil
		case "/self":
			return []byte("#include /self;\n"), nil
		}
		return nil, os.ErrNotExist
	}}
	if err := tree.Parse("f", []byte("#include /a;\nC 3;\n")); err != nil {
		t.Fatal(err)
	}
	if v, _ := tree.Find("B"); v != (Value{"2", "/b", 1}) {
		t.Errorf("B is %+v", v)
	}
	if err := tree.Parse("f", []byte("#include /self;\n")); err == nil || !strings.Contains(err.Error(), "nested") {
		t.Errorf("a file that includes itself: %v", err)
	}
	if err := tree.Parse("f", []byte("#include /none;\n")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for text, line := range map[string]int{
		"{ a 1; };": 1, "a 1": 1, "\na \"x\" y z;": 2, "a { #clear b; };": 1, "#clear;": 1, "\n\na \"unclosed;\n": 3, "#includes x;": 1, strings.Repeat("word\n", 20000): 6554,
		strings.Repeat("a { ", 5000): 1, strings.Repeat("a:: b;\n", MaxSettings+1): MaxSettings,
	} {
		var tree Tree
		err := tree.Parse("f", []byte(text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != line {
			t.Errorf("%.40q: %v, want an error of line %d", text, err, line)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("a \"/*\"; /* x */ b { c; }; }; #clear a"))
	f.Add([]byte("#include x; a%zz [ \" ;"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tree := Tree{Include: func(string) ([]byte, error) { return []byte("x y;"), nil }}
		if tree.Parse("f", b) != nil {
			return
		}
		for _, line := range dump(&tree.root, "") {
			if len(line) > 8*maxName+8*len(b)+100 {
				t.Errorf("a setting of %d bytes from %d", len(line), len(b))
			}
		}
	})
}
