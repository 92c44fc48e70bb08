package host

import (
	"errors"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// foreseen is what work will cost and ask the tables for. It does not refer to what the
// caller gave.
type foreseen struct {
	turns  []turning
	checks []string // of all changes
	weight int
}

// turning is a change of a result that stands, by what the host says.
type turning struct {
	finding.Key
	bad bool // it was, or is now
}

func foresee(items []fleet.Delivery) foreseen {
	f := foreseen{weight: 1}
	for i := range items {
		r := &items[i].Record
		f.weight++
		switch {
		case r.State != nil:
			f.weight += len(r.State.Results)
		case r.Pack != nil:
			f.weight += len(r.Pack.Checks)
		case r.Change != nil && items[i].Reject == "":
			c := r.Change
			f.checks = append(f.checks, c.Result.Check)
			if turns(c) {
				f.turns = append(f.turns, turning{c.Result.Key(), c.Previous.Bad() || c.Result.Status.Bad()})
			}
		}
	}
	return f
}

// turns reports whether a change says that a result which stood before is another now.
func turns(c *finding.Change) bool {
	return !c.Removed && c.Previous != finding.StatusUnspecified && c.Previous != c.Result.Status
}

// Weight is about how many rows the work writes, at least 1.
func (w *Work) Weight() int { return w.weight }

// Foresee reads what hosts' work will need of the tables, all of it at once, where a
// database is asked one after another at the price of as many exchanges. It must come
// before the transaction's first work. Of hosts that are unknown it reads nothing.
func (b *Batch) Foresee(ids []fleet.HostID, works []*Work) error {
	if !db.Asks(b.Writer) {
		return nil
	}
	var questions []db.Question
	for i, w := range works {
		h, err := b.Open(ids[i])
		if errors.Is(err, fleet.ErrUnknown) {
			continue
		}
		if err != nil {
			return err
		}
		for _, t := range w.turns {
			questions = h.ask(questions, t)
		}
		for _, check := range w.checks {
			questions = b.line.Ask(questions, check)
		}
	}
	return db.Ask(b.Writer, questions)
}

// ask appends the questions of a change, unless they have been asked. What no row
// answers is absent.
func (h *Host) ask(questions []db.Question, t turning) []db.Question {
	if _, known := h.states[t.Key]; !known {
		h.remember(t.Key, standing{})
		questions = append(questions, db.Question{
			Text: "SELECT status, severity, since FROM state WHERE host = ? AND check_id = ? AND resource = ?",
			Args: []any{h.key, t.Check, t.Resource},
			Row: func(scan func(...any) error) error {
				var s standing
				err := scan(&s.status, &s.severity, &s.since)
				h.remember(t.Key, s)
				return err
			},
		})
	}
	if h.bad[t.Check] == nil && t.bad {
		b := h.count(t.Check)
		questions = append(questions, db.Question{
			Text: badQuery, Args: []any{h.key, t.Check},
			Row: func(scan func(...any) error) error {
				err := scan(&b.before)
				b.now = b.before
				return err
			},
		})
	}
	return questions
}
