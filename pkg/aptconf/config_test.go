package aptconf

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dump writes a tree as apt-config dump does.
func dump(c *Config) string {
	var b strings.Builder
	for _, i := range c.Items() {
		fmt.Fprintf(&b, "%s \"%s\";\n", quote(i.Name), i.Text)
	}
	return b.String()
}

// quote is apt's QuoteString with the characters that apt-config names.
func quote(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; strings.IndexByte("=\"\n", c) >= 0 || c <= ' ' || c == '%' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func parse(t *testing.T, text string) (*Config, error) {
	t.Helper()
	var c Config
	return &c, c.Parse("test", []byte(text), nil)
}

const example = `// Unattended-Upgrade
Unattended-Upgrade::Allowed-Origins {
        "${distro_id}:${distro_codename}";   # the release
        "${distro_id}:${distro_codename}-security";
//      "${distro_id}:${distro_codename}-proposed";
};
APT { Periodic { Enable "1"; Update-Package-Lists "1" }; };
apt::periodic::ENABLE "0"; /* later and without regard
to case */ APT::Periodic::Verbose
  "2";
My::Etc "http://a//b"; X::List:: "a"; X::List:: "b";
X::List { "c"; };
Gone::Deep { A "1"; B "2"; };
#clear Gone::Deep;
Two "a"
    "b";
`

func TestParse(t *testing.T) {
	c, err := parse(t, example)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Value{
		"APT::Periodic::Enable":               {"0", "test", 8},
		"apt::periodic::update-package-lists": {"1", "test", 7},
		"APT::Periodic::Verbose":              {"2", "test", 10},
		"APT::Periodic":                       {},
		"My::Etc":                             {"http://a//b", "test", 11},
		"Gone::Deep":                          {},
		"Two":                                 {"a b", "test", 16},
	} {
		if got, ok := c.Find(name); !ok || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, ok, want)
		}
	}
	for _, name := range []string{"APT::Periodic::Unattended-Upgrade", "Gone::Deep::A", "", "::"} {
		if got, ok := c.Find(name); ok {
			t.Errorf("%q is found: %+v", name, got)
		}
	}
	want := []Value{{"${distro_id}:${distro_codename}", "test", 3}, {"${distro_id}:${distro_codename}-security", "test", 4}}
	if d := cmp.Diff(want, c.List("unattended-upgrade::allowed-origins")); d != "" {
		t.Errorf("list (-want +got):\n%s", d)
	}
	if got := c.List("X::List"); len(got) != 3 || got[2].Text != "c" {
		t.Errorf("lists do not add up: %+v", got)
	}
	if c.List("Nothing") != nil {
		t.Error("a list of nothing")
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{ A \"1\"; };":                      "line 1: block starts with no name",
		"\nA \"1\" \"2\" x y;":               "line 2: extra junk after value",
		"A \"1\"":                            "extra junk at the end",
		"A { #clear B; };":                   "top level",
		"#clear;":                            "#clear names nothing",
		"#clearing \"x\";":                   "unsupported directive",
		"#include \"/etc/x\";":               "too many nested",
		"A\"b c;":                            "extra junk at the end",
		"A[b ;":                              "malformed tag",
		strings.Repeat("a { ", 3000):         "nested too deeply",
		strings.Repeat("a", 5000) + " \"\";": "a name of",
		strings.Repeat("a\n", 40000):         "a statement of more",
		strings.Repeat("a:: b;", 100_001):    "more than 100000 items",
	} {
		_, err := parse(t, text)
		var refused *Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) || refused.Line < 1 {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func TestInclude(t *testing.T) {
	files := map[string][]File{
		"/dir/":  {{"/dir/a", []byte(`A "1";`)}, {"/dir/b", []byte(`A "2"; #include "/one";`)}},
		"/one":   {{"/one", []byte("\nB \"3\";")}},
		"/loop":  {{"/loop", []byte(`#include "/loop";`)}},
		"/loops": {{"/x", []byte(`#include "/loops";`)}, {"/y", []byte(`#include "/loops";`)}, {"/z", []byte(`#include "/loops";`)}},
	}
	include := func(name string) ([]File, error) {
		if f, ok := files[name]; ok {
			return f, nil
		}
		return nil, os.ErrNotExist
	}
	var c Config
	if err := c.Parse("main", []byte("A \"0\"; #include \"/dir/\"; C \"4\";"), include); err != nil {
		t.Fatal(err)
	}
	want := []Item{{"A", Value{"2", "/dir/b", 1}}, {"B", Value{"3", "/one", 2}}, {"C", Value{"4", "main", 1}}}
	if d := cmp.Diff(want, c.Items()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for name, want := range map[string]string{"/none": "does not exist", "/loop": "nested", "/loops": "nested"} {
		var c Config
		if err := c.Parse("main", []byte(`#include "`+name+`";`), include); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// generate writes a configuration of the constructs that apt knows, well formed or
// not.
func generate(r *rand.Rand) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	name := func() string {
		n := pick("A", "b", "APT::Periodic", "a::B", "List::", "Un-att", "x::y::z", "A::::B", "c::", "%41b", "A[x y]", "D")
		if r.IntN(4) == 0 {
			n += "::" + pick("Q", "q", "", "r::")
		}
		return n
	}
	value := func() string {
		return pick(`"1"`, `"0"`, `""`, `"a b"`, `bare`, `"x//y"`, `"x#y"`, `"/*"`, `"a" "b"`, `"%41"`, `%41`, `"`+strings.Repeat("v", r.IntN(1100))+`"`, `"${x}:y"`, "")
	}
	var b strings.Builder
	depth := 0
	for range 1 + r.IntN(12) {
		switch r.IntN(12) {
		case 0, 1, 2, 3:
			fmt.Fprintf(&b, "%s %s;", name(), value())
		case 4:
			fmt.Fprintf(&b, "%s %s {", name(), pick("", "", `"v"`))
			depth++
		case 5:
			if depth > 0 {
				b.WriteString(pick("};", "}", " } ; "))
				depth--
			}
		case 6:
			fmt.Fprintf(&b, "%s;", value())
		case 7:
			b.WriteString(pick("// c\n", "# c\n", "/* c */", "/* c\n d */", "/* \" */", " // \"\n", "#clearing\n"))
		case 8:
			if depth == 0 {
				fmt.Fprintf(&b, "#clear %s;", name())
			}
		case 9:
			fmt.Fprintf(&b, "%s\n\t%s\n;", name(), value())
		default:
			b.WriteString(pick("\n", " ", "\t", ";", "\n\n"))
		}
		b.WriteString(pick("\n", "\n", " ", ""))
	}
	for ; depth > 0; depth-- {
		b.WriteString("};\n")
	}
	return b.String()
}

// TestAgainstAptConfig holds the parser against apt-config dump: on the example,
// and on generated configurations of two files each.
func TestAgainstAptConfig(t *testing.T) {
	program, err := exec.LookPath("apt-config")
	if err != nil {
		t.Skip("there is no apt-config")
	}
	dir := t.TempDir()
	parts := filepath.Join(dir, "parts")
	if err := os.Mkdir(parts, 0o755); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "apt.conf")
	start := fmt.Sprintf("Dir::Etc::parts \"%s\"; Dir::Etc::main \"/dev/null\";\n", parts)
	if err := os.WriteFile(conf, []byte(start), 0o644); err != nil {
		t.Fatal(err)
	}
	texts := [][2]string{{example, example}}
	r := rand.New(rand.NewPCG(4, 12))
	for range 300 {
		texts = append(texts, [2]string{generate(r), generate(r)})
	}
	refused := 0
	for _, text := range texts {
		var c Config
		var want error
		for i, name := range []string{"a", "b.conf"} {
			if err := os.WriteFile(filepath.Join(parts, name), []byte(text[i]), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := c.Parse(name, []byte(text[i]), nil); err != nil {
				want = err
			}
		}
		cmd := exec.Command(program, "dump")
		cmd.Env = []string{"APT_CONFIG=" + conf, "LC_ALL=C"}
		out, err := cmd.Output()
		if (err != nil) != (want != nil) {
			t.Errorf("apt-config: %v, we: %v, for\n%s\n----\n%s", err, want, text[0], text[1])
			continue
		}
		if err != nil {
			refused++
			continue
		}
		if missing := compare(dump(&c), string(out)); missing != "" {
			t.Errorf("%s\nfor\n%s\n----\n%s", missing, text[0], text[1])
		}
	}
	if refused > len(texts)/2 {
		t.Errorf("%d of %d configurations are refused: too few say anything", refused, len(texts))
	}
}

// compare says which lines of ours are not in apt's, and which names of ours apt
// has other lines for. apt's defaults have other names.
func compare(ours, apts string) string {
	theirs := strings.Split(apts, "\n")
	names := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSuffix(ours, "\n"), "\n") {
		name, _, _ := strings.Cut(line, ` "`)
		names[name] = true
	}
	theirs = slices.DeleteFunc(theirs, func(line string) bool {
		name, _, ok := strings.Cut(line, ` "`)
		return !ok || !names[name]
	})
	mine := strings.Split(strings.TrimSuffix(ours, "\n"), "\n")
	if ours == "" {
		mine = nil
	}
	inherited := func(line string) bool { // a parent that apt knows with a value of its own
		return strings.HasSuffix(line, ` "";`)
	}
	slices.Sort(mine)
	slices.Sort(theirs)
	mine = slices.DeleteFunc(mine, inherited)
	theirs = slices.DeleteFunc(theirs, inherited)
	if slices.Equal(theirs, mine) {
		return ""
	}
	return cmp.Diff(theirs, mine)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("A { B { \"c\"; }; D \"e\" }; } #clear A; #include \"/x/\";"))
	f.Add([]byte("A[b c]\"d e\" %41;/*\"*/ x\n/* y\n*/z::::y \"\";"))
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f.Add([]byte(generate(r)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var c Config
		err := c.Parse("f", text, func(string) ([]File, error) { return []File{{"g", []byte(`I "1";`)}}, nil })
		lines := strings.Count(string(text), "\n") + 1
		for _, i := range c.Items() {
			if i.File == "f" && (i.Line < 1 || i.Line > lines) {
				t.Fatalf("%+v is outside of the file's %d lines", i, lines)
			}
			if !strings.HasSuffix(i.Name, "::") && !strings.Contains(i.Name, ":::") && i.Name != "" && !strings.HasPrefix(i.Name, "::") {
				if _, ok := c.Find(i.Name); !ok && !strings.Contains(i.Name, "::::") {
					t.Fatalf("%q is listed and not found", i.Name)
				}
			}
		}
		if err == nil {
			c.clear("A")
		}
	})
}
