// Package order keeps what is sent to other programs as it happens: one [Order] says what,
// which of it, in which format and by which route; one [Place] says how far it got. Package
// stream carries them out.
//
// What changes is done in the caller's transaction, so that the audit trail has it exactly
// when it happened, and what was put out exactly when the place has moved.
package order

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"time"

	"seawall/collector/db"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Order says what is sent, and by which route.
type Order struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	Route   string `json:"route"`
	Format  string `json:"format"` // ocsf, ecs or otlp
	// What is of changes, detections and findings: the results that stand, all of them,
	// once in EveryHours.
	What       []string `json:"what"`
	EveryHours int      `json:"every_hours"`

	MinSeverity finding.Severity `json:"min_severity"`
	Families    []string         `json:"families"` // of checks; none: all
	Tags        []string         `json:"tags"`     // the host has one of them, by an administrator's word; none: all
}

// What is sent, and how it is written.
const (
	Changes    = "changes"
	Detections = "detections"
	Findings   = "findings"
	OCSF       = "ocsf"
	ECS        = "ecs"
	OTLP       = "otlp"
)

// Limits.
const (
	Max      = 50 // orders
	MaxList  = 50 // entries of each list
	maxEntry = 100
	maxHours = 24 * 31
)

// Formats returns the formats that there are.
func Formats() []string { return []string{OCSF, ECS, OTLP} }

// Kinds returns what can be sent.
func Kinds() []string { return []string{Changes, Detections, Findings} }

// Check says what is wrong with an order, all of it.
func (s *Order) Check() error {
	var errs []error
	must := func(ok bool, problem string) {
		if !ok {
			errs = append(errs, errors.New(problem))
		}
	}
	must(regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`).MatchString(s.Name), "name: 1 to 63 of a-z, 0-9, dot, hyphen and underscore, and a letter or digit first")
	must(printable(s.Route), "route: the name of one")
	must(slices.Contains(Formats(), s.Format), "format: ocsf, ecs or otlp")
	must(len(s.What) > 0 && len(s.What) <= len(Kinds()), "what: at least one of changes, detections and findings")
	for _, w := range s.What {
		must(slices.Contains(Kinds(), w), "what: changes, detections and findings")
	}
	must(s.EveryHours >= 0 && s.EveryHours <= maxHours, fmt.Sprintf("every: 0 to %d hours", maxHours))
	must((s.EveryHours > 0) == slices.Contains(s.What, Findings), "every: findings are sent once in so many hours, and nothing else is")
	must(s.MinSeverity <= finding.SeverityCritical, "severity: there is none such")
	for name, list := range map[string][]string{"families": s.Families, "tags": s.Tags} {
		must(len(list) <= MaxList && !slices.ContainsFunc(list, func(v string) bool { return !printable(v) }),
			fmt.Sprintf("%s: at most %d, of 1 to %d printable characters each", name, MaxList, maxEntry))
	}
	return errors.Join(errs...)
}

func printable(s string) bool { return s != "" && len(s) <= maxEntry && text.Terminal(s) == s }

// Progress is an order and how far it got.
type Progress struct {
	Order
	Sent    int64     `json:"sent"`             // entries that were put into the outbox
	Lost    int64     `json:"lost"`             // entries that were gone, or too large
	Behind  int64     `json:"behind"`           // changes and detections that wait for their turn; of each at most 10,000 are counted
	Waiting int       `json:"waiting"`          // parcels on their way
	Refused int       `json:"refused"`          // parcels that the receiver refused, or that have expired
	Reached time.Time `json:"reached,omitzero"` // when the collector heard of what was sent last
	Round   time.Time `json:"round,omitzero"`   // when the last whole state began
	Walking bool      `json:"walking"`          // it is not finished
	Changed time.Time `json:"changed,omitzero"` // by a person
	At      Place     `json:"-"`
}

// Place is how far an order got.
type Place struct {
	changed            int64  // of the row: who changes an order has the one that carries it out begin anew
	Events, Detections int64  // the newest that were put out
	Round              int64  // when the last whole state began, nanoseconds since 1970
	Walking            bool   // it is not finished
	Walked             []byte // the host that it got to
}

// Equal reports whether two places are the same.
func (p Place) Equal(o Place) bool {
	return p.Events == o.Events && p.Detections == o.Detections && p.Round == o.Round && p.Walking == o.Walking && bytes.Equal(p.Walked, o.Walked)
}

// ErrMoved says that another collector went on from the same place, or that somebody
// changed the order.
var ErrMoved = errors.New("the export's place has moved")

// Move moves an order from where it was read to be, after so many entries were sent and
// lost. One that is elsewhere by now is [ErrMoved].
func Move(w db.Writer, p *Progress, to Place, sent, lost int64, reached time.Time) error {
	from := &p.At
	n, err := w.Change(`UPDATE export_stream SET events = ?, detections = ?, round = ?, walking = ?, walked = ?, sent = sent + ?, lost = lost + ?, reached = ?
		WHERE name = ? AND changed = ? AND events = ? AND detections = ? AND round = ? AND walking = ? AND walked = ?`,
		to.Events, to.Detections, to.Round, number(to.Walking), to.Walked, sent, lost, reached.UnixNano(),
		p.Name, from.changed, from.Events, from.Detections, from.Round, number(from.Walking), from.Walked)
	if err != nil {
		return fmt.Errorf("move the place: %w", err)
	}
	if n == 0 {
		return ErrMoved
	}
	return nil
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

const columns = `SELECT s.name, s.body, s.changed, s.events, s.detections, s.round, s.walking, s.walked, s.sent, s.lost, s.reached,
	(SELECT count(*) FROM outbox o WHERE o.route = s.route AND o.state = 'waiting' AND o.rule = 'export ' || s.name),
	(SELECT count(*) FROM outbox o WHERE o.route = s.route AND o.state IN ('refused', 'expired') AND o.rule = 'export ' || s.name),
	(SELECT count(*) FROM (SELECT 1 FROM event e WHERE e.id > s.events LIMIT 10000) x),
	(SELECT count(*) FROM (SELECT 1 FROM detection d WHERE d.place > s.detections LIMIT 10000) y) FROM export_stream s `

// List returns all orders by name.
func List(ctx context.Context, data db.DB) ([]Progress, error) {
	return read(ctx, data, columns+"ORDER BY s.name")
}

// Get returns one order. One that is not known is an error that is fs.ErrNotExist.
func Get(ctx context.Context, data db.DB, name string) (Progress, error) {
	all, err := read(ctx, data, columns+"WHERE s.name = ?", name)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("export %q: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return Progress{}, err
	}
	return all[0], nil
}

func read(ctx context.Context, data db.DB, query string, args ...any) (all []Progress, err error) {
	err = data.Read(ctx, func(q db.Querier) error {
		all = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			p, err := scanProgress(scan)
			all = append(all, p)
			return err
		}, query, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read exports: %w", err)
	}
	return all, nil
}

func scanProgress(scan func(...any) error) (p Progress, err error) {
	var name, body string
	var walking, reached, changes, reports int64
	at := &p.At
	if err := scan(&name, &body, &at.changed, &at.Events, &at.Detections, &at.Round, &walking, &at.Walked, &p.Sent, &p.Lost, &reached,
		&p.Waiting, &p.Refused, &changes, &reports); err != nil {
		return p, err
	}
	if p.Order, err = decode(name, body); err != nil {
		return p, err
	}
	if at.Walked == nil { // no bytes come back as nothing, which equals none
		at.Walked = []byte{}
	}
	at.Walking, p.Walking = walking != 0, walking != 0
	p.Reached, p.Round, p.Changed = moment(reached), moment(at.Round), moment(at.changed)
	if p.Sends(Changes) {
		p.Behind += changes
	}
	if p.Sends(Detections) {
		p.Behind += reports
	}
	return p, nil
}

func decode(name, body string) (s Order, err error) {
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		return s, fmt.Errorf("export %q: %w", name, err)
	}
	return s, nil
}

// Sends reports whether the order is on and sends that.
func (s *Order) Sends(what string) bool { return s.Enabled && slices.Contains(s.What, what) }

func moment(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// ErrFull is returned by [Save] when there are [Max] orders.
var ErrFull = fmt.Errorf("there are %d exports: no more than that", Max)

// Save writes an order, and reports whether it is a new one. A new one begins with what
// happens from now on; one that was there goes on where it was.
func Save(w db.Writer, now time.Time, s Order) (made bool, err error) {
	if err := s.Check(); err != nil {
		return false, err
	}
	body, err := json.Marshal(s)
	if err != nil {
		return false, fmt.Errorf("encode export: %w", err)
	}
	n, err := w.Change("UPDATE export_stream SET body = ?, route = ?, changed = ? WHERE name = ?", string(body), s.Route, now.UnixNano(), s.Name)
	if err != nil {
		return false, fmt.Errorf("write export: %w", err)
	}
	if n > 0 {
		return false, nil
	}
	var all int
	if _, err := w.Row("SELECT count(*) FROM export_stream", nil, &all); err != nil {
		return false, fmt.Errorf("count exports: %w", err)
	}
	if all >= Max {
		return false, ErrFull
	}
	err = w.Exec(`INSERT INTO export_stream (name, body, route, changed, events, detections, round, walking, walked, sent, lost, reached)
		SELECT ?, ?, ?, ?, coalesce((SELECT max(n) FROM (SELECT max(id) AS n FROM event UNION ALL SELECT value FROM meta WHERE name = 'event_last') x), 0),
		coalesce((SELECT max(place) FROM detection), 0), 0, 0, ?, 0, 0, ?`,
		s.Name, string(body), s.Route, now.UnixNano(), []byte{}, now.UnixNano())
	if err != nil {
		return false, fmt.Errorf("write export: %w", err)
	}
	return true, nil
}

// Delete deletes an order. What it has put into the outbox is delivered. One that is not
// known is an error that is fs.ErrNotExist.
func Delete(w db.Writer, name string) error {
	n, err := w.Change("DELETE FROM export_stream WHERE name = ?", name)
	if err == nil && n == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("delete export %q: %w", name, err)
	}
	return nil
}
