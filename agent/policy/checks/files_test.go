package checks

import (
	"slices"
	"strings"

	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/filesystem"
	"seawall/agent/facts/filesystem/capacity"
	"seawall/agent/facts/filesystem/encryption"
	"seawall/agent/facts/filesystem/inventory"
	"seawall/agent/facts/filesystem/loader"
)

// goodFiles fills in file systems and containers.
func goodFiles(f *facts.Facts, known fact.Meta) {
	f.Filesystem = goodFilesystem(known)
	f.Containers = goodContainers(known)
}

func goodFilesystem(known fact.Meta) filesystem.Facts {
	all := filesystem.Flags{Nodev: true, Nosuid: true, Noexec: true}
	f := filesystem.Facts{Meta: known, Places: map[string]filesystem.Place{}}
	for i, name := range []string{"/tmp", "/dev/shm", "/home", "/var", "/var/tmp", "/var/log", "/var/log/audit"} {
		f.Places[name] = filesystem.Place{Path: name, Known: true, Running: true, Mounted: true, Separate: true, Type: "tmpfs", Now: all,
			Boot: filesystem.Boot{Known: true, By: "fstab", Flags: all, File: "/etc/fstab", Line: i + 2, Raw: "tmpfs " + name},
			Text: "mounted as it should be"}
	}
	space := capacity.Space{Known: true, Bytes: 25 << 30, UsedPercent: 40, Inodes: 1 << 20, UsedInodes: 10}
	f.Mounts = []filesystem.Mount{{Path: "/", Type: "ext4", Source: "/dev/vda1", MeantWritable: true, Space: space},
		{Path: "/srv/share", Type: "nfs4", Network: true, Now: all}}
	f.Table = filesystem.Table{Known: true, Entries: []filesystem.Entry{
		{Source: "UUID=1", Path: "/", Type: "ext4", Auto: true, Mounted: true, File: "/etc/fstab", Line: 1, Raw: "UUID=1 / ext4"},
		{Source: "nas:/x", Path: "/srv/share", Type: "nfs4", Network: true, Now: all, Auto: true, Mounted: true, File: "/etc/fstab", Line: 9},
	}}
	f.Encrypted = filesystem.Encrypted{Known: true, Any: true,
		Volumes: []encryption.Volume{{Path: "/data", Source: "/dev/mapper/data", Known: true, Encrypted: true, Reason: "on a dm-crypt device"}},
		Swaps:   []encryption.Volume{{Path: "/dev/dm-1", Known: true, Encrypted: true, Reason: "on a dm-crypt device"}},
		Keys: []filesystem.File{{Kind: "crypt_key", Path: "/root/key", Exists: true, Mode: 0o400, Text: "0400 root:root", From: "/etc/crypttab",
			Line: 1}}}
	f.Files = goodListed()
	for _, name := range []string{"/etc/motd", "/etc/issue", "/etc/issue.net"} {
		f.Banners = append(f.Banners, filesystem.Banner{Path: name, Exists: true})
	}
	f.Preload = loader.Preload{Known: true}
	f.Integrity = filesystem.Integrity{Known: true, Program: "/usr/bin/aide", Database: "/var/lib/aide/aide.db",
		Schedule: "/etc/cron.daily/aide", Scheduled: true}
	f.Leftovers = filesystem.Leftovers{Known: true, Folders: []filesystem.Leftover{{Kind: "tmp", Path: "/tmp"},
		{Kind: "crash", Path: "/var/crash"}, {Kind: "archives", Path: "/var/cache/apt/archives"}, {Kind: "mail", Path: "/var/mail"}}}
	f.Disk = inventory.Disk{Known: true, Complete: true, Entries: 20000, More: map[string]int{}, Items: []inventory.Item{
		{Kind: inventory.KindSetuid, Path: "/usr/bin/su", Mode: 0o4755, Text: "4755 root:root", Package: "util-linux", PackageKnown: true,
			Expected: true, Reason: "as util-linux installs it"},
		{Kind: inventory.KindCapable, Path: "/usr/bin/ping", Mode: 0o755, Text: "0755 root:root", Package: "iputils-ping", PackageKnown: true,
			Expected: true, Capabilities: "cap_net_raw=ep"}}}
	return f
}

// goodListed are the listed files with the modes that they should have.
func goodListed() []filesystem.File {
	var all []filesystem.File
	for _, line := range strings.Split(strings.TrimSpace(`
passwd /etc/passwd 644
passwd_backup /etc/passwd- 644
group /etc/group 644
group_backup /etc/group- 644
shadow /etc/shadow 640
shadow_backup /etc/shadow- 640
gshadow /etc/gshadow 640
gshadow_backup /etc/gshadow- 640
opasswd /etc/security/opasswd 600
shells /etc/shells 644
motd /etc/motd 644
issue /etc/issue 644
issue_net /etc/issue.net 644
hosts_access /etc/hosts.allow 644
fstab /etc/fstab 644
crypttab /etc/crypttab 600
credentials /root/share 600
root_home /root 700
temporary /tmp 1777
top /etc 755
login /etc/profile 644
startup /etc/rc.local 755
loader /etc/ld.so.conf 644
path /usr/local/bin 755
library /opt/lib 755`), "\n") {
		w := strings.Fields(line)
		mode := 0
		for _, c := range w[2] {
			mode = mode<<3 | int(c-'0')
		}
		f := filesystem.File{Kind: w[0], Path: w[1], Exists: true, Mode: mode, Owner: "root", Group: "root", Text: w[2] + " root:root"}
		if strings.Contains(w[0], "shadow") {
			f.GID, f.Group, f.Text = 42, "shadow", w[2]+" root:shadow"
		}
		all = append(all, f)
	}
	return all
}

// listed changes the listed files of a kind.
func listed(kind string, change func(*filesystem.File)) func(*facts.Facts) {
	return func(f *facts.Facts) {
		f.Filesystem.Files = slices.Clone(f.Filesystem.Files)
		for i := range f.Filesystem.Files {
			if f.Filesystem.Files[i].Kind == kind {
				change(&f.Filesystem.Files[i])
			}
		}
	}
}

// mode sets the mode of the listed files of a kind.
func mode(kind string, mode int, words string) func(*facts.Facts) {
	return listed(kind, func(f *filesystem.File) { f.Mode, f.Text = mode, words })
}

// weak has others change the listed files of a kind.
func weak(kind, who string) func(*facts.Facts) {
	return listed(kind, func(f *filesystem.File) { f.Weak = who })
}

func gone(kind string) func(*facts.Facts) {
	return func(f *facts.Facts) {
		f.Filesystem.Files = slices.DeleteFunc(slices.Clone(f.Filesystem.Files), func(l filesystem.File) bool { return l.Kind == kind })
	}
}

func place(name string, change func(*filesystem.Place)) func(*facts.Facts) {
	return func(f *facts.Facts) {
		p := f.Filesystem.Places[name]
		change(&p)
		f.Filesystem.Places[name] = p
	}
}

// found adds something to what the walk found.
func found(it inventory.Item) func(*facts.Facts) {
	return func(f *facts.Facts) { f.Filesystem.Disk.Items = append(f.Filesystem.Disk.Items, it) }
}

func filesCases() []testCase {
	return slices.Concat(mountCases(), diskCases(), listedCases(), trustCases(), walkCases(), imageCases(), dockerCases(), containerCases(),
		engineCases())
}

// mountCases: an option counts only where it holds now and after the next boot.
func mountCases() []testCase {
	var all []testCase
	for name, id := range map[string]string{"/tmp": "tmp", "/dev/shm": "dev-shm", "/home": "home", "/var": "var", "/var/tmp": "var-tmp",
		"/var/log": "var-log", "/var/log/audit": "var-log-audit"} {
		none := place(name, func(p *filesystem.Place) { *p = filesystem.Place{Path: name, Known: true, Running: true, Text: "none"} })
		line := "@/etc/fstab:"
		all = append(all,
			testCase{"filesystem-" + id + "-separate", none, "fail low: none"},
			testCase{"filesystem-" + id + "-separate", place(name, func(p *filesystem.Place) { p.Boot.Known = false }), "pass"}, // who mounted it is not known
			testCase{"filesystem-" + id + "-separate", place(name, func(p *filesystem.Place) { p.Separate = false }), "fail low: mounted as it should be " + line},
			testCase{"filesystem-" + id + "-separate", place(name, func(p *filesystem.Place) { p.Known, p.Reason = false, "unreadable" }), "unknown: unreadable"},
			testCase{"filesystem-" + id + "-nodev", place(name, func(p *filesystem.Place) { p.Now.Nodev = false }), "fail low: mounted as it should be " + line},
			testCase{"filesystem-" + id + "-nodev", place(name, func(p *filesystem.Place) { p.Boot.Flags.Nodev = false }), "fail low"},
			testCase{"filesystem-" + id + "-nodev", none, "not_applicable: " + name + " is no file system of its own"},
			testCase{"filesystem-" + id + "-nosuid", place(name, func(p *filesystem.Place) { p.Now.Nosuid = false }), "fail low"},
			testCase{"filesystem-" + id + "-nosuid", place(name, func(p *filesystem.Place) { p.Boot.Flags.Nosuid = false }), "fail low"},
			testCase{"filesystem-" + id + "-nosuid", place(name, func(p *filesystem.Place) { p.Known, p.Reason = false, "unreadable" }), "unknown: unreadable"},
		)
		if name != "/home" && name != "/var" {
			all = append(all, testCase{"filesystem-" + id + "-noexec", place(name, func(p *filesystem.Place) { p.Now.Noexec = false }), "fail low"},
				testCase{"filesystem-" + id + "-noexec", place(name, func(p *filesystem.Place) { p.Boot.Flags.Noexec = false }), "fail low"})
		}
	}
	return all
}

func diskCases() []testCase {
	entry := func(change func(*filesystem.Entry)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Filesystem.Table.Entries[1]) }
	}
	mount := func(i int, change func(*filesystem.Mount)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Filesystem.Mounts[i]) }
	}
	unread := func(f *facts.Facts) { f.Filesystem.Table = filesystem.Table{Reason: "too large"} }
	image := func(f *facts.Facts) {
		for name := range f.Filesystem.Places {
			place(name, func(p *filesystem.Place) { p.Running = false })(f)
		}
		f.Filesystem.Mounts = nil
		f.Filesystem.Encrypted = filesystem.Encrypted{Reason: "an image"}
	}
	return []testCase{
		{"filesystem-fstab-valid", entry(func(e *filesystem.Entry) { e.Problem = "no mount point" }), "fail medium: line 9: no mount point @/etc/fstab:9"},
		{"filesystem-fstab-valid", unread, "unknown: too large"},
		{"filesystem-fstab-mounted", entry(func(e *filesystem.Entry) { e.Mounted = false }), "fail low: not mounted: /srv/share"},
		{"filesystem-fstab-mounted", entry(func(e *filesystem.Entry) { e.Mounted, e.Auto = false, false }), "pass"},
		{"filesystem-fstab-mounted", image, "unknown: what is mounted is not known"},
		{"filesystem-fstab-secrets", entry(func(e *filesystem.Entry) { e.Secret = "password" }), "fail high: line 9: password"},
		{"filesystem-fstab-secrets", unread, "unknown"},
		{"filesystem-fstab-credentials", mode("credentials", 0o644, "0644 root:root"), "fail high: /root/share is 0644"},
		{"filesystem-fstab-credentials", gone("credentials"), "not_applicable"},
		{"filesystem-network-mounts", mount(1, func(m *filesystem.Mount) { m.Now.Nosuid = false }), "fail medium: without nosuid or nodev: /srv/share"},
		{"filesystem-network-mounts", entry(func(e *filesystem.Entry) { e.Now.Nodev = false }), "fail medium: without nosuid or nodev: /srv/share (fstab line 9)"},
		{"filesystem-network-mounts", unread, "unknown"},
		{"filesystem-read-only", mount(0, func(m *filesystem.Mount) { m.ReadOnly = true }), "fail medium: read-only: /"},
		{"filesystem-read-only", mount(0, func(m *filesystem.Mount) { m.ReadOnly, m.MeantWritable = true, false }), "pass"},
		{"filesystem-read-only", image, "unknown"},
		{"filesystem-space", mount(0, func(m *filesystem.Mount) { m.Space.UsedPercent = 90 }), "/ fail informational: /: 90 %"},
		{"filesystem-space", mount(0, func(m *filesystem.Mount) { m.Space.UsedPercent = 97 }), "fail medium"},
		{"filesystem-space", mount(0, func(m *filesystem.Mount) { m.Space = capacity.Space{Reason: "hidden"} }), "unknown: hidden"},
		{"filesystem-space", image, "unknown: no file system is known"},
		{"filesystem-inodes", mount(0, func(m *filesystem.Mount) { m.Space.UsedInodes = 95 }), "fail informational: /: 95 %"},
		{"filesystem-inodes", mount(0, func(m *filesystem.Mount) { m.Space.Inodes = -1 }), "unknown"}, // btrfs
		{"filesystem-volumes-encrypted", func(f *facts.Facts) { f.Filesystem.Encrypted.Volumes[0].Encrypted = false }, "fail informational: /data"},
		{"filesystem-volumes-encrypted", image, "unknown: an image"},
		{"filesystem-swap-encrypted", func(f *facts.Facts) {
			f.Filesystem.Encrypted.Swaps[0].Encrypted, f.Filesystem.Encrypted.Swaps[0].Reason = false, "not encrypted"
		}, "fail medium: /dev/dm-1: not encrypted"},
		{"filesystem-swap-encrypted", func(f *facts.Facts) { f.Filesystem.Encrypted.Any = false }, "not_applicable"},
		{"filesystem-swap-encrypted", func(f *facts.Facts) { f.Filesystem.Encrypted.Swaps = nil }, "pass: there is no swap"},
		{"filesystem-crypt-keys", func(f *facts.Facts) { f.Filesystem.Encrypted.Keys[0].Mode = 0o440 }, "fail high: /root/key"},
		{"filesystem-crypt-keys", func(f *facts.Facts) { f.Filesystem.Encrypted.Keys = nil }, "not_applicable"},
	}
}

func listedCases() []testCase {
	owned := func(kind string) func(*facts.Facts) {
		return listed(kind, func(f *filesystem.File) { f.UID, f.Text = 1000, "0644 ann:root" })
	}
	return []testCase{
		{"filesystem-passwd", mode("passwd", 0o664, "0664 root:root"), "fail critical: /etc/passwd is 0664 root:root @/etc/passwd:0"},
		{"filesystem-passwd", mode("passwd", 0o755, "0755 root:root"), "fail medium"},
		{"filesystem-passwd", owned("passwd"), "fail critical"},
		{"filesystem-passwd", gone("passwd"), "unknown"},
		{"filesystem-passwd", listed("passwd", func(f *filesystem.File) { f.Error = "denied" }), "unknown: denied"},
		{"filesystem-passwd-backup", mode("passwd_backup", 0o646, "0646"), "fail low"},
		{"filesystem-passwd-backup", gone("passwd_backup"), "not_applicable: there is no /etc/passwd-"},
		{"filesystem-group", mode("group", 0o666, "0666"), "fail critical"},
		{"filesystem-group-backup", mode("group_backup", 0o666, "0666"), "fail low"},
		{"filesystem-shadow", mode("shadow", 0o644, "0644"), "fail high"},
		{"filesystem-shadow", mode("shadow", 0o660, "0660"), "fail critical"},
		{"filesystem-shadow", mode("shadow", 0, "0000"), "pass"},
		{"filesystem-shadow", listed("shadow", func(f *filesystem.File) { f.GID, f.Group = 100, "users" }), "fail high"},
		{"filesystem-shadow-backup", mode("shadow_backup", 0o644, "0644"), "fail high"},
		{"filesystem-gshadow", mode("gshadow", 0o604, "0604"), "fail medium"},
		{"filesystem-gshadow-backup", mode("gshadow_backup", 0o641, "0641"), "fail medium"},
		{"filesystem-shells", owned("shells"), "fail low"},
		{"filesystem-opasswd", mode("opasswd", 0o640, "0640"), "fail high"},
		{"filesystem-motd", mode("motd", 0o666, "0666"), "fail low"},
		{"filesystem-issue", mode("issue", 0o666, "0666"), "fail low"},
		{"filesystem-issue-net", mode("issue_net", 0o666, "0666"), "fail low"},
		{"filesystem-fstab", mode("fstab", 0o664, "0664"), "fail critical"},
		{"filesystem-crypttab", mode("crypttab", 0o644, "0644"), "fail low"},
		{"filesystem-crypttab", gone("crypttab"), "not_applicable"},
		{"filesystem-root-home", mode("root_home", 0o755, "0755"), "fail medium"},
		{"filesystem-root-home", mode("root_home", 0o777, "0777"), "fail critical"},
		{"filesystem-temporary-sticky", mode("temporary", 0o777, "0777"), "/tmp fail high: /tmp is 0777"},
		{"filesystem-temporary-sticky", mode("temporary", 0o755, "0755"), "pass"},
		{"filesystem-temporary-sticky", listed("temporary", func(f *filesystem.File) { f.Error = "another directory" }), "unknown: another directory"},
	}
}

func trustCases() []testCase {
	var all []testCase
	for id, kind := range map[string]string{"top-directories": "top", "path-directories": "path", "library-path": "library",
		"loader-files": "loader", "login-scripts": "login", "startup-files": "startup"} {
		all = append(all,
			testCase{"filesystem-" + id, weak(kind, "the group staff"), "can be changed by the group staff @"},
			testCase{"filesystem-" + id, weak(kind, "its owner ann"), "fail high"},
			testCase{"filesystem-" + id, weak(kind, "everybody"), "fail critical"},
			testCase{"filesystem-" + id, listed(kind, func(f *filesystem.File) { f.Error = "denied" }), "unknown: denied"},
			testCase{"filesystem-" + id, listed(kind, func(f *filesystem.File) { f.Error, f.Weak = "denied", "everybody" }), "fail critical"})
	}
	banner := func(i int) func(*facts.Facts) {
		return func(f *facts.Facts) {
			f.Filesystem.Banners[i].Tells, f.Filesystem.Banners[i].Line, f.Filesystem.Banners[i].Raw = `\r`, 1, `\S \r`
		}
	}
	return append(all,
		testCase{"filesystem-hosts-access", weak("hosts_access", "everybody"), "fail critical"},
		testCase{"filesystem-hosts-access", gone("hosts_access"), "not_applicable"},
		testCase{"filesystem-motd-text", banner(0), `fail informational: tells \r @/etc/motd:1`},
		testCase{"filesystem-issue-text", banner(1), "fail informational"},
		testCase{"filesystem-issue-net-text", banner(2), "fail informational"},
		testCase{"filesystem-motd-text", func(f *facts.Facts) { f.Filesystem.Banners = nil }, "not_applicable"},
		testCase{"filesystem-ld-preload", func(f *facts.Facts) {
			f.Filesystem.Preload.Libraries = []fact.Text{{Value: "/lib/x.so", File: "/etc/ld.so.preload", Line: 2, Raw: "/lib/x.so"}}
		}, "fail high: /lib/x.so @/etc/ld.so.preload:2"},
		testCase{"filesystem-ld-preload", func(f *facts.Facts) { f.Filesystem.Preload = loader.Preload{Reason: "a FIFO"} }, "unknown: a FIFO"},
	)
}

func walkCases() []testCase {
	cut := func(f *facts.Facts) {
		f.Filesystem.Disk.Complete, f.Filesystem.Disk.Cut = false, "it took longer than 1m"
	}
	none := func(f *facts.Facts) { f.Filesystem.Disk = inventory.Disk{Reason: "denied"} }
	item := func(kind, path string, mode int) inventory.Item {
		return inventory.Item{Kind: kind, Path: path, Mode: mode, Text: "as it is", PackageKnown: true, Reason: "belongs to no package"}
	}
	program := func(kind, path, pkg string, powerful bool) inventory.Item {
		it := item(kind, path, 0o4755)
		it.Package, it.Powerful, it.Root = pkg, powerful, true
		return it
	}
	unread := func(f *facts.Facts) {
		f.Filesystem.Disk.Items[0].PackageKnown, f.Filesystem.Disk.Items[0].Reason = false, "no package database"
	}
	hidden := func(f *facts.Facts) { f.Filesystem.Disk.Hidden = []string{"/dev", "/tmp"} }
	cases := []testCase{
		{"filesystem-setuid-packaged", found(program(inventory.KindSetuid, "/opt/x", "", false)), "/opt/x fail high: /opt/x (as it is) belongs to no package"},
		{"filesystem-setuid-packaged", found(program(inventory.KindSetuid, "/var/tmp/bash", "", true)), "fail critical"},
		{"filesystem-setuid-packaged", unread, "unknown: no package database"},
		{"filesystem-setuid-packaged", func(*facts.Facts) {}, "pass: 1 programs with these bits"},
		{"filesystem-setuid-known", found(program(inventory.KindSetuid, "/usr/bin/vim", "vim", true)), "fail critical"},
		{"filesystem-setuid-known", found(program(inventory.KindSetuid, "/usr/bin/x", "x", false)), "fail high"},
		{"filesystem-setuid-known", unread, "unknown"},
		{"filesystem-setuid-writable", found(item(inventory.KindSetuid, "/usr/bin/x", 0o4775)), "/usr/bin/x fail high"},
		{"filesystem-capabilities", found(program(inventory.KindCapable, "/opt/x", "", false)), "fail high"},
		{"filesystem-capabilities", found(program(inventory.KindCapable, "/usr/bin/python3.11", "python3.11", true)), "fail critical"},
		{"filesystem-capabilities", found(item(inventory.KindCapable, "/usr/local/bin/caddy", 0o755)), "pass"},
		{"filesystem-writable-files", found(item(inventory.KindWritableFile, "/srv/x", 0o666)), "/srv/x fail medium"},
		{"filesystem-writable-files", found(item(inventory.KindWritableFile, "/etc/x", 0o666)), "fail critical"},
		{"filesystem-writable-directories", found(item(inventory.KindWritableDir, "/srv/x", 0o777)), "fail medium"},
		{"filesystem-writable-directories", found(item(inventory.KindWritableDir, "/usr", 0o777)), "fail critical"},
		{"filesystem-writable-directories", found(item(inventory.KindWritableDir, "/tmp", 0o777)), "pass"}, // filesystem-temporary-sticky
		{"filesystem-unowned", found(item(inventory.KindUnowned, "/srv/x", 0o644)), "fail low"},
		{"filesystem-unowned", func(f *facts.Facts) { f.Filesystem.AccountsElsewhere = "sss" }, "unknown: accounts come from sss"},
		{"filesystem-devices", found(item(inventory.KindDevice, "/srv/sda", 0o660)), "fail high"},
		{"filesystem-dev-files", found(item(inventory.KindInDev, "/dev/.x", 0o660)), "fail medium"},
		{"filesystem-dev-files", hidden, "unknown: this process sees another /dev"},
		{"filesystem-commands", found(item(inventory.KindCommand, "/usr/bin/x", 0o755)), "fail high"},
		{"filesystem-libraries", found(item(inventory.KindLibrary, "/usr/lib/x.so", 0o755)), "fail high"},
		{"filesystem-etc-owners", found(item(inventory.KindEtc, "/etc/x", 0o644)), "fail medium"},
		{"filesystem-disguised-names", found(item(inventory.KindDisguised, "/dev/shm/...", 0o755)), "fail medium"},
		{"filesystem-temporary-programs", found(item(inventory.KindTemporary, "/tmp/.x", 0o755)), "fail medium"},
		{"filesystem-temporary-programs", hidden, "unknown: this process sees other directories for temporary files"},
	}
	for _, id := range []string{"setuid-packaged", "setuid-known", "setuid-writable", "capabilities", "writable-files", "writable-directories",
		"unowned", "devices", "dev-files", "commands", "libraries", "etc-owners", "disguised-names", "temporary-programs"} {
		cases = append(cases, testCase{"filesystem-" + id, cut, "unknown: it took longer"}, testCase{"filesystem-" + id, none, "unknown: denied"})
	}
	return append(cases, testCase{"filesystem-unowned", func(f *facts.Facts) { f.Filesystem.Disk.More["unowned"] = 7 }, "unknown: 7 more"})
}

func imageCases() []testCase {
	left := func(i int, change func(*filesystem.Leftover)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Filesystem.Leftovers.Folders[i]) }
	}
	one := func(l *filesystem.Leftover) { l.Count, l.First = 2, "x.deb" }
	denied := func(l *filesystem.Leftover) { l.Error = "denied" }
	integrity := func(change func(*filesystem.Integrity)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Filesystem.Integrity) }
	}
	absent := integrity(func(i *filesystem.Integrity) { *i = filesystem.Integrity{Known: true} })
	return []testCase{
		{"filesystem-image-temporary", left(0, one), "/tmp fail low: /tmp: 2 entries, one of them x.deb"},
		{"filesystem-image-temporary", left(0, denied), "unknown: denied"},
		{"filesystem-image-crashes", left(1, one), "fail low"},
		{"filesystem-image-packages", left(2, one), "fail informational"},
		{"filesystem-image-mail", left(3, one), "fail low"},
		{"filesystem-integrity-installed", absent, "fail low: none"},
		{"filesystem-integrity-database", absent, "not_applicable"},
		{"filesystem-integrity-database", integrity(func(i *filesystem.Integrity) { i.Database = "" }), "fail low: no database"},
		{"filesystem-integrity-scheduled", integrity(func(i *filesystem.Integrity) { i.Scheduled = false }), "fail low: no timer"},
		{"filesystem-integrity-scheduled", integrity(func(i *filesystem.Integrity) { i.Scheduled, i.Reason = false, "denied" }), "unknown: denied"},
	}
}
