package boot

import (
	"path"
	"slices"
	"strings"

	"seawall/pkg/bootcfg"
	"seawall/pkg/redact"
	"seawall/pkg/text"
)

const (
	maxEntries = 256  // as many as are read
	maxText    = 2048 // bytes of what is shown
)

// word is one word of a command line: a name, and a value if it has "=".
type word struct {
	text, name, value string
	assigned          bool
}

// words splits a command line as the kernel does. Of a name that stands several
// times the last counts.
func words(line string) []word {
	var all []word
	for _, s := range split(line) {
		if s == "--" {
			break // what follows is for init
		}
		w := word{text: s}
		w.name, w.value, w.assigned = strings.Cut(s, "=")
		w.name = strings.ReplaceAll(w.name, "-", "_")
		all = slices.DeleteFunc(all, func(old word) bool { return old.name == w.name })
		all = append(all, w)
	}
	return all
}

// split cuts at blanks that are not in quotes, and drops the quotes.
func split(line string) []string {
	var all []string
	var b strings.Builder
	quoted, begun := false, false
	for i := 0; i <= len(line); i++ {
		switch {
		case i == len(line), !quoted && strings.IndexByte(" \t\n", line[i]) >= 0:
			if begun {
				all = append(all, b.String())
			}
			b.Reset()
			begun = false
		case line[i] == '"':
			quoted, begun = !quoted, true
		default:
			b.WriteByte(line[i])
			begun = true
		}
	}
	return all
}

// entry judges a command line.
func entry(l bootcfg.Line, running bool, defaults []string) Entry {
	e := Entry{Title: text.Clean(l.Title, maxText), Running: running, Recovery: l.Recovery, File: l.File, Line: l.Line,
		Raw: text.Clean(redact.Text(l.Raw), maxText), Mitigations: []string{}, Protections: []string{}, MAC: []string{}, Shell: []string{}, Missing: []string{}}
	if running {
		e.Title = "this boot"
	}
	has := words(l.Text)
	for _, w := range has {
		t := text.Clean(w.text, maxText)
		switch {
		case unmitigated(w):
			e.Mitigations = append(e.Mitigations, t)
		case unprotected(w):
			e.Protections = append(e.Protections, t)
		case unconfined(w):
			e.MAC = append(e.MAC, t)
		case shell(w):
			e.Shell = append(e.Shell, t)
		}
	}
	if !running && !l.Recovery {
		for _, d := range defaults {
			if !slices.ContainsFunc(has, func(w word) bool { return w.text == d }) {
				e.Missing = append(e.Missing, text.Clean(redact.Text(d), maxText))
			}
		}
	}
	return e
}

// unmitigated reports whether a word switches a mitigation of the CPU's
// vulnerabilities off.
func unmitigated(w word) bool {
	switch w.name {
	case "nopti", "nospectre_v1", "nospectre_v2", "nospec_store_bypass_disable", "no_entry_flush", "no_uaccess_flush", "no_stf_barrier":
		return true
	case "mitigations", "pti", "spectre_v2", "spectre_bhi", "spec_store_bypass_disable", "l1tf", "mds", "tsx_async_abort",
		"srbds", "mmio_stale_data", "retbleed", "gather_data_sampling", "spec_rstack_overflow", "reg_file_data_sampling",
		"indirect_target_selection", "tsa", "vmscape", "kvm.nx_huge_pages", "kpti", "spectre_v2_user":
		return w.value == "off" || w.name == "kpti" && w.value == "0"
	}
	return false
}

// unprotected reports whether a word switches a protection of the kernel's or of
// the programs' memory off.
func unprotected(w word) bool {
	switch w.name {
	case "nosmap", "nosmep", "norandmaps", "nokaslr":
		return true
	case "noexec", "noexec32", "rodata", "hardened_usercopy":
		return w.value == "off"
	case "randomize_kstack_offset":
		return w.value == "off" || w.value == "0"
	case "vsyscall":
		return w.value == "native" || w.value == "emulate"
	case "iomem":
		return w.value == "relaxed"
	case "clearcpuid":
		return slices.ContainsFunc(strings.Split(w.value, ","), func(f string) bool { return f == "smap" || f == "smep" || f == "nx" })
	}
	return false
}

// unconfined reports whether a word switches AppArmor or SELinux off.
func unconfined(w word) bool {
	switch w.name {
	case "apparmor", "selinux", "enforcing":
		return w.value == "0" || w.name == "apparmor" && w.value == "off"
	case "security":
		return w.value == "none" || w.value == ""
	case "lsm":
		return !slices.ContainsFunc(strings.Split(w.value, ","), func(m string) bool { return m == "apparmor" || m == "selinux" || m == "smack" || m == "tomoyo" })
	}
	return false
}

// shell reports whether a word makes the boot end in a shell that asks nobody.
func shell(w word) bool {
	switch w.name {
	case "init", "rdinit":
		switch path.Base(w.value) {
		case "sh", "bash", "dash", "ash", "zsh", "ksh", "busybox":
			return true
		}
	case "rd.break", "break":
		return !strings.HasPrefix(w.value, "cleanup")
	case "systemd.debug_shell":
		return !w.assigned || !slices.Contains([]string{"0", "no", "false", "off", "n", "f"}, w.value)
	}
	return false
}
