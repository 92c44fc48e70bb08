package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

func TestVulnerability(t *testing.T) {
	for _, tt := range []struct {
		name, state           string
		guest, bad, elsewhere bool
	}{
		{"meltdown", "Not affected\n", false, false, false},
		{"spectre_v2", "Mitigation: Retpolines; STIBP: disabled\n", true, false, false},
		{"retbleed", "Vulnerable\n", true, true, false},
		{"mds", "Vulnerable: Clear CPU buffers attempted, no microcode; SMT Host state unknown\n", true, true, true},
		{"mds", "Vulnerable: Clear CPU buffers attempted, no microcode; SMT vulnerable\n", false, true, false},
		{"srbds", "Unknown: Dependent on hypervisor status\n", true, false, true},
		{"itlb_multihit", "KVM: Mitigation: VMX disabled\n", false, false, false},
		{"itlb_multihit", "KVM: Vulnerable\n", false, true, false},
		{"itlb_multihit", "Processor vulnerable\n", false, false, false},
		{"old_microcode", "Vulnerable\n", true, true, true},
		{"old_microcode", "Vulnerable\n", false, true, false},
	} {
		v := vulnerability(tt.name, "/sys/"+tt.name, tt.state, tt.guest)
		if v.Vulnerable != tt.bad || (v.Elsewhere != "") != tt.elsewhere || v.State != strings.TrimSpace(tt.state) {
			t.Errorf("%q: %+v", tt.state, v)
		}
	}
}

func TestVirtual(t *testing.T) {
	for name, tt := range map[string]struct {
		files      map[string]string
		known, yes bool
	}{
		"a guest":   {map[string]string{"proc/cpuinfo": "processor: 0\nflags\t\t: fpu vme hypervisor lahf_lm\n"}, true, true},
		"hardware":  {map[string]string{"proc/cpuinfo": "processor: 0\nflags\t\t: fpu vme\n" + strings.Repeat("x", 9000)}, true, false},
		"an arm":    {map[string]string{"proc/cpuinfo": "processor: 0\n", "sys/class/dmi/id/sys_vendor": "QEMU\n"}, true, true},
		"no maker":  {map[string]string{"proc/cpuinfo": "processor: 0\n"}, false, false},
		"a strange": {map[string]string{"proc/cpuinfo": "processor: 0\n", "sys/class/dmi/id/sys_vendor": "ACME\n"}, false, false},
		"nothing":   {nil, false, false},
	} {
		got := virtual(image.Of(t, tt.files))
		if got.Known != tt.known || got.Yes != tt.yes || got.Reason == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestModules(t *testing.T) {
	f := read(t, map[string]string{
		"etc/modprobe.d/a.conf":           "install cramfs /bin/false\nblacklist usb-storage\ninstall hfs /sbin/modprobe -i hfs\n",
		"lib/modules/6.1/modules.dep":     "kernel/fs/cramfs/cramfs.ko:\nkernel/fs/hfs/hfs.ko:\n",
		"lib/modules/6.1/modules.builtin": "kernel/fs/squashfs/squashfs.ko\n",
	})
	for name, want := range map[string]Module{
		"cramfs":      {Name: "cramfs", Available: true, FilesKnown: true, InstallNone: true, File: "/etc/modprobe.d/a.conf", Line: 1, Raw: "install cramfs /bin/false"},
		"usb_storage": {Name: "usb-storage", FilesKnown: true, Blacklisted: true, File: "/etc/modprobe.d/a.conf", Line: 2, Raw: "blacklist usb-storage"},
		"hfs":         {Name: "hfs", Available: true, FilesKnown: true, File: "/etc/modprobe.d/a.conf", Line: 3, Raw: "install hfs /sbin/modprobe -i hfs"},
		"squashfs":    {Name: "squashfs", FilesKnown: true, Builtin: true},
	} {
		if got := f.Modules[name]; got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	if f := read(t, nil); f.Modules["cramfs"].FilesKnown || f.Taint.Known || f.Taint.Reason == "" {
		t.Errorf("without a kernel: %+v", f.Modules["cramfs"])
	}
}

func TestMeaning(t *testing.T) {
	for flags, want := range map[string]string{"": "", "P": "", "OE": "built outside of the kernel, not signed", "F": "loaded by force", "C": ""} {
		if got := meaning(flags); got != want {
			t.Errorf("%s: %q", flags, got)
		}
	}
}

func TestCore(t *testing.T) {
	f := read(t, map[string]string{
		"etc/security/limits.conf":            "* soft core 0\n*  hard\tcore 5 # x\n",
		"etc/security/limits.d/10-a.conf":     "#* hard core unlimited\n@users hard core unlimited\n* - core 0\n",
		"etc/security/limits.d/20-b.notread":  "* hard core unlimited\n",
		"etc/systemd/coredump.conf":           "[Coredump]\nStorage=journal\nProcessSizeMax=1G\n",
		"etc/systemd/coredump.conf.d/50.conf": "[Coredump]\nStorage=none\n",
		"usr/lib/systemd/systemd-coredump":    "",
		"etc/sysctl.d/a.conf":                 "kernel.core_pattern=|/usr/lib/systemd/systemd-coredump %P\n",
	})
	c := f.Core
	if !c.LimitZero || c.Limit.File != "/etc/security/limits.d/10-a.conf" || c.Limit.Line != 3 || c.Limit.Raw != "* - core 0" {
		t.Errorf("%+v", c.Limit)
	}
	if c.Storage.Value != "none" || c.Storage.File != "/etc/systemd/coredump.conf.d/50.conf" || c.ProcessSizeMax.Value != "1G" || !c.Installed {
		t.Errorf("%+v", c)
	}
	if c.Handler != "/usr/lib/systemd/systemd-coredump" || !c.Absolute || !c.HandlerSafe.Known {
		t.Errorf("%+v", c)
	}
	if f := read(t, nil); f.Core.LimitZero || f.Core.Installed || f.Core.Storage.Value != "external" || f.Core.Handler != "" || len(f.Core.Problems) > 0 {
		t.Errorf("%+v", f.Core)
	}
	if f := read(t, map[string]string{"etc/security/limits.conf/x": "", "etc/systemd/coredump.conf/x": ""}); len(f.Core.Problems) != 2 {
		t.Errorf("directories: %q", f.Core.Problems)
	}
}

func TestHandler(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("files of root's")
	}
	root := image.Of(t, map[string]string{"usr/bin/dump": ""})
	for _, tt := range []struct {
		pattern  string
		mode     os.FileMode
		known    bool
		safe     bool
		absolute bool
	}{
		{"|/usr/bin/dump %p", 0o755, true, true, true}, {"|/usr/bin/dump", 0o757, true, false, true}, {"|/usr/bin/none", 0o755, true, true, true},
		{"core", 0o755, false, false, false}, {"/var/core.%p", 0o755, false, false, true}, {"|", 0o755, false, false, true},
	} {
		if err := os.Chmod(root.Path("/usr/bin/dump"), tt.mode); err != nil {
			t.Fatal(err)
		}
		for dir := root.Path("/usr/bin"); len(dir) >= len(root.Path("/")); dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		var c Core
		c.handler(Sysctl{Running: tt.pattern, RunningKnown: true, After: "core"}, root, false)
		if c.HandlerSafe.Known != tt.known || c.HandlerSafe.Yes != tt.safe || c.Absolute != tt.absolute {
			t.Errorf("%s %o: %+v", tt.pattern, tt.mode, c)
		}
	}
	var c Core
	if c.handler(Sysctl{After: "|/usr/bin/dump"}, root, true); c.HandlerSafe.Known || c.HandlerSafe.Reason == "" {
		t.Errorf("in a container: %+v", c)
	}
}

func FuzzCoreLimit(f *testing.F) {
	f.Add("* hard core 0\n# x\n*\t-  CORE unlimited#\n")
	f.Add("\x00* hard core\xff 0 0")
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := coreLimit("/f", []byte(s)); ok != got.Set || ok && (got.Line < 1 || got.Line > 1+strings.Count(s, "\n")) {
			t.Errorf("%+v", got)
		}
	})
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
	f := read(t, map[string]string{"etc/selinux/config": "# SELINUX= is\nSELINUX=enforcing\nSELINUXTYPE=targeted \n"})
	if s := f.SELinux; !s.Installed || s.Mode.Value != "enforcing" || s.Mode.Line != 2 || s.Policy.Value != "targeted" || s.Enforcing.Known {
		t.Errorf("%+v", s)
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

func TestApport(t *testing.T) {
	const program = "usr/share/apport/apport"
	for want, files := range map[string]map[string]string{
		"": {"etc/default/apport": "enabled=0\n"}, "1": {program: ""}, "0": {program: "", "etc/default/apport": "# x\nenabled=0\n"},
	} {
		if got := read(t, files).Apport; got.Value != want {
			t.Errorf("%v: %+v", files, got)
		}
	}
}

func TestForeignNet(t *testing.T) {
	if why := foreignNet(hostfs.Root{}); why != "" && os.Getpid() != 1 {
		if _, err := os.Stat("/proc/sys/net/core/dev_weight"); err == nil {
			t.Error(why)
		}
	}
	root := image.Of(t, map[string]string{"proc/self/ns/x": "", "proc/1/ns/x": ""})
	for name, target := range map[string]string{"self": "net:[1]", "1": "net:[2]"} {
		if err := os.Symlink(target, root.Path("/proc/"+name+"/ns/net")); err != nil {
			t.Fatal(err)
		}
	}
	if why := foreignNet(root); !strings.Contains(why, "a network of its own") {
		t.Errorf("%q", why)
	}
	if why := foreignNet(image.Of(t, map[string]string{"proc/sys/net/core/dev_weight": "64\n"})); why != "" {
		t.Errorf("%q", why)
	}
	if why := foreignNet(image.Of(t, nil)); !strings.Contains(why, "may have") {
		t.Errorf("%q", why)
	}
}
