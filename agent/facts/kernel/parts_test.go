package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		t.Fatal("a handler is safe where it is root's: run the tests as root")
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
