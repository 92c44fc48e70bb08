package deb

import (
	"io/fs"
	"syscall"
	"time"

	"seawall/agent/facts/patch"
)

// successStamp is touched after each refresh that succeeded, where the package
// update-notifier-common set that up.
const successStamp = "/var/lib/apt/periodic/update-success-stamp"

// dates takes the oldest of the vendor's security Release files: a host is as well
// informed as its worst source. ESM archives are left out, they may rest for
// months. The last refresh that succeeded is the newer of apt's stamp and, on a
// running host, the time at which that Release file was put there; a refresh that
// found nothing new leaves no trace without the stamp.
func (w *host) dates(archives []*archive, live bool) patch.Dates {
	d := patch.Dates{Reason: "no security source has a Release file"}
	for _, a := range archives {
		r := a.release
		if r == nil || a.locked || !r.Security() || r.ESM() {
			continue
		}
		if r.Date.IsZero() {
			return patch.Dates{Reason: a.releaseFile + " has no Date"}
		}
		if d.File == "" || r.Date.Before(d.Date) {
			d = patch.Dates{Date: r.Date, ValidUntil: r.ValidUntil, File: a.releaseFile}
		}
	}
	if d.File == "" {
		return d
	}
	if fi, err := w.Look(successStamp); err == nil {
		d.Refreshed = fi.ModTime()
	}
	// Its mtime is the server's, its ctime the moment apt put it in place; in an
	// image it is the moment the image was made.
	if fi, err := w.Look(d.File); err == nil && live {
		if put := changed(fi); put.After(d.Refreshed) {
			d.Refreshed = put
		}
	}
	return d
}

func changed(fi fs.FileInfo) time.Time {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}
	}
	return time.Unix(st.Ctim.Unix())
}
