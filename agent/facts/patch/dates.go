package patch

import "time"

// Dates is what Freshness is made of once the present time is known. File is ""
// where no metadata was found, and Reason says why.
type Dates struct {
	Date, ValidUntil time.Time
	Refreshed        time.Time
	File             string
	Reason           string
}

// skew is how far a clock may be off before a time in the future says that it is
// wrong.
const skew = 24 * time.Hour

// At is the freshness at a time. A time far in the future is no age of zero: this
// clock is behind, or the one of then was ahead.
func (d *Dates) At(now time.Time) Freshness {
	if d.File == "" {
		return Freshness{RefreshAgeSeconds: -1, Reason: d.Reason}
	}
	if ahead := d.Date.Sub(now); ahead > skew {
		return Freshness{
			RefreshAgeSeconds: -1, Date: RFC3339(d.Date), File: d.File,
			Reason: "the clock of this host says " + RFC3339(now) + ", and the metadata was signed on " + RFC3339(d.Date),
		}
	}
	f := Freshness{
		Known:             true,
		AgeSeconds:        seconds(now.Sub(d.Date)),
		Date:              RFC3339(d.Date),
		ValidUntil:        RFC3339(d.ValidUntil),
		Expired:           !d.ValidUntil.IsZero() && now.After(d.ValidUntil),
		File:              d.File,
		RefreshAgeSeconds: -1,
	}
	if !d.Refreshed.IsZero() && d.Refreshed.Sub(now) <= skew {
		f.Refreshed, f.RefreshAgeSeconds = RFC3339(d.Refreshed), seconds(now.Sub(d.Refreshed))
	}
	return f
}

// seconds of an age; what a clock is off by is none.
func seconds(d time.Duration) int { return max(int(d/time.Second), 0) }

// RFC3339 is a time as the facts have it, "" for the zero time.
func RFC3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
