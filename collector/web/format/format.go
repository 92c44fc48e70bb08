// Package format turns values from hosts into words for a page: text with its
// control characters made visible, times and sizes in few characters. It writes
// text, never markup; html/template escapes what it returns.
package format

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Line returns s on one line: what could break the line, reorder the text or
// steer a reader is escaped visibly.
func Line(s string) string { return text.Terminal(s) }

// Lines returns the lines of a longer text, each made visible, without empty
// ones at either end.
func Lines(s string) []string {
	s = strings.Trim(s, "\n\r\t ")
	if s == "" {
		return nil
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Line(strings.TrimRight(l, "\r\t "))
	}
	return lines
}

// Head returns the first n characters of s, with an ellipsis when that is not
// all.
func Head(n int, s string) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := 0
	for i := range s {
		if runes == n {
			return s[:i] + "…"
		}
		runes++
	}
	return s
}

// Long reports whether s is too long to show at once.
func Long(s string) bool { return len(s) > 240 }

// Link returns s when it is an https address that a page may link to, else "".
func Link(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return s
}

// Stamp returns t in UTC for the datetime attribute, or "" when it is none.
func Stamp(t time.Time) string {
	if !sane(t) {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// Full returns t in UTC for people.
func Full(t time.Time) string {
	if !sane(t) {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// sane reports whether t is a time that can be written: hosts send any number.
func sane(t time.Time) bool { return t.Year() >= 1970 && t.Year() <= 9999 }

// Ago returns how long before now t was, in one unit. The script on the page
// has the same rule.
func Ago(now, t time.Time) string {
	if !sane(t) {
		return "never"
	}
	d := now.Sub(t)
	switch {
	case d < -2*time.Minute:
		return "in the future"
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d d ago", int(d.Hours()/24))
}

// For returns how long before now t was, as a sentence has it: "12 days".
func For(now, t time.Time) string {
	if !sane(t) {
		return "an unknown time"
	}
	unit, n := "day", int(now.Sub(t)/(24*time.Hour))
	if n == 0 {
		unit, n = "hour", int(now.Sub(t)/time.Hour)
	}
	switch {
	case n <= 0:
		return "less than an hour"
	case n == 1:
		return "1 " + unit
	}
	return Count(n) + " " + unit + "s"
}

// Seconds returns a length of time in its two largest units.
func Seconds(n uint64) string {
	const day = 24 * 60 * 60
	switch {
	case n < 60:
		return fmt.Sprintf("%d s", n)
	case n < 60*60:
		return fmt.Sprintf("%d min", n/60)
	case n < day:
		return fmt.Sprintf("%d h %d min", n/3600, n/60%60)
	}
	return fmt.Sprintf("%s d %d h", Count(n/day), n/3600%24)
}

// CPU returns processor seconds with the digits that matter.
func CPU(n float64) string {
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0) || n < 0:
		return "unknown"
	case n < 100:
		return fmt.Sprintf("%.2f s", n)
	case n < math.MaxUint32:
		return Seconds(uint64(n))
	}
	return "unknown"
}

// Load returns a load average.
func Load(n float64) string {
	if math.IsNaN(n) || n < 0 || n > 1e6 {
		return "?"
	}
	return fmt.Sprintf("%.2f", n)
}

// Bytes returns a size with a binary unit.
func Bytes(n uint64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), 0
	for f >= 1000 && unit < 6 {
		f, unit = f/1024, unit+1
	}
	digits := 0
	if f < 10 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %ciB", digits, f, "KMGTPE"[unit-1])
}

// Count returns a number with thin spaces between its thousands.
func Count[N int | int64 | uint32 | uint64](n N) string {
	if n < 0 {
		return "0"
	}
	s := strconv.FormatUint(uint64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// Status returns the words for a status.
func Status(s finding.Status) string {
	switch s {
	case finding.StatusPass:
		return "passes"
	case finding.StatusFail:
		return "fails"
	case finding.StatusNotApplicable:
		return "not applicable"
	case finding.StatusUnknown:
		return "unknown"
	case finding.StatusError:
		return "error"
	case finding.StatusWaived:
		return "waived"
	}
	return Line(s.String())
}

// Severity returns the short word for a severity.
func Severity(s finding.Severity) string {
	if s == finding.SeverityInformational {
		return "info"
	}
	return Line(s.String())
}

// User returns how a numeric user is called: by name when the host knew one.
func User(name string, id uint32) string {
	switch {
	case id == finding.Unset:
		return "nobody logged in"
	case name == "":
		return fmt.Sprintf("uid %d", id)
	}
	return Line(name)
}

// Session returns the login session's number, or that there is none.
func Session(n uint32) string {
	if n == finding.Unset {
		return "none"
	}
	return strconv.FormatUint(uint64(n), 10)
}
