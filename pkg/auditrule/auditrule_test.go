package auditrule

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func parse(t *testing.T, text string) Rule {
	t.Helper()
	r, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"-w /etc/nosuchfile -p wa -k identity":                                "-w /etc/nosuchfile -p wa -k identity",
		"-a always,exit -F arch=b64 -S adjtimex -S settimeofday -F key=time":  "-a always,exit -F arch=b64 -S adjtimex,settimeofday -F key=time",
		"-a always,exit -F arch=b64 -S openat -F exit=-EACCES -F auid>=1000":  "-a always,exit -F arch=b64 -S openat -F exit=-EACCES -F auid>=1000",
		"-a never,exclude -F msgtype=CWD":                                     "-a never,exclude -F msgtype=CWD",
		"-a always,exit -F path=/etc/nosuchfile -F perm=wa":                   "-w /etc/nosuchfile -p wa",
		"-a exit,always -F dir=/nosuchdir -F perm=x -F auid!=unset -k xx":     "-a always,exit -S all -F dir=/nosuchdir -F perm=x -F auid!=-1 -F key=xx",
		"-a always,exit -F arch=b64 -C uid!=euid -F euid=0 -S execve -k priv": "-a always,exit -F arch=b64 -S execve -C uid!=euid -F euid=0 -F key=priv",
	} {
		if got := parse(t, text).Text; got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "missing an operation",
		"-a always,exit -F nofield=1":  "invalid field",
		"-a always,exit -S 2048":       "no system call has number 2048",
		"-a always,exit -S nosuchcall": "unknown syscall",
		"-a sometimes,exit":            "invalid list type or action",
		"-D":                           "unknown rule type",
		"-w relative -p wa":            "absolute",
		"-w /etc 00 -p wa":             "neither an option",
		"-a always,exit -S open -- -k": "neither an option",
		`-w "/etc`:                     "parse audit rule",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := Parse("-a never,filesystem -F fstype=tracefs"); !errors.Is(err, ErrUnsupported) {
		t.Errorf("filesystem list: %v", err)
	}
}

func TestID(t *testing.T) {
	same := [][2]string{
		{"-w /etc/nosuch -p wa -k a", "-a always,exit -F path=/etc/nosuch -F perm=wa -F key=a"},
		{"-a always,exit -F arch=b64 -S execve -F uid=5 -k a", "-A exit,always -F arch=b64 -F uid=5 -S execve -F key=a"},
		{"-a always,exit -F arch=b64 -F path=/x -F perm=wa", "-a always,exit -F arch=b64 -S openat -F path=/x -F perm=wa"},
		{"-a always,exit -S open -S openat", "-a always,exit -S openat,open"},
	}
	for _, p := range same {
		if a, b := parse(t, p[0]).ID(), parse(t, p[1]).ID(); a != b {
			t.Errorf("%s\n%s\ndiffer:\n%s\n%s", p[0], p[1], a, b)
		}
	}
	differ := [][2]string{
		{"-w /etc/nosuch -p wa -k a", "-w /etc/nosuch -p wa -k b"},
		{"-w /etc/nosuch -p wa -k a", "-w /etc/nosuch -p w -k a"},
		{"-a always,exit -S open", "-a always,exit -S openat"},
		{"-a always,exit -S open", "-a never,exit -S open"},
		{"-a always,exit -S open -F uid=1", "-a always,exit -S open -F uid!=1"},
	}
	for _, p := range differ {
		if parse(t, p[0]).ID() == parse(t, p[1]).ID() {
			t.Errorf("%s\n%s\nare the same", p[0], p[1])
		}
	}
}

func TestKeys(t *testing.T) {
	r := parse(t, "-a always,exit -S open -F exe=/bin/seawall -k one -k two")
	if keys := r.Keys(); !slices.Equal(keys, []string{"one", "two"}) {
		t.Errorf("keys %q", keys)
	}
	if keys := parse(t, "-a always,exit -S open -F exe=/bin/seawall").Keys(); keys != nil {
		t.Errorf("keys %q of a rule without", keys)
	}
}

func TestWatch(t *testing.T) {
	file, err := WatchFile("/etc/a file", "seawall")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(file.Keys(), []string{"seawall"}) || file.Text != "-w /etc/a file -p wa -k seawall" {
		t.Errorf("%+v", file.Text)
	}
	dir, err := WatchDir("/etc/ssh", "seawall")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range dir {
		if !slices.Equal(r.Keys(), []string{"seawall"}) || !strings.Contains(r.Text, "-F dir=/etc/ssh -F perm=wa -F key=seawall") ||
			!strings.Contains(r.Text, "openat") || strings.Contains(r.Text, "-S all") {
			t.Errorf("%s", r.Text)
		}
	}
	if !slices.ContainsFunc(dir, func(r Rule) bool { return strings.Contains(r.Text, "arch=b64") }) {
		t.Error("no rule for 64-bit programs")
	}
	for _, name := range []string{"", "etc/ssh", "/etc/a\nb", "/etc/\x00", "/" + strings.Repeat("a", 5000)} {
		if _, err := WatchFile(name, "seawall"); err == nil {
			t.Errorf("WatchFile(%.20q) is a rule", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		again, err := FromWire(r.Wire)
		if err != nil || again.Text != r.Text || again.ID() != r.ID() {
			t.Errorf("%q came back as %q, %v", r.Text, again.Text, err)
		}
	})
}

func seeds() []string {
	return []string{
		"-w /etc/passwd -p wa -k identity", "-a always,exit -F arch=b32 -S chmod,fchmod -F auid>=1000 -F auid!=unset -k perm_mod",
		"-a never,user -F uid=0", "-a always,exit -S 64", "-a always,exit -F a0&=2", "-A exclude,never -F msgtype>=1300",
		"-a always,exit -F exit=-13", "-a task,never", "-a always,exit -F dir=/x -F perm=rwxa -F filetype=file",
	}
}

func FuzzFromWire(f *testing.F) {
	for _, s := range seeds() {
		if r, err := Parse(s); err == nil {
			f.Add(r.Wire)
		}
	}
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, err := FromWire(wire)
		if err == nil {
			_, _ = r.ID(), r.Keys()
		}
	})
}

func TestFuzzSeedsParse(t *testing.T) {
	for _, s := range seeds() {
		if _, err := Parse(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}
