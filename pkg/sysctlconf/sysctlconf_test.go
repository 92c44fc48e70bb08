package sysctlconf

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"net.ipv4.ip_forward": "net/ipv4/ip_forward", "net/ipv4/ip_forward": "net/ipv4/ip_forward",
		"/net//ipv4/./ip_forward/": "net/ipv4/ip_forward", "net.ipv4.conf.eth0/1.rp_filter": "net/ipv4/conf/eth0.1/rp_filter",
		"net/ipv4/conf/eth0.1/rp_filter": "net/ipv4/conf/eth0.1/rp_filter", "kernel": "kernel", "": "", ".": "",
	} {
		if got := Normalize(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	const file = "# comment\n; another\n\n  kernel.sysrq = 1  \n-net.ipv4.conf.*.rp_filter=2\r\n-net.ipv4.conf.all.rp_filter\n" +
		"no assignment\nkernel.core_pattern=|/bin/x a=b #c\n=1\nkernel/a.b=\x00last = 1"
	want := []Setting{
		{Key: "kernel/sysrq", Value: "1", Line: 4, Raw: "kernel.sysrq = 1"},
		{Key: "net/ipv4/conf/*/rp_filter", Value: "2", Line: 5, Raw: "-net.ipv4.conf.*.rp_filter=2"},
		{Key: "net/ipv4/conf/all/rp_filter", Except: true, Line: 6, Raw: "-net.ipv4.conf.all.rp_filter"},
		{Key: "kernel/core_pattern", Value: "|/bin/x a=b #c", Line: 8, Raw: "kernel.core_pattern=|/bin/x a=b #c"},
		{Key: "", Value: "1", Line: 9, Raw: "=1"},
		{Key: "kernel/a.b", Line: 10, Raw: "kernel/a.b="},
		{Key: "last", Value: "1", Line: 10, Raw: "last = 1"},
	}
	for i := range want {
		want[i].File = "/f"
	}
	if diff := cmp.Diff(want, Parse("/f", []byte(file))); diff != "" {
		t.Error(diff)
	}
}

// TestLookup has the rules by which one of several lines counts.
func TestLookup(t *testing.T) {
	root := image.Of(t, map[string]string{
		"etc/sysctl.d/50-a.conf":           "kernel.a = etc\nnet.x.*.f = 1\nnet.x.{all,d*}.g = 2\nnet.x.all.f = explicit\n",
		"usr/lib/sysctl.d/50-a.conf":       "kernel.a = hidden\nkernel.hidden = 1\n",
		"usr/lib/sysctl.d/60-b.conf":       "kernel.b = 1\nnet.x.[!l]*.f = 3\n-net.x.eth1.f\nnet.x.all.f=last\n",
		"run/sysctl.d/40-first.conf":       "kernel.b = first\n",
		"usr/local/lib/sysctl.d/99-z.conf": "kernel.z = 1\n",
		"etc/sysctl.d/.hidden.conf":        "kernel.z = hidden\n", "etc/sysctl.d/README": "kernel.z = readme\n",
		"etc/sysctl.conf": "kernel.z = nobody reads this\nkernel.c = 1\n", "lib/sysctl.d/70-empty.conf": "",
	})
	c := Load(root)
	for key, want := range map[string]string{
		"kernel.a": "etc@/etc/sysctl.d/50-a.conf:1", "kernel.b": "1@/usr/lib/sysctl.d/60-b.conf:1", "kernel/z": "1@/usr/local/lib/sysctl.d/99-z.conf:1",
		"kernel.hidden": "", "kernel.c": "", "net.x.all.f": "last@/usr/lib/sysctl.d/60-b.conf:4", "net.x.eth0.f": "3@/usr/lib/sysctl.d/60-b.conf:2",
		"net.x.lo.f": "1@/etc/sysctl.d/50-a.conf:2", "net.x.eth1.f": "", "net.x.default.g": "2@/etc/sysctl.d/50-a.conf:3", "net.x.lo.g": "",
	} {
		if got := shown(c, key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	var keys []string
	for _, s := range c.Explicit() {
		keys = append(keys, s.Key)
	}
	if diff := cmp.Diff([]string{"kernel/a", "kernel/b", "net/x/all/f", "kernel/z"}, keys); diff != "" {
		t.Error(diff)
	}
	c.Add(root, "/etc/sysctl.conf")
	c.Add(root, "/none")
	if got := shown(c, "kernel.z"); got != "nobody reads this@/etc/sysctl.conf:1" {
		t.Errorf("an added file: %s", got)
	}
	for _, keys := range [][]string{{"kernel.a", "kernel.c", "none"}, {"kernel.c", "kernel.a"}} {
		if got, ok := c.Last(keys...); !ok || got.Key != "kernel/c" {
			t.Errorf("the last of %v: %+v", keys, got)
		}
	}
	if len(c.Problems) > 0 || !slices.Contains(c.Depends, "/run/sysctl.d/") || !slices.Contains(c.Files, "/usr/lib/sysctl.d/60-b.conf") {
		t.Errorf("%q %q %q", c.Problems, c.Depends, c.Files)
	}
}

func shown(c *Config, key string) string {
	s, ok := c.Lookup(key)
	if !ok {
		return ""
	}
	return s.Value + "@" + s.File + ":" + string(rune('0'+s.Line))
}

func TestBraces(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "{a,b}": "a b", "x{a,b}y{c,d}": "xayc xayd xbyc xbyd", "{a,{b,c}}": "a b c", "{a": "{a", "{}": "{}", "a{}b{c,d}": "a{}bc a{}bd",
		"{,x}y": "y xy", "}{a}": "}a",
	} {
		if got := strings.Join(braces(in), " "); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
	if n := len(braces(strings.Repeat("{a,b}", 40))); n > maxBraces {
		t.Errorf("%d expansions", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"kernel.sysrq = 1\n", "-net.ipv4.conf.*.rp_filter=2\n-net.ipv4.conf.all.rp_filter\n", "a{b,{c,d}e}*[!x]=1\r\x00", "-\n-=\n=\n{{{,}=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := &Config{}
		c.add(Parse("/f", []byte(s)))
		for _, line := range c.settings {
			if line.Line < 1 || line.Line > 1+strings.Count(s, "\n") || Normalize(line.Key) != line.Key && !strings.Contains(line.Key, ".") {
				t.Errorf("%+v", line)
			}
			if got, ok := c.Lookup("/" + line.Key); ok && !pattern(line.Key) && got.Key != line.Key {
				t.Errorf("%q finds %q", line.Key, got.Key)
			}
		}
		c.Lookup("net.ipv4.conf.all.rp_filter")
		c.Explicit()
	})
}

// A file with more lines than are kept is a problem, not a shorter file.
func TestTooMany(t *testing.T) {
	for n, want := range map[int]int{maxSettings: 0, maxSettings + 5: 1} {
		dir := t.TempDir()
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "net.a%d = 1\n", i)
		}
		if err := os.WriteFile(filepath.Join(dir, "many.conf"), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		root, err := hostfs.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		var c Config
		if c.Add(root, "/many.conf"); len(c.Problems) != want {
			t.Errorf("%d lines: problems %q", n, c.Problems)
		}
	}
}
