package lineconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs/image"
)

func samba() Dialect {
	return Dialect{Comment: "#;", Assign: "=", Fold: true, Sections: true, Blanks: true, Lower: true}
}

func squid() Dialect {
	return Dialect{Comment: "#", Inline: "#", Fold: true, Include: func(l Line) []string {
		if l.Key == "include" {
			return l.Args
		}
		return nil
	}}
}

// show is what was read, a line each.
func show(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%s:%d [%s] %q = %q %q\n", path.Base(l.File), l.Line, l.Section, l.Key, l.Value, l.Args)
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name    string
		dialect Dialect
		text    string
		want    string
	}{
		{"sections", samba(), "[Global]\n  Server  Min Protocol = NT1\r\n; no\n# no\n[ data ] x\npath = /srv/a \\\n  b\nguest ok\n",
			"f:2 [global] \"server min protocol\" = \"NT1\" [\"NT1\"]\nf:6 [data] \"path\" = \"/srv/a b\" [\"/srv/a\" \"b\"]\nf:8 [data] \"guest ok\" = \"\" []\n"},
		{"words", squid(), "acl a src 10.0.0.0/8 # note\nhttp_access deny all#x\nacl q \"/etc/a b\" 'c\" d'\n",
			"f:1 [] \"acl\" = \"a src 10.0.0.0/8\" [\"a\" \"src\" \"10.0.0.0/8\"]\nf:2 [] \"http_access\" = \"deny all#x\" [\"deny\" \"all#x\"]\n" +
				"f:3 [] \"acl\" = \"q \\\"/etc/a b\\\" 'c\\\" d'\" [\"q\" \"/etc/a b\" \"c\\\" d\"]\n"},
		{"assign", Dialect{Comment: "#", Assign: "=:"}, "a=b\nc : d = e\nf\n= g\n",
			"f:1 [] \"a\" = \"b\" [\"b\"]\nf:2 [] \"c\" = \"d = e\" [\"d\" \"=\" \"e\"]\nf:3 [] \"f\" = \"\" []\nf:4 [] \"\" = \"g\" [\"g\"]\n"},
		{"quoted comment", squid(), "a \"b # c\" # d\n", "f:1 [] \"a\" = \"\\\"b # c\\\"\" [\"b # c\"]\n"},
		{"comment is not joined", squid(), "# a \\\nb c\n", "f:2 [] \"b\" = \"c\" [\"c\"]\n"},
		{"escape", Dialect{}, `a "b\"c" d\e`, `f:1 [] "a" = "\"b\\\"c\" d\\e" ["b\"c" "d\\e"]` + "\n"},
	} {
		if diff := cmp.Diff(tt.want, show(Parse("f", []byte(tt.text), tt.dialect))); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

func TestLoad(t *testing.T) {
	root := image.Of(t, map[string]string{
		"/etc/squid/squid.conf":    "a 1\ninclude /etc/squid/conf.d/*.conf /etc/none\nz 1\n",
		"/etc/squid/conf.d/b.conf": "b 2\n", "/etc/squid/conf.d/a.conf": "b 1\ninclude /etc/squid/squid.conf\n", "/etc/squid/conf.d/x": "x",
	})
	c, err := Load(root, "/etc/squid/squid.conf", squid())
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, l := range c.Lines {
		keys = append(keys, l.Key+l.Arg(0))
	}
	if got, want := strings.Join(keys, " "), "a1 include/etc/squid/conf.d/*.conf b1 include/etc/squid/squid.conf b2 z1"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if l, ok := c.Last("b"); !ok || l.File != "/etc/squid/conf.d/b.conf" || l.Arg(5) != "" {
		t.Errorf("last b: %+v", l)
	}
	if l, ok := c.Last("none"); ok {
		t.Errorf("%+v", l)
	}
	if got := c.All("a", "z"); len(got) != 2 || got[1].Line != 3 {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"/etc/squid/squid.conf", "/etc/squid/conf.d/", "/etc/none"} {
		if !strings.Contains(strings.Join(c.Watch, "\n"), want) {
			t.Errorf("%s is not watched: %q", want, c.Watch)
		}
	}
}

func TestInherit(t *testing.T) {
	root := image.Of(t, map[string]string{"/a": "[x]\ninclude = /b\nc = 3\n", "/b": "b = 1\n[y]\nb = 2\n"})
	for inherit, want := range map[bool]string{true: "xinclude xb yb xc ", false: "xinclude b yb xc "} {
		d := samba()
		d.Inherit = inherit
		d.Include = func(l Line) []string {
			if l.Key == "include" {
				return l.Args
			}
			return nil
		}
		c, err := Load(root, "/a", d)
		got := ""
		for _, l := range c.Lines {
			got += l.Section + l.Key + " "
		}
		if err != nil || got != want {
			t.Errorf("%v: got %q, want %q, %v", inherit, got, want, err)
		}
	}
}

func TestSections(t *testing.T) {
	c := &Conf{Lines: Parse("f", []byte("a=1\n[x]\na=2\n[y]\na=3\n[x]\nb=4\n"), samba())}
	var got []string
	for _, s := range c.Sections() {
		got = append(got, fmt.Sprintf("%s:%d", s.Name, len(s.Lines)))
	}
	if strings.Join(got, " ") != ":1 x:2 y:1" {
		t.Errorf("%q", got)
	}
}

// TestHostile: what nobody wrote in good faith ends soon and says so.
func TestHostile(t *testing.T) {
	bomb := map[string]string{}
	for i := range 20 {
		bomb[fmt.Sprintf("/c%d", i)] = strings.Repeat(fmt.Sprintf("include /c%d\n", i+1), 2)
	}
	bomb["/lines"] = strings.Repeat("a\n", maxLines+1)
	bomb["/long"] = "a " + strings.Repeat("b ", 1<<18)
	bomb["/big"] = strings.Repeat("#", 1<<20+1)
	bomb["/wide"] = "include /wide.d/*\n"
	for i := range maxFiles + 1 {
		bomb[fmt.Sprintf("/wide.d/%d", i)] = ""
	}
	bomb["/pipe"] = "include /dir/fifo\na 1\n"
	bomb["/dir/x"] = ""
	root := image.Of(t, bomb)
	if err := unix.Mkfifo(root.Path("/dir/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"/c0": ErrLimit, "/lines": ErrLimit, "/wide": ErrLimit, "/none": fs.ErrNotExist} {
		if c, err := Load(root, name, squid()); !errors.Is(err, want) || c.Lines != nil || c.Watch[0] != name {
			t.Errorf("%s: %v, %d lines", name, err, len(c.Lines))
		}
	}
	if _, err := Load(root, "/big", squid()); err == nil {
		t.Error("a file beyond the limit is read")
	}
	if c, err := Load(root, "/pipe", squid()); err != nil || len(c.Lines) != 2 {
		t.Errorf("a FIFO: %v", err)
	}
	if c, err := Load(root, "/long", squid()); err != nil || len(c.Lines[0].Args) != maxWords {
		t.Errorf("a long line: %v", err)
	}
}

// FuzzParse: nothing panics, and a line's words are in its text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"[a]\nb c = \"d\" \\\n e # f\n", "include \"x", "\\", "=", "[", "a\x00b 'c\n", "; x\\\n\\\n"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, sections bool) {
		d := squid()
		if sections {
			d = samba()
		}
		lines := strings.Count(s, "\n") + 1
		for _, l := range Parse("f", []byte(s), d) {
			if l.Line < 1 || l.Line > lines || l.Raw == "" {
				t.Fatalf("%+v of %d lines", l, lines)
			}
			for _, a := range l.Args {
				if len(a) > len(l.Value) {
					t.Fatalf("%q is longer than %q", a, l.Value)
				}
			}
		}
	})
}
