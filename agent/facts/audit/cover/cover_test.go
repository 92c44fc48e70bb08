package cover

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/auditrule"
)

// rules parses rules, one a line.
func rules(t testing.TB, text string) Rules {
	t.Helper()
	out := Rules{Known: true}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := auditrule.Parse(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out.Rules = append(out.Rules, r)
		out.Lines = append(out.Lines, Line{line, "audit.rules", number})
	}
	return out
}

// host has everything that themes ask for.
func host() Host {
	return Host{UIDMin: 1000, SudoLog: "/var/log/sudo.log", Exists: func(string) bool { return true },
		Resolve: func(dir string) string {
			for link, target := range map[string]string{"/var/run": "/run", "/sbin": "/usr/sbin"} {
				if rest, ok := strings.CutPrefix(strings.TrimRight(dir, "/"), link); ok {
					return target + rest
				}
			}
			return dir
		}}
}

// benchmark is the rules of CIS as people paste them.
func benchmark(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/cis.rules")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestBenchmark: the rules of the benchmark leave no gap in its themes.
func TestBenchmark(t *testing.T) {
	disk := rules(t, benchmark(t))
	f := Judge(host(), disk, disk)
	for name, theme := range f.Themes {
		if theme.Text != "recorded" || !theme.Applies || len(theme.Rules) == 0 {
			t.Errorf("%s: %s, by %d rules", name, theme.Text, len(theme.Rules))
		}
	}
	if f.Exec.All || !slices.Contains(f.Exec.Paths, "/usr/bin/su") || !slices.Contains(f.Exec.Paths, "/bin/su") || len(f.Off) != 0 {
		t.Errorf("exec %+v, off %v", f.Exec, f.Off)
	}
}

// TestOneRuleLess: without any one of its rules the benchmark has a gap somewhere.
func TestOneRuleLess(t *testing.T) {
	all := rules(t, benchmark(t))
	for i := range all.Rules {
		less := Rules{Known: true, Rules: slices.Delete(slices.Clone(all.Rules), i, i+1), Lines: slices.Delete(slices.Clone(all.Lines), i, i+1)}
		gaps := 0
		f := Judge(host(), less, Rules{})
		for _, theme := range f.Themes {
			gaps += len(theme.DiskGaps)
		}
		if gaps == 0 && slices.Contains(f.Exec.Paths, "/usr/bin/su") {
			t.Errorf("nothing is missing without %s", all.Lines[i].Text)
		}
	}
}

// TestSemantics: what counts is what is recorded, not how it is written.
func TestSemantics(t *testing.T) {
	for _, tt := range []struct{ theme, rules, want string }{
		{"time-change", "-a exit,always -F arch=b32 -S settimeofday -S adjtimex -S clock_settime\n-A always,exit -S all -F arch=b64\n-a always,exit -F perm=wa -F path=/etc/localtime", "recorded"},
		// Without an architecture the numbers are those of this machine's own.
		{"time-change", "-a always,exit -S settimeofday,adjtimex,clock_settime\n-w /etc/localtime -p wa", "not recorded: adjtimex (32-bit), settimeofday (32-bit), clock_settime (32-bit)"},
		{"time-change", "-a always,exit -F arch=b64 -S all", "not recorded: adjtimex (32-bit), settimeofday (32-bit), clock_settime (32-bit), write to /etc/localtime (32-bit), change of mode of /etc/localtime (32-bit)"},
		{"scope", "-a always,exit -F dir=/etc -F perm=wa -k etc", "recorded"},
		{"scope", "-a never,exit -F dir=/etc -F perm=w\n-w /etc/sudoers -p wa\n-a always,exit -F dir=/etc/sudoers.d -F perm=wa",
			"not recorded: write to /etc/sudoers, write to /etc/sudoers.d, write to /etc/sudoers (32-bit), write to /etc/sudoers.d (32-bit)"},
		{"session", "-w /var/run/utmp -p wa\n-w /var/log/wtmp -p wa\n-w /var/log/btmp -p wa", "recorded"},
		{"mounts", "-a always,exit -F arch=b32 -S mount\n-a always,exit -F arch=b64 -S mount -F auid>=500 -F auid!=-1", "recorded"},
		{"mounts", "-a always,exit -S mount -F auid=1000", "not recorded: mount, mount (32-bit)"},
		{"mounts", "-a always,exit -S mount -F auid>=1000 -F uid!=0", "not recorded: mount, mount (32-bit)"},
		{"user-emulation", "-a always,exit -F arch=b64 -S execve -F euid=0 -F auid>=1000\n-a always,exit -F arch=b32 -S execve -C euid!=uid", "recorded"},
		{"modules", "-a always,exit -F arch=b64 -S init_module,delete_module,finit_module -F auid>=1000\n-w /sbin/kmod -p x",
			"not recorded: start of /usr/bin/kmod, init_module (32-bit), finit_module (32-bit), delete_module (32-bit), start of /usr/bin/kmod (32-bit)"},
		{"usermod", "-w /sbin/usermod -p x", "recorded"},
		{"identity", "", "not recorded: write to /etc/passwd, change of mode of /etc/passwd, write to /etc/group, change of mode of /etc/group, write to /etc/shadow, change of mode of /etc/shadow and 26 more"},
		{"mounts", "-a always,exit -S all\n-a never,task", "not recorded: mount, mount (32-bit)"},
	} {
		r := rules(t, tt.rules)
		f := Judge(host(), r, r)
		if got := f.Themes[tt.theme].Text; got != tt.want {
			t.Errorf("%s by %q\n got %s\nwant %s", tt.theme, tt.rules, got, tt.want)
		}
	}
}

// TestBothPlaces: each place is judged by itself, and one that is not known says
// nothing.
func TestBothPlaces(t *testing.T) {
	mount, none := rules(t, "-a always,exit -F arch=b64 -S mount\n-a always,exit -F arch=b32 -S mount"), rules(t, "")
	for _, tt := range []struct {
		disk, loaded Rules
		want         string
	}{
		{mount, mount, "recorded"},
		{mount, Rules{}, "recorded"},
		{mount, none, "not recorded by the rules that are loaded: mount, mount (32-bit)"},
		{none, mount, "not recorded by the rules on disk: mount, mount (32-bit)"},
		{rules(t, "-a always,exit -F arch=b32 -S mount"), none, "not recorded by the rules on disk: mount; by those that are loaded: mount, mount (32-bit)"},
	} {
		if got := Judge(host(), tt.disk, tt.loaded).Themes["mounts"].Text; got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestExecAndOff(t *testing.T) {
	disk := rules(t, "-a always,exit -F path=/usr/bin/su -F perm=x\n-a always,exit -F dir=/opt -F perm=x\n-w /usr/bin/passwd -p x\n-w /etc/x -p wa\n-a never,task")
	loaded := rules(t, "-a always,exit -F path=/usr/bin/su -F perm=x\n-a always,exit -F dir=/opt/ -F perm=x\n-a always,exclude -F msgtype=1300")
	disk.Rules, disk.Lines = disk.Rules[:4], disk.Lines[:4]
	kept := Rules{Known: true, Rules: loaded.Rules[:2]}
	if diff := cmp.Diff(Exec{Paths: []string{"/usr/bin/su", "/bin/su"}, Dirs: []string{"/opt/"}}, Judge(host(), disk, kept).Exec); diff != "" {
		t.Error(diff)
	}
	if x := Judge(host(), rules(t, "-a always,exit -F arch=b64 -S execve\n-a always,exit -F arch=b32 -S execve -F auid!=unset"), Rules{}).Exec; !x.All {
		t.Errorf("%+v", x)
	}
	if x := Judge(host(), Rules{}, Rules{}).Exec; x.All || x.Paths != nil {
		t.Errorf("nothing is known: %+v", x)
	}
	off := Judge(host(), rules(t, "-a never,task"), loaded).Off
	if len(off) != 2 || off[0].File != "audit.rules" || off[1].File != "" || !strings.Contains(off[1].Text, "exclude") {
		t.Errorf("off: %+v", off)
	}
}

// TestNotApplicable: what the host does not have is no gap.
func TestNotApplicable(t *testing.T) {
	h := host()
	h.SudoLog, h.Exists, h.Resolve = "", func(string) bool { return false }, nil
	f := Judge(h, rules(t, ""), Rules{})
	for name, want := range map[string]string{"sudo-log": "sudo writes no log file of its own", "ssh": "there is no sshd", "identity": "the host has nothing of it"} {
		if got := f.Themes[name]; got.Applies || got.Absent != want || got.DiskGaps != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	h.SudoLog = "/var/log/sudo.log"
	if got := Judge(h, rules(t, ""), Rules{}).Themes["sudo-log"]; !got.Applies || len(got.DiskGaps) == 0 {
		t.Errorf("sudo has a log to write, and has not written it yet: %+v", got)
	}
	if got := f.Themes["modules"].DiskGaps; !f.Themes["modules"].Applies || !slices.Contains(got, "finit_module") {
		t.Errorf("system calls are always there: %v", got)
	}
}

func BenchmarkJudge(b *testing.B) {
	all := rules(b, benchmark(b))
	h := host()
	for b.Loop() {
		Judge(h, all, all)
	}
}
