package patchview

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"seawall/agent/facts/patch"
	"seawall/agent/facts/system"
)

// lookTime is more than one look takes: what is younger was first seen by it.
const lookTime = time.Minute

// state is a label in words, and what to do about it.
type state struct {
	label string
	words string
	deb   string // commands; NAMES, NAME and VERSION are the packages', the first one's name and its fix
	rpm   string
}

// states are the labels in the order in which they are shown.
func states() []state {
	return []state{
		{patch.LabelAvailable, "can be installed", "apt-get update && apt-get upgrade", "dnf upgrade --security"},
		{patch.LabelMasked, "an upgrade installs something newer than the fix", "apt-get update && apt-get upgrade", "dnf upgrade"},
		{patch.LabelHeld, "held back: on hold", "apt-mark unhold NAMES && apt-get install --only-upgrade NAMES", "dnf upgrade NAMES"},
		{patch.LabelPinned, "held back: a preference keeps the version down",
			"# Change the preference, or take this version all the same:\napt-get install NAME=VERSION", "dnf upgrade NAMES"},
		{patch.LabelExcluded, "held back: an exclude or versionlock", "apt-get update && apt-get upgrade",
			"# Take the package out of the exclude or the versionlock, or, this once:\ndnf upgrade --disableexcludes=all NAMES"},
		{patch.LabelDeferred, "the vendor rolls it out in steps, and this host's turn is to come",
			"# It comes by itself. To have it now:\napt-get -o APT::Get::Always-Include-Phased-Updates=true upgrade", "dnf upgrade --security"},
		{patch.LabelESM, "the fix needs Ubuntu Pro, which is not enabled here", "pro attach TOKEN    # https://ubuntu.com/pro", "dnf upgrade --security"},
		{patch.LabelNotAvailable, "no enabled repository has the fix", "apt-get update",
			"# Refresh what is known of the repositories; enable the one that has it:\ndnf makecache --refresh && dnf repolist --all"},
		{patch.LabelNotRunning, "installed, and an older kernel is running until the host restarts", "systemctl reboot", "systemctl reboot"},
	}
}

// other is a label that this program does not know.
func other(label string) state {
	return state{label, strings.ReplaceAll(label, "_", " "), "apt-get update && apt-get upgrade", "dnf upgrade --security"}
}

// fix is what to do about updates of one state.
func (s *state) fix(manager string, updates []update) string {
	commands := s.deb
	if manager == "rpm" {
		commands = s.rpm
	}
	var names []string
	for i := range updates {
		for _, name := range updates[i].names {
			names = append(names, pasted(name))
		}
	}
	first := &updates[0]
	return strings.NewReplacer("NAMES", strings.Join(names, " "), "NAME", names[0], "VERSION", pasted(first.variants[0].fixed)).Replace(commands)
}

// pasted is a name or version for a command. One that a shell could take for more
// than a word is left for people to fill in: the package database may be forged.
func pasted(word string) string {
	foreign := strings.ContainsFunc(word, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("+-.:_~^", r)
	})
	if foreign || word == "" || word[0] == '-' || word[0] == '~' {
		return "…"
	}
	return word
}

// plural counts in words.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// ago says a time span in its largest unit.
func ago(seconds int) string {
	switch {
	case seconds < 90:
		return "just now"
	case seconds < 90*60:
		return plural(seconds/60, "minute", "minutes") + " ago"
	case seconds < 36*3600:
		return plural(seconds/3600, "hour", "hours") + " ago"
	}
	return plural(seconds/86400, "day", "days") + " ago"
}

// life says how long the release is supported, "" where there is nothing to say.
func (v *View) life() string {
	l := v.Life
	if l == nil || l.State == system.LifeSupported {
		return ""
	}
	name, next := cmp.Or(v.name, "the release"), led("; upgrade to ", l.Upgrade)
	switch l.State {
	case system.LifeEnding:
		return fmt.Sprintf("%s: supported until %s, %s from now", name, l.Ends, plural(l.DaysLeft, "day", "days")) + next
	case system.LifeExtended:
		return fmt.Sprintf("%s: standard support ended %s; %s until %s", name, l.Ends, cmp.Or(l.ExtendedKind, "extended support"), l.ExtendedEnds) + next
	case system.LifeEnded:
		return fmt.Sprintf("%s: support ended %s; nobody publishes fixes any more", name, cmp.Or(l.ExtendedEnds, l.Ends)) + next
	}
	return name + ": how long it is supported is not known" + led(": ", l.Reason)
}

// led puts mark before s where there is s.
func led(mark, s string) string {
	if s == "" {
		return ""
	}
	return mark + s
}

// metadata says how old the lists are.
func (v *View) metadata() string {
	m := &v.Metadata
	if !m.Known {
		return "how old they are is not known" + led(": ", m.Reason)
	}
	var words []string
	if m.RefreshAgeSeconds >= 0 {
		words = append(words, "refreshed "+ago(m.RefreshAgeSeconds))
	}
	words = append(words, "signed by the vendor "+ago(m.AgeSeconds))
	if m.Expired {
		words = append(words, "expired on "+m.ValidUntil)
	}
	return strings.Join(words, ", ")
}

// others says what is pending besides security updates.
func (v *View) others() string {
	switch {
	case v.Status == Known && v.OtherPending == nil:
		return "whether other updates are pending is not known, for not all sources could be read"
	case v.OtherPending == nil || *v.OtherPending == 0:
		return ""
	}
	words := plural(*v.OtherPending, "update", "updates") + ", none of security"
	if *v.Deferred > 0 {
		words += fmt.Sprintf("; %d deferred by the vendor", *v.Deferred)
	}
	return words
}

// reboot says why a reboot is needed, "" where it is not, or not known.
func (v *View) reboot() string {
	r := v.Reboot
	if r == nil || !r.Required.Yes {
		return ""
	}
	words := "needed"
	if r.Running != "" && r.Newest != "" && r.Running != r.Newest {
		words += ": " + r.Running + " runs, " + r.Newest + " is installed"
	}
	return words + led(", asked for by ", few(r.Packages, 6))
}

// restart says what still runs replaced files.
func (v *View) restart() string {
	var names, words []string
	for i := range v.Restart {
		names = append(names, v.Restart[i].Name)
	}
	if len(names) > 0 {
		words = append(words, plural(len(names), "unit runs", "units run")+" replaced files: "+few(names, 6))
	}
	if v.denied > 0 {
		words = append(words, plural(v.denied, "process", "processes")+" could not be looked at"+led(": ", v.limited))
	}
	return strings.Join(words, "; ")
}
