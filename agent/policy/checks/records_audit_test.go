package checks

import (
	"seawall/agent/facts"
	"seawall/agent/facts/audit"
	"seawall/agent/facts/audit/cover"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/filesystem/inventory"
)

// themes are those that checks ask for.
func themes() []string {
	return []string{"scope", "user-emulation", "sudo-log", "time-change", "system-locale", "access", "identity", "permissions", "mounts", "session",
		"logins", "delete", "mac", "chcon", "setfacl", "chacl", "usermod", "modules", "audit-config", "ssh", "cron", "startup"}
}

// goodCover is rules that record everything, and files that are root's.
func goodCover(f *facts.Facts) {
	f.Audit.Cover = cover.Facts{Known: true, Themes: map[string]cover.Theme{},
		Exec: cover.Exec{Paths: []string{"/usr/bin/su"}, Dirs: []string{"/usr/lib/"}}}
	for _, name := range themes() {
		f.Audit.Cover.Themes[name] = cover.Theme{Applies: true, Text: "recorded"}
	}
	f.Audit.FilesKnown = true
	f.Audit.Files = []audit.File{
		{Path: "/var/log/audit", Kind: audit.FileLogDir, Mode: 0o750, Group: "adm", GID: 4},
		{Path: "/var/log/audit/audit.log", Kind: audit.FileLog, Mode: 0o640, Group: "adm", GID: 4},
		{Path: "/etc/audit/auditd.conf", Kind: audit.FileConfig, Mode: 0o640},
		{Path: "/usr/sbin/auditctl", Kind: audit.FileTool, Mode: 0o755},
	}
	setuid(f, "/usr/bin/su")
}

// setuid makes the host have setuid programs beside what others found on its disk.
func setuid(f *facts.Facts, names ...string) {
	f.Filesystem.Disk.Known, f.Filesystem.Disk.Complete = true, true
	for _, n := range names {
		f.Filesystem.Disk.Items = append(f.Filesystem.Disk.Items, inventory.Item{Kind: inventory.KindSetuid, Path: n, PackageKnown: true, Expected: true, Package: "x"})
	}
}

func coverCases() []testCase {
	theme := func(name string, change func(*cover.Theme)) func(*facts.Facts) {
		return func(f *facts.Facts) {
			t := f.Audit.Cover.Themes[name]
			change(&t)
			f.Audit.Cover.Themes[name] = t
		}
	}
	unknown := func(f *facts.Facts) { f.Audit.Cover.Known, f.Audit.Cover.Reason = false, "the kernel was not asked" }
	gone := func(f *facts.Facts) { f.Audit.Installed = fact.Tri{Known: true} }
	file := func(i int, change func(*audit.File)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Audit.Files[i]) }
	}
	all := []testCase{
		{"audit-rules-privileged", func(f *facts.Facts) { setuid(f, "/opt/a", "/usr/lib/b") }, "not recorded: /opt/a @/opt/a:0"},
		{"audit-rules-privileged", func(f *facts.Facts) { setuid(f, "/opt/a") }, "fail low: not recorded"},
		{"audit-rules-privileged", func(f *facts.Facts) { setuid(f, "/opt/a"); f.Audit.Cover.Exec.All = true }, "pass"},
		{"audit-rules-privileged", unknown, "unknown: the kernel was not asked"},
		{"audit-rules-privileged", func(f *facts.Facts) { f.Filesystem.Disk.Known, f.Filesystem.Disk.Reason = false, "no walk yet" }, "unknown: no walk yet"},
		{"audit-rules-present", func(f *facts.Facts) { f.Audit.Rules.Disk = nil }, "fail medium: none on disk"},
		{"audit-rules-present", func(f *facts.Facts) { f.Audit.Rules.Loaded = nil }, "fail medium: none is loaded"},
		{"audit-rules-present", gone, "not_applicable"},
		{"audit-rules-off", func(f *facts.Facts) {
			f.Audit.Cover.Off = []cover.Line{{Text: "-a never,task", File: "/etc/audit/audit.rules", Line: 3}}
		}, "fail high: -a never,task @/etc/audit/audit.rules:3"},
		{"audit-rules-off", unknown, "unknown: the kernel was not asked"},
		{"audit-log-directory-permissions", file(0, func(f *audit.File) { f.Mode = 0o755 }), "/var/log/audit fail medium: 0755, owner 0, group adm"},
		{"audit-log-directory-permissions", file(0, func(f *audit.File) { f.UID = 5 }), "fail medium"},
		{"audit-log-permissions", file(1, func(f *audit.File) { f.Mode = 0o644 }), "fail medium: /var/log/audit/audit.log 0644, owner 0, group adm @/var/log/audit/audit.log:0"},
		{"audit-log-permissions", file(1, func(f *audit.File) { f.Group, f.GID = "users", 100 }), "fail medium: /var/log/audit/audit.log 0640, owner 0, group users"},
		{"audit-log-permissions", func(f *facts.Facts) { f.Audit.FilesKnown, f.Audit.FilesReason = false, "denied" }, "unknown: denied"},
		{"audit-config-permissions", file(2, func(f *audit.File) { f.Mode = 0o644 }), "/etc/audit/auditd.conf fail medium: 0644"},
		{"audit-config-permissions", file(2, func(f *audit.File) { f.Mode, f.Error = -1, "denied" }), "unknown: denied"},
		{"audit-tools-permissions", file(3, func(f *audit.File) { f.Mode = 0o775 }), "/usr/sbin/auditctl fail high: 0775"},
	}
	for _, name := range themes() {
		check := "audit-rules-" + name
		severity := map[bool]string{true: "medium", false: "low"}[name == "scope" || name == "user-emulation" || name == "time-change" || name == "identity" ||
			name == "mac" || name == "modules" || name == "audit-config" || name == "ssh" || name == "cron" || name == "startup"]
		gap := []string{"write to /x"}
		all = append(all,
			testCase{check, theme(name, func(t *cover.Theme) { t.DiskGaps, t.Text = gap, "not recorded by the rules on disk: write to /x" }),
				"fail " + severity + ": not recorded by the rules on disk: write to /x"},
			testCase{check, theme(name, func(t *cover.Theme) { t.LoadedGaps = gap }), "fail " + severity},
			testCase{check, theme(name, func(t *cover.Theme) { t.Applies, t.Absent = false, "nothing of it" }), "not_applicable: nothing of it"},
			testCase{check, unknown, "unknown: the kernel was not asked"},
			testCase{check, gone, "not_applicable: auditd is not installed"})
	}
	return all
}
