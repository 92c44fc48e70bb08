package patchview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"seawall/agent/facts/patch"
	"seawall/pkg/text"
)

// update is the pending packages of one source package and one label.
type update struct {
	source   string
	severity string // the worst, as the vendor writes it
	days     int    // since the first of them was seen, -1 where nobody recorded it
	reasons  []string
	variants []variant
	names    []string // of packages, for commands
	advice   []string // advisories and CVEs

	// A source with many packages has thousands of words.
	said  map[string]bool   // reasons and advice
	known map[[2]string]int // the variants, by their versions
}

// variant is the packages of an update that go from one version to the same other.
type variant struct {
	installed, fixed string
	packages         []string
}

// rank orders severities, the worst first; without one comes last.
func rank(severity string) int {
	words := []string{"critical", "high", "important", "moderate", "medium", "low", "negligible"}
	if i := slices.Index(words, strings.ToLower(severity)); i >= 0 {
		return i
	}
	return len(words)
}

// updates gathers the packages of one label by source, the worst and the longest
// pending first.
func (v *View) updates(label string) []update {
	var list []*update
	byName := map[string]*update{}
	twice := v.several()
	for i := range v.Packages {
		p := &v.Packages[i]
		if p.Label != label {
			continue
		}
		source := cmp.Or(p.Source, p.Name)
		u := byName[source]
		if u == nil {
			u = &update{source: source, days: -1, said: map[string]bool{}, known: map[[2]string]int{}}
			byName[source] = u
			list = append(list, u)
		}
		u.add(p, twice[p.Name])
		if v.recorded(p) {
			u.days = max(u.days, p.DaysPending)
		}
	}
	slices.SortStableFunc(list, func(a, b *update) int {
		return cmp.Or(cmp.Compare(rank(a.severity), rank(b.severity)), cmp.Compare(b.days, a.days), cmp.Compare(a.source, b.source))
	})
	out := make([]update, 0, len(list))
	for _, u := range list {
		out = append(out, *u)
	}
	return out
}

// several are the names that are pending for more than one architecture.
func (v *View) several() map[string]bool {
	twice, seen := map[string]bool{}, map[string]bool{}
	for i := range v.Packages {
		name := v.Packages[i].Name
		twice[name] = seen[name]
		seen[name] = true
	}
	return twice
}

// recorded reports whether it is known since when a package has been pending:
// where nothing recorded it, the facts have the time of their reading.
func (v *View) recorded(p *patch.Package) bool {
	return p.FirstSeen != "" && p.FirstSeen < patch.RFC3339(v.now.Add(-lookTime))
}

func (u *update) add(p *patch.Package, arch bool) {
	name := p.Name
	if arch {
		name += ":" + p.Arch
		if p.Arch == "" {
			name = p.Name
		}
	}
	u.names = append(u.names, name)
	if rank(p.Severity) < rank(u.severity) || u.severity == "" {
		u.severity = p.Severity
	}
	if p.Reason != "" {
		u.say(&u.reasons, p.Reason)
	}
	u.say(&u.advice, p.Advisories...)
	u.say(&u.advice, p.CVEs...)
	versions := [2]string{p.Installed, p.Fixed}
	i, had := u.known[versions]
	if !had {
		i = len(u.variants)
		u.known[versions] = i
		u.variants = append(u.variants, variant{installed: p.Installed, fixed: p.Fixed})
	}
	u.variants[i].packages = append(u.variants[i].packages, name)
}

// say appends words that were not said yet.
func (u *update) say(list *[]string, words ...string) {
	for _, word := range words {
		if !u.said[word] {
			u.said[word] = true
			*list = append(*list, word)
		}
	}
}

// alone reports whether the source's name says which package it is.
func (u *update) alone() bool { return len(u.names) == 1 && u.names[0] == u.source }

// head is what stands on an update's line, in columns: its name, severity, how many
// packages it has, and for how long it has been pending.
func (u *update) head() []string {
	age := ""
	switch {
	case u.days == 0:
		age = "since today"
	case u.days > 0:
		age = plural(u.days, "day", "days") + " pending"
	}
	return []string{u.source, u.severity, plural(len(u.names), "package", "packages"), age}
}

// few joins the first of many words, and says how many there are more.
func few(words []string, limit int) string {
	more := len(words) - limit
	if more <= 1 {
		return text.Terminal(strings.Join(words, ", "))
	}
	return text.Terminal(fmt.Sprintf("%s and %d more", strings.Join(words[:limit], ", "), more))
}
