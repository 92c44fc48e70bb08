package audit

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/auditrule"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
)

// host makes the captured tree, changed by change.
func host(t *testing.T, change func(dir string, files map[string]string)) fact.Env {
	t.Helper()
	a, err := txtar.ParseFile("testdata/debian.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	dir := t.TempDir()
	if change != nil {
		change(dir, files)
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: time.Now}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(target, name)); err != nil {
		t.Fatal(err)
	}
}

func TestImage(t *testing.T) {
	f := Read(t.Context(), host(t, nil))
	if f.Meta.State != fact.StateKnown || f.Kernel.Known || f.Kernel.Reason != imageReason || f.Active.Known {
		t.Errorf("an image answers for the kernel: %+v %+v", f.Kernel, f.Active)
	}
	if !f.Installed.Known || !f.Installed.Yes {
		t.Errorf("installed: %+v", f.Installed)
	}
	if !f.Conf.Known || f.Conf.Numbers["num_logs"] != 5 || f.Conf.Numbers["space_left"] != 75 {
		t.Errorf("conf: %+v", f.Conf)
	}
	want := fact.Text{Value: "rotate", Set: true, File: confPath, Line: 6, Raw: "max_log_file_action = ROTATE"}
	if diff := cmp.Diff(want, f.Conf.Settings["max_log_file_action"]); diff != "" {
		t.Error(diff)
	}
	if got := f.Conf.Settings["disk_full_action"]; got.Set || got.Value != "ignore" {
		t.Errorf("a default: %+v", got)
	}
	r := f.Rules
	if r.Known || r.LoadedKnown || !r.DiskKnown || len(r.Disk) != 4 || r.Disk[0].Line != 6 || r.Stale || !r.DiskImmutable {
		t.Errorf("rules: %+v", r)
	}
	if r.DiskBacklog != (fact.Text{Value: "8192", Set: true, File: rulesFile, Line: 3, Raw: "-b 8192"}) {
		t.Errorf("-b: %+v", r.DiskBacklog)
	}
	if f.Boot.NextKnown || !f.Boot.Defaults.AuditOn || f.Boot.RunningKnown {
		t.Errorf("boot: %+v", f.Boot)
	}
	for _, name := range []string{"/etc/audit/", "/etc/default/grub", "/etc/default/grub.d/", "/boot/grub/grub.cfg", "/boot/loader/entries/"} {
		if !slices.Contains(f.Meta.Depends, name) {
			t.Errorf("does not depend on %s", name)
		}
	}
	if _, err := json.Marshal(f); err != nil {
		t.Error(err)
	}
}

func TestNotInstalled(t *testing.T) {
	f := Read(t.Context(), host(t, func(_ string, files map[string]string) { clear(files) }))
	if !f.Installed.Known || f.Installed.Yes || !f.Enabled.Known || f.Enabled.Yes {
		t.Errorf("%+v %+v", f.Installed, f.Enabled)
	}
	if f.Conf.Known || !strings.Contains(f.Conf.Reason, "there is no") || !f.Rules.DiskKnown || len(f.Rules.Disk) != 0 {
		t.Errorf("%+v %+v", f.Conf, f.Rules)
	}
}

func TestEnabledOnDisk(t *testing.T) {
	const unitFile = "/lib/systemd/system/auditd.service"
	for name, tt := range map[string]struct {
		links map[string]string
		want  fact.Tri
	}{
		"not enabled": {nil, fact.Tri{Known: true, Reason: "no target wants auditd.service"}},
		"enabled": {
			map[string]string{"/etc/systemd/system/multi-user.target.wants/auditd.service": unitFile},
			fact.Tri{Known: true, Yes: true, Reason: "/etc/systemd/system/multi-user.target.wants/auditd.service"},
		},
		"masked": {
			map[string]string{
				"/etc/systemd/system/multi-user.target.wants/auditd.service": unitFile,
				"/etc/systemd/system/auditd.service":                         "/dev/null",
			},
			fact.Tri{Known: true, Reason: "auditd.service is masked"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := Read(t.Context(), host(t, func(dir string, _ map[string]string) {
				for name, target := range tt.links {
					link(t, target, dir+name)
				}
			}))
			if f.Enabled != tt.want {
				t.Errorf("%+v, want %+v", f.Enabled, tt.want)
			}
		})
	}
}

func TestConfRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(t *testing.T, dir string, files map[string]string)
		want   string
	}{
		"a bad line": {func(_ *testing.T, _ string, files map[string]string) {
			files["etc/audit/auditd.conf"] = "num_logs = 5\nmax_log_file=8\n"
		}, "line 2: wrong number of arguments"},
		"a link": {func(t *testing.T, dir string, files map[string]string) {
			delete(files, "etc/audit/auditd.conf")
			link(t, "/etc/other.conf", dir+"/etc/audit/auditd.conf")
		}, "symbolic link"},
		"a FIFO": {func(t *testing.T, dir string, files map[string]string) {
			delete(files, "etc/audit/auditd.conf")
			if err := errors.Join(os.MkdirAll(dir+"/etc/audit", 0o755), unix.Mkfifo(dir+"/etc/audit/auditd.conf", 0o640)); err != nil {
				t.Fatal(err)
			}
		}, "not a regular file but a FIFO"},
		"too large": {func(_ *testing.T, _ string, files map[string]string) {
			files["etc/audit/auditd.conf"] = strings.Repeat("#\n", 1<<20)
		}, "larger than the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			f := Read(t.Context(), host(t, func(dir string, files map[string]string) { tt.change(t, dir, files) }))
			if f.Conf.Known || !strings.Contains(f.Conf.Reason, tt.want) || len(f.Conf.Settings) != 0 {
				t.Errorf("%+v", f.Conf)
			}
		})
	}
}

func TestStaleRules(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(files map[string]string)
		want   string // "" is not stale
	}{
		"made": {func(map[string]string) {}, ""},
		"a rule was added": {func(files map[string]string) {
			files["etc/audit/rules.d/60.rules"] = "-w /x -p wa\n"
		}, `lacks "-w /x -p wa"`},
		"a rule was removed": {func(files map[string]string) {
			files["etc/audit/rules.d/50-identity.rules"] = "-e 2\n"
		}, "is not in"},
		"another order": {func(files map[string]string) {
			files["etc/audit/audit.rules"] = strings.Replace(files["etc/audit/audit.rules"], "-D\n", "", 1) + "-D\n"
		}, "order"},
		"no audit.rules": {func(files map[string]string) { delete(files, "etc/audit/audit.rules") }, "lacks"},
		"no rules.d": {func(files map[string]string) {
			delete(files, "etc/audit/rules.d/audit.rules")
			delete(files, "etc/audit/rules.d/50-identity.rules")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := Read(t.Context(), host(t, func(_ string, files map[string]string) { tt.change(files) })).Rules
			if r.Stale != (tt.want != "") || !strings.Contains(r.StaleReason, tt.want) {
				t.Errorf("stale %v: %s", r.Stale, r.StaleReason)
			}
		})
	}
}

// kernel locks this machine's audit system, as every test that changes it does.
func kernel(t *testing.T) *kaudit.Control {
	t.Helper()
	if err := kaudit.Support(); err != nil {
		t.Fatalf("needs kernel audit and root: %v", err)
	}
	fd, err := unix.Open("/tmp/seawall-audit.lock", unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Flock(fd, unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	control, err := kaudit.OpenControl()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { control.Close() })
	return control
}

// TestRulesLoadedAndOnDisk compares a captured tree with the real kernel.
func TestRulesLoadedAndOnDisk(t *testing.T) {
	control := kernel(t)
	load := func(r auditrule.Rule, err error) {
		t.Helper()
		if err == nil {
			err = control.Add(r)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := control.Delete(r); err != nil {
				t.Error(err)
			}
		})
	}
	load(auditrule.Parse("-a exit,always -F uid=5 -F arch=b64 -S adjtimex -F key=time"))
	load(auditrule.WatchFile("/etc/seawall-test-extra", "extra"))
	load(auditrule.WatchFile("/etc/seawall-test-own", auditrule.Key))

	env := host(t, nil)
	r := &reader{root: env.Root, live: true, open: kaudit.OpenControl}
	var k Kernel
	c := r.kernel(&k)
	if c == nil || !k.Known {
		t.Fatalf("kernel: %+v", k)
	}
	defer c.Close()
	got := r.rules(c, k)
	if !got.Known || got.Reason != "" || got.Immutable {
		t.Fatalf("%+v", got)
	}
	texts := func(rules []DiskRule) (out []string) {
		for _, d := range rules {
			out = append(out, d.Text)
		}
		return out
	}
	if diff := cmp.Diff([]string{"-w /etc/passwd -p wa -k identity"}, texts(got.Missing)); diff != "" {
		t.Errorf("missing: %s", diff)
	}
	if diff := cmp.Diff([]string{"-a always,exit -F nosuch=1"}, texts(got.Invalid)); diff != "" {
		t.Errorf("invalid: %s", diff)
	}
	if diff := cmp.Diff([]string{"-a never,filesystem -F fstype=tracefs"}, texts(got.Unchecked)); diff != "" {
		t.Errorf("unchecked: %s", diff)
	}
	if !slices.Contains(got.Extra, "-w /etc/seawall-test-extra -p wa -k extra") {
		t.Errorf("extra: %q", got.Extra)
	}
	for _, text := range slices.Concat(got.Extra, got.Loaded) {
		if strings.Contains(text, "seawall-test-own") {
			t.Errorf("our own rule is shown: %s", text)
		}
	}
}

// TestActiveWithoutSystemd runs auditd where D-Bus does not answer. A host that has
// an auditd already shows the same with its own.
func TestActiveWithoutSystemd(t *testing.T) {
	control := kernel(t)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	before := Read(t.Context(), fact.Env{Now: time.Now})
	if !before.Kernel.Known || before.Kernel.BacklogLimit == 0 || !before.Boot.RunningKnown {
		t.Errorf("kernel: %+v", before.Kernel)
	}
	if before.Enabled.Known || !strings.HasPrefix(before.Enabled.Reason, "no D-Bus") {
		t.Errorf("enabled: %+v", before.Enabled)
	}
	if own := before.Kernel.PIDComm == "auditd"; before.Active.Known != own || before.Active.Yes != own {
		t.Errorf("active before: %+v, %+v", before.Active, before.Kernel)
	} else if own {
		return
	}
	startAuditd(t, control)
	f := Read(t.Context(), fact.Env{Now: time.Now})
	if !f.Active.Known || !f.Active.Yes || f.Kernel.PIDComm != "auditd" {
		t.Errorf("active: %+v, %+v", f.Active, f.Kernel)
	}
}

// startAuditd starts a real auditd and waits until it is the kernel's; it ends with
// the test.
func startAuditd(t *testing.T, control *kaudit.Control) {
	t.Helper()
	dir := t.TempDir()
	conf := "log_file = " + dir + "/audit.log\nspace_left = 2\nadmin_space_left = 1\n"
	if err := os.WriteFile(dir+"/auditd.conf", []byte(conf), 0o640); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/sbin/auditd", "-n", "-s", "nochange", "-c", dir)
	if err := cmd.Start(); err != nil {
		t.Fatalf("needs auditd: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		// It ignores the signal until it has started up, and a second one cuts its
		// leaving short, so that it stays registered.
		again := time.NewTicker(time.Second)
		defer again.Stop()
		for range 10 {
			_ = cmd.Process.Signal(unix.SIGTERM)
			select {
			case <-done:
				return
			case <-again.C:
			}
		}
		_ = cmd.Process.Kill()
		<-done
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for tries := 0; ; tries++ {
		if s, err := control.Status(); err != nil {
			t.Fatal(err)
		} else if int(s.PID) == cmd.Process.Pid {
			return
		}
		if <-tick.C; tries == 500 {
			t.Fatal("auditd does not register")
		}
	}
}

// TestNoKernel holds that a kernel that cannot be asked is unknown with a reason.
func TestNoKernel(t *testing.T) {
	env := host(t, nil)
	r := &reader{root: env.Root, live: true, open: func() (*kaudit.Control, error) {
		return nil, errors.Join(kaudit.ErrUnsupported, unix.EPROTONOSUPPORT)
	}}
	var k Kernel
	if c := r.kernel(&k); c != nil || k.Known || !strings.Contains(k.Reason, "audit=0") {
		t.Errorf("%+v", k)
	}
	if rules := r.rules(nil, k); rules.Known || rules.LoadedKnown || rules.Reason != k.Reason || !rules.DiskKnown {
		t.Errorf("%+v", rules)
	}
}
