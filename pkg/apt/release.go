package apt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"seawall/pkg/deb822"
)

// MaxRelease bounds a Release file, in bytes.
const MaxRelease = 8 << 20

// Release is what a Release file says of its archive.
type Release struct {
	Origin, Label, Suite, Codename, Version string

	Date       time.Time // zero where there is none
	ValidUntil time.Time // zero where there is none

	NotAutomatic         bool
	ButAutomaticUpgrades bool

	// Lists are the sizes of its package lists, not compressed, by List.Path. nil
	// where the file names none.
	Lists map[string]int64
}

// ParseRelease parses a Release or InRelease file. A signature is cut off, not
// verified.
func ParseRelease(r io.Reader) (*Release, error) {
	d := deb822.NewReader(io.LimitReader(r, MaxRelease+1), MaxRelease)
	s, err := d.Next()
	if err == nil && bytes.HasPrefix(s.Text, []byte("-----BEGIN PGP SIGNED MESSAGE-----")) {
		s, err = d.Next()
	}
	if errors.Is(err, io.EOF) {
		return nil, errors.New("release file: empty")
	}
	if err != nil {
		return nil, fmt.Errorf("release file: %w", err)
	}
	if i := bytes.Index(s.Text, []byte("\n-----BEGIN PGP SIGNATURE-----")); i >= 0 {
		s.Text = s.Text[:i+1]
	}
	var out Release
	var dates error
	err = s.Each(func(f deb822.Field) { dates = errors.Join(dates, out.set(f)) })
	if err == nil {
		err = dates
	}
	if err != nil {
		return nil, fmt.Errorf("release file: %w", err)
	}
	return &out, nil
}

func (r *Release) set(f deb822.Field) (err error) {
	switch {
	case f.Is("Origin"):
		r.Origin = string(f.Value)
	case f.Is("Label"):
		r.Label = string(f.Value)
	case f.Is("Suite"):
		r.Suite = string(f.Value)
	case f.Is("Codename"):
		r.Codename = string(f.Value)
	case f.Is("Version"):
		r.Version = string(f.Value)
	case f.Is("NotAutomatic"):
		r.NotAutomatic = on(f.Value)
	case f.Is("ButAutomaticUpgrades"):
		r.ButAutomaticUpgrades = on(f.Value)
	case f.Is("Date"):
		r.Date, err = parseDate(f)
	case f.Is("Valid-Until"):
		r.ValidUntil, err = parseDate(f)
	case f.Is("MD5Sum"), f.Is("SHA1"), f.Is("SHA256"), f.Is("SHA512"):
		r.lists(f.Value)
	}
	return err
}

// lists takes the package lists out of lines such as
//
//	fadf41b0… 2515915 main/binary-amd64/Packages
//
// A line of another form names no list.
func (r *Release) lists(hashes []byte) {
	for line := range bytes.Lines(hashes) {
		line = bytes.TrimSpace(line)
		name, ok := bytes.CutSuffix(line, []byte("Packages"))
		if !ok || len(name) == 0 || name[len(name)-1] != '/' && name[len(name)-1] != ' ' {
			continue
		}
		fields := bytes.Fields(line)
		if len(fields) != 3 {
			continue
		}
		size, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil || size < 0 {
			continue
		}
		if r.Lists == nil {
			r.Lists = map[string]int64{}
		}
		r.Lists[strings.TrimPrefix(string(fields[2]), "./")] = size
	}
}

// on is apt's StringToBool where it says yes.
func on(b []byte) bool {
	switch strings.ToLower(string(b)) {
	case "1", "yes", "true", "with", "on", "enable":
		return true
	}
	return false
}

func parseDate(f deb822.Field) (time.Time, error) {
	for _, layout := range []string{"Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700"} {
		if t, err := time.Parse(layout, string(f.Value)); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, &deb822.SyntaxError{Line: f.Line, Text: fmt.Sprintf("%s is no date", f.Name)}
}

// Security reports whether the archive is a security pocket: what a vendor's
// security team publishes. Debian says so in the label (its suite is called
// stable-security one year and oldstable-security the next), Ubuntu and its ESM
// archives in the suite. An archive of anyone else that calls itself
// "…-security" is none.
func (r *Release) Security() bool {
	pocket := strings.HasSuffix(r.Suite, "-security")
	switch r.Origin {
	case "Debian":
		return r.Label == "Debian-Security" || pocket || strings.HasSuffix(r.Codename, "-security")
	case "Ubuntu":
		return pocket
	}
	return r.ESM() && pocket
}

// ESM reports whether the archive needs an Ubuntu Pro subscription.
func (r *Release) ESM() bool { return r.Origin == "UbuntuESM" || r.Origin == "UbuntuESMApps" }
