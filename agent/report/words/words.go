// Package words says in words what reports say of results: how many there are, who
// made a change, how old something is and where it stands. What it returns is not
// escaped.
package words

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"seawall/pkg/finding"
)

// Tally counts by status, failures by severity too.
func Tally(results []finding.Result) string {
	count := map[finding.Status]int{}
	severe := map[finding.Severity]int{}
	for _, r := range results {
		count[r.Status]++
		if r.Status == finding.StatusFail {
			severe[r.Severity]++
		}
	}
	var parts []string
	words := []struct {
		status finding.Status
		word   string
	}{
		{finding.StatusFail, "failed"}, {finding.StatusError, "error"}, {finding.StatusUnknown, "unknown"},
		{finding.StatusWaived, "waived"}, {finding.StatusPass, "passed"}, {finding.StatusNotApplicable, "not applicable"},
	}
	for _, s := range words {
		if count[s.status] == 0 {
			continue
		}
		part := fmt.Sprintf("%d %s", count[s.status], s.word)
		if s.status == finding.StatusFail {
			part += " (" + severities(severe) + ")"
		}
		parts = append(parts, part)
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing was checked")
}

// severities counts failures, the worst first.
func severities(count map[finding.Severity]int) string {
	var parts []string
	for s := finding.SeverityCritical + 1; s > 0; s-- {
		if n := count[s-1]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s-1))
		}
	}
	return strings.Join(parts, ", ")
}

// Cause says in one line who made a change.
func Cause(c *finding.Cause) string {
	var b strings.Builder
	b.WriteString(user(c.LoginUser, c.AUID))
	if c.UID != c.AUID {
		fmt.Fprintf(&b, " as %s", user(c.User, c.UID))
	}
	if c.TTY != "" && c.TTY != "(none)" {
		fmt.Fprintf(&b, " on %s", c.TTY)
	}
	if c.Session != finding.Unset {
		fmt.Fprintf(&b, ", session %d", c.Session)
	}
	fmt.Fprintf(&b, ": %s", c.Exe)
	if c.Command != "" {
		fmt.Fprintf(&b, " (%s)", c.Command)
	}
	fmt.Fprintf(&b, ", %s of %s at %s, audit serial %d", c.Operation, c.Path, c.Time.UTC().Format(time.RFC3339), c.Serial)
	return b.String()
}

// user names an id, which the kernel recorded, and the name that it had when the
// event was read, which may be none.
func user(name string, id uint32) string {
	switch {
	case id == finding.Unset:
		return "nobody logged in"
	case name != "":
		return fmt.Sprintf("%s (%d)", name, id)
	}
	return fmt.Sprintf("user %d", id)
}

// Age says in whole days how long ago since was, "" where that is not known.
func Age(now, since time.Time) string {
	if since.IsZero() || now.Before(since) {
		return ""
	}
	switch days := int(now.Sub(since).Hours() / 24); days {
	case 0:
		return "since today"
	case 1:
		return "for 1 day"
	default:
		return fmt.Sprintf("for %d days", days)
	}
}

// Since is since when a result holds, for people.
func Since(r *finding.Result) string {
	if r.Since.IsZero() {
		return ""
	}
	day := r.Since.UTC().Format(time.DateOnly)
	if age := Age(r.Time, r.Since); age != "" {
		day += ", " + strings.TrimPrefix(age, "since ")
	}
	return day
}

// Place is where evidence stands: its file and line, "" where it has none.
func Place(e finding.Evidence) string {
	if e.File != "" && e.Line > 0 {
		return fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	return e.File
}
