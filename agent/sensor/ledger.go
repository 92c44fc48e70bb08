package sensor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// The spool's lanes. Posture holds packs, states and changes; health heartbeats.
const (
	lanePosture = "posture"
	laneHealth  = "health"
)

// appender is how the ledger reaches the spool: append one record to a lane.
type appender func(lane string, payload []byte) error

// ledger is what the spool was told of the host's state. It belongs to the loop.
type ledger struct {
	append  appender
	results map[finding.Key]finding.Result
	byCheck map[string][]finding.Key
	// mute are the checks that could not be evaluated when the state was replaced: what
	// others know of their resources is not known here.
	mute    map[string]bool
	changes uint64
}

func newLedger(a appender) *ledger {
	return &ledger{append: a, results: map[finding.Key]finding.Result{}, byCheck: map[string][]finding.Key{}, mute: map[string]bool{}}
}

// silent reports whether r is about a check that could not be evaluated as a whole.
func silent(r *finding.Result) bool {
	return r.Resource == "" && (r.Status == finding.StatusUnknown || r.Status == finding.StatusError)
}

// write encodes and appends one record.
func (l *ledger) write(lane string, r wire.Record) error {
	payload, err := wire.Encode(r)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	if err := l.append(lane, payload); err != nil {
		return fmt.Errorf("append to spool lane %s: %w", lane, err)
	}
	return nil
}

// update compares the results of the named checks, which are all of their
// results, with what the spool was told, and appends what differs. explain gives
// a result its cause. What could not be appended stays different, so that the
// next update tries it again; the errors are joined.
//
// A check that could not be evaluated as a whole says nothing of its resources:
// what was told of them stands beside that. A package is not installed because
// nobody can say whether it is.
func (l *ledger) update(now time.Time, checks []string, results []finding.Result,
	explain func(*finding.Result) *finding.Cause) error {
	var errs []error
	got := make(map[finding.Key]bool, len(results))
	quiet := map[string]bool{}
	for i := range results {
		r := &results[i]
		got[r.Key()] = true
		if silent(r) {
			quiet[r.Check] = true
		}
		if !l.differs(r) {
			continue
		}
		r.Cause = explain(r)
		errs = append(errs, l.change(now, finding.Change{Result: *r, Previous: l.results[r.Key()].Status}))
	}
	for _, check := range checks {
		for _, key := range slices.Clone(l.byCheck[check]) {
			if got[key] || quiet[check] {
				continue
			}
			gone := l.results[key]
			gone.Time = now
			gone.Cause = explain(&gone)
			previous := gone.Status
			gone.Status = finding.StatusPass
			errs = append(errs, l.change(now, finding.Change{Result: gone, Previous: previous, Removed: true}))
		}
	}
	return errors.Join(errs...)
}

// differs reports whether the spool was told something else of r.
func (l *ledger) differs(r *finding.Result) bool {
	old, had := l.results[r.Key()]
	return !had || !finding.Same(&old, r)
}

func (l *ledger) change(now time.Time, c finding.Change) error {
	if err := l.write(lanePosture, wire.Record{Time: now, Change: &c}); err != nil {
		return err
	}
	l.changes++
	if c.Removed {
		l.remove(c.Result.Key())
	} else {
		l.keep(c.Result)
	}
	return nil
}

func (l *ledger) keep(r finding.Result) {
	key := r.Key()
	if _, had := l.results[key]; !had {
		l.byCheck[key.Check] = append(l.byCheck[key.Check], key)
	}
	l.results[key] = r
}

func (l *ledger) remove(key finding.Key) {
	delete(l.results, key)
	keys := l.byCheck[key.Check]
	if i := slices.Index(keys, key); i >= 0 {
		l.byCheck[key.Check] = slices.Delete(keys, i, i+1)
	}
}

// replace makes results the whole state without telling the spool of changes;
// state tells it afterwards.
func (l *ledger) replace(results []finding.Result) {
	clear(l.results)
	clear(l.byCheck)
	clear(l.mute)
	for i := range results {
		if r := &results[i]; silent(r) {
			l.mute[r.Check] = true
		}
		l.keep(results[i])
	}
}

// speaks reports whether one of the checks was mute and is no more, among these
// results of theirs. Only a whole state can then say which of its resources are gone.
func (l *ledger) speaks(checks []string, results []finding.Result) bool {
	before := len(l.mute)
	quiet := map[string]bool{}
	for i := range results {
		quiet[results[i].Check] = quiet[results[i].Check] || silent(&results[i])
	}
	for _, check := range checks {
		if !quiet[check] {
			delete(l.mute, check)
		}
	}
	return len(l.mute) < before
}

// all returns the whole state in finding.Compare order.
func (l *ledger) all() []finding.Result {
	results := make([]finding.Result, 0, len(l.results))
	for _, r := range l.results {
		results = append(results, r)
	}
	slices.SortFunc(results, finding.Compare)
	return results
}

// state appends the whole state. A state of which a part could not be appended
// does not count for its reader; the caller tries the whole again.
func (l *ledger) state(now time.Time) error {
	parts := wire.SplitState(l.all(), 0)
	for i := range parts {
		parts[i].ID = uint64(now.UnixNano())
		if err := l.write(lanePosture, wire.Record{Time: now, State: &parts[i]}); err != nil {
			return err
		}
	}
	return nil
}

// pack appends the static text of the checks.
func (l *ledger) pack(now time.Time, checks []finding.CheckInfo) error {
	packs := wire.SplitPack(checks, 0)
	for i := range packs {
		if err := l.write(lanePosture, wire.Record{Time: now, Pack: &packs[i]}); err != nil {
			return err
		}
	}
	return nil
}

// counts returns how many results stand, by status.
func (l *ledger) counts() map[finding.Status]int {
	n := map[finding.Status]int{}
	for _, r := range l.results {
		n[r.Status]++
	}
	return n
}
