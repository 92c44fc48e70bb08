package distro

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// State is where a release stands in its life.
type State string

// The states of a release.
const (
	Supported State = "supported"
	Ending    State = "ending"   // standard support ends in less than EndingDays
	Extended  State = "extended" // standard support ended, extended support has not
	Ended     State = "ended"
	Unknown   State = "unknown"
)

// The limits by which lives are judged.
const (
	EndingDays   = 90
	conflictDays = 90
	TableLife    = 396 * 24 * time.Hour // 13 months
)

// Claim is what one source says of a release's life. Dates are the last days of
// support; the zero Extended means that there is no extended support.
type Claim struct {
	Ends, Extended time.Time
	Kind           string // of extended support: LTS, which is free, or Pro, ELS, …, which are bought
	Source         string
}

// The kinds of extended support that can be told for a host.
const (
	LTS = "LTS" // of Debian, free, from the same archive
	Pro = "Pro" // of Ubuntu, for hosts that are attached to a subscription
)

// Life is how long a release is supported.
type Life struct {
	State    State
	Claim           // zero where State is Unknown
	DaysLeft int    // of standard support, negative once it ended
	Reason   string // in words
	Conflict string // "" where the sources agree
}

// LifeOf judges a release. Besides the table it hears SUPPORT_END and the claims of
// others. No day before the table's own is taken for the present: a host whose
// clock stands behind would else pass as supported.
func (t *Table) LifeOf(o OS, now time.Time, others ...Claim) Life {
	if now.Before(t.AsOf) {
		now = t.AsOf
	}
	own, found, reason := t.lookup(o, now)
	claims := others
	if c, ok := o.supportEnd(); ok {
		claims = append(slices.Clone(claims), c)
	}
	if !found && len(claims) == 0 {
		return Life{State: Unknown, Reason: reason}
	}
	if !found {
		own = slices.MinFunc(claims, func(a, b Claim) int { return a.Ends.Compare(b.Ends) })
	}
	l := Life{Claim: own}
	for _, c := range claims {
		l.hear(own, c)
	}
	l.judge(now)
	return l
}

// hear takes in what another source says beside own.
func (l *Life) hear(own, c Claim) {
	switch {
	case apart(c.Ends, own.Ends):
		l.Conflict = fmt.Sprintf("%s says %s, %s says %s", own.Source, own.Ends.Format(time.DateOnly), c.Source, c.Ends.Format(time.DateOnly))
	case c.Ends.After(l.Ends):
		l.Ends, l.Source = c.Ends, c.Source
	}
	switch {
	case c.Extended.IsZero():
	case l.Extended.IsZero():
		l.Extended, l.Kind = c.Extended, c.Kind
	case c.Kind == l.Kind && apart(c.Extended, own.Extended) && l.Conflict == "":
		l.Conflict = fmt.Sprintf("of %s support %s says %s, %s says %s", c.Kind, own.Source, own.Extended.Format(time.DateOnly), c.Source, c.Extended.Format(time.DateOnly))
	}
}

// apart says whether two days differ by more than sources that mean the same do.
func apart(a, b time.Time) bool { return a.Sub(b).Abs() >= conflictDays*24*time.Hour }

func (l *Life) judge(now time.Time) {
	today := now.UTC().Truncate(24 * time.Hour)
	l.DaysLeft = int(l.Ends.Sub(today) / (24 * time.Hour))
	day := l.Ends.Format(time.DateOnly)
	switch {
	case l.DaysLeft < 0 && !l.Extended.IsZero() && !today.After(l.Extended):
		l.State = Extended
		l.Reason = fmt.Sprintf("standard support ended on %s, %s support ends on %s", day, l.Kind, l.Extended.Format(time.DateOnly))
	case l.DaysLeft < 0:
		l.State = Ended
		l.Reason = "support ended on " + day
		if !l.Extended.IsZero() {
			l.Reason = fmt.Sprintf("standard support ended on %s, %s support on %s", day, l.Kind, l.Extended.Format(time.DateOnly))
		}
	case l.DaysLeft < EndingDays:
		l.State = Ending
		l.Reason = fmt.Sprintf("standard support ends on %s, in %d days", day, l.DaysLeft)
	default:
		l.State = Supported
		l.Reason = "standard support ends on " + day
	}
}

// lookup finds what the table says of a release, or why it cannot be told.
func (t *Table) lookup(o OS, now time.Time) (c Claim, found bool, reason string) {
	switch {
	case now.Sub(t.AsOf) > TableLife:
		return c, false, "the table of lives is of " + t.AsOf.Format(time.DateOnly) + ", too old to be believed"
	case o.ID == "":
		return c, false, "os-release names no distribution"
	case o.VersionID == "":
		return c, false, o.ID + " without VERSION_ID: a rolling or unreleased version"
	}
	_, r, found := t.find(o)
	if !found {
		return c, false, o.ID + " " + o.VersionID + " is not in the table of lives"
	}
	return r.Claim, true, ""
}

// supportEnd is what the release says of itself: the first day without support.
func (o OS) supportEnd() (Claim, bool) {
	t, err := time.Parse(time.DateOnly, o.SupportEnd)
	if err != nil {
		return Claim{}, false
	}
	return Claim{Ends: t.AddDate(0, 0, -1), Source: "SUPPORT_END in os-release"}, true
}

// DistroInfo finds the release in a file of distro-info
// (/usr/share/distro-info/debian.csv, ubuntu.csv).
func DistroInfo(o OS, csv []byte) (Claim, bool) {
	var header []string
	for line := range strings.Lines(string(csv)) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if header == nil {
			header = f
			continue
		}
		version, _, _ := strings.Cut(f[0], " ")
		if version != o.VersionID || version == "" {
			continue
		}
		date := func(column string) time.Time {
			i := slices.Index(header, column)
			if i < 0 || i >= len(f) {
				return time.Time{}
			}
			t, err := time.Parse(time.DateOnly, f[i])
			if err != nil {
				return time.Time{}
			}
			return t
		}
		c := Claim{Ends: date("eol"), Source: "distro-info"}
		for column, kind := range map[string]string{"eol-lts": "LTS", "eol-esm": "Pro"} {
			if t := date(column); !t.IsZero() {
				c.Extended, c.Kind = t, kind
			}
		}
		return c, !c.Ends.IsZero()
	}
	return Claim{}, false
}

// DistroInfoFile is where distro-info keeps the dates of a distribution, "" where
// it has none.
func DistroInfoFile(o OS) string {
	if o.ID == "debian" || o.ID == "ubuntu" {
		return "/usr/share/distro-info/" + o.ID + ".csv"
	}
	return ""
}
