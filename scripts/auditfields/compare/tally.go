package compare

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// tally counts what was compared.
type tally struct {
	mu      sync.Mutex
	with    string // what ours was compared with
	events  int
	records int
	fields  int
	equal   int
	symbols map[string]string // what words a number had
	classes map[string]*class
}

// class is a kind of difference.
type class struct {
	count        int
	ours, theirs string
	line         string
}

func newTally(with string) *tally {
	return &tally{with: with, symbols: map[string]string{}, classes: map[string]*class{}}
}

// same counts a field that is equal.
func (t *tally) same() {
	t.mu.Lock()
	t.fields, t.equal = t.fields+1, t.equal+1
	t.mu.Unlock()
}

// saw counts events and records.
func (t *tally) saw(events, records int) {
	t.mu.Lock()
	t.events, t.records = t.events+events, t.records+records
	t.mu.Unlock()
}

// differs counts one that is not.
func (t *tally) differs(name, ours, theirs, line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fields++
	c := t.classes[name]
	if c == nil {
		c = &class{ours: ours, theirs: theirs, line: line}
		t.classes[name] = c
	}
	c.count++
}

// symbol counts a field that theirs has words for: equal if the number had the same words
// before.
func (t *tally) symbol(name, number, words, line string) {
	if n, err := strconv.ParseUint(words, 0, 64); err == nil && !is(number, n) {
		t.differs(name, number, words, line)
		return
	}
	key := name + " " + number
	t.mu.Lock()
	was, ok := t.symbols[key]
	t.symbols[key] = words
	t.mu.Unlock()
	if ok && was != words {
		t.differs(name+": words", number+" was "+was, words, line)
		return
	}
	t.same()
}

// is reports whether text is the number n in a base of those that the kernel writes in,
// or of a file's mode its rights.
func is(text string, n uint64) bool {
	for _, base := range []int{0, 8, 10, 16} {
		if m, err := strconv.ParseUint(text, base, 64); err == nil && (m == n || uint32(m) == uint32(n) || m&0o7777 == n) {
			return true
		}
	}
	return false
}

// report prints the figures and returns how many differences have no reason.
func (t *tally) report(w io.Writer) (unknown int) {
	fmt.Fprintf(w, "%s: %d events, %d records, %d fields, %d equal\n", t.with, t.events, t.records, t.fields, t.equal)
	for _, name := range slices.Sorted(maps.Keys(t.classes)) {
		c := t.classes[name]
		why := reason(t.with, name)
		if why == "" {
			unknown += c.count
			why = "NO REASON KNOWN"
		}
		fmt.Fprintf(w, "  %d × %s: %s\n", c.count, name, why)
		if why == "NO REASON KNOWN" {
			fmt.Fprintf(w, "    ours   %.120q\n    theirs %.120q\n    of     %.160q\n", c.ours, c.theirs, c.line)
		}
	}
	return unknown
}

// reason returns why ours is right where theirs differs.
func reason(with, name string) string {
	for _, known := range reasons(with) {
		if strings.HasPrefix(name, known[0]) {
			return known[1]
		}
	}
	return ""
}
