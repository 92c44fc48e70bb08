package checks

import (
	"slices"

	"seawall/agent/facts"
	"seawall/agent/facts/boot"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/kernel"
	"seawall/agent/facts/mac"
)

// goodKernel fills in the kernel and the boot loader.
func goodKernel(f *facts.Facts, known fact.Meta) {
	settings, mods := f.Kernel.Sysctl, f.Kernel.Modules
	f.Kernel = kernel.Facts{Meta: known, Release: "6.1.0-37-amd64", Virtual: fact.Tri{Known: true, Yes: true}, Sysctl: settings, Modules: mods,
		Config: kernel.SysctlConfig{Known: true, DriftKnown: true, Compared: 20}, Taint: kernel.Taint{Known: true},
		CPU: kernel.CPU{Known: true, Vulnerabilities: []kernel.Vulnerability{
			{Name: "spectre_v2", State: "Mitigation: Retpolines", File: "/sys/devices/system/cpu/vulnerabilities/spectre_v2"}}},
		Core: kernel.Core{Limit: fact.Text{Value: "0", Set: true, File: "/etc/security/limits.conf", Line: 3, Raw: "* hard core 0"}, LimitZero: true,
			Installed: true, Storage: fact.Text{Value: "none"}, ProcessSizeMax: fact.Text{Value: "0"}, Handler: "/usr/lib/systemd/systemd-coredump",
			HandlerSafe: fact.Tri{Known: true, Yes: true}, Absolute: true},
		MAC: mac.Facts{Active: fact.Tri{Known: true, Yes: true, Reason: "AppArmor enforces 1 profiles"}, AppArmor: mac.AppArmor{Enabled: fact.Tri{Known: true, Yes: true}, ProfilesKnown: true, UnconfinedKnown: true,
			Profiles: []mac.Profile{{Name: "/usr/bin/man", Mode: "enforce"}}}, SELinux: mac.SELinux{Installed: true, Enabled: fact.Tri{Known: true, Yes: true}, Enforcing: fact.Tri{Known: true, Yes: true},
			Mode:   fact.Text{Value: "enforcing", Set: true, File: "/etc/selinux/config", Line: 6, Raw: "SELINUX=enforcing"},
			Policy: fact.Text{Value: "targeted", Set: true, File: "/etc/selinux/config", Line: 9, Raw: "SELINUXTYPE=targeted"}}},
		Prelink: fact.Tri{Known: true}, Apport: fact.Text{Value: "0", Set: true, File: "/etc/default/apport", Line: 4, Raw: "enabled=0"},
	}
	if f.Kernel.Sysctl == nil {
		f.Kernel.Sysctl = map[string]kernel.Sysctl{}
	}
	if f.Kernel.Modules == nil {
		f.Kernel.Modules = map[string]kernel.Module{}
	}
	for _, k := range kernel.Keys() {
		if _, set := f.Kernel.Sysctl[k]; !set {
			f.Kernel.Sysctl[k] = sysctl(k, "0", "0")
		}
	}
	for k, v := range map[string]string{"kernel.randomize_va_space": "2", "kernel.yama.ptrace_scope": "1", "kernel.kptr_restrict": "1",
		"kernel.dmesg_restrict": "1", "kernel.unprivileged_bpf_disabled": "2", "net.core.bpf_jit_harden": "2", "kernel.io_uring_disabled": "2",
		"kernel.perf_event_paranoid": "3", "kernel.kexec_load_disabled": "1", "kernel.sysrq": "438", "fs.protected_hardlinks": "1",
		"fs.protected_symlinks": "1", "fs.protected_fifos": "1", "fs.protected_regular": "2", "vm.mmap_min_addr": "65536", "kernel.panic": "-1",
		"kernel.core_pattern": "|/usr/lib/systemd/systemd-coredump %P", "user.max_user_namespaces": "30000"} {
		f.Kernel.Sysctl[k] = sysctl(k, v, v)
	}
	for _, m := range []string{"cramfs", "freevxfs", "hfs", "hfsplus", "jffs2", "squashfs", "udf", "usb_storage", "firewire_core"} {
		f.Kernel.Modules[m] = kernel.Module{Name: m, LoadedKnown: true, FilesKnown: true, Available: true, InstallNone: true,
			File: "/etc/modprobe.d/a.conf", Line: 2, Raw: "install " + m + " /bin/false"}
	}
	f.Boot = goodBoot(known)
}

func goodBoot(known fact.Meta) boot.Facts {
	entry := boot.Entry{Title: "Debian GNU/Linux", File: "/boot/grub/grub.cfg", Line: 90, Raw: "linux /vmlinuz audit=1"}
	running := boot.Entry{Title: "this boot", Running: true, File: "/proc/cmdline"}
	asks := fact.Tri{Known: true, Yes: true, Reason: "it runs sulogin"}
	return boot.Facts{Meta: known, Entries: []boot.Entry{running, entry}, RunningKnown: true, NextKnown: true,
		Defaults: fact.Text{Value: "audit=1", Set: true, File: "/etc/default/grub", Line: 9, Raw: `GRUB_CMDLINE_LINUX="audit=1"`},
		Grub: boot.Grub{Installed: true, Known: true, Superusers: []string{"root"}, Password: true, Entries: 3, File: "/boot/grub/grub.cfg", Line: 60,
			Raw: `set superusers="root"`},
		Files: []boot.File{{Path: "/boot", Kind: "directory", Mode: 0o755}, {Path: "/boot/vmlinuz-6.1", Kind: "kernel", Mode: 0o644},
			{Path: "/boot/grub/grub.cfg", Kind: "config", Mode: 0o600, Secret: true}},
		FilesKnown: true, DebugShell: fact.Tri{Known: true, Reason: "nothing starts it"},
		CtrlAltDel: fact.Tri{Known: true, Reason: "/etc/systemd/system/ctrl-alt-del.target"},
		Rescue:     []boot.Rescue{{Unit: "rescue.service", Asks: asks, File: "/lib/systemd/system/rescue.service", Line: 20}},
		EFI:        fact.Tri{Known: true, Yes: true}, SecureBoot: fact.Tri{Known: true, Yes: true},
	}
}

// sysctl is a setting as the reader gives it; "" is not known.
func sysctl(key, running, after string) kernel.Sysctl {
	s := kernel.Sysctl{Name: key, Present: true, Running: running, RunningKnown: running != "", After: after, AfterKnown: after != "",
		Next: after, Set: after != "", File: "/etc/sysctl.d/a.conf", Line: 1, Raw: key + " = " + after, Text: running + " now, " + after + " next"}
	if running == after {
		s.Text = running
	}
	for _, v := range []string{running, after} {
		if v != "" {
			s.Values = append(s.Values, v)
		} else {
			s.Unknown = "not read"
		}
	}
	return s
}

// setting changes one setting of sysctl.
func setting(key, running, after string) func(*facts.Facts) {
	return func(f *facts.Facts) { f.Kernel.Sysctl[key] = sysctl(key, running, after) }
}

func inContainer(f *facts.Facts) { f.Kernel.Container = true }

func kernelCases() []testCase {
	return slices.Concat(sysctlCases(), moduleCases(), systemCases(), macCases(), loaderCases())
}

func sysctlCases() []testCase {
	var cases []testCase
	for id, k := range map[string][3]string{
		"kernel-aslr":                {"kernel.randomize_va_space", "1", "2"},
		"kernel-ptrace-scope":        {"kernel.yama.ptrace_scope", "0", "2"},
		"kernel-kptr-restrict":       {"kernel.kptr_restrict", "0", "2"},
		"kernel-dmesg-restrict":      {"kernel.dmesg_restrict", "0", "1"},
		"kernel-unprivileged-bpf":    {"kernel.unprivileged_bpf_disabled", "0", "1"},
		"kernel-bpf-jit-harden":      {"net.core.bpf_jit_harden", "0", "1"},
		"kernel-userfaultfd":         {"vm.unprivileged_userfaultfd", "1", "0"},
		"kernel-io-uring":            {"kernel.io_uring_disabled", "0", "1"},
		"kernel-perf-event-paranoid": {"kernel.perf_event_paranoid", "1", "4"},
		"kernel-kexec":               {"kernel.kexec_load_disabled", "0", "1"},
		"kernel-sysrq":               {"kernel.sysrq", "1", "0"},
		"kernel-protected-hardlinks": {"fs.protected_hardlinks", "0", "1"},
		"kernel-protected-symlinks":  {"fs.protected_symlinks", "0", "1"},
		"kernel-protected-fifos":     {"fs.protected_fifos", "0", "2"},
		"kernel-protected-regular":   {"fs.protected_regular", "0", "1"},
		"kernel-suid-dumpable":       {"fs.suid_dumpable", "1", "2"},
		"kernel-setuid-no-dump":      {"fs.suid_dumpable", "2", "0"},
		"kernel-mmap-min-addr":       {"vm.mmap_min_addr", "4096", "32768"},
		"kernel-ldisc-autoload":      {"dev.tty.ldisc_autoload", "1", "0"},
		"kernel-legacy-tiocsti":      {"dev.tty.legacy_tiocsti", "1", "0"},
		"kernel-panic-reboot":        {"kernel.panic", "0", "30"},
	} {
		key, bad, good := k[0], k[1], k[2]
		cases = append(cases,
			testCase{id, setting(key, bad, good), "fail "},
			testCase{id, setting(key, good, bad), key + " = " + good + " now, " + bad + " next @/etc/sysctl.d/a.conf:1"},
			testCase{id, setting(key, "", bad), "fail "}, // one that is wrong decides
			testCase{id, setting(key, good, ""), "unknown: not read"},
			testCase{id, setting(key, good, good), "pass: " + key + " = " + good},
			testCase{id, func(f *facts.Facts) { f.Kernel.Sysctl[key] = kernel.Sysctl{Name: key} }, "not_applicable: this kernel "},
			testCase{id, inContainer, "not_applicable: the kernel is that of the container's host"})
	}
	for v, want := range map[string]string{"16": "pass", "176": "pass", "8": "fail", "64": "fail", "502": "fail low", "438": "pass"} {
		cases = append(cases, testCase{"kernel-sysrq", setting("kernel.sysrq", v, v), want})
	}
	drift := kernel.Assignment{Key: "vm.swappiness", Value: "10", Running: "60", File: "/etc/sysctl.d/b.conf", Line: 4}
	return append(cases,
		testCase{"kernel-suid-dumpable", all(setting("fs.suid_dumpable", "2", "2"), func(f *facts.Facts) { f.Kernel.Core.Absolute = false }), "fail medium"},
		testCase{"kernel-suid-dumpable", setting("fs.suid_dumpable", "2", "2"), "pass"},
		testCase{"kernel-user-namespaces", setting("kernel.unprivileged_userns_clone", "1", "1"),
			"fail low: kernel.unprivileged_userns_clone = 1; user.max_user_namespaces = 30000"},
		testCase{"kernel-user-namespaces", all(setting("kernel.unprivileged_userns_clone", "1", "1"), setting("user.max_user_namespaces", "0", "0")), "pass"},
		testCase{"kernel-user-namespaces", setting("kernel.unprivileged_userns_clone", "0", "1"), "fail low"},
		testCase{"kernel-user-namespaces", all(setting("kernel.unprivileged_userns_clone", "1", "1"),
			setting("kernel.apparmor_restrict_unprivileged_userns", "1", "1")), "pass"},
		testCase{"kernel-user-namespaces", setting("user.max_user_namespaces", "", "0"), "unknown"},
		testCase{"kernel-sysctl-drift", func(f *facts.Facts) { f.Kernel.Config.Drift = []kernel.Assignment{drift} },
			"vm.swappiness fail low: 60, configured is 10 @/etc/sysctl.d/b.conf:4"},
		testCase{"kernel-sysctl-drift", func(f *facts.Facts) { f.Kernel.Config.DriftKnown = false }, "unknown: the kernel of an image"},
		testCase{"kernel-sysctl-drift", nothing, "pass: 20 settings are as configured"},
		testCase{"kernel-sysctl-conf", func(f *facts.Facts) { f.Kernel.Config.Unread = []kernel.Assignment{drift} }, "vm.swappiness fail medium: vm.swappiness = 10 stands in"},
		testCase{"kernel-sysctl-conf", func(f *facts.Facts) { f.Kernel.Config.Known, f.Kernel.Config.Problems = false, []string{"a directory"} }, "unknown: a directory"},
	)
}

func nothing(*facts.Facts) {}

func moduleCases() []testCase {
	var cases []testCase
	for _, name := range []string{"cramfs", "freevxfs", "hfs", "hfsplus", "jffs2", "squashfs", "udf", "usb_storage", "firewire_core"} {
		id := map[string]string{"usb_storage": "usb-storage", "firewire_core": "firewire-core"}[name]
		if id == "" {
			id = name
		}
		id = "kernel-module-" + id
		change := func(change func(*kernel.Module)) func(*facts.Facts) {
			return func(f *facts.Facts) {
				m := f.Kernel.Modules[name]
				change(&m)
				f.Kernel.Modules[name] = m
			}
		}
		cases = append(cases,
			testCase{id, change(func(m *kernel.Module) { m.Loaded = true }), "fail low: loaded @/etc/modprobe.d/a.conf:2"},
			testCase{id, change(func(m *kernel.Module) { m.InstallNone, m.File = false, "" }), "fail low: can be loaded"},
			testCase{id, change(func(m *kernel.Module) { m.InstallNone, m.Blacklisted = false, true }), "fail low: not loaded by itself"},
			testCase{id, change(func(m *kernel.Module) { m.InstallNone, m.Available = false, false }), "pass: no installed kernel has it"},
			testCase{id, change(func(m *kernel.Module) { m.InstallNone, m.FilesKnown = false, false }), "unknown: not known whether a kernel has"},
			testCase{id, change(func(m *kernel.Module) { m.FilesKnown = false }), "pass: cannot be loaded"},
			testCase{id, change(func(m *kernel.Module) { m.InstallNone, m.LoadedKnown = false, false }), "unknown: not known whether the module is loaded"},
			testCase{id, change(func(m *kernel.Module) { m.Builtin = true }), "not_applicable: it is part of the kernel"},
			testCase{id, inContainer, "not_applicable"})
	}
	return cases
}

func systemCases() []testCase {
	cpu := func(v kernel.Vulnerability) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Kernel.CPU.Vulnerabilities = append(f.Kernel.CPU.Vulnerabilities, v) }
	}
	core := func(change func(*kernel.Core)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Kernel.Core) }
	}
	foreign := func(flags string) func(*facts.Facts) {
		return func(f *facts.Facts) {
			f.Kernel.Taint.Foreign = []kernel.Foreign{{Name: "zfs", Flags: flags, Why: "built outside"}}
		}
	}
	return []testCase{
		{"kernel-module-origin", foreign("OE"), "zfs fail low: zfs (OE): built outside @/proc/modules:0"},
		{"kernel-module-origin", foreign("F"), "zfs fail medium"},
		{"kernel-module-origin", func(f *facts.Facts) { f.Kernel.Taint = kernel.Taint{Reason: "an image"} }, "unknown: an image"},
		{"kernel-module-origin", inContainer, "not_applicable"},
		{"kernel-faults", func(f *facts.Facts) {
			f.Kernel.Taint.Value, f.Kernel.Taint.Faults = 128, []string{"the kernel has oopsed"}
		},
			"fail medium: the kernel has oopsed @/proc/sys/kernel/tainted"},
		{"kernel-cpu-vulnerabilities", cpu(kernel.Vulnerability{Name: "meltdown", State: "Vulnerable", Vulnerable: true, File: "/sys/m"}),
			"meltdown fail medium: Vulnerable @/sys/m:0"},
		{"kernel-cpu-vulnerabilities", cpu(kernel.Vulnerability{Name: "mds", State: "Vulnerable: no microcode", Vulnerable: true, Elsewhere: "the provider's"}),
			"mds unknown: the provider's"},
		{"kernel-cpu-vulnerabilities", func(f *facts.Facts) { f.Kernel.CPU = kernel.CPU{Reason: "no folder"} }, "unknown: no folder"},
		{"kernel-core-handler", core(func(c *kernel.Core) { c.HandlerSafe = fact.Tri{Known: true, Reason: "/tmp is writable by all"} }),
			"fail critical: /usr/lib/systemd/systemd-coredump: /tmp is writable by all"},
		{"kernel-core-handler", core(func(c *kernel.Core) { c.HandlerSafe = fact.Tri{Reason: "unreadable"} }), "unknown: unreadable"},
		{"kernel-core-handler", core(func(c *kernel.Core) { c.Handler = "" }), "not_applicable: the kernel runs no program"},
		{"kernel-core-limit", core(func(c *kernel.Core) { c.LimitZero, c.Limit.Value = false, "unlimited" }), "fail low: * hard core unlimited @/etc/security/limits.conf:3"},
		{"kernel-core-limit", core(func(c *kernel.Core) { c.LimitZero, c.Limit = false, fact.Text{} }), "fail low: no limit for everybody"},
		{"kernel-core-limit", core(func(c *kernel.Core) { c.Problems = []string{"a FIFO"} }), "unknown: a FIFO"},
		{"kernel-core-storage", core(func(c *kernel.Core) { c.Storage.Value = "external" }), "fail low: Storage=external (default)"},
		{"kernel-core-storage", core(func(c *kernel.Core) { c.ProcessSizeMax.Value = "2G" }), "fail low: Storage=none (default), ProcessSizeMax=2G"},
		{"kernel-core-storage", core(func(c *kernel.Core) { c.Installed = false }), "not_applicable"},
		{"kernel-apport", func(f *facts.Facts) { f.Kernel.Apport.Value = "1" }, "fail low: on @/etc/default/apport:4"},
		{"kernel-apport", func(f *facts.Facts) { f.Kernel.Apport = fact.Text{} }, "not_applicable"},
		{"kernel-prelink", func(f *facts.Facts) { f.Kernel.Prelink = fact.Tri{Known: true, Yes: true, Reason: "/usr/sbin/prelink"} }, "fail low: /usr/sbin/prelink"},
	}
}

func macCases() []testCase {
	profile := func(name, mode string) func(*facts.Facts) {
		return func(f *facts.Facts) {
			f.Kernel.MAC.AppArmor.Profiles = append(f.Kernel.MAC.AppArmor.Profiles, mac.Profile{Name: name, Mode: mode})
		}
	}
	off := func(f *facts.Facts) { f.Kernel.MAC.AppArmor.Enabled.Yes = false }
	return []testCase{
		{"kernel-mac", func(f *facts.Facts) { f.Kernel.MAC.Active = fact.Tri{Known: true, Reason: "neither is on"} }, "fail medium: neither is on"},
		{"kernel-mac", func(f *facts.Facts) { f.Kernel.MAC.Active = fact.Tri{Reason: "an image"} }, "unknown: an image"},
		{"kernel-mac", inContainer, "not_applicable"},
		{"kernel-apparmor-profiles", profile("/usr/sbin/x", "unconfined"), "fail low: 2 loaded, 1 unconfined: /usr/sbin/x"},
		{"kernel-apparmor-profiles", profile("chrome", "unconfined"), "pass: 2 loaded"},
		{"kernel-apparmor-profiles", func(f *facts.Facts) { f.Kernel.MAC.AppArmor.Profiles = nil }, "fail low: 0 loaded"},
		{"kernel-apparmor-profiles", func(f *facts.Facts) {
			f.Kernel.MAC.AppArmor.ProfilesKnown, f.Kernel.MAC.AppArmor.Reason = false, "refused"
		}, "unknown: refused"},
		{"kernel-apparmor-profiles", off, "not_applicable: AppArmor is not on"},
		{"kernel-apparmor-enforce", profile("tcpdump", "complain"), "fail low: 2 loaded, 1 only complain: tcpdump"},
		{"kernel-apparmor-enforce", off, "not_applicable"},
		{"kernel-apparmor-unconfined", func(f *facts.Facts) {
			f.Kernel.MAC.AppArmor.Unconfined = []mac.Process{{PID: 77, Program: "/usr/bin/man", Profile: "/usr/bin/man"}}
		}, "/usr/bin/man fail medium: process 77 runs /usr/bin/man without the profile /usr/bin/man"},
		{"kernel-apparmor-unconfined", func(f *facts.Facts) {
			f.Kernel.MAC.AppArmor.UnconfinedKnown, f.Kernel.MAC.AppArmor.Reason = false, "for root"
		}, "unknown: for root"},
		{"kernel-selinux-enforcing", func(f *facts.Facts) { f.Kernel.MAC.SELinux.Enforcing.Yes = false }, "fail medium: permissive"},
		{"kernel-selinux-enforcing", func(f *facts.Facts) {
			f.Kernel.MAC.SELinux.Enabled.Yes, f.Kernel.MAC.SELinux.Enforcing.Yes = false, false
		}, "fail medium: off"},
		{"kernel-selinux-enforcing", func(f *facts.Facts) { f.Kernel.MAC.SELinux.Installed = false }, "not_applicable"},
		{"kernel-selinux-config", func(f *facts.Facts) { f.Kernel.MAC.SELinux.Mode.Value = "permissive" }, "fail medium: SELINUX=permissive @/etc/selinux/config:6"},
		{"kernel-selinux-config", func(f *facts.Facts) { f.Kernel.MAC.SELinux.Reason = "a FIFO" }, "unknown: a FIFO"},
		{"kernel-selinux-policy", func(f *facts.Facts) { f.Kernel.MAC.SELinux.Policy.Value = "minimum" }, "fail low: SELINUXTYPE=minimum @/etc/selinux/config:9"},
	}
}
