package audit

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/audit/cover"
	"seawall/pkg/auditrule"
)

// TestCover: an image's rules on disk are judged, watches by what the image has.
func TestCover(t *testing.T) {
	f := Read(t.Context(), host(t, func(dir string, files map[string]string) {
		files["etc/audit/audit.rules"] = "-w /etc/sudoers -p wa -k scope\n-w /etc/sudoers.d/ -p wa\n-A always,exit -F arch=b64 -S mount\n-a never,exit -F arch=b64 -S mount\n"
		files["etc/sudoers"], files["etc/sudoers.d/x"] = "", ""
		files["etc/login.defs"] = "# UID_MIN 5\nUID_MIN\t500\n"
	}))
	scope := f.Cover.Themes["scope"]
	if !f.Cover.Known || !scope.Applies || scope.Text != "recorded" || len(scope.Rules) != 2 || scope.Rules[1].Line != 2 {
		t.Errorf("scope: %+v", scope)
	}
	// -A puts its rule before the others.
	if got := f.Cover.Themes["mounts"].DiskGaps; !slices.Equal(got, []string{"mount (32-bit)"}) {
		t.Errorf("mounts: %v", got)
	}
	if f.Cover.Themes["sudo-log"].Applies {
		t.Error("there is no log of sudo")
	}
	f = Read(t.Context(), host(t, func(_ string, files map[string]string) {
		delete(files, "etc/audit/audit.rules")
		files["etc/audit/audit.rules/x"] = ""
	}))
	if f.Cover.Known || f.Cover.Reason == "" {
		t.Errorf("a directory: %+v", f.Cover)
	}
}

func TestUIDMin(t *testing.T) {
	for text, want := range map[string]uint32{"": 1000, "UID_MIN 500\n": 500, "#UID_MIN 500\nUID_MIN\t2000 x\n": 2000, "UID_MIN many\n": 1000, "UID_MIN -1\n": 1000} {
		env := host(t, func(_ string, files map[string]string) { files["etc/login.defs"] = text })
		if got := (&reader{root: env.Root}).uidMin(); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestSudoLog(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"none":       {map[string]string{"etc/sudoers": "Defaults env_reset\n#Defaults logfile=/x\n"}, ""},
		"quoted":     {map[string]string{"etc/sudoers": "Defaults\tlogfile = \"/var/log/sudo.log\"\n"}, "/var/log/sudo.log"},
		"in a list":  {map[string]string{"etc/sudoers": "Defaults:ann use_pty, logfile=/a,!lecture\n"}, "/a"},
		"a drop-in":  {map[string]string{"etc/sudoers": "Defaults logfile=/a\n", "etc/sudoers.d/b": "Defaults logfile=/b\n", "etc/sudoers.d/c~": "Defaults logfile=/c\n", "etc/sudoers.d/d.x": "Defaults logfile=/d\n"}, "/b"},
		"no default": {map[string]string{"etc/sudoers": "ann ALL=(ALL) /bin/x logfile=/a\n"}, ""},
	} {
		env := host(t, func(_ string, files map[string]string) {
			for n, text := range tt.files {
				files[n] = text
			}
		})
		if got, err := (&reader{root: env.Root}).sudoLog(); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
		}
	}
	// What cannot be read may name another.
	env := host(t, func(dir string, files map[string]string) {
		files["etc/sudoers"] = "Defaults logfile=/a\n"
		if err := os.MkdirAll(filepath.Join(dir, "etc/sudoers.d/b"), 0o700); err != nil {
			t.Fatal(err)
		}
	})
	if got, err := (&reader{root: env.Root}).sudoLog(); got != "/a" || err == nil {
		t.Errorf("beside a folder: %q, %v", got, err)
	}
}

func TestResolve(t *testing.T) {
	env := host(t, func(dir string, _ map[string]string) {
		link(t, "usr/bin", dir+"/bin")
		link(t, "/run", dir+"/var/run")
		link(t, "loop", dir+"/loop")
	})
	r := &reader{root: env.Root}
	for dir, want := range map[string]string{"/bin/": "/usr/bin", "/var/run/faillock": "/run/faillock", "/etc": "/etc", "/": "/", "/loop/x": "/loop/x"} {
		if got := r.resolve(dir); got != want {
			t.Errorf("%s: %s, want %s", dir, got, want)
		}
	}
}

func TestFiles(t *testing.T) {
	f := Read(t.Context(), host(t, func(dir string, files map[string]string) {
		files["etc/audit/auditd.conf"] = "log_file = /srv/audit/a.log\nspace_left = 75\nadmin_space_left = 50\n"
		files["srv/audit/a.log"], files["srv/audit/a.log.1"], files["srv/audit/other"] = "", "", ""
		files["usr/sbin/auditctl"], files["etc/group"] = "", "root:x:0:\n"
		files["etc/audit/rules.d/note.txt"] = ""
	}))
	var got []string
	for _, file := range f.Files {
		got = append(got, file.Kind+" "+file.Path)
		if file.Mode < 0 || file.Group != "root" {
			t.Errorf("%+v", file)
		}
	}
	want := []string{"log_dir /srv/audit", "log /srv/audit/a.log", "log /srv/audit/a.log.1", "config /etc/audit/audit.rules", "config /etc/audit/auditd.conf",
		"config /etc/audit/rules.d/50-identity.rules", "config /etc/audit/rules.d/audit.rules", "tool /usr/sbin/auditctl", "tool /usr/sbin/auditd"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || !f.FilesKnown {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestLoaded gives the benchmark's rules to the kernel: as it lists them they record
// the same. Rules of files and directories that this machine lacks are left out.
func TestLoaded(t *testing.T) {
	control := kernel(t)
	b, err := os.ReadFile("cover/testdata/cis.rules")
	if err != nil {
		t.Fatal(err)
	}
	loaded := 0
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		rule, err := auditrule.Parse(strings.TrimSpace(line))
		if err == nil {
			err = control.Add(rule)
		}
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EINVAL) {
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		loaded++
		t.Cleanup(func() {
			if err := control.Delete(rule); err != nil {
				t.Error(err)
			}
		})
	}
	rules, err := control.Rules()
	if err != nil {
		t.Fatal(err)
	}
	f := cover.Judge(cover.Host{UIDMin: 1000, Exists: func(string) bool { return false }}, cover.Rules{}, cover.Rules{Known: true, Rules: rules})
	for _, name := range []string{"time-change", "access", "permissions", "mounts", "delete", "user-emulation", "modules"} {
		if got := f.Themes[name]; got.Text != "recorded" || !got.Applies {
			t.Errorf("%s with %d rules loaded: %s", name, loaded, got.Text)
		}
	}
}

// TestManyRules: thousands of rules are judged in bounds.
func TestManyRules(t *testing.T) {
	f := Read(t.Context(), host(t, func(dir string, files map[string]string) {
		err := errors.Join(os.MkdirAll(dir+"/var/log/audit", 0o755))
		for i := range maxFiles + 5 {
			err = errors.Join(err, os.WriteFile(dir+"/var/log/audit/audit.log."+strings.Repeat("1", i%200+1)+string(rune('a'+i/200)), nil, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
		files["etc/audit/audit.rules"] = strings.Repeat("-w /etc/x -p wa\n", maxCovered+100) + "-a always,exit -F arch=b64 -S mount\n"
	}))
	if len(f.Cover.Themes["mounts"].DiskGaps) == 0 || f.FilesKnown || f.FilesReason == "" {
		t.Errorf("%v, %v %s", f.Cover.Themes["mounts"], f.FilesKnown, f.FilesReason)
	}
	if f.Cover.Known || f.Cover.Reason != "there are more rules than are looked at" {
		t.Errorf("%v, %q", f.Cover.Known, f.Cover.Reason)
	}
}
