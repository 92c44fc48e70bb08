package sensor

import (
	"errors"
	"time"

	"seawall/pkg/finding"
)

// lateLimit is how long a result that no file's change explained waits for one.
const lateLimit = time.Minute

// late remembers when the spool was told of failing resources that a look by the clock
// found before any file had changed that explains them: a heartbeat came between the
// replacement of a library and the package database's word of it. Of other results
// the clock, or a question that had no answer before, may be all that changed them.
type late map[finding.Key]time.Time

// told notes what the spool is told of r.
func (l late) told(r *finding.Result, cause *finding.Cause, names []string, now time.Time) {
	for key, since := range l {
		if now.Sub(since) > lateLimit {
			delete(l, key)
		}
	}
	delete(l, r.Key())
	if cause == nil && len(names) == 0 && r.Resource != "" && r.Status == finding.StatusFail {
		l[r.Key()] = now
	}
}

// attribute tells the spool who made results that it knows of already: those of a
// look by the clock whose cause came after it, by a change of names.
func (s *Sensor) attribute(now time.Time, results []finding.Result, names []string, when span) error {
	var errs []error
	for i := range results {
		r := &results[i]
		since, waits := s.late[r.Key()]
		if !waits || len(names) == 0 || s.ledger.differs(r) {
			continue
		}
		when.previous = since.Add(-lateLimit)
		cause, sure := s.blame.explain(r, names, when)
		if !sure || now.Sub(since) > lateLimit {
			continue
		}
		r.Cause = cause
		errs = append(errs, s.ledger.change(now, finding.Change{Result: *r, Previous: r.Status}))
		delete(s.late, r.Key())
	}
	return errors.Join(errs...)
}
