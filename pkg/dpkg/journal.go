package dpkg

import (
	"fmt"
	"slices"
	"strings"
)

// JournalDir holds what dpkg has done since it last wrote its status file: one
// file with one stanza for each step. An upgrade that runs, or broke off, is there
// and not yet in the status file.
const JournalDir = "/var/lib/dpkg/updates"

// maxJournal bounds the files of a journal. dpkg empties it after 250 steps.
const maxJournal = 10000

// Journal picks the files of the journal from the names in its directory, in the
// order in which they apply: names of digits, as dpkg reads them.
func Journal(names []string) ([]string, error) {
	var files []string
	for _, n := range names {
		if n == "" || strings.Trim(n, "0123456789") != "" {
			continue
		}
		if files = append(files, n); len(files) > maxJournal {
			return nil, fmt.Errorf("%s: more than %d files", JournalDir, maxJournal)
		}
		if len(n) != len(files[0]) {
			return nil, fmt.Errorf("%s: names %q and %q differ in length", JournalDir, clip(files[0]), clip(n))
		}
	}
	slices.Sort(files)
	return files, nil
}

// Apply puts the packages of journal files, in order, in place of those of the
// status file. all may be changed.
func Apply(all, steps []Package) []Package {
	if len(steps) == 0 {
		return all
	}
	index := make(map[string][]int, len(all))
	for i := range all {
		index[all[i].Name] = append(index[all[i].Name], i)
	}
	for _, s := range steps {
		same := index[s.Name]
		i := slices.IndexFunc(same, func(i int) bool { return all[i].Arch == s.Arch })
		switch {
		case i >= 0:
			all[same[i]] = s
		case len(same) == 1 && crossgrade(all[same[0]].Arch, s.Arch):
			all[same[0]] = s
		default:
			index[s.Name] = append(same, len(all))
			all = append(all, s)
		}
	}
	return all
}

// crossgrade reports whether two architectures of one name are one package that
// changed, not two side by side.
func crossgrade(a, b string) bool { return a == "all" || b == "all" || a == "" || b == "" }
