package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs/image"
)

// now is when the tests look: day 20779 of shadow(5).
func now() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC) }

func debian() map[string]string {
	return map[string]string{
		"/etc/passwd":                          "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\neve:x:1002:1002:::\nwww-data:x:33:33:::\n",
		"/etc/group":                           "root:x:0:\ncrontab:x:105:\n",
		"/etc/shadow":                          "root:*:19000:0:99999:7:::\nann:$y$j9T$x$y:19000:0:99999:7:::\nbob:!$y$j9T$x$y:19000:0:99999:7:::\neve:$y$x:19000:0:99999:7::20000:\nwww-data:!:19000::::::\n",
		"/usr/sbin/cron":                       "",
		"/usr/lib/systemd/system/cron.service": "[Service]\n",
		"/usr/bin/run-parts":                   "", "/usr/bin/date": "", "/opt/tools/x.sh": "",
		"/etc/crontab":             "SHELL=/bin/sh\nPATH=/usr/local/bin:/usr/bin\n17 *	* * *	root	cd / && run-parts --report /etc/cron.hourly\n@weekly ann date\nnonsense\n",
		"/etc/cron.d/tools":        "5 * * * * root /bin/sh /opt/tools/x.sh --password=hunter2 >/dev/null\n",
		"/etc/cron.d/.placeholder": "", "/etc/cron.d/old.dpkg-old": "* * * * * root /y\n",
		"/etc/cron.hourly/job": "#!/bin/sh\n", "/etc/cron.hourly/data": "",
		"/var/spool/cron/crontabs/ann":         "@daily true\n",
		"/etc/cron.allow":                      "root\nann\n",
		"/usr/lib/systemd/system/n.timer":      "[Timer]\nOnCalendar=daily\nOnBootSec=5min\n",
		"/usr/lib/systemd/system/n.service":    "[Service]\nExecStartPre=-/bin/mkdir -p %t/x\nExecStart=@/opt/tools/x.sh x ; y\n",
		"/usr/lib/systemd/system/gone.service": "",
	}
}

// read reads a host with files beside those of a stock one.
func read(t testing.TB, files map[string]string, change func(path func(string) string) error) Facts {
	t.Helper()
	all := debian()
	maps.Copy(all, files)
	maps.DeleteFunc(all, func(_, text string) bool { return text == "gone" })
	root := image.Of(t, all)
	wants := root.Path("/etc/systemd/system/timers.target.wants")
	err := errors.Join(os.Chmod(root.Path("/"), 0o755), os.MkdirAll(wants, 0o755),
		os.Symlink("/usr/lib/systemd/system/n.timer", filepath.Join(wants, "n.timer")),
		os.Symlink("/usr/lib/systemd/system/none.timer", filepath.Join(wants, "none.timer")))
	for _, name := range []string{"/usr/bin/run-parts", "/usr/bin/date", "/opt/tools/x.sh", "/etc/cron.hourly/job"} {
		if _, gone := os.Stat(root.Path(name)); gone == nil {
			err = errors.Join(err, os.Chmod(root.Path(name), 0o755))
		}
	}
	if change != nil {
		err = errors.Join(err, change(root.Path))
	}
	if err != nil {
		t.Fatal(err)
	}
	return Read(t.Context(), fact.Env{Root: root, Now: now})
}

// said writes the jobs one a line.
func said(jobs []Job) string {
	var b strings.Builder
	for _, j := range jobs {
		fmt.Fprintf(&b, "%s:%d %s %s %v:", j.File, j.Line, j.User, j.UserState, j.Root)
		for _, p := range j.Programs {
			b.WriteString(" " + p.Path)
			if !p.Found {
				b.WriteByte('?')
			}
			if len(p.Weak) > 0 {
				b.WriteString(" (" + strings.Join(p.Weak, ", ") + ")")
			}
			if p.Relative != "" {
				b.WriteString(" [" + p.Relative + "]")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestStock(t *testing.T) {
	f := read(t, nil, nil)
	want := `/etc/crontab:3 root ok true: /usr/bin/run-parts /etc/cron.hourly?
/etc/crontab:4 ann ok false: /usr/bin/date
/etc/cron.d/tools:1 root ok true: /bin/sh? /opt/tools/x.sh
/etc/cron.hourly/job:0 root ok true: /etc/cron.hourly/job
/var/spool/cron/crontabs/ann:1 ann ok false:
`
	want = strings.Replace(want, "/etc/cron.hourly?", "/etc/cron.hourly", 1)
	if diff := cmp.Diff(want, said(f.Jobs)); diff != "" {
		t.Error(diff)
	}
	if j := f.Jobs[2]; strings.Contains(j.Text, "hunter2") || !strings.Contains(j.Text, "/opt/tools/x.sh") || j.When != "5 * * * *" {
		t.Errorf("%+v", j)
	}
	if !f.JobsKnown || !f.TimersKnown || !f.Cron.Installed.Yes || f.At.Installed.Yes || !f.At.Installed.Known || f.Cron.Service.Unit != "cron.service" {
		t.Errorf("%+v", f)
	}
	if len(f.Broken) != 1 || f.Broken[0].Line != 5 || f.Broken[0].File != "/etc/crontab" || len(f.Ignored) != 0 {
		t.Errorf("broken %+v, ignored %+v", f.Broken, f.Ignored)
	}
	if a := f.Access; len(a) != 4 || !a[0].Present || !slices.Equal(a[0].Users, []string{"root", "ann"}) || a[1].Present || a[2].Present {
		t.Errorf("access %+v", a)
	}
	if len(f.Timers) != 1 {
		t.Fatalf("timers %+v", f.Timers)
	}
	n := f.Timers[0]
	if n.Job != "n.service" || !n.Root || n.User != "root" || !slices.Equal(n.When, []string{"OnCalendar=daily", "OnBootSec=5min"}) || len(n.Programs) != 2 || n.Programs[0].Path != "/opt/tools/x.sh" {
		t.Errorf("timer %+v", n)
	}
	if _, err := json.Marshal(f); err != nil {
		t.Error(err)
	}
}

func TestPaths(t *testing.T) {
	f := read(t, nil, func(path func(string) string) error {
		return errors.Join(os.Chmod(path("/etc/crontab"), 0o600), os.Chown(path("/var/spool/cron/crontabs/ann"), 1000, 105),
			os.Chmod(path("/var/spool/cron/crontabs"), 0o730|os.ModeSticky), os.Symlink("/etc/none", path("/etc/cron.d/dangling")))
	})
	got := map[string]Path{}
	for _, p := range f.Paths {
		got[p.Path] = p
	}
	for _, want := range []Path{
		{Path: "/etc/crontab", Kind: PathCrontab, Mode: 0o600, Group: "root"},
		{Path: "/etc/cron.d", Kind: PathDir, Mode: 0o755, Group: "root"},
		{Path: "/etc/cron.hourly/data", Kind: PathScript, Mode: 0o644, Group: "root"},
		{Path: "/var/spool/cron/crontabs", Kind: PathSpool, Mode: 0o1730, Group: "root"},
		{Path: "/var/spool/cron/crontabs/ann", Kind: PathUser, User: "ann", UserUID: 1000, Mode: 0o644, UID: 1000, GID: 105, Group: "crontab"},
		{Path: "/etc/cron.allow", Kind: PathAccess, Mode: 0o644, Group: "root"},
	} {
		if got[want.Path] != want {
			t.Errorf("got  %+v\nwant %+v", got[want.Path], want)
		}
	}
	if p := got["/etc/cron.d/dangling"]; p.Mode != -1 || p.Error == "" {
		t.Errorf("dangling: %+v", p)
	}
}

func TestWeakPrograms(t *testing.T) {
	f := read(t, map[string]string{"/etc/cron.d/date": "PATH=.:/srv/bin:/usr/bin\n* * * * * root date\n"}, func(path func(string) string) error {
		return errors.Join(os.Chown(path("/opt/tools"), 1000, 0), os.Chmod(path("/opt/tools/x.sh"), 0o777))
	})
	got := said(f.Jobs)
	for _, want := range []string{"/opt/tools/x.sh (/opt/tools is owned by user 1000, /opt/tools/x.sh can be written by everybody)",
		`/usr/bin/date [PATH has ".", which is wherever the job is]`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
	if weak := f.Timers[0].Programs[0].Weak; len(weak) != 2 {
		t.Errorf("timer %+v", f.Timers[0])
	}
}

func TestUserStates(t *testing.T) {
	f := read(t, map[string]string{"/etc/cron.d/u": "* * * * * ann x\n* * * * * bob x\n* * * * * eve x\n* * * * * www-data x\n* * * * * nobody x\n"}, nil)
	want := map[string]string{"ann": StateOK, "bob": StateLocked, "eve": StateExpired, "www-data": StateOK, "nobody": StateAbsent}
	for _, j := range f.Jobs {
		if j.File == "/etc/cron.d/u" && j.UserState != want[j.User] {
			t.Errorf("%s is %s", j.User, j.UserState)
		}
	}
	f = read(t, map[string]string{"/etc/shadow": "gone"}, nil)
	if f.Jobs[0].UserState != StateUnknown {
		t.Errorf("without shadow %+v", f.Jobs[0])
	}
}

func TestIgnored(t *testing.T) {
	f := read(t, map[string]string{"/etc/cron.d/a.sh": "* * * * * root /x\n", "/etc/cron.d/bobs": "", "/etc/cron.d/open": ""}, func(path func(string) string) error {
		return errors.Join(os.Chown(path("/etc/cron.d/bobs"), 1001, 0), os.Chmod(path("/etc/cron.d/open"), 0o666))
	})
	var got []string
	for _, i := range f.Ignored {
		got = append(got, i.File)
	}
	if !slices.Equal(got, []string{"/etc/cron.d/a.sh", "/etc/cron.d/bobs", "/etc/cron.d/open"}) || strings.Contains(said(f.Jobs), "a.sh:") {
		t.Errorf("ignored %q", got)
	}
	red := read(t, map[string]string{"/etc/cron.d/a.sh": "* * * * * root /x\n", "/usr/lib/systemd/system/cron.service": "gone", "/usr/lib/systemd/system/crond.service": ""}, nil)
	if len(red.Ignored) != 0 {
		t.Errorf("cronie reads names with a dot: %+v", red.Ignored)
	}
}

func TestTimerUsers(t *testing.T) {
	for service, want := range map[string]string{"User=ann": "ann false", "User=0": "0 false", "DynamicUser=yes": " false", "DynamicUser=no": "root true", "User=root": "root true"} {
		f := read(t, map[string]string{"/usr/lib/systemd/system/n.service": "[Service]\n" + service + "\n", "/usr/lib/systemd/system/n.timer": "[Timer]\nUnit=n.service\n"}, nil)
		if got := fmt.Sprint(f.Timers[0].User, " ", f.Timers[0].Root); got != want {
			t.Errorf("%s: %q, want %q", service, got, want)
		}
	}
}

// TestBounds: a list that is cut, or of which something could not be read, says so, and
// no other does. Each has one more than there may be, and is whole without.
func TestBounds(t *testing.T) {
	line := "@daily root true\n"
	programs := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	known := read(t, nil, nil)
	jobs := maxJobs - len(known.Jobs) - 1
	for name, tt := range map[string]struct {
		files func(more int) map[string]string
		want  string
	}{
		"jobs": {func(more int) map[string]string {
			return map[string]string{"/etc/cron.d/a": strings.Repeat(line, jobs), "/etc/cron.d/b": strings.Repeat(line, 1+more)}
		}, "jobs"},
		"a long line": {func(more int) map[string]string {
			return map[string]string{"/etc/cron.d/a": "@daily root /x #" + strings.Repeat("y", 4<<10-17+more) + "\n"}
		}, "broken jobs"},
		"words": {func(more int) map[string]string {
			return map[string]string{"/etc/cron.d/a": "@daily root /x" + strings.Repeat(" y", 499+more) + "\n"}
		}, "jobs"},
		"faults": {func(more int) map[string]string {
			return map[string]string{"/etc/cron.d/a": strings.Repeat("x\n", 1900), "/etc/cron.d/b": strings.Repeat("x\n", maxJobs-1900-len(known.Broken)+more)}
		}, "broken"},
		"programs": {func(more int) map[string]string {
			return map[string]string{"/etc/crontab": "", "/etc/cron.d/tools": "", "/etc/cron.hourly/job": "gone",
				"/etc/cron.d/a": programs("@daily root /p%d\n", maxLooked-1+more), "/usr/lib/systemd/system/n.service": "[Service]\nExecStart=/y\n"}
		}, "timers"},
		"programs of jobs": {func(more int) map[string]string {
			return map[string]string{"/etc/crontab": "", "/etc/cron.d/tools": "", "/etc/cron.hourly/job": "gone",
				"/etc/cron.d/a": programs("@daily root /p%d\n", maxLooked+more), "/usr/lib/systemd/system/n.service": "gone"}
		}, "jobs"},
		"words of a service": {func(more int) map[string]string {
			return map[string]string{"/usr/lib/systemd/system/n.service": "[Service]\nExecStart=/x" + strings.Repeat(" y", 499+more) + "\n"}
		}, "timers"},
		"timers": {func(more int) map[string]string {
			files := map[string]string{}
			for i := range maxTimers - 2 + more { // two are wanted as it is
				files[fmt.Sprintf("/etc/systemd/system/timers.target.wants/x%d.timer", i)] = "[Timer]\n"
			}
			return files
		}, "timers"},
		"files": {func(more int) map[string]string {
			files := map[string]string{}
			for i := range maxPaths - len(known.Paths) + more {
				files[fmt.Sprintf("/etc/cron.d/x%d", i)] = ""
			}
			return files
		}, "broken ignored jobs paths"},
		"users": {func(more int) map[string]string {
			return map[string]string{"/etc/at.deny": strings.Repeat("x\n", maxListed+more)}
		}, "access"},
		"accounts": {func(more int) map[string]string {
			return map[string]string{"/etc/passwd": strings.Repeat("x", 16<<20+more)}
		}, "jobs timers"},
	} {
		for more, want := range []string{"", tt.want} {
			f := read(t, tt.files(more), nil)
			got := strings.Join(slices.Sorted(maps.Keys(f.Meta.Partial)), " ")
			jobs, timers := strings.Contains(got, "jobs"), strings.Contains(got, "timers")
			if got != want || f.JobsKnown == jobs || f.TimersKnown == timers || jobs && f.JobsReason == "" || timers && f.TimersReason == "" {
				t.Errorf("%s, %d more: %q, want %q: %q, %q", name, more, f.Meta.Partial, want, f.JobsReason, f.TimersReason)
			}
		}
	}
}

// TestUnseen: what could not be looked at is no program that is not there.
func TestUnseen(t *testing.T) {
	f := read(t, map[string]string{"/etc/cron.d/a": "@daily root /opt/loop/x\n"}, func(path func(string) string) error {
		return os.Symlink("loop", path("/opt/loop"))
	})
	if f.JobsKnown || !strings.Contains(f.Meta.Partial["jobs"], "/opt/loop") || f.Meta.Partial["timers"] != "" {
		t.Errorf("%q", f.Meta.Partial)
	}
}

// TestTwoUsers: what one user may change another may not.
func TestTwoUsers(t *testing.T) {
	f := read(t, map[string]string{"/etc/cron.d/a": "@daily ann /opt/tools/x.sh\n@daily root /opt/tools/x.sh\n"}, func(path func(string) string) error {
		return os.Chown(path("/opt/tools/x.sh"), 1000, 0)
	})
	want := "/etc/cron.d/a:1 ann ok false: /opt/tools/x.sh\n/etc/cron.d/a:2 root ok true: /opt/tools/x.sh (/opt/tools/x.sh is owned by user 1000)\n"
	if got := said(f.Jobs); !strings.Contains(got, want) {
		t.Errorf("got %s", got)
	}
}

// TestHostile: what is in the place of files is told, and bounded.
func TestHostile(t *testing.T) {
	f := read(t, map[string]string{"/etc/crontab": "gone"}, func(path func(string) string) error {
		return errors.Join(unix.Mkfifo(path("/etc/crontab"), 0o644))
	})
	if f.JobsKnown || !strings.Contains(f.JobsReason, "FIFO") {
		t.Errorf("a FIFO: %v %s", f.JobsKnown, f.JobsReason)
	}
	many := strings.Repeat("@daily root /bin/x"+strings.Repeat("y", 20)+"\n", 3000)
	f = read(t, map[string]string{"/etc/cron.d/many": many, "/etc/cron.d/more": many}, nil)
	if f.JobsKnown || len(f.Jobs) > maxJobs || f.JobsReason == "" {
		t.Errorf("%d jobs, %v %s", len(f.Jobs), f.JobsKnown, f.JobsReason)
	}
	f = read(t, map[string]string{"/etc/crontab": strings.Repeat("x", 2<<20)}, nil)
	if f.JobsKnown || !strings.Contains(f.JobsReason, "larger") {
		t.Errorf("too large: %s", f.JobsReason)
	}
	if f = Read(t.Context(), fact.Env{Root: image.Of(t, nil), Now: now}); f.Meta.State != fact.StateKnown || len(f.Jobs)+len(f.Paths)+len(f.Timers) != 0 || f.Cron.Installed.Yes {
		t.Errorf("an empty host: %+v", f)
	}
}
