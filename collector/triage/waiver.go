package triage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"seawall/collector/db"
	"seawall/collector/fleet"
)

// What a waiver may be.
const (
	// Longest is the most time that a waiver stands.
	Longest = 366 * 24 * time.Hour
	// Most is how many waivers may stand at a time: each is looked at with each finding.
	Most = 2000

	maxName = 200  // bytes of a check, a tag, an owner
	maxText = 2000 // bytes of a resource, a reason, a note
)

// Waiver is what somebody answers for until a day.
type Waiver struct {
	ID       string       `json:"id"`
	Check    string       `json:"check"`
	Resource string       `json:"resource,omitempty"` // empty: every one
	Host     fleet.HostID `json:"host,omitempty"`     // empty: see Tag
	Tag      string       `json:"tag,omitempty"`      // empty, with an empty Host: all hosts
	Owner    string       `json:"owner"`              // answers for it
	Reason   string       `json:"reason"`
	Who      string       `json:"who"` // made it
	Made     time.Time    `json:"made"`
	Expires  time.Time    `json:"expires"`
	Ended    time.Time    `json:"ended,omitzero"` // by a person, before it expired
	EndedBy  string       `json:"ended_by,omitempty"`
}

// Stands reports whether the waiver counts at a time.
func (w Waiver) Stands(at time.Time) bool { return w.Ended.IsZero() && at.Before(w.Expires) }

// Problems returns what is wrong with a new waiver, in sentences for the person who
// wrote it.
func (w Waiver) Problems(now time.Time) (all []string) {
	must := func(ok bool, sentence string) {
		if !ok {
			all = append(all, sentence)
		}
	}
	must(named(w.Check), "Say which check it is.")
	must(fits(w.Resource, maxText), "The resource is too long.")
	must(w.Host == "" || w.Host.Valid(), "There is no such host.")
	must(w.Tag == "" || named(w.Tag), "The tag is too long.")
	must(w.Host == "" || w.Tag == "", "It is for one host or for a tag, not for both.")
	must(named(w.Owner), "Say who answers for it.")
	must(strings.TrimSpace(w.Reason) != "" && fits(w.Reason, maxText), "Say why, in at most 2,000 bytes.")
	must(w.Expires.After(now), "Its end has to be in the future.")
	must(!w.Expires.After(now.Add(Longest)), "It may stand for a year at most.")
	return all
}

// named reports whether s can be a name.
func named(s string) bool { return strings.TrimSpace(s) != "" && fits(s, maxName) }

func fits(s string, limit int) bool { return len(s) <= limit && utf8.ValidString(s) }

// ErrFull is returned by [Add] when [Most] waivers stand.
var ErrFull = errors.New("no more waivers can stand")

// Add keeps a new waiver and returns its id. A waiver with [Waiver.Problems] is not
// kept.
func Add(w db.Writer, now time.Time, v Waiver) (string, error) {
	if all := v.Problems(now); len(all) > 0 {
		return "", fmt.Errorf("waiver: %s", strings.Join(all, " "))
	}
	host, err := hostKey(v.Host)
	if err != nil {
		return "", err
	}
	var standing int
	if _, err := w.Row("SELECT count(*) FROM waiver WHERE ended = 0 AND expires > ?", []any{now.UnixNano()}, &standing); err != nil {
		return "", fmt.Errorf("count waivers: %w", err)
	}
	if standing >= Most {
		return "", ErrFull
	}
	v.ID = rand.Text()[:12]
	err = w.Exec(`INSERT INTO waiver (id, check_id, resource, host, tag, owner, reason, who, made, expires, ended, ended_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')`,
		v.ID, v.Check, v.Resource, host, v.Tag, v.Owner, v.Reason, v.Who, now.UnixNano(), v.Expires.UnixNano())
	if err != nil {
		return "", fmt.Errorf("write waiver: %w", err)
	}
	return v.ID, nil
}

// End ends a waiver that stands. One that does not, or that is not known, is an error
// that is fs.ErrNotExist.
func End(w db.Writer, now time.Time, id, who string) error {
	n, err := w.Change("UPDATE waiver SET ended = ?, ended_by = ? WHERE id = ? AND ended = 0 AND expires > ?", now.UnixNano(), who, id, now.UnixNano())
	if err == nil && n == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("end waiver %q: %w", id, err)
	}
	return nil
}

// hostKey returns a host's bytes, none for no host.
func hostKey(id fleet.HostID) ([]byte, error) {
	if id == "" {
		return []byte{}, nil
	}
	return id.Bytes()
}

const columns = "id, check_id, resource, host, tag, owner, reason, who, made, expires, ended, ended_by"

// Waivers returns those that stand at a time, the one that ends first at the front;
// with past, those that do not, the newest first. There are at most [Most].
func Waivers(ctx context.Context, data db.DB, now time.Time, past bool) ([]Waiver, error) {
	text := "SELECT " + columns + " FROM waiver WHERE ended = 0 AND expires > ? ORDER BY expires, id LIMIT ?"
	if past {
		text = "SELECT " + columns + " FROM waiver WHERE ended <> 0 OR expires <= ? ORDER BY made DESC, id LIMIT ?"
	}
	return list(ctx, data, text, now.UnixNano(), Most)
}

// Ending returns those that expire after a time and not after another, and that nobody
// ended before, the first at the front.
func Ending(ctx context.Context, data db.DB, after, until time.Time) ([]Waiver, error) {
	return list(ctx, data, "SELECT "+columns+" FROM waiver WHERE ended = 0 AND expires > ? AND expires <= ? ORDER BY expires, id LIMIT ?",
		after.UnixNano(), until.UnixNano(), Most)
}

// OfCheck returns the waivers of a check that stand at a time.
func OfCheck(ctx context.Context, data db.DB, now time.Time, check string) ([]Waiver, error) {
	return list(ctx, data, "SELECT "+columns+" FROM waiver WHERE check_id = ? AND ended = 0 AND expires > ? ORDER BY expires, id LIMIT ?",
		check, now.UnixNano(), Most)
}

// One returns a waiver. One that is not known is an error that is fs.ErrNotExist.
func One(ctx context.Context, data db.DB, id string) (Waiver, error) {
	all, err := list(ctx, data, "SELECT "+columns+" FROM waiver WHERE id = ?", id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("waiver %q: %w", id, fs.ErrNotExist)
	}
	if err != nil {
		return Waiver{}, err
	}
	return all[0], nil
}

// list returns what a query of columns selects.
func list(ctx context.Context, data db.DB, text string, args ...any) (all []Waiver, err error) {
	err = data.Read(ctx, func(q db.Querier) error {
		all = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			var v Waiver
			var host []byte
			var made, expires, ended int64
			err := scan(&v.ID, &v.Check, &v.Resource, &host, &v.Tag, &v.Owner, &v.Reason, &v.Who, &made, &expires, &ended, &v.EndedBy)
			v.Host, v.Made, v.Expires, v.Ended = hostID(host), moment(made), moment(expires), moment(ended)
			all = append(all, v)
			return err
		}, text, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read waivers: %w", err)
	}
	return all, nil
}

func hostID(key []byte) fleet.HostID { return fleet.HostID(fmt.Sprintf("%x", key)) }

// moment is a time of the database.
func moment(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}
