package privacy

import (
	"context"
	"fmt"

	"seawall/collector/db"
)

// Report says what became of a name.
type Report struct {
	Looked  int `json:"looked"`  // rows that were looked through, at the end once more
	Changed int `json:"changed"` // rows from which it was taken
	Words   int `json:"words"`   // how often it stood there
	Views   int `json:"views"`   // that the collector's user of that name had saved, and are gone
	// Standing counts standing results that are about the name itself: their resource
	// is or holds it. They stay until the host no longer tells of them.
	Standing int `json:"standing"`
}

// Detail says it in the audit trail, without the name.
func (r Report) Detail() string {
	text := fmt.Sprintf("%d words in %d rows; %d rows looked through, none left", r.Words, r.Changed, r.Looked)
	if r.Views > 0 {
		text += fmt.Sprintf("; %d saved views removed", r.Views)
	}
	return text
}

// place is a column in which names can stand.
type place struct {
	table, column string
	keys          [3]string // that name a row; '' where there are fewer
	text          bool      // it is a text; otherwise bytes
	record        bool      // it holds a record as the host sent it
	resource      bool      // the last key is a result's resource
}

func places() []place {
	return []place{
		{"event", "body", [3]string{"id", "0", "''"}, false, true, false},
		{"state", "body", [3]string{"host", "check_id", "resource"}, false, true, true},
		{"detection", "body", [3]string{"host", "storm", "''"}, false, true, false},
		{"rejected", "reason", [3]string{"host", "seq", "lane"}, true, false, false},
		{"triage", "assignee", [3]string{"host", "check_id", "resource"}, true, false, false},
		{"triage", "note", [3]string{"host", "check_id", "resource"}, true, false, false},
		{"waiver", "owner", [3]string{"id", "0", "''"}, true, false, false},
		{"waiver", "reason", [3]string{"id", "0", "''"}, true, false, false},
		{"alert_waiting", "body", [3]string{"rule", "place", "grp"}, true, false, false},
		{"alert_subject", "body", [3]string{"rule", "0", "subject"}, true, false, false},
		{"outbox", "body", [3]string{"seq", "0", "''"}, false, false, false},
		{"outbox", "title", [3]string{"seq", "0", "''"}, true, false, false},
		{"saved_view", "name", [3]string{"id", "0", "''"}, true, false, false},
		{"saved_view", "query", [3]string{"id", "0", "''"}, true, false, false},
		{"once", "answer", [3]string{"id", "0", "''"}, true, false, false},
	}
}

// atOnce is how many rows are changed in one transaction: what hosts send waits.
const atOnce = 500

// maxRounds bounds how often a table is gone through while hosts go on telling of the
// name.
const maxRounds = 1000

// User takes a person's name out of everything that hosts told and that people wrote
// about it, removes the views that the collector's user of that name saved, and has
// record write that it did, in a transaction after the last look. An error says what is
// left; what was done until then stays done.
func User(ctx context.Context, data db.DB, name string, record func(db.Writer, Report) error) (r Report, err error) {
	if err := CheckName(name); err != nil {
		return r, fmt.Errorf("forget a name: %w", err)
	}
	for _, p := range places() {
		for round := 0; ; round++ {
			found, looked, standing, err := p.find(ctx, data, name)
			if err != nil {
				return r, fmt.Errorf("look for the name in %s: %w", p.table, err)
			}
			if len(found) == 0 {
				r.Looked += looked
				r.Standing += standing
				break
			}
			if round == maxRounds {
				return r, fmt.Errorf("hosts go on telling of the name: %d rows of %s are left", len(found), p.table)
			}
			if err := data.Write(ctx, func(w db.Writer) error { return p.change(w, found) }); err != nil {
				return r, fmt.Errorf("take the name out of %s: %w", p.table, err)
			}
			r.Changed += len(found)
			for _, f := range found {
				r.Words += f.words
			}
		}
	}
	err = data.Write(ctx, func(w db.Writer) error {
		views, err := w.Change("DELETE FROM saved_view WHERE account = ?", name)
		if err != nil {
			return fmt.Errorf("remove the saved views: %w", err)
		}
		r.Views = int(views)
		return record(w, r)
	})
	return r, err
}

// found is a row in which the name stands, and what is to stand there.
type found struct {
	keys     [3]any
	old, now []byte
	words    int
}

// find looks through the whole column, until it has as many rows as may be changed at
// once.
func (p place) find(ctx context.Context, data db.DB, name string) (out []found, looked, standing int, err error) {
	err = data.Read(ctx, func(q db.Querier) error {
		out, looked, standing = nil, 0, 0
		rows, err := q.QueryContext(ctx, "SELECT "+p.keys[0]+", "+p.keys[1]+", "+p.keys[2]+", "+p.column+" FROM "+p.table)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() && len(out) < atOnce {
			var f found
			var last string
			if err := rows.Scan(&f.keys[0], &f.keys[1], &last, &f.old); err != nil {
				return err
			}
			looked++
			f.keys[2] = last
			if p.resource {
				if _, n := without(last, name); n > 0 {
					standing++
					continue
				}
			}
			if f.now, f.words, err = p.clean(f.old, name); err != nil {
				return err
			}
			if f.words > 0 {
				out = append(out, f)
			}
		}
		return rows.Err()
	})
	return out, looked, standing, err
}

// clean returns what the column holds without the name.
func (p place) clean(old []byte, name string) ([]byte, int, error) {
	if p.record {
		return record(old, name)
	}
	if p.column == "query" {
		return query(old, name)
	}
	text, n := without(string(old), name)
	return []byte(text), n, nil
}

// change writes rows, where they are still what was read.
func (p place) change(w db.Writer, all []found) error {
	text := "UPDATE " + p.table + " SET " + p.column + " = ? WHERE " + p.keys[0] + " = ? AND " + p.keys[1] + " = ? AND " + p.keys[2] + " = ? AND " + p.column + " = ?"
	for _, f := range all {
		var now, old any = f.now, f.old
		if p.text {
			now, old = string(f.now), string(f.old)
		}
		if err := w.Exec(text, now, f.keys[0], f.keys[1], f.keys[2], old); err != nil {
			return err
		}
	}
	return nil
}
