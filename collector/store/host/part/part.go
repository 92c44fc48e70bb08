// Package part keeps the parts of whole states until all are there. A part of another
// state drops what was incomplete of its lane, so a host has at most one incomplete
// state in each lane, and its size is bounded.
package part

import (
	"errors"
	"fmt"

	"seawall/collector/db"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// maxBytes bounds the incomplete whole state of a host.
const maxBytes = 16 << 20

// errBody is a row of ours that does not hold what it should.
var errBody = errors.New("the row is damaged")

// Lane is a lane of a host within a transaction of the writer.
type Lane struct {
	Writer  db.Writer
	Host    []byte
	Name    string
	Results int // that a state may have at most
}

// Outcome is what became of a part.
type Outcome struct {
	Refused  string // why it was not kept, if it was not
	Complete bool
	Results  []finding.Result // of the state, when it is complete
}

// Take keeps a part, whose encoding is body, and returns the state when that is
// complete. The cost of a part does not depend on how many there are.
func (l *Lane) Take(p *finding.StatePart, body []byte) (o Outcome, err error) {
	if p.Parts == 1 {
		return Outcome{Complete: true, Results: p.Results}, nil
	}
	have, size, same, err := l.set(p)
	if err != nil {
		return o, err
	}
	var twice int
	if _, err := l.Writer.Row("SELECT count(*) FROM part WHERE host = ? AND lane = ? AND part = ?", []any{l.Host, l.Name, p.Part}, &twice); err != nil {
		return o, fmt.Errorf("read parts: %w", err)
	}
	size += int64(len(body))
	switch {
	case !same:
		o.Refused = "part of a state differs from the others in parts, total or digest"
	case twice > 0:
		o.Refused = "part of a state came before"
	case size > maxBytes || int(p.Total) > l.Results:
		o.Refused = "whole state is larger than a host's may be"
	}
	if o.Refused != "" {
		return o, nil
	}
	if err := l.Writer.Exec("INSERT INTO part VALUES (?, ?, ?, ?)", l.Host, l.Name, p.Part, body); err != nil {
		return o, fmt.Errorf("keep part: %w", err)
	}
	if have+1 == int64(p.Parts) {
		o.Results, err = l.assemble(p)
		o.Complete = err == nil
		return o, err
	}
	if err := l.Writer.Exec("UPDATE part_set SET have = ?, size = ? WHERE host = ? AND lane = ?", have+1, size, l.Host, l.Name); err != nil {
		return o, fmt.Errorf("count parts: %w", err)
	}
	return o, nil
}

// set returns how many parts of a state there are, their bytes, and whether the part
// says the same of the state as they. A new state is begun.
func (l *Lane) set(p *finding.StatePart) (have, size int64, same bool, err error) {
	var id int64
	known, err := l.Writer.Row("SELECT state_id, have, size, parts = ? AND total = ? AND digest = ? FROM part_set WHERE host = ? AND lane = ?",
		[]any{p.Parts, p.Total, p.Digest[:], l.Host, l.Name}, &id, &have, &size, &same)
	if err != nil {
		return 0, 0, false, fmt.Errorf("read parts: %w", err)
	}
	if known && id == int64(p.ID) {
		return have, size, same, nil
	}
	if err := l.begin(p); err != nil {
		return 0, 0, false, fmt.Errorf("begin state: %w", err)
	}
	return 0, 0, true, nil
}

// begin drops the incomplete state of the lane and notes the new one.
func (l *Lane) begin(p *finding.StatePart) error {
	if err := l.Writer.Exec("DELETE FROM part WHERE host = ? AND lane = ?", l.Host, l.Name); err != nil {
		return err
	}
	return l.Writer.Exec(`INSERT INTO part_set VALUES (?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (host, lane) DO UPDATE SET state_id = excluded.state_id,
		parts = excluded.parts, total = excluded.total, digest = excluded.digest, have = 0, size = 0`,
		l.Host, l.Name, int64(p.ID), p.Parts, p.Total, p.Digest[:])
}

// assemble puts the parts together; all are there.
func (l *Lane) assemble(p *finding.StatePart) ([]finding.Result, error) {
	results := make([]finding.Result, 0, p.Total)
	err := l.Writer.Rows("SELECT body FROM part WHERE host = ? AND lane = ? ORDER BY part", []any{l.Host, l.Name},
		func(scan func(...any) error) error {
			var body []byte
			if err := scan(&body); err != nil {
				return err
			}
			r, err := wire.Decode(body)
			if err != nil || r.State == nil {
				return fmt.Errorf("decode part: %w", errors.Join(errBody, err))
			}
			results = append(results, r.State.Results...)
			return nil
		})
	if err != nil {
		return nil, err
	}
	for _, text := range []string{"DELETE FROM part WHERE host = ? AND lane = ?", "DELETE FROM part_set WHERE host = ? AND lane = ?"} {
		if err := l.Writer.Exec(text, l.Host, l.Name); err != nil {
			return nil, fmt.Errorf("drop parts: %w", err)
		}
	}
	return results, nil
}
