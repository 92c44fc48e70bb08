// Package timeline appends events to the table of what happened, within a transaction of
// the writer.
//
// Events are numbered in the order in which they are told, from the last number that was
// ever given. A row names the event before it of its host and that of its check, so that
// a page of either is read by following the chain. The newest event of each host stands
// in the host's row; that of each check is kept here, and written once at the end.
package timeline

import (
	"fmt"
	"strings"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Name names an event for ever. Ordinals tell the events of one record apart, and
// the record's position, moved in the same transaction, keeps them from being told
// twice. What the collector says itself has no lane and the event's own number.
type Name struct {
	Lane     string
	Epoch    uint64
	Sequence uint64
	Ordinal  int
}

// Row is an event to be written. Its number is given when it is.
type Row struct {
	Name
	Host   []byte
	Newest *int64         // event of the host before this one, and then this one
	Events *[]fleet.Event // of the host, in this transaction
	At     int            // of them
	Body   []byte
}

// rowsAtOnce is how many events one statement writes. A statement costs as much as
// a row, but the driver looks for each argument among all of them.
const rowsAtOnce = 4

// Timeline is what a transaction appends.
type Timeline struct {
	w db.Writer

	told   []Row            // to be written
	lastID int64            // of an event, once one was written
	first  int64            // event that was written
	newest map[string]int64 // event of each check that was told of
	last   map[string]int64 // event of each check before the transaction, as foreseen
}

// New returns a Timeline of the writer's transaction.
func New(w db.Writer) Timeline { return Timeline{w: w} }

// Add appends an event, now or with those that follow.
func (t *Timeline) Add(r Row) error {
	t.told = append(t.told, r)
	if len(t.told) < rowsAtOnce {
		return nil
	}
	return t.write()
}

// End writes all that was added. What is added afterwards reads anew what came before it.
func (t *Timeline) End() error {
	if err := t.write(); err != nil {
		return err
	}
	for check, id := range t.newest {
		if err := t.w.Exec("INSERT INTO check_newest VALUES (?, ?) ON CONFLICT (check_id) DO UPDATE SET event = excluded.event", check, id); err != nil {
			return fmt.Errorf("write the newest event of %s: %w", check, err)
		}
	}
	t.newest, t.last = nil, nil
	return nil
}

// Span returns the first and the last number that were given, 0 and 0 for none.
func (t *Timeline) Span() (first, last int64) {
	if t.first == 0 {
		return 0, 0
	}
	return t.first, t.lastID
}

// write writes the events that were added, in order.
func (t *Timeline) write() error {
	if len(t.told) == 0 {
		return nil
	}
	if t.lastID == 0 {
		if _, err := t.w.Row(`SELECT coalesce(max(n), 0) FROM (SELECT max(id) AS n FROM event
			UNION ALL SELECT value FROM meta WHERE name = 'event_last') x`, nil, &t.lastID); err != nil {
			return fmt.Errorf("number events: %w", err)
		}
		t.first = t.lastID + 1
	}
	rows := t.told
	t.told = t.told[:0]
	for n := rowsAtOnce; len(rows) > 0; rows = rows[n:] {
		if len(rows) < rowsAtOnce || db.Appends(t.w) {
			n = 1
		}
		if err := t.insert(rows[:n]); err != nil {
			return fmt.Errorf("append to the timeline: %w", err)
		}
	}
	return nil
}

const columns = "id, host, lane, epoch, seq, ordinal, received, check_id, moved, body, host_before, check_before"

// insert writes rows. An error undoes the transaction, which it ends anyway: else SQLite
// would copy each page to a file first, to undo the statement alone.
func (t *Timeline) insert(rows []Row) error {
	args := make([]any, 0, 12*len(rows))
	for _, r := range rows {
		t.lastID++
		e := &(*r.Events)[r.At]
		e.ID = t.lastID
		check := e.Change.Result.Check
		before, err := t.follow(check, e.ID)
		if err != nil {
			return err
		}
		if r.Lane == "" {
			r.Sequence = uint64(e.ID)
		}
		args = append(args, e.ID, r.Host, r.Lane, int64(r.Epoch), int64(r.Sequence), r.Ordinal,
			e.Received.UnixNano(), check, e.Moved, r.Body, *r.Newest, before)
		*r.Newest = e.ID
	}
	if len(rows) == 1 {
		return db.Append(t.w, "event", columns, args...)
	}
	return t.w.Exec("INSERT INTO event ("+columns+") VALUES "+
		strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), ", len(rows)-1)+"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", args...)
}

const newestQuery = "SELECT event FROM check_newest WHERE check_id = ?"

// follow makes an event the newest of its check and returns the one before it.
func (t *Timeline) follow(check string, id int64) (before int64, err error) {
	before, known := t.newest[check]
	if !known {
		if before, known = t.last[check]; !known {
			if _, err := t.w.Row(newestQuery, []any{check}, &before); err != nil {
				return 0, fmt.Errorf("read the newest event of %s: %w", check, err)
			}
		}
		if t.newest == nil {
			t.newest = make(map[string]int64)
		}
	}
	t.newest[check] = id
	return before, nil
}

// Ask appends the question of what event of a check was the newest, unless it has been
// asked.
func (t *Timeline) Ask(questions []db.Question, check string) []db.Question {
	if _, known := t.last[check]; known {
		return questions
	}
	if t.last == nil {
		t.last = make(map[string]int64)
	}
	last := t.last
	last[check] = 0
	return append(questions, db.Question{Text: newestQuery, Args: []any{check}, Row: func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		last[check] = id
		return err
	}})
}

// Foresee reads what event of each check of the changes was the newest, all at once
// where that is cheaper.
func (t *Timeline) Foresee(changes []finding.Change) error {
	if !db.Asks(t.w) {
		return nil
	}
	var questions []db.Question
	for i := range changes {
		if check := changes[i].Result.Check; t.newest[check] == 0 {
			questions = t.Ask(questions, check)
		}
	}
	return db.Ask(t.w, questions)
}
