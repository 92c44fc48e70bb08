package patchview

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"seawall/agent/look"
	"seawall/pkg/text"
)

// Table writes the view for people.
func (v *View) Table(w io.Writer, opt look.Options) error {
	t := &table{out: bufio.NewWriter(w), Options: opt}
	t.verdict(v)
	t.header(v)
	if v.Status == Known {
		for _, s := range v.states() {
			t.section(v, s)
		}
	}
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("write the patch level: %w", err)
	}
	return nil
}

// table is one writing of a view.
type table struct {
	out *bufio.Writer
	look.Options
}

// verdict writes the first line. Nothing pending, not known and broken look apart,
// with and without colour.
func (t *table) verdict(v *View) {
	tint, words := look.Green, "No security update is pending."
	switch {
	case v.Status == Error:
		tint, words = look.Red, "ERROR: the patch level could not be read."
	case v.Status != Known:
		tint, words = look.Yellow, "UNKNOWN: whether security updates are pending cannot be said."
	case len(v.Packages) > 0:
		tint, words = look.Red, v.count()
	}
	for _, line := range t.Fit(words, 0) {
		t.printf("%s\n", t.Paint(tint, line))
	}
}

// count says how much is pending.
func (v *View) count() string {
	sources, oldest := map[string]bool{}, -1
	for i := range v.Packages {
		p := &v.Packages[i]
		sources[cmp.Or(p.Source, p.Name)] = true
		if v.recorded(p) {
			oldest = max(oldest, p.DaysPending)
		}
	}
	words := plural(len(v.Packages), "security update is pending", "security updates are pending")
	if n := len(sources); n != len(v.Packages) {
		words += ", of " + plural(n, "source package", "source packages")
	}
	if oldest > 0 {
		words += ", the oldest for " + plural(oldest, "day", "days")
	}
	return words + "."
}

// header writes what else there is to know before the list.
func (t *table) header(v *View) {
	if v.Status != Known {
		t.field("because", v.Reason)
		for _, e := range v.Evidence {
			place := e.File
			if e.Line > 0 {
				place += fmt.Sprintf(":%d", e.Line)
			}
			t.field("at", strings.TrimSpace(place+"  "+e.Text))
		}
	}
	if v.Stale.Reason != "" {
		t.field("stale", fmt.Sprintf("this is the answer of %s (%s); now: %s", v.Stale.Since, ago(v.Stale.AgeSeconds), v.Stale.Reason))
	}
	if v.Manager != "" {
		t.field("lists", v.metadata())
	}
	for i := range v.Sources {
		s := &v.Sources[i]
		for _, why := range []string{s.Reason, led("the last refresh failed: ", s.Error)} {
			if why != "" {
				t.field("source", fmt.Sprintf("%s (%s:%d): %s", strings.TrimSpace(s.URI+" "+s.Suite), s.File, s.Line, why))
			}
		}
	}
	t.field("release", v.life())
	t.field("other", v.others())
	t.field("reboot", v.reboot())
	t.field("restart", v.restart())
}

// states are those that packages of the view have, in order.
func (v *View) states() []state {
	var present []state
	has := func(label string) bool {
		for i := range v.Packages {
			if v.Packages[i].Label == label {
				return true
			}
		}
		return false
	}
	all := states()
	for i := range v.Packages {
		label := v.Packages[i].Label
		if !slices.ContainsFunc(all, func(s state) bool { return s.label == label }) {
			all = append(all, other(label))
		}
	}
	for _, s := range all {
		if has(s.label) {
			present = append(present, s)
		}
	}
	return present
}

// section writes the updates of one state, and what to do about them.
func (t *table) section(v *View, s state) {
	updates := v.updates(s.label)
	n := 0
	for i := range updates {
		n += len(updates[i].names)
	}
	title := fmt.Sprintf("%s (%s)", s.words, plural(n, "package", "packages"))
	t.printf("\n")
	for _, line := range t.Fit(text.Terminal(title), 0) {
		t.printf("%s\n", t.Paint(look.Bold, line))
	}
	columns := make([]int, len(updates[0].head()))
	for i := range updates {
		for c, word := range updates[i].head() {
			columns[c] = min(max(columns[c], width(word)), maxColumn)
		}
	}
	for i := range updates {
		t.update(&updates[i], columns)
	}
	name := "fix"
	for line := range strings.SplitSeq(s.fix(v.Manager, updates), "\n") {
		t.line(name, text.Terminal(line))
		name = ""
	}
}

// maxColumn bounds how far one long name moves the columns of all.
const maxColumn = 24

// update writes one update: its head in columns, the versions behind it where there
// is room, and the packages below.
func (t *table) update(u *update, columns []int) {
	head, plain := "  ", "  "
	for i, word := range u.head() {
		if columns[i] == 0 {
			continue
		}
		padded := fmt.Sprintf("%-*s  ", columns[i], text.Terminal(word))
		plain += padded
		if i == 1 && rank(word) <= rank("important") {
			padded = t.Paint(look.Red, padded)
		}
		head += padded
	}
	first := true
	for _, w := range u.variants {
		versions := text.Terminal(w.installed) + " → " + text.Terminal(w.fixed)
		switch {
		case first && (t.Width == 0 || width(plain)+width(versions) <= t.Width):
			t.printf("%s%s\n", head, versions)
		case first:
			for _, line := range t.Fit(strings.TrimSpace(plain), 2) {
				t.printf("  %s\n", line)
			}
			fallthrough
		default:
			t.detail(versions, "")
		}
		first = false
		if !u.alone() {
			t.detail(text.Terminal(strings.Join(w.packages, ", ")), look.Dim)
		}
	}
	if len(u.advice) > 0 {
		t.detail(few(u.advice, 4), look.Dim)
	}
	for _, reason := range u.reasons {
		t.detail("because "+text.Terminal(reason), look.Yellow)
	}
}

// detail writes a line below an update, escaped already.
func (t *table) detail(words string, c look.Color) {
	const indent = "      "
	for _, line := range t.Fit(words, len(indent)) {
		if c != "" {
			line = t.Paint(c, line)
		}
		t.printf("%s%s\n", indent, line)
	}
}

// field writes a name and prose, nothing where there is none.
func (t *table) field(name, value string) {
	if value == "" {
		return
	}
	for part := range strings.SplitSeq(strings.TrimRight(value, "\n"), "\n") {
		for _, line := range t.Fit(text.Terminal(part), fieldIndent) {
			t.line(name, line)
			name = ""
		}
	}
}

// fieldIndent is where the values of fields stand.
const fieldIndent = 2 + 8 + 1

func (t *table) line(name, value string) {
	t.printf("  %s %s\n", t.Paint(look.Dim, fmt.Sprintf("%-8s", name)), value)
}

func (t *table) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

func width(s string) int { return utf8.RuneCountInString(text.Terminal(s)) }
