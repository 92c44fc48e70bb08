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

// At is the freshness at a time.
func (d *Dates) At(now time.Time) Freshness {
	if d.File == "" {
		return Freshness{RefreshAgeSeconds: -1, Reason: d.Reason}
	}
	f := Freshness{
		Known:             true,
		AgeSeconds:        seconds(now.Sub(d.Date)),
		Date:              RFC3339(d.Date),
		ValidUntil:        RFC3339(d.ValidUntil),
		Expired:           !d.ValidUntil.IsZero() && now.After(d.ValidUntil),
		File:              d.File,
		Refreshed:         RFC3339(d.Refreshed),
		RefreshAgeSeconds: -1,
	}
	if !d.Refreshed.IsZero() {
		f.RefreshAgeSeconds = seconds(now.Sub(d.Refreshed))
	}
	return f
}

// seconds of an age; a date in the future is no age.
func seconds(d time.Duration) int { return max(int(d/time.Second), 0) }

// RFC3339 is a time as the facts have it, "" for the zero time.
func RFC3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
