package checks

import (
	"seawall/agent/facts"
	"seawall/agent/facts/boot"
	"seawall/agent/facts/fact"
)

func loaderCases() []testCase {
	var cases []testCase
	words := map[string]func(*boot.Entry, []string){
		"boot-mitigations": func(e *boot.Entry, w []string) { e.Mitigations = w },
		"boot-protections": func(e *boot.Entry, w []string) { e.Protections = w },
		"boot-mac":         func(e *boot.Entry, w []string) { e.MAC = w },
		"boot-shell":       func(e *boot.Entry, w []string) { e.Shell = w },
	}
	for id, put := range words {
		change := func(entry int, next bool) func(*facts.Facts) {
			return func(f *facts.Facts) {
				f.Boot.NextKnown, f.Boot.Reason = next, "no boot loader"
				put(&f.Boot.Entries[entry], []string{"word=off"})
			}
		}
		cases = append(cases,
			testCase{id, change(0, true), ": this boot: word=off @/proc/cmdline:0"},
			testCase{id, change(1, true), ": Debian GNU/Linux: word=off @/boot/grub/grub.cfg:90"},
			testCase{id, change(0, false), "fail "}, // one that is wrong decides
			testCase{id, func(f *facts.Facts) { f.Boot.NextKnown, f.Boot.Reason = false, "no boot loader" }, "unknown: no boot loader"},
			testCase{id, func(f *facts.Facts) { f.Boot.Entries = nil }, "unknown: no boot entry was found"})
	}
	grub := func(change func(*boot.Grub)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Boot.Grub) }
	}
	none := grub(func(g *boot.Grub) { g.Installed = false })
	file := func(i int, change func(*boot.File)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Boot.Files[i]) }
	}
	return append(cases, []testCase{
		{"boot-loader-password", grub(func(g *boot.Grub) { g.Superusers, g.Password = nil, false }), "fail low: no superuser is set"},
		{"boot-loader-password", grub(func(g *boot.Grub) { g.Password = false }), "fail low: superusers root, not each with a password @/boot/grub/grub.cfg:60"},
		{"boot-loader-password", grub(func(g *boot.Grub) { g.Known, g.Reason = false, "a FIFO" }), "unknown: a FIFO"},
		{"boot-loader-password", none, "not_applicable: GRUB is not installed"},
		{"boot-unattended", grub(func(g *boot.Grub) { g.Locked = 3 }), "fail high: 3 of 3 entries ask for a password"},
		{"boot-unattended", grub(func(g *boot.Grub) { g.Locked = 2 }), "pass: 2 of 3"},
		{"boot-unattended", none, "not_applicable"},
		{"boot-password-readable", file(2, func(f *boot.File) { f.Mode = 0o644 }), "/boot/grub/grub.cfg fail medium: mode 644, owner 0"},
		{"boot-password-readable", file(2, func(f *boot.File) { f.UID = 7 }), "fail medium"},
		{"boot-password-readable", file(2, func(f *boot.File) { f.Mode, f.Secret = 0o644, false }), "pass: no file of GRUB"},
		{"boot-config-permissions", file(2, func(f *boot.File) { f.Mode = 0o444 }), "/boot/grub/grub.cfg fail low: mode 444, owner 0, group 0"},
		{"boot-config-permissions", file(2, func(f *boot.File) { f.GID = 4 }), "fail low"},
		{"boot-config-permissions", file(2, func(f *boot.File) { f.Mode, f.Error = -1, "gone" }), "unknown: gone"},
		{"boot-config-permissions", none, "not_applicable"},
		{"boot-files", file(1, func(f *boot.File) { f.Mode = 0o666 }), "/boot/vmlinuz-6.1 fail critical: mode 666, owner 0, group 0"},
		{"boot-files", file(1, func(f *boot.File) { f.Mode, f.GID = 0o664, 50 }), "fail critical"},
		{"boot-files", file(1, func(f *boot.File) { f.Mode = 0o664 }), "pass"},
		{"boot-files", file(0, func(f *boot.File) { f.UID = 1000 }), "/boot fail critical: mode 755, owner 1000"},
		{"boot-files", file(0, func(f *boot.File) { f.Mode, f.Error = -1, "gone" }), "unknown: gone"},
		{"boot-files", func(f *facts.Facts) { f.Boot.Files = nil }, "not_applicable"},
		{"boot-config-made", func(f *facts.Facts) { f.Boot.Entries[1].Missing = []string{"audit=1", "quiet"} },
			"fail low: Debian GNU/Linux: without audit=1 quiet @/boot/grub/grub.cfg:90 @/etc/default/grub:9"},
		{"boot-config-made", func(f *facts.Facts) { f.Boot.Defaults = fact.Text{} }, "not_applicable"},
		{"boot-config-made", func(f *facts.Facts) { f.Boot.NextKnown, f.Boot.Reason = false, "too large" }, "unknown: too large"},
		{"boot-rescue-password", func(f *facts.Facts) {
			f.Boot.Rescue[0].Asks = fact.Tri{Known: true, Reason: "it runs /bin/sh"}
		}, "rescue.service fail medium: it runs /bin/sh @/lib/systemd/system/rescue.service:20"},
		{"boot-rescue-password", func(f *facts.Facts) { f.Boot.Rescue[0].Asks = fact.Tri{Reason: "unreadable"} }, "unknown: unreadable"},
		{"boot-rescue-password", func(f *facts.Facts) { f.Boot.Rescue = nil }, "not_applicable"},
		{"boot-debug-shell", func(f *facts.Facts) {
			f.Boot.DebugShell = fact.Tri{Known: true, Yes: true, Reason: "/etc/systemd/system/sysinit.target.wants/debug-shell.service"}
		},
			"fail high: debug-shell.service is started at boot @/etc/systemd/system/sysinit.target.wants/debug-shell.service:0"},
		{"boot-debug-shell", func(f *facts.Facts) { f.Boot.DebugShell = fact.Tri{Reason: "unreadable"} }, "unknown: unreadable"},
		{"boot-password-readable", func(f *facts.Facts) { f.Boot.FilesKnown, f.Boot.Reason = false, "refused" }, "unknown: refused"},
		{"boot-ctrl-alt-del", func(f *facts.Facts) { f.Boot.CtrlAltDel.Yes = true }, "fail low: they do"},
		{"boot-ctrl-alt-del", func(f *facts.Facts) { f.Boot.CtrlAltDel = fact.Tri{Reason: "the host has no unit ctrl-alt-del.target"} }, "not_applicable"},
		{"boot-ctrl-alt-del", func(f *facts.Facts) { f.Boot.CtrlAltDel = fact.Tri{Reason: "refused"} }, "unknown: refused"},
		{"boot-secure-boot", func(f *facts.Facts) { f.Boot.SecureBoot.Yes = false }, "fail informational: off"},
		{"boot-secure-boot", func(f *facts.Facts) { f.Boot.EFI.Yes = false }, "not_applicable"},
		{"boot-secure-boot", func(f *facts.Facts) { f.Boot.SecureBoot = fact.Tri{Reason: "refused"} }, "unknown: refused"},
	}...)
}
