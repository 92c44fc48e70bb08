package host

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"seawall/collector/fleet"
	"seawall/collector/store/host/timeline"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// errBody is a row of ours that does not hold what it should.
var errBody = errors.New("the row is damaged")

// replace makes the results the host's whole state. What differs from the state
// before changed while nobody was told (the agent did not run, or its records are
// lost), and enters the timeline here. A host's first whole state is no change.
func (h *Host) replace(d *fleet.Delivery, p *finding.StatePart, results []finding.Result) error {
	if len(results) > h.limits.Results {
		return h.reject(d, "whole state is larger than a host's may be")
	}
	next := make(map[finding.Key]*finding.Result, len(results))
	for i := range results {
		next[results[i].Key()] = &results[i]
	}
	if len(results) != int(p.Total) || len(next) != len(results) || finding.Digest(results) != p.Digest {
		h.mismatches++
		return h.reject(d, "whole state does not have its digest")
	}
	changes, err := h.compare(d, next)
	if err != nil {
		return fmt.Errorf("compare states: %w", err)
	}
	if len(changes) > 1 {
		if err := h.countAll(changes); err != nil {
			return fmt.Errorf("read counts: %w", err)
		}
	}
	if err := h.settle(d, changes, next); err != nil {
		return err
	}
	if !h.whole {
		h.whole = true
		return nil
	}
	if err := h.line.Foresee(changes); err != nil {
		return err
	}
	for i := range changes {
		body, err := wire.Encode(wire.Record{Time: d.Record.Time, Change: &changes[i]})
		if err != nil {
			return fmt.Errorf("encode change: %w", err)
		}
		if err := h.tell(timeline.Name{Lane: d.Lane, Epoch: d.Epoch, Sequence: d.Sequence, Ordinal: i + 1}, fleet.Event{Change: changes[i], Resync: true}, body); err != nil {
			return err
		}
	}
	return nil
}

// settle takes what was removed out of the standing state, and puts in next.
func (h *Host) settle(d *fleet.Delivery, changes []finding.Change, next map[finding.Key]*finding.Result) error {
	for i := range changes {
		if c := &changes[i]; c.Removed {
			if err := h.stand(&c.Result, true, nil); err != nil {
				return err
			}
		}
	}
	for _, fresh := range []bool{false, true} { // new rows are added one after another
		for k, r := range next {
			if (h.states[k].status == 0) != fresh {
				continue
			}
			body, err := wire.Encode(wire.Record{Time: d.Record.Time, Change: &finding.Change{Result: *r}})
			if err != nil {
				return fmt.Errorf("encode result: %w", err)
			}
			if err := h.stand(r, false, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare returns the changes from what stands to next, in a fixed order, and
// takes out of next what stands already to the letter. A result that says the same
// as the standing one and names no cause keeps the cause; a change has only the
// cause that came with it.
//
// A check that could not be evaluated as a whole says nothing of its resources: what
// stands of them stays, as with changes. An agent that starts while a file is broken
// has no other way to say that nobody knows.
func (h *Host) compare(d *fleet.Delivery, next map[finding.Key]*finding.Result) (changes []finding.Change, err error) {
	had := make(map[finding.Key]bool)
	silent, room := mute(next), h.limits.Results-len(next)
	err = h.Rows("SELECT check_id, resource, status, severity, since, body FROM state WHERE host = ?", []any{h.key},
		func(scan func(...any) error) error {
			var k finding.Key
			var s standing
			var body []byte
			if err := scan(&k.Check, &k.Resource, &s.status, &s.severity, &s.since, &body); err != nil {
				return err
			}
			h.remember(k, s)
			had[k] = true
			old := readState(k, s, body)
			r := next[k]
			if r == nil && room > 0 && k.Resource != "" && silent[k.Check] {
				room--
				return nil
			}
			if r == nil {
				gone := old
				gone.Status, gone.Cause, gone.Time = finding.StatusPass, nil, d.Record.Time
				changes = append(changes, finding.Change{Result: gone, Previous: old.Status, Removed: true})
				return nil
			}
			if !sameValues(&old, r) {
				changes = append(changes, finding.Change{Result: *r, Previous: old.Status})
			}
			keepCause(r, &old)
			if reflect.DeepEqual(&old, r) {
				delete(next, k)
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	for k, r := range next {
		if !had[k] {
			h.remember(k, standing{})
			changes = append(changes, finding.Change{Result: *r})
		}
	}
	slices.SortFunc(changes, func(a, b finding.Change) int { return finding.Compare(a.Result, b.Result) })
	return changes, nil
}

// keepCause gives a result without a cause that of the same result before.
func keepCause(r, old *finding.Result) {
	if r.Cause == nil && old.Status == r.Status && old.Actual == r.Actual && old.Expected == r.Expected {
		r.Cause = old.Cause
	}
}

// mute returns the checks that could not be evaluated as a whole.
func mute(next map[finding.Key]*finding.Result) map[string]bool {
	checks := make(map[string]bool)
	for k, r := range next {
		if k.Resource == "" && (r.Status == finding.StatusUnknown || r.Status == finding.StatusError) {
			checks[k.Check] = true
		}
	}
	return checks
}

// readState returns the result of a row of state. Of a damaged row it is what the
// other columns say: a whole state must be able to mend it.
func readState(k finding.Key, s standing, body []byte) finding.Result {
	if r, err := decodeChange(body); err == nil {
		return r.Result
	}
	return finding.Result{Check: k.Check, Resource: k.Resource, Status: s.status, Severity: s.severity}
}

// decodeChange reads the body of a row of state.
func decodeChange(body []byte) (*finding.Change, error) {
	r, err := wire.Decode(body)
	if err != nil || r.Change == nil {
		return nil, fmt.Errorf("decode state: %w", errors.Join(errBody, err))
	}
	return r.Change, nil
}

// sameValues reports whether two results differ at most in evidence, cause and
// time.
func sameValues(a, b *finding.Result) bool {
	return a.Status == b.Status && a.Severity == b.Severity && a.Actual == b.Actual && a.Expected == b.Expected
}

// moved reports whether a change says what stands already, so that only its
// evidence has another place, as when a line is put before it. Body is that of the
// standing row.
func moved(body []byte, c *finding.Change) bool {
	old, err := decodeChange(body)
	return err == nil && sameValues(&old.Result, &c.Result) // a damaged row says nothing
}
