package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/trail"
	"seawall/collector/web/role"
	"seawall/pkg/text"
)

// topic is what other collectors are told of when sessions end.
const topic = "sessions"

const (
	touchEvery = time.Minute // how exactly the time of the last use is kept
	agentBytes = 200         // kept of what a browser calls itself
)

// From is where a session begins.
type From struct {
	Address netip.Addr
	Agent   string // what the browser calls itself
}

// Open is a session in a list.
type Open struct {
	ID         string // see [Session.ID]
	Born, Used time.Time
	Address    string
	Agent      string
}

// rows are the sessions in the database.
type rows struct {
	data db.DB
	c    Config
}

// row is what the database has of one.
type row struct {
	who        Who
	born, used int64
	disabled   bool
	changed    int64 // the password, or the account was made, whatever is later
}

// find returns the row of a session, with what its user may do now.
func (r rows) find(ctx context.Context, id [32]byte) (row row, found bool, err error) {
	err = r.data.Read(ctx, func(q db.Querier) error {
		var name, scope string
		found, err = db.One(ctx, q, `SELECT s.account, a.role, a.scope, a.disabled, `+since+`, s.born, s.used
			FROM session s JOIN account a ON a.name = s.account WHERE s.id = ?`, []any{id[:]},
			&row.who.User, &name, &scope, &row.disabled, &row.changed, &row.born, &row.used)
		row.who.Role, row.who.Scope = role.Parse(name), tags(scope)
		return err
	})
	if err != nil {
		return row, false, fmt.Errorf("read session: %w", err)
	}
	return row, found, nil
}

// since is from when on sessions of an account a are good. One that was removed and made
// anew is another's.
const since = "CASE WHEN a.changed > a.created THEN a.changed ELSE a.created END"

// good reports whether a session goes on: a new password ends those that were begun by
// the old one.
func (r rows) good(s row, now time.Time) bool {
	return !s.disabled && s.born >= s.changed && s.born > now.Add(-r.c.Lifetime).UnixNano() && s.used > now.Add(-r.c.Idle).UnixNano()
}

// start writes a session of a user, who may do what the account says in the same
// moment. Old ones of the user make room, and then the oldest of all.
func (r rows) start(ctx context.Context, id [32]byte, who *Who, from From) error {
	now := r.c.Now()
	err := r.data.Write(ctx, func(w db.Writer) error {
		var name, scope string
		var disabled bool
		var changed int64
		found, err := w.Row("SELECT a.role, a.scope, a.disabled, "+since+" FROM account a WHERE a.name = ?", []any{who.User}, &name, &scope, &disabled, &changed)
		if err != nil {
			return err
		}
		if !found || disabled {
			return fmt.Errorf("user %q: %w", who.User, fs.ErrPermission)
		}
		who.Role, who.Scope = role.Parse(name), tags(scope)
		if err := r.room(w, who.User, now); err != nil {
			return err
		}
		address := ""
		if from.Address.IsValid() {
			address = from.Address.String()
		}
		// The clock of the collector where the password was changed may be ahead.
		return w.Exec("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)", id[:], who.User, max(now.UnixNano(), changed), now.UnixNano(),
			address, text.Clean(strings.Join(strings.Fields(from.Agent), " "), agentBytes))
	})
	if err != nil {
		return fmt.Errorf("begin a session: %w", err)
	}
	return nil
}

// room deletes what has ended, and what is too much for one more.
func (r rows) room(w db.Writer, user string, now time.Time) error {
	if err := r.expire(w, now); err != nil {
		return err
	}
	for _, bound := range []struct {
		most  int
		where string
		args  []any
	}{{r.c.Each, "WHERE account = ? ", []any{user}}, {r.c.Max, "", nil}} {
		var n int
		if _, err := w.Row("SELECT count(*) FROM session "+bound.where, bound.args, &n); err != nil {
			return err
		}
		if n < bound.most {
			continue
		}
		db.Tell(w, topic)
		err := w.Exec("DELETE FROM session WHERE id IN (SELECT id FROM session "+bound.where+"ORDER BY used, id LIMIT ?)", append(bound.args, n-bound.most+1)...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (r rows) expire(w db.Writer, now time.Time) error {
	return w.Exec("DELETE FROM session WHERE born <= ? OR used <= ?", now.Add(-r.c.Lifetime).UnixNano(), now.Add(-r.c.Idle).UnixNano())
}

// touch notes that a session was used.
func (r rows) touch(ctx context.Context, id [32]byte, now time.Time) error {
	return r.data.Write(ctx, func(w db.Writer) error {
		return w.Exec("UPDATE session SET used = ? WHERE id = ?", now.UnixNano(), id[:])
	})
}

// end deletes one session, and endUser those of a user.
func (r rows) end(ctx context.Context, id []byte) error {
	return r.delete(ctx, trail.Entry{}, "DELETE FROM session WHERE id = ?", id)
}

func (r rows) endUser(ctx context.Context, user string) error {
	return r.delete(ctx, trail.Entry{}, "DELETE FROM session WHERE account = ?", user)
}

// endOf deletes one session of a user from a list, and tells the trail where somebody
// does it.
func (r rows) endOf(ctx context.Context, user string, id []byte, o Open) error {
	e := trail.Entry{Who: trail.By(ctx), Action: "session end", Target: user, Detail: "browser at " + o.Address}
	return r.delete(ctx, e, "DELETE FROM session WHERE id = ?", id)
}

func (r rows) delete(ctx context.Context, e trail.Entry, text string, arg any) error {
	err := r.data.Write(ctx, func(w db.Writer) error {
		db.Tell(w, topic)
		if err := w.Exec(text, arg); err != nil || e.Who == "" {
			return err
		}
		_, err := trail.Record(w, r.c.Now(), e)
		return err
	})
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// list returns the sessions of a user, the one used last first.
func (r rows) list(ctx context.Context, user string) (all []Open, ids [][]byte, err error) {
	err = r.data.Read(ctx, func(q db.Querier) error {
		all, ids = nil, nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var id []byte
			var o Open
			var born, used int64
			err := scan(&id, &born, &used, &o.Address, &o.Agent)
			o.ID, o.Born, o.Used = hex.EncodeToString(id[:min(8, len(id))]), time.Unix(0, born).UTC(), time.Unix(0, used).UTC()
			all, ids = append(all, o), append(ids, slices.Clone(id))
			return err
		}, "SELECT id, born, used, address, agent FROM session WHERE account = ? AND born > ? AND used > ? ORDER BY used DESC, id",
			user, r.c.Now().Add(-r.c.Lifetime).UnixNano(), r.c.Now().Add(-r.c.Idle).UnixNano())
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list sessions: %w", err)
	}
	return all, ids, nil
}

// key returns the database's key, which the first who asks makes.
func (r rows) key(ctx context.Context) (key [32]byte, err error) {
	err = r.data.Write(ctx, func(w db.Writer) error {
		var had []byte
		found, err := w.Row("SELECT key FROM web_key WHERE name = 'form'", nil, &had)
		if err != nil {
			return err
		}
		if found && len(had) == len(key) {
			copy(key[:], had)
			return nil
		}
		rand.Read(key[:]) // never fails
		return w.Exec("INSERT INTO web_key VALUES ('form', ?) ON CONFLICT (name) DO UPDATE SET key = excluded.key", key[:])
	})
	if err != nil {
		return key, fmt.Errorf("read the key of forms: %w", err)
	}
	return key, nil
}

func tags(scope string) []string {
	if scope == "" {
		return nil
	}
	return strings.Split(scope, "\n")
}
