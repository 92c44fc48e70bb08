package mac

import (
	"os"
	"strings"
	"testing"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

// TestLive asks this machine's kernel.
func TestLive(t *testing.T) {
	f := Read(fact.Env{Root: hostfs.Root{}}, false)
	_, err := os.Stat("/sys/module/apparmor")
	if f.AppArmor.Enabled.Reason == "" || f.SELinux.Enforcing.Reason == "" || f.Active.Reason == "" || os.IsNotExist(err) && f.AppArmor.Enabled.Yes {
		t.Errorf("%+v", f)
	}
	if f := Read(fact.Env{Root: hostfs.Root{}}, true); f.Active.Known || !strings.Contains(f.Active.Reason, "container") {
		t.Errorf("in a container: %+v", f)
	}
	if len(Files()) == 0 {
		t.Error("depends on nothing")
	}
}

// TestMAC has kernels by what their file systems show.
func TestMAC(t *testing.T) {
	const aa, se = "sys/kernel/security/apparmor/profiles", "sys/fs/selinux/enforce"
	on := map[string]string{"sys/module/apparmor/parameters/enabled": "Y\n"}
	for name, tt := range map[string]struct {
		files map[string]string
		known bool
		yes   bool
		want  string
	}{
		"nothing":               {nil, true, false, "neither"},
		"enforced":              {map[string]string{aa: "a (enforce)\nb (complain)\n"}, true, true, "AppArmor enforces 1 profiles"},
		"no profile":            {map[string]string{aa: ""}, true, false, "enforces no profile"},
		"complaining":           {map[string]string{aa: "a (complain)\n"}, true, false, "enforces no profile"},
		"unread":                {map[string]string{aa + "/x": ""}, false, false, "not a regular file"},
		"SELinux":               {map[string]string{se: "1"}, true, true, "SELinux enforces"},
		"permissive":            {map[string]string{se: "0"}, true, false, "SELinux is permissive"},
		"permissive and unread": {map[string]string{se: "0", aa + "/x": ""}, false, false, ""},
	} {
		files := map[string]string{}
		for n, s := range tt.files {
			files[n] = s
			if strings.HasPrefix(n, aa) {
				for n, s := range on {
					files[n] = s
				}
			}
		}
		var a AppArmor
		var s SELinux
		root := image.Of(t, files)
		readSELinux(&s, root)
		readAppArmor(&a, root)
		if got := either(a, s); got.Known != tt.known || got.Yes != tt.yes || !strings.Contains(got.Reason, tt.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestSELinuxConfig(t *testing.T) {
	f := Read(fact.Env{Root: image.Of(t, map[string]string{"etc/selinux/config": "# SELINUX= is\nSELINUX=enforcing\nSELINUXTYPE=targeted \n"})}, false)
	if s := f.SELinux; !s.Installed || s.Mode.Value != "enforcing" || s.Mode.Line != 2 || s.Policy.Value != "targeted" || s.Enforcing.Known {
		t.Errorf("%+v", s)
	}
	if f.Active.Known || f.AppArmor.Enabled.Known || f.AppArmor.Reason == "" {
		t.Errorf("an image: %+v", f)
	}
	for name, files := range map[string]map[string]string{"none": nil, "a directory": {"etc/selinux/config/x": ""}} {
		s := Read(fact.Env{Root: image.Of(t, files)}, true).SELinux
		if s.Mode.Set || s.Installed != (files != nil) || (s.Reason != "") != (files != nil) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestFromList(t *testing.T) {
	for list, want := range map[string]fact.Tri{
		"lockdown,capability,apparmor,bpf": {Known: true, Yes: true, Reason: "/sys/kernel/security/lsm"},
		"capability,selinux\n":             {Known: true, Reason: "it is not in /sys/kernel/security/lsm"},
	} {
		if got := fromList(image.Of(t, map[string]string{"sys/kernel/security/lsm": list}), os.ErrPermission); got != want {
			t.Errorf("%s: %+v", list, got)
		}
	}
	if got := fromList(image.Of(t, nil), os.ErrPermission); got.Known || got.Reason == "" {
		t.Errorf("%+v", got)
	}
}

// TestProcesses finds a process that runs without its profile, in a /proc of files.
func TestProcesses(t *testing.T) {
	root := image.Of(t, map[string]string{"proc/1/attr/current": "unconfined\n", "proc/7/attr/current": "/bin/x (enforce)\n", "proc/8/attr/current": "unconfined\n",
		"proc/9/attr/current": "unconfined\n", "proc/self/x": ""})
	for pid, program := range map[string]string{"1": "/sbin/init", "7": "/bin/x", "8": "/bin/x (deleted)"} {
		if err := os.Symlink(program, root.Path("/proc/"+pid+"/exe")); err != nil {
			t.Fatal(err)
		}
	}
	var a AppArmor
	readProcesses(&a, root, func(program string) string { return map[string]string{"/bin/x": "the x"}[program] })
	if len(a.Unconfined) != 1 || a.Unconfined[0] != (Process{PID: 8, Program: "/bin/x", Profile: "the x"}) || !a.UnconfinedKnown {
		t.Errorf("%+v", a)
	}
	var none AppArmor
	if readProcesses(&none, image.Of(t, nil), nil); none.UnconfinedKnown || none.Reason == "" {
		t.Errorf("%+v", none)
	}
}
