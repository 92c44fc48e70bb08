package sudoers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

// brief is what was read, one line each.
func brief(c *Config) (out []string) {
	for _, r := range c.Rules {
		out = append(out, fmt.Sprintf("%s:%d %s %s%s", filepath.Base(r.File), r.Line, r.Users[0].Name, r.Command.Path, map[bool]string{true: "ALL"}[r.Command.All]))
	}
	for _, d := range c.Defaults {
		out = append(out, fmt.Sprintf("%s:%d %s%s%s", filepath.Base(d.File), d.Line, d.Name, d.Op, d.Value))
	}
	for _, e := range c.Errors {
		out = append(out, fmt.Sprintf("%s:%d error %s", filepath.Base(e.File), e.Line, e.Why))
	}
	return out
}

func TestIncludes(t *testing.T) {
	root := image.Of(t, map[string]string{
		"etc/sudoers": "Defaults env_reset\n@include more\n#include \"/etc/with space\"\n@includedir /etc/sudoers.d\n#includedir /etc/none\n" +
			"@include /etc/none\n@include /etc/%h\nroot ALL=ALL\n#include_this is a comment\n@include a b\n",
		"etc/more":             "ann ALL=/bin/a,\\\n /bin/b\nbob ALL=/bin/c\n",
		"etc/with space":       "Defaults !use_pty\n",
		"etc/sudoers.d/10-x":   "carl ALL=/bin/d\nno rule\n",
		"etc/sudoers.d/05-x":   "dora ALL=/bin/e\n",
		"etc/sudoers.d/x.save": "eve ALL=ALL\n",
		"etc/sudoers.d/x~":     "eve ALL=ALL\n",
		"etc/sudoers.d/dir/x":  "eve ALL=ALL\n",
	})
	c, err := Load(root, "/etc/sudoers")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"more:1 ann /bin/a", "more:1 ann /bin/b", "more:3 bob /bin/c", "05-x:1 dora /bin/e", "10-x:1 carl /bin/d", "sudoers:8 root ALL",
		"sudoers:1 env_reset", "with space:1 use_pty",
		`10-x:2 error "=" is missing after the hosts`, "sudoers:6 error openat2 /etc/none: no such file or directory",
		"sudoers:7 error /etc/%h depends on the host's name", "sudoers:10 error the name of what to include is not understood"}
	got := brief(c)
	for i, l := range got { // the message of the system is its own
		if strings.HasPrefix(l, "sudoers:6 error") {
			got[i] = want[9]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/etc/sudoers.d/x.save", "/etc/sudoers.d/x~"}, c.Ignored); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/etc/sudoers.d", "/etc/none"}, c.Dirs); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(c.Files) != 5 || c.Rules[0].Raw != "ann ALL=/bin/a,  /bin/b" {
		t.Errorf("files %q, %q", c.Files, c.Rules[0].Raw)
	}
}

func TestAliases(t *testing.T) {
	c := load(t, `User_Alias A = ann, !B, %g : B = bob, !carl
Cmnd_Alias X = /bin/x, !Y
Cmnd_Alias Y = /bin/y, Z
Cmnd_Alias LOOP = LOOP, /bin/l
A ALL = X, !X, LOOP
`)
	if len(c.Errors) != 0 {
		t.Fatalf("%+v", c.Errors)
	}
	got := fmt.Sprint(c.Members(UserAlias, c.Rules[0].Users))
	if want := "[{false 119 ann} {true 119 bob} {false 119 carl} {false 37 g}]"; got != want {
		t.Errorf("got %s", got)
	}
	var commands []string
	for _, r := range c.Rules[:2] {
		for _, x := range c.Commands(r.Command) {
			commands = append(commands, fmt.Sprint(x.Not, x.Path, x.Alias))
		}
	}
	if diff := cmp.Diff([]string{"false/bin/x", "true/bin/y", "trueZ", "true/bin/x", "false/bin/y", "falseZ"}, commands); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := len(c.Commands(c.Rules[2].Command)); n != maxNested+1 {
		t.Errorf("an alias in itself is %d commands", n)
	}
}

// TestTagsLast: what stands before a command holds until something else does, and
// not for the next hosts.
func TestTagsLast(t *testing.T) {
	c := load(t, "ann ALL = (bob) NOPASSWD: CWD=/x /bin/a, /bin/b, (carl) PASSWD: NOEXEC: /bin/c, /bin/d : web = /bin/e\nann ALL = () ALL, (:) ALL\n")
	var got []string
	for _, r := range c.Rules {
		got = append(got, fmt.Sprint(r.Command.Path, r.RunUsers, r.RunUsers == nil, r.Tags, r.Options))
	}
	want := []string{
		"/bin/a[{false 119 bob}] false map[NOPASSWD:true] map[]", "/bin/b[{false 119 bob}] false map[NOPASSWD:true] map[]",
		"/bin/c[{false 119 carl}] false map[NOEXEC:true PASSWD:true] map[]", "/bin/d[{false 119 carl}] false map[NOEXEC:true PASSWD:true] map[]",
		"/bin/e[] true map[] map[]", "[] false map[] map[]", "[] false map[] map[]",
	}
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], "map[CWD:/x]", "map[]")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHostile(t *testing.T) {
	for name, text := range map[string]string{
		"itself":  "@include /etc/sudoers\nann ALL=ALL\n",
		"long":    strings.Repeat("a", 1<<20) + "\n",
		"members": "ann" + strings.Repeat(",ann", 200_000) + " ALL = ALL\n",
		"lines":   strings.Repeat("x\n", 400_000),
		"rules":   "ann ALL = /a" + strings.Repeat(", /a", 300_000) + "\n" + strings.Repeat("ann ALL = ALL\n", 10),
		"joined":  strings.Repeat("\\\n", 100_000) + "ann ALL=ALL\n",
		"quotes":  "Defaults x=\"\n\"\"\"\n\\\"\n",
		"bytes":   "\xff\xfe\x00 ALL=(\x80) ALL\n",
	} {
		if c := load(t, text); name != "bytes" && name != "joined" && len(c.Errors) == 0 {
			t.Errorf("%s: no error", name)
		}
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "etc/sudoers.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "etc/sudoers"), []byte("@include /etc/fifo\n@include /etc/loop\n@includedir /etc/sudoers.d\n"), 0o600),
		unix.Mkfifo(filepath.Join(dir, "etc/fifo"), 0o600), os.Symlink("loop", filepath.Join(dir, "etc/loop")),
		unix.Mkfifo(filepath.Join(dir, "etc/sudoers.d/fifo"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(root, "/etc/sudoers")
	if err != nil || len(c.Errors) != 2 {
		t.Errorf("got %+v, %v", c.Errors, err)
	}
	if _, err := Load(root, "/etc/fifo"); err == nil {
		t.Error("a FIFO is read")
	}
}

// FuzzLine: whatever the line, reading it ends, and every rule has users, hosts and a
// command.
func FuzzLine(f *testing.F) {
	names, files := corpus(f)
	for i := 0; i < len(names); i += 10 {
		f.Add(files[names[i]])
	}
	f.Add("ann ALL=^a\\$")
	f.Add("Defaults:")
	f.Fuzz(func(t *testing.T, text string) {
		c := &Config{Aliases: map[AliasKey]Alias{}}
		l := &loader{Config: c, root: hostfs.Root{}}
		for rest, n := text, 0; rest != ""; {
			var raw string
			raw, n = logical(rest)
			rest = rest[consumed(rest, n):]
			p := &parser{scanner: scanner{text: raw}, config: l.Config}
			_ = p.line()
		}
		for _, r := range c.Rules {
			cmd := r.Command
			if len(r.Users) == 0 || len(r.Hosts) == 0 || !cmd.All && cmd.Alias == "" && cmd.Path == "" {
				t.Errorf("%q: %+v", text, r)
			}
			c.Members(UserAlias, r.Users)
			c.Commands(cmd)
		}
		for _, d := range c.Defaults {
			if d.Name == "" {
				t.Errorf("%q: %+v", text, d)
			}
		}
	})
}
