package logging

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

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs/image"
)

// now is when the tests look.
func now() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC) }

const debianRsyslog = `module(load="imuxsock")
$FileOwner root
$FileGroup adm
$FileCreateMode 0640
$Umask 0022
$IncludeConfig /etc/rsyslog.d/*.conf
*.*;auth,authpriv.none		-/var/log/syslog
auth,authpriv.*			/var/log/auth.log
*.emerg				:omusrmsg:*
`

// debian are the files of a stock host.
func debian() map[string]string {
	return map[string]string{
		"/usr/lib/systemd/systemd-journald":                "",
		"/usr/lib/systemd/system/systemd-journald.service": "[Service]\n",
		"/usr/lib/systemd/system/rsyslog.service":          "[Service]\n",
		"/usr/lib/systemd/system/logrotate.timer":          "[Timer]\nOnCalendar=daily\n",
		"/etc/systemd/journald.conf":                       "[Journal]\n#Storage=auto\n#Compress=yes\n#ForwardToSyslog=yes\n",
		"/var/log/journal/x.journal":                       "",
		"/usr/sbin/rsyslogd":                               "", "/usr/sbin/logrotate": "",
		"/etc/rsyslog.conf":        debianRsyslog,
		"/etc/logrotate.conf":      "weekly\nrotate 4\ninclude /etc/logrotate.d\n",
		"/etc/logrotate.d/rsyslog": "/var/log/syslog\n/var/log/auth.log\n{\n create 640 root adm\n}\n",
		"/etc/passwd":              "root:x:0:0::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\n",
		"/etc/group":               "root:x:0:\nadm:x:4:\n",
	}
}

// read reads a host with files beside, or in the place of, those of a stock one.
func read(t testing.TB, files map[string]string, change func(path func(string) string)) Facts {
	t.Helper()
	all := debian()
	maps.Copy(all, files)
	maps.DeleteFunc(all, func(_, text string) bool { return text == "gone" })
	root := image.Of(t, all)
	for _, unit := range []string{"rsyslog.service", "logrotate.timer"} {
		wants := root.Path("/etc/systemd/system/x.target.wants")
		if err := errors.Join(os.MkdirAll(wants, 0o755), os.Symlink("/usr/lib/systemd/system/"+unit, filepath.Join(wants, unit))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(root.Path("/var/log/journal/x.journal"), 0o640); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(root.Path)
	}
	return Read(t.Context(), fact.Env{Root: root, Now: now})
}

func TestStock(t *testing.T) {
	f := read(t, nil, nil)
	if f.Meta.State != fact.StateKnown || !f.Journald.Known || !f.Rsyslog.Known || !f.Logrotate.Known || !f.FilesKnown {
		t.Fatalf("%+v", f)
	}
	if !f.Journald.Persistent.Yes || f.Journald.Settings["forwardtosyslog"] != (fact.Text{Value: "yes"}) || f.Journald.Settings["systemmaxuse"].Set {
		t.Errorf("journald: %+v", f.Journald)
	}
	if r := f.Rsyslog; r.FileModeBits != 0o640 || r.FileMode.Line != 4 || r.Journal || len(r.Inputs) != 0 || len(r.Forwards) != 0 || len(r.Outputs) != 2 || !r.Service.Enabled.Yes {
		t.Errorf("rsyslog: %+v", r)
	}
	want := Output{Selector: "auth,authpriv.*", Path: "/var/log/auth.log", File: rsyslogConf, Line: 8, Raw: "auth,authpriv.*\t\t\t/var/log/auth.log"}
	if f.Rsyslog.Outputs[1] != want {
		t.Errorf("output: %+v", f.Rsyslog.Outputs[1])
	}
	if l := f.Logrotate; !l.Scheduled.Yes || len(l.Rules) != 1 || l.Rules[0].CreateBits != 0o640 || l.Rules[0].Period != "weekly" || l.RunAgeDays != -1 || l.RunReason == "" {
		t.Errorf("logrotate: %+v", l)
	}
	if f.Seen != 3 || len(f.Files) != 0 {
		t.Errorf("%d files: %+v", f.Seen, f.Files)
	}
	for _, name := range []string{"/etc/rsyslog.conf", "/etc/rsyslog.d/", "/etc/logrotate.d/", "/etc/systemd/journald.conf.d/", "/var/log/journal"} {
		if !slices.Contains(f.Meta.Depends, name) {
			t.Errorf("does not depend on %s", name)
		}
	}
	if _, err := json.Marshal(f); err != nil {
		t.Error(err)
	}
}

func TestPersistent(t *testing.T) {
	for conf, want := range map[string]string{
		"Storage=persistent": "yes: Storage=persistent", "Storage=Volatile": "no: Storage=volatile", "Storage=none": "no: Storage=none",
		"Storage=": "yes: Storage=auto, and there is /var/log/journal",
	} {
		p := read(t, map[string]string{"/etc/systemd/journald.conf.d/x.conf": "[Journal]\n" + conf + "\n"}, nil).Journald.Persistent
		if got := map[bool]string{true: "yes", false: "no"}[p.Yes] + ": " + p.Reason; got != want || !p.Known {
			t.Errorf("%s: %s, want %s", conf, got, want)
		}
	}
	p := read(t, nil, func(path func(string) string) {
		if err := os.RemoveAll(path("/var/log/journal")); err != nil {
			t.Fatal(err)
		}
	}).Journald.Persistent
	if !p.Known || p.Yes || !strings.Contains(p.Reason, "there is no") {
		t.Errorf("no directory: %+v", p)
	}
	if j := read(t, map[string]string{"/etc/systemd/journald.conf": "gone", "/etc/systemd/journald.conf/x": ""}, nil).Journald; j.Known || j.Reason == "" || j.Persistent.Known {
		t.Errorf("broken: %+v", j)
	}
}

func TestFileMode(t *testing.T) {
	for name, tt := range map[string]struct {
		conf, unit string
		want       string
		line       int
	}{
		"default":                  {"*.* /a\n", "", "0644", 0},
		"for what follows":         {"*.* /a\n$FileCreateMode 0600\n*.* /b\n", "", "0644", 0},
		"the widest":               {"$FileCreateMode 0600\n*.* /a\nauth.* action(type=\"omfile\" file=\"/b\" fileCreateMode=\"0666\")\n", "", "0644", 3},
		"the module's":             {"module(load=\"builtin:omfile\" fileCreateMode=\"0660\")\n$FileCreateMode 0600\n*.* action(type=\"omfile\" file=\"/b\")\n", "", "0640", 1},
		"no umask":                 {"$Umask 0000\n$FileCreateMode 0666\n*.* /a\n", "", "0666", 2},
		"the unit's umask":         {"*.* /a\n", "[Service]\nUMask=0066\n", "0600", 0},
		"global umask":             {"global(umask=\"0077\")\n*.* /a\n", "", "0600", 0},
		"nothing written":          {"$FileCreateMode 0604\n*.* @@loghost\n", "", "0604", 1},
		"devices are no log files": {"$FileCreateMode 0640\nmail.* /dev/console\n$FileCreateMode 0600\n", "", "0600", 3},
		"reset":                    {"$FileCreateMode 0600\n$ResetConfigVariables\n*.* /a\n", "", "0644", 0},
		"refused":                  {"$FileCreateMode 9\n*.* /a\n", "", "0644", 0},
	} {
		r := read(t, map[string]string{"/etc/rsyslog.conf": tt.conf, "/usr/lib/systemd/system/rsyslog.service": tt.unit + "\n"}, nil).Rsyslog
		if r.FileMode.Value != tt.want || r.FileMode.Line != tt.line {
			t.Errorf("%s: %s at %d, want %s at %d", name, r.FileMode.Value, r.FileMode.Line, tt.want, tt.line)
		}
	}
}

func TestInputsAndForwards(t *testing.T) {
	const conf = `module(load="imtcp" StreamDriver.Mode="1")
module(load="imjournal")
input(type="imtcp" port="6514")
input(type="imudp" address="127.0.0.1" port="514")
input(type="imptcp" path="/run/x")
$UDPServerAddress ::1
$UDPServerRun 10514
$UDPServerAddress 0.0.0.0
$UDPServerRun 514
$InputRELPServerRun 20514
$ActionSendStreamDriverMode 1
*.* @@(o)[2001:db8::1]:10514;Format
$ActionSendStreamDriverMode 0
*.* @loghost
& :omrelp:relay:2514
*.* action(type="omfwd" target="localhost" port="5140" protocol="TCP" queue.filename="q")
*.* action(type="omrelp" target="r" port="1" tls="on")
*.* action(type="omhttp" server="user:secret9@h" serverport="80")
`
	r := read(t, map[string]string{"/etc/rsyslog.conf": conf}, nil).Rsyslog
	var got []string
	flag := func(name string, yes bool) string { return map[bool]string{true: " " + name}[yes] }
	for _, i := range r.Inputs {
		got = append(got, i.Module+" "+i.Port+flag("local", i.Local)+flag("tls", i.TLS))
	}
	for _, o := range r.Forwards {
		got = append(got, o.Kind+" "+o.Target+" "+o.Port+flag("local", o.Local)+flag("tls", o.TLS)+flag("queue", o.Queue))
	}
	want := []string{"imtcp 6514 tls", "imudp 514 local", "imudp 10514 local", "imudp 514", "imrelp 20514",
		"tcp 2001:db8::1 10514 tls", "udp loghost ", "relp relay 2514", "tcp localhost 5140 local queue", "relp r 1 tls", "omhttp user:***@h 80"}
	for i, w := range want {
		if i >= len(got) || got[i] != w && !strings.HasPrefix(w, "omhttp") {
			t.Errorf("%d: got %q, want %q", i, got, w)
			break
		}
	}
	if !r.Journal {
		t.Error("imjournal reads the journal")
	}
}

func TestRsyslogUnknown(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"made at start": {"/etc/rsyslog.conf": "include(text=`x`)\n"},
		"a loop":        {"/etc/rsyslog.conf": "$IncludeConfig /etc/rsyslog.conf\n"},
		"no file":       {"/etc/rsyslog.conf": "gone"},
	} {
		if r := read(t, files, nil).Rsyslog; r.Known || r.Reason == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := read(t, map[string]string{"/usr/sbin/rsyslogd": "gone"}, nil).Rsyslog; r.Known || r.Installed.Yes || r.Reason != "rsyslog is not installed" {
		t.Errorf("%+v", r)
	}
}

func TestFiles(t *testing.T) {
	files := map[string]string{"/var/log/auth.log": "", "/var/log/app.log": "", "/var/log/wtmp": "", "/var/log/sub/x.log": "", "/var/log/ann.log": "", "/var/log/dpkg.log": ""}
	f := read(t, files, func(path func(string) string) {
		for name, mode := range map[string]os.FileMode{"auth.log": 0o644, "app.log": 0o666, "wtmp": 0o664, "sub": 0o777, "sub/x.log": 0o640, "ann.log": 0o600, "dpkg.log": 0o640} {
			if err := os.Chmod(path("/var/log/"+name), mode); err != nil {
				t.Fatal(err)
			}
		}
		err := errors.Join(os.Chown(path("/var/log/ann.log"), 1000, 1000), unix.Mkfifo(path("/var/log/fifo"), 0o666),
			os.Symlink("/etc", path("/var/log/link")), os.Symlink("loop", path("/var/log/loop")))
		if err != nil {
			t.Fatal(err)
		}
	})
	var got []string
	for _, file := range f.Files {
		got = append(got, file.Path+" "+file.Kind)
		if file.OtherWrites != slices.Contains([]string{"/var/log/app.log", "/var/log/sub"}, file.Path) || file.Foreign != (file.Path == "/var/log/ann.log") {
			t.Errorf("%+v", file)
		}
	}
	if want := []string{"/var/log/ann.log other", "/var/log/app.log other", "/var/log/auth.log auth", "/var/log/sub directory"}; !slices.Equal(got, want) || !f.FilesKnown {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestManyFiles: what is too much is counted or told, and nothing is read.
func TestManyFiles(t *testing.T) {
	f := read(t, nil, func(path func(string) string) {
		deep := path("/var/log")
		for range maxDeep + 3 {
			deep = filepath.Join(deep, "d")
		}
		err := os.MkdirAll(deep, 0o755)
		for i := range maxKept + 5 {
			name := path("/var/log/" + strings.Repeat("x", i%200+1) + ".log" + string(rune('a'+i/200)))
			err = errors.Join(err, os.WriteFile(name, nil, 0o600), os.Chmod(name, 0o666))
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if f.FilesKnown || !strings.Contains(f.FilesReason, "too deep") || len(f.Files) != maxKept || f.MoreFiles == 0 {
		t.Errorf("%v %q, %d listed, %d more", f.FilesKnown, f.FilesReason, len(f.Files), f.MoreFiles)
	}
	if p := f.Meta.Partial; p["files"] == "" || p["logrotate.uncovered"] != f.FilesReason {
		t.Errorf("%q", p)
	}
}

// TestBounds: a list that is cut says so, and no other does.
func TestBounds(t *testing.T) {
	for line, list := range map[string]string{"$UDPServerRun 514": "rsyslog.inputs", "*.* @log.example": "rsyslog.forwards", "*.* /var/log/x": "rsyslog.outputs"} {
		for more, want := range []string{"", list} {
			f := read(t, map[string]string{"/etc/rsyslog.conf": strings.Repeat(line+"\n", maxListed+more)}, nil)
			s := f.Rsyslog
			if got := slices.Sorted(maps.Keys(f.Meta.Partial)); strings.Join(got, " ") != want || len(s.Inputs)+len(s.Forwards)+len(s.Outputs) != maxListed {
				t.Errorf("%s, %d more: %q", line, more, got)
			}
		}
	}
	for more, want := range []string{"", "rsyslog.file_mode_bits"} {
		f := read(t, map[string]string{"/usr/lib/systemd/system/rsyslog.service": strings.Repeat("\n", 256<<10+more)}, nil)
		if got := slices.Sorted(maps.Keys(f.Meta.Partial)); strings.Join(got, " ") != want {
			t.Errorf("a unit, %d more: %q", more, f.Meta.Partial)
		}
	}
	for more := range 2 {
		f := read(t, nil, func(path func(string) string) {
			err := os.MkdirAll(path("/var/log/x"), 0o755)
			for i := range maxKept + more {
				name := path(fmt.Sprintf("/var/log/x/%03d.log", i))
				err = errors.Join(err, os.WriteFile(name, nil, 0o600), os.Chmod(name, 0o666))
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		if p := f.Meta.Partial; f.MoreFiles != more || (p["files"] != "") != (more > 0) || p["logrotate.uncovered"] != "" || !f.FilesKnown {
			t.Errorf("%d files, %d more, %q", len(f.Files), f.MoreFiles, p)
		}
	}
}

func TestLogrotate(t *testing.T) {
	f := read(t, map[string]string{"/var/lib/logrotate/status": "logrotate state -- version 2\n"}, func(path func(string) string) {
		at := now().AddDate(0, 0, -9)
		err := os.Chtimes(path("/var/lib/logrotate/status"), at, at)
		for name, size := range map[string]int64{"big.log": largeFile, "small.log": 1000, "syslog": largeFile, "old.log.1": largeFile, "old-20261101": largeFile,
			"a.journal": largeFile, "x.gz": largeFile, "lastlog": largeFile, "stale.log": largeFile} {
			name := path("/var/log/" + name)
			err = errors.Join(err, os.WriteFile(name, nil, 0o640), os.Truncate(name, size), os.Chtimes(name, now(), now()))
		}
		long := now().AddDate(0, -3, 0)
		if err := errors.Join(err, os.Chtimes(path("/var/log/stale.log"), long, long)); err != nil {
			t.Fatal(err)
		}
	}).Logrotate
	if f.RunAgeDays != 9 || f.LastRun != "2026-11-13" || len(f.Uncovered) != 1 || f.Uncovered[0].Path != "/var/log/big.log" {
		t.Errorf("%+v", f)
	}
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"not there":      {map[string]string{"/usr/sbin/logrotate": "gone"}, "logrotate is not installed"},
		"a broken file":  {map[string]string{"/etc/logrotate.conf": "include /etc/none\n"}, "no such file"},
		"no file at all": {map[string]string{"/etc/logrotate.conf": "gone"}, "no such file"},
	} {
		if l := read(t, tt.files, nil).Logrotate; l.Known || !strings.Contains(l.Reason, tt.want) {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

func TestScheduled(t *testing.T) {
	none := map[string]string{"/usr/lib/systemd/system/logrotate.timer": "gone"}
	for name, tt := range map[string]struct {
		files map[string]string
		mode  os.FileMode
		want  string
	}{
		"cron":           {map[string]string{rotateJob: "#!/bin/sh\n"}, 0o755, rotateJob},
		"not executable": {map[string]string{rotateJob: "#!/bin/sh\n"}, 0o644, rotateJob + " is not executable"},
		"nothing":        {nil, 0, "there is neither logrotate.timer nor " + rotateJob},
	} {
		files := maps.Clone(none)
		maps.Copy(files, tt.files)
		s := read(t, files, func(path func(string) string) {
			if tt.mode != 0 {
				if err := os.Chmod(path(rotateJob), tt.mode); err != nil {
					t.Fatal(err)
				}
			}
		}).Logrotate.Scheduled
		if !s.Known || s.Reason != tt.want || s.Yes != (name == "cron") {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestThisMachine: the running system is read without an error.
func TestThisMachine(t *testing.T) {
	f := Read(t.Context(), fact.Env{Now: time.Now})
	if f.Meta.State != fact.StateKnown || f.Seen == 0 || !f.Journald.Known {
		t.Errorf("%+v", f)
	}
}
