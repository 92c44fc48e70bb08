package patch

import (
	"io/fs"
	"syscall"
	"time"
)

// successStamp is touched after each refresh that succeeded, where the package
// update-notifier-common set that up.
const successStamp = "/var/lib/apt/periodic/update-success-stamp"

// freshness is Freshness before the present time is known.
type freshness struct {
	date, validUntil time.Time
	refreshed        time.Time
	file             string
	reason           string
}

// newFreshness takes the oldest of the vendor's security Release files: a host
// is as well informed as its worst source. ESM archives are left out, they may
// rest for months.
func newFreshness(w *watched, archives []*archive, live bool) freshness {
	fr := freshness{reason: "no security source has a Release file"}
	for _, a := range archives {
		r := a.release
		if r == nil || a.locked || !r.Security() || r.ESM() {
			continue
		}
		if r.Date.IsZero() {
			return freshness{reason: a.releaseFile + " has no Date"}
		}
		if fr.file == "" || r.Date.Before(fr.date) {
			fr = freshness{date: r.Date, validUntil: r.ValidUntil, file: a.releaseFile}
		}
	}
	if fr.file == "" {
		return fr
	}
	if fi, err := w.look(successStamp); err == nil {
		fr.refreshed = fi.ModTime()
	}
	// Its mtime is the server's, its ctime the moment apt put it in place; in an
	// image it is the moment the image was made.
	if fi, err := w.look(fr.file); err == nil && live {
		if put := changed(fi); put.After(fr.refreshed) {
			fr.refreshed = put
		}
	}
	return fr
}

func changed(fi fs.FileInfo) time.Time {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}
	}
	return time.Unix(st.Ctim.Unix())
}

// at is the freshness at a time.
func (fr *freshness) at(now time.Time) Freshness {
	if fr.file == "" {
		return Freshness{RefreshAgeSeconds: -1, Reason: fr.reason}
	}
	f := Freshness{
		Known:             true,
		AgeSeconds:        seconds(now.Sub(fr.date)),
		Date:              rfc3339(fr.date),
		ValidUntil:        rfc3339(fr.validUntil),
		Expired:           !fr.validUntil.IsZero() && now.After(fr.validUntil),
		File:              fr.file,
		Refreshed:         rfc3339(fr.refreshed),
		RefreshAgeSeconds: -1,
	}
	if !fr.refreshed.IsZero() {
		f.RefreshAgeSeconds = seconds(now.Sub(fr.refreshed))
	}
	return f
}

// seconds of an age; a date in the future is no age.
func seconds(d time.Duration) int { return max(int(d/time.Second), 0) }

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
