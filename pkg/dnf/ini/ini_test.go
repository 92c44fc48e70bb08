package ini

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read is what Parse makes of a file: sections, options and their values.
func read(text string) map[string]map[string]string {
	sections, err := Parse(text)
	if err != nil {
		return nil
	}
	all := map[string]map[string]string{}
	for i := range sections {
		s := &sections[i]
		all[s.Name] = map[string]string{}
		for _, o := range s.Options {
			all[s.Name][o.Key] = s.Value(o.Key)
		}
	}
	return all
}

// libdnf asks the real parser about files.
func libdnf(t *testing.T, texts []string) (all []map[string]map[string]string) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"testdata/oracle.py"}
	for i, text := range texts {
		name := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	cmd := exec.Command("/usr/bin/python3", args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("this test asks libdnf (Debian package dnf): %v\n%s", err, errs.String())
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var answer map[string]map[string]string
		if err := d.Decode(&answer); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, answer)
	}
}

// rules are files for one rule each.
func rules() []string {
	return []string{
		"", "\n", "[a]\n", "[a]", "[a]\nx=1", "[a]\nx = 1\n", "[a]\nx=1\n[a]\ny=2\n", "[a]\nx=1\nx=2\n", "[a]\nx=\n", "[a]\nx==\n", "[a]\nx=a=b\n",
		"x=1\n[a]\n", "x\n", "#x\n[a]\n", " #x\n", " \n[a]\nx=1\n", "\t\n[a]\nx=1\n", " [a]\nx=1\n", "\t[a]\nx=1\n", "[a]\n x=1\n", "[a]\n\n x=1\n",
		"[a]\nx=1\n y\n", "[a]\nx=1\n\ty\n", "[a]\nx=1\n  \n y\n", "[a]\nx=1\n\n y\n", "[a]\nx=1\n#c\n y\n", "[a]\nx=1\n #c\n y\n", "[a]\nx=1\n [b]\ny=2\n", "[a]\nx=1\n [b]\n z\n", "[a]\nx=1\n [b\n",
		"[a]\nx=1\n y=2\n", "[a]\nx=\n 1\n", "[a]\nx=\n 1\n 2\n", "[a]\nx=1\n y", "[a]\nx=1\n ", "[a] \n", "[a]x\n", "[a]x=1\ny=2\n", "[a] # x\nx=1\n", "[a] ;x\nx=1\n", "[a]]\nx=1\n", "[a][b]\nx=1\n",
		"[]\n", "[ ]\nx=1\n", "[ a ]\nx=1\n", "[a\n", "[", "[a]\n=1\n", "[a]\n = 1\n", "[a]\nx\n", "[a]\nx y = 1\n", "[a]\nx: 1\n", "[a]\n;x\n", "[a]\n ;x\n",
		"[a]\nx=\"1\"\n", "[a]\nx='1'\n", "[a]\nx=\"1'\n", "[a]\nx=\"\n", "[a]\nx=\"\"\n", "[a]\nx=\" 1 \"\n", "[a]\nx=\"1\n 2\"\n", "[a]\nx=\"1\" # c\n", "[a]\nx=1 # c\n",
		"[a]\r\nx=1\r\n y\r\n", "[a]\r\n\r\nx=1\r\n", "[a]\r\nx=1\r\n\r\n y\r\n", "[a]\nx=1\r\n", "[a]\nx\t=\t1\t\n", "[a]\nX=1\nx=2\n", "[a]\n\fx=1\n", "[a]\nx=1\v\n", "[a]\nx=\f1\n", "[a]\n\r\nx=1\n", "[a]\nx=1\n\r\n y\n", "[a]\nx=1\n\r y\n",
		"[a]\r\n \r\nx=1\r\n", "[a]\nx=1\n \n", "[a]\nx=1\n\t \n\t2\n", "[a]\nrem x\n", "[a]x\n", "[a]\nx=1\\\n2\n", "#\n[a]\nx=1\n#", "[a]\nx=1\n;", "[a]\nx=1\n\n\n", "[b]\ny=1\n[a]\nx=1\n[b]\n z\n", "[a]\nx=1\n[b]\n\n[a]\n z\n",
	}
}

// TestAgainstLibdnf asks libdnf about each rule and about files made at random.
func TestAgainstLibdnf(t *testing.T) {
	texts := rules()
	r := rand.New(rand.NewPCG(4, 4))
	pieces := []string{"[a]", "[b]", "x=1", "x = 2", "y=", "y=a b", " c", "\td", "#e", " #f", " ", " [a]", "g", "=h", "z='i'", "z=\"j", "", "", "[", "[] "}
	for range 400 {
		text := "[m]\n"
		for range r.IntN(8) {
			end := "\n"
			if r.IntN(12) == 0 {
				end = "\r\n"
			}
			text += pieces[r.IntN(len(pieces))] + end
		}
		texts = append(texts, text)
	}
	for i, want := range libdnf(t, texts) {
		if d := cmp.Diff(want, read(texts[i])); d != "" {
			t.Errorf("%q: -libdnf +ours:\n%s", texts[i], d)
		}
	}
}

func TestBounds(t *testing.T) {
	for _, text := range []string{strings.Repeat("[x]\na=1\n", maxOptions+1), "[x]\na=\n" + strings.Repeat(" b\n", maxOptions+1), "[" + manySections()} {
		if _, err := Parse(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func manySections() string {
	var b strings.Builder
	for i := range maxSections + 1 {
		fmt.Fprintf(&b, "x]\n[%d", i)
	}
	return b.String()
}

// TestPlaces: each line of a value has its own place.
func TestPlaces(t *testing.T) {
	sections, err := Parse("# c\n[a]\nx = 1\n  2 \ny=\n[a]\nx=3\n 4")
	if err != nil {
		t.Fatal(err)
	}
	want := []Section{{"a", 2, []Option{{"x", []Line{{7, "3", "x=3"}, {8, "4", "4"}}}, {"y", []Line{{5, "", "y="}}}}}}
	if d := cmp.Diff(want, sections); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if s := sections[0]; s.Value("z") != "" || s.Option("z") != nil || s.Value("x") != "3\n4" {
		t.Errorf("x is %q", s.Value("x"))
	}
}

func TestBool(t *testing.T) {
	for s, want := range map[string][2]bool{"yes": {true, true}, "TRUE": {true, true}, "1": {true, true}, "on": {true, true},
		"No": {false, true}, "0": {false, true}, "false": {false, true}, "off": {false, true}, "": {}, "maybe": {}, "2": {}} {
		if yes, ok := Bool(s); yes != want[0] || ok != want[1] {
			t.Errorf("%q: %v, %v", s, yes, ok)
		}
	}
}

func TestList(t *testing.T) {
	for s, want := range map[string][]string{"a, b\nc": {"a", "b", "c"}, ",,": {}, "a\tb": {"a\tb"}} {
		if d := cmp.Diff(want, List(s)); d != "" {
			t.Errorf("%q: -want +got:\n%s", s, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range rules() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sections, _ := Parse(text)
		lines := strings.Count(text, "\n") + 1
		seen := map[string]bool{}
		for _, s := range sections {
			if s.Name == "" || seen[s.Name] || s.Line < 1 || s.Line > lines {
				t.Errorf("section %+v", s)
			}
			seen[s.Name] = true
			for _, o := range s.Options {
				if n := o.Lines[0].Number; n < 1 || n > lines || o.Key == "" || strings.ContainsAny(o.Key, "\n=") {
					t.Errorf("option %+v", o)
				}
			}
		}
	})
}
