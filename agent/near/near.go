// Package near finds the name that was meant. Names are quoted as Go does, so that
// one that is no text forges nothing.
package near

import (
	"fmt"
	"slices"
	"strings"
)

const (
	longest = 200 // bytes of a name that an error repeats
	few     = 12  // names that an error lists
)

// Unknown is the error for a name that is not among the known ones, with the one
// that was probably meant, or all when they are few.
func Unknown(what, name string, known []string) error {
	near := guess(name, known)
	if len(name) > longest {
		name = name[:longest-len("…")] + "…"
	}
	switch {
	case near == "" && len(known) > few:
		return fmt.Errorf("no %s is called %q", what, name)
	case near == "":
		return fmt.Errorf("no %s is called %q; there are%s", what, name, list(known))
	}
	return fmt.Errorf("no %s is called %q; did you mean %q?", what, name, near)
}

// Hint is what follows an error of another's on a name: "; did you mean …?", or
// nothing where no name is near.
func Hint(name string, known []string) string {
	if near := guess(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// guess returns the name that was probably meant, "" where none is near.
func guess(name string, known []string) string {
	near, best := "", len(name)/2+1
	for _, k := range known {
		d := distance(name, k)
		if len(name) > 3 && containsWords(k, name) {
			d = 1
		}
		if d < best {
			near, best = k, d
		}
	}
	return near
}

// containsWords reports whether k has every word of name.
func containsWords(k, name string) bool {
	words := strings.Split(k, "-")
	for w := range strings.SplitSeq(name, "-") {
		if !slices.Contains(words, w) {
			return false
		}
	}
	return true
}

// distance is the number of insertions, deletions and replacements from a to b,
// large for names that are too long to be meant.
func distance(a, b string) int {
	const limit = 100
	if len(a) > limit || len(b) > limit {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func list(known []string) string {
	if len(known) == 0 {
		return " none"
	}
	return ": " + strings.Join(known, ", ")
}
