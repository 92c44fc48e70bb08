package history

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strconv"
	"strings"
	"time"

	"seawall/agent/report/sheet"
	"seawall/agent/spool/inspect"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// Earlier finds the look that people mean by since: "last", what the sensor knew
// last; a time, what it knew then (both from the spool in dir); or the name of a
// report that was saved as JSON. Earlier days may have left the spool.
func Earlier(since, dir string, now time.Time) (*sheet.Earlier, error) {
	if since == "last" {
		return known(dir, now)
	}
	if strings.ContainsRune(since, '/') || strings.HasSuffix(since, ".json") {
		f, err := os.Open(since)
		if err != nil {
			return nil, fmt.Errorf("--since: %w", err)
		}
		defer f.Close()
		e, err := sheet.Read(f, since)
		if err != nil {
			return nil, fmt.Errorf("--since: %w", err)
		}
		return e, nil
	}
	at, err := moment(since, now)
	if err != nil {
		return nil, err
	}
	return known(dir, at)
}

// moment reads a time: a day, a time of day, or how long ago.
func moment(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return at, nil
		}
	}
	if number, ok := strings.CutSuffix(s, "d"); ok {
		if days, err := strconv.Atoi(number); err == nil && days >= 0 && days < 36500 {
			return now.AddDate(0, 0, -days), nil
		}
	}
	if ago, err := time.ParseDuration(s); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("--since %q: want last, a day (2026-01-31), a time (2026-01-31 15:04, RFC 3339), how long ago (36h, 7d), or FILE.json", s)
}

// known is what the sensor knew at a time, by its spool: the last whole state before
// it, and the changes from then on.
func known(dir string, at time.Time) (*sheet.Earlier, error) {
	var f fold
	err := inspect.Walk(dir, Posture, func(rec inspect.Record) error {
		r, err := wire.Decode(rec.Payload)
		if err != nil {
			return nil // a damaged record is told of by "seawall spool verify"
		}
		f.take(r, at)
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("--since: %w", Hint(err))
	case err != nil:
		return nil, fmt.Errorf("--since: %w", err)
	case f.state == nil && !f.later.IsZero():
		return nil, fmt.Errorf("--since: the spool knows nothing of before %s", f.later.Local().Format("2006-01-02 15:04:05"))
	case f.state == nil:
		return nil, errors.New("--since: the spool has no whole state yet")
	}
	return &sheet.Earlier{Name: "the sensor's look", Time: f.time, Results: f.state}, nil
}

// fold puts records together.
type fold struct {
	state map[finding.Key]finding.Result // nil until a whole state was seen
	time  time.Time                      // of the last record that is in it
	later time.Time                      // of the first whole state that is too new

	id    uint64 // of the state that is being put together
	parts map[uint32][]finding.Result
}

// take takes a record in, in the order of the spool.
func (f *fold) take(r wire.Record, at time.Time) {
	late := r.Time.After(at)
	switch {
	case late && r.State != nil && f.later.IsZero():
		f.later = r.Time
	case late:
	case r.State != nil:
		f.part(r.State, r.Time)
	case r.Change != nil && f.state != nil:
		f.time = r.Time
		if r.Change.Removed {
			delete(f.state, r.Change.Result.Key())
		} else {
			f.state[r.Change.Result.Key()] = r.Change.Result
		}
	}
}

// part takes a part of a state, which counts once all are there.
func (f *fold) part(p *finding.StatePart, at time.Time) {
	if p.ID != f.id || f.parts == nil {
		f.id, f.parts = p.ID, map[uint32][]finding.Result{}
	}
	f.parts[p.Part] = p.Results
	if uint32(len(f.parts)) < p.Parts {
		return
	}
	state := map[finding.Key]finding.Result{}
	for results := range maps.Values(f.parts) {
		for _, r := range results {
			state[r.Key()] = r
		}
	}
	f.state, f.time, f.parts = state, at, nil
}
