// Package outbox keeps messages until they are delivered, and tells what became of
// them.
//
// A message is put in by the transaction that made it necessary, so it exists exactly
// when that does. Each route is a queue: its oldest message goes first, and while that
// fails, those behind it wait, so that a receiver that is away is asked once in a while
// and gets everything in order when it is back. Waiting doubles from five seconds to
// five minutes.
//
// Who claims messages has them for a lease. One that is not reported on until its end
// (its holder died) is handed out again: a message arrives at least once, and more than
// once only when a process died between the receiver's answer and its report. A claim
// and a report name the attempt, so a late report of an older attempt changes nothing.
//
// A message that nobody took for three days has expired, unless it is for a program:
// those are few, and late is better than never. One that was refused waits for
// a person, who may send it again. What is finished is the log of deliveries, kept for
// thirty days, at most 20,000 of it.
package outbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"seawall/collector/alert"
	"seawall/collector/db"
	"seawall/collector/retention"
	"seawall/pkg/text"
)

// ErrFull is returned by [Put] for a route with as many waiting messages as it may
// have: who puts in what is not urgent goes on when there is room.
var ErrFull = errors.New("too many messages wait for the route")

const (
	maxWaiting = 10_000 // of one route
	maxBody    = 1 << 20
	maxDetail  = 300
	maxLog     = 20_000
	expire     = 72 * time.Hour
	firstWait  = 5 * time.Second
	lastWait   = 5 * time.Minute
	// Lease is how long who claimed messages has them.
	Lease = 3 * time.Minute
)

// State is what became of a message.
type State string

// The states.
const (
	Waiting State = "waiting"
	Sent    State = "sent"
	Refused State = "refused" // the receiver will never take it
	Expired State = "expired" // nobody took it in time
)

// Item is a message to be put in.
type Item struct {
	ID    string // default: drawn
	Route string
	Kind  alert.Kind
	Type  string // media type of Body
	Title string // for the log
	Rule  string // name of the rule, or of what else made it
	Body  []byte // at most 1 MiB
}

// Entry is a message in the log.
type Entry struct {
	Seq      int64
	ID       string
	Route    string
	Kind     alert.Kind
	Title    string
	Rule     string
	Made     time.Time
	Due      time.Time // of the next attempt, while it waits
	Attempts int
	State    State
	Ended    time.Time
	Took     time.Duration
	Detail   string
}

// Outbox is the queue in a database.
type Outbox struct {
	data db.DB
	now  func() time.Time
}

// New returns the outbox of a database.
func New(data db.DB, now func() time.Time) *Outbox { return &Outbox{data, now} }

// NewID draws the id of a message: 32 hexadecimal digits.
func NewID() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

// Put puts a message in, in the caller's transaction, and returns its id.
func Put(w db.Writer, now time.Time, it Item) (id string, err error) {
	if len(it.Body) > maxBody {
		return "", fmt.Errorf("message of %d bytes: at most %d", len(it.Body), maxBody)
	}
	var waiting, seq int64
	if _, err := w.Row("SELECT count(*) FROM outbox WHERE route = ? AND state = 'waiting'", []any{it.Route}, &waiting); err != nil {
		return "", fmt.Errorf("count messages: %w", err)
	}
	if waiting >= maxWaiting {
		return "", fmt.Errorf("route %s: %w", it.Route, ErrFull)
	}
	if _, err := w.Row("SELECT coalesce(max(seq), 0) + 1 FROM outbox", nil, &seq); err != nil {
		return "", fmt.Errorf("number message: %w", err)
	}
	it.ID = cmp.Or(it.ID, NewID())
	err = w.Exec(`INSERT INTO outbox (seq, id, route, kind, type, title, rule, made, due, attempts, state, ended, took, detail, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 'waiting', 0, 0, '', ?)`,
		seq, it.ID, it.Route, string(it.Kind), it.Type, text.Clean(it.Title, maxDetail), it.Rule, now.UnixNano(), now.UnixNano(), it.Body)
	if err != nil {
		return "", fmt.Errorf("put message: %w", err)
	}
	return it.ID, nil
}

// Claim takes the oldest messages of a route, at most limit, none while its first is
// not due. They are the caller's for [Lease].
func (o *Outbox) Claim(ctx context.Context, route string, limit int) (parcels []alert.Parcel, err error) {
	due, err := o.due(ctx, route)
	if err != nil || !due {
		return nil, err
	}
	err = o.data.Write(ctx, func(w db.Writer) error {
		now := o.now()
		if err := w.Exec("UPDATE outbox SET state = 'expired', ended = ?, detail = ? WHERE route = ? AND state = 'waiting' AND kind <> 'raw' AND made < ?",
			now.UnixNano(), "nobody took it in "+expire.String(), route, now.Add(-expire).UnixNano()); err != nil {
			return err
		}
		var err error
		if parcels, err = ready(w, now, route, limit); err != nil {
			return err
		}
		for _, p := range parcels {
			if err := w.Exec("UPDATE outbox SET due = ?, attempts = ? WHERE id = ?", now.Add(Lease).UnixNano(), p.Attempt, p.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim messages of %s: %w", route, err)
	}
	return parcels, nil
}

// ready are the oldest messages of a route that are due, none while the first one is not.
func ready(w db.Writer, now time.Time, route string, limit int) (parcels []alert.Parcel, err error) {
	first := true
	err = w.Rows("SELECT id, kind, type, made, due, attempts, body FROM outbox WHERE route = ? AND state = 'waiting' ORDER BY seq LIMIT ?",
		[]any{route, limit}, func(scan func(...any) error) error {
			p, kind, made, due := alert.Parcel{Route: route}, "", int64(0), int64(0)
			if err := scan(&p.ID, &kind, &p.Type, &made, &due, &p.Attempt, &p.Body); err != nil {
				return err
			}
			if first = first && due <= now.UnixNano(); first || len(parcels) > 0 && due <= now.UnixNano() {
				p.Kind, p.Made, p.Attempt = alert.Kind(kind), time.Unix(0, made).UTC(), p.Attempt+1
				parcels = append(parcels, p)
			}
			return nil
		})
	return parcels, err
}

// due reports whether the first message of a route may go, without a transaction that
// writes.
func (o *Outbox) due(ctx context.Context, route string) (ok bool, err error) {
	err = o.data.Read(ctx, func(q db.Querier) error {
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var due int64
			err := scan(&due)
			ok = due <= o.now().UnixNano()
			return err
		}, "SELECT due FROM outbox WHERE route = ? AND state = 'waiting' ORDER BY seq LIMIT 1", route)
	})
	if err != nil {
		return false, fmt.Errorf("look for messages of %s: %w", route, err)
	}
	return ok, nil
}

// Report writes down what became of an attempt. Reports of attempts that are not the
// newest are ignored.
func (o *Outbox) Report(ctx context.Context, p alert.Outcome, attempt int) error {
	err := o.data.Write(ctx, func(w db.Writer) error {
		now := o.now()
		detail := text.Clean(text.Terminal(text.Clean(p.Detail, maxDetail)), maxDetail)
		set, args := "due = ?", []any{now.Add(max(wait(attempt), p.After)).UnixNano()}
		switch p.Result {
		case alert.Sent:
			set, args = "state = 'sent', ended = ?", []any{now.UnixNano()}
		case alert.Refused:
			set, args = "state = 'refused', ended = ?", []any{now.UnixNano()}
		case alert.Untried:
			// The attempt did not take place.
			return w.Exec("UPDATE outbox SET due = ?, attempts = attempts - 1 WHERE id = ? AND state = 'waiting' AND attempts = ?",
				now.UnixNano(), p.ID, attempt)
		case alert.Later:
		default:
			return fmt.Errorf("there is no result %q", p.Result)
		}
		args = append(args, detail, int64(p.Took), p.ID, attempt)
		return w.Exec("UPDATE outbox SET "+set+", detail = ?, took = ? WHERE id = ? AND state = 'waiting' AND attempts = ?", args...)
	})
	if err != nil {
		return fmt.Errorf("report on message %s: %w", p.ID, err)
	}
	return nil
}

// wait is how long a message waits after an attempt.
func wait(attempt int) time.Duration {
	return min(firstWait<<min(max(attempt-1, 0), 10), lastWait)
}

// Again sends a message that was refused or has expired. One that is not
// known, was sent or still waits, is an error that is fs.ErrNotExist.
func Again(w db.Writer, now time.Time, id string) error {
	n, err := w.Change("UPDATE outbox SET state = 'waiting', ended = 0, due = ?, made = CASE WHEN state = 'expired' THEN ? ELSE made END WHERE id = ? AND state IN ('refused', 'expired')",
		now.UnixNano(), now.UnixNano(), id)
	if err != nil {
		return fmt.Errorf("send message %s again: %w", id, err)
	}
	if n == 0 {
		return fmt.Errorf("message %s: %w", id, fs.ErrNotExist)
	}
	return nil
}

// Query selects entries of the log. Zero fields select everything.
type Query struct {
	Route  string
	State  State
	Before int64 // entries with a smaller Seq
	Limit  int   // at most 200; 0 means 50
}

const columns = "seq, id, route, kind, title, rule, made, due, attempts, state, ended, took, detail"

// Log returns entries, the newest first.
func (o *Outbox) Log(ctx context.Context, q Query) (entries []Entry, err error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(cond string, arg any) { where, args = append(where, cond), append(args, arg) }
	if q.Route != "" {
		add("route = ?", q.Route)
	}
	if q.State != "" {
		add("state = ?", string(q.State))
	}
	if q.Before != 0 {
		add("seq < ?", q.Before)
	}
	args = append(args, min(cmp.Or(q.Limit, 50), 200))
	err = o.data.Read(ctx, func(r db.Querier) error {
		entries = nil
		return db.Each(ctx, r, func(scan func(...any) error) error {
			e, err := scanEntry(scan)
			entries = append(entries, e)
			return err
		}, "SELECT "+columns+" FROM outbox WHERE "+strings.Join(where, " AND ")+" ORDER BY seq DESC LIMIT ?", args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read log of deliveries: %w", err)
	}
	return entries, nil
}

// Message returns one entry and its body. One that is not known is an error that is
// fs.ErrNotExist.
func (o *Outbox) Message(ctx context.Context, id string) (e Entry, body []byte, err error) {
	found := false
	err = o.data.Read(ctx, func(r db.Querier) error {
		return db.Each(ctx, r, func(scan func(...any) error) error {
			found = true
			e, err = scanEntry(func(to ...any) error { return scan(append(to, &body)...) })
			return err
		}, "SELECT "+columns+", body FROM outbox WHERE id = ?", id)
	})
	if err == nil && !found {
		err = fs.ErrNotExist
	}
	if err != nil {
		return e, nil, fmt.Errorf("read message: %w", err)
	}
	return e, body, nil
}

func scanEntry(scan func(...any) error) (e Entry, err error) {
	var kind, state string
	var made, due, ended, took int64
	if err := scan(&e.Seq, &e.ID, &e.Route, &kind, &e.Title, &e.Rule, &made, &due, &e.Attempts, &state, &ended, &took, &e.Detail); err != nil {
		return e, err
	}
	e.Kind, e.State, e.Took = alert.Kind(kind), State(state), time.Duration(took)
	e.Made, e.Due, e.Ended = at(made), at(due), at(ended)
	return e, nil
}

func at(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// Load is how a route fares.
type Load struct {
	Waiting int
	Oldest  time.Time // of those that wait
	Refused int       // and expired
	Last    time.Time // message that was sent
	Detail  string    // what the oldest that waits was told last
}

// Loads returns how each route fares that has messages.
func (o *Outbox) Loads(ctx context.Context) (loads map[string]Load, err error) {
	err = o.data.Read(ctx, func(r db.Querier) error {
		loads = map[string]Load{}
		err := db.Each(ctx, r, func(scan func(...any) error) error {
			var route, state string
			var n int
			var oldest, last int64
			if err := scan(&route, &state, &n, &oldest, &last); err != nil {
				return err
			}
			l := loads[route]
			switch State(state) {
			case Waiting:
				l.Waiting, l.Oldest = n, at(oldest)
			case Sent:
				l.Last = at(last)
			default:
				l.Refused += n
			}
			loads[route] = l
			return nil
		}, "SELECT route, state, count(*), min(made), max(ended) FROM outbox GROUP BY route, state")
		if err != nil {
			return err
		}
		return db.Each(ctx, r, func(scan func(...any) error) error {
			var route, detail string
			err := scan(&route, &detail)
			l := loads[route]
			l.Detail = detail
			loads[route] = l
			return err
		}, "SELECT route, detail FROM outbox WHERE seq IN (SELECT min(seq) FROM outbox WHERE state = 'waiting' GROUP BY route)")
	})
	if err != nil {
		return nil, fmt.Errorf("count messages: %w", err)
	}
	return loads, nil
}

// Trim deletes what is old of the log.
func (o *Outbox) Trim(ctx context.Context) error {
	err := o.data.Write(ctx, func(w db.Writer) error {
		keep, err := retention.Of(w, retention.Messages, 0)
		if err != nil {
			return err
		}
		if err := w.Exec("DELETE FROM outbox WHERE state <> 'waiting' AND ended < ?", o.now().Add(-keep).UnixNano()); err != nil {
			return err
		}
		return w.Exec("DELETE FROM outbox WHERE state <> 'waiting' AND seq <= (SELECT coalesce(max(seq), 0) FROM outbox) - ?", maxLog)
	})
	if err != nil {
		return fmt.Errorf("trim log of deliveries: %w", err)
	}
	return nil
}
