// Package trail is the record of what people did: who changed which user, waived what,
// forgot which host. Each entry holds the SHA-256 of itself and of the one before, so
// that an entry that was altered, removed or put in between breaks the chain from there
// on, and [Verify] says where.
//
// Whoever can write the database can make the whole chain anew. So the newest hash is
// worth keeping elsewhere ([Head], "trail verify" prints it): a chain that no longer has
// it was made anew, or cut off.
//
// Entries older than they are to be kept are deleted from the old end ([Cut]): the number
// and the hash of the last of them stay, the chain goes on from there, and an entry tells
// of it.
//
// An entry is written in the transaction that does what it tells: neither is there
// without the other. It holds no secret and no text of a host longer than it must be.
package trail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"seawall/collector/db"
)

// Entry is one thing that somebody did.
type Entry struct {
	Seq    int64     `json:"seq"` // from 1 on, without holes
	Time   time.Time `json:"time"`
	Who    string    `json:"who"`    // a user's name, "token NAME of USER", or "root" for commands on the machine
	Action string    `json:"action"` // a noun and a verb: "user add", "waiver end"
	Target string    `json:"target"` // what it was done to
	Detail string    `json:"detail,omitempty"`
	Hash   string    `json:"hash"` // hexadecimal
}

// ErrBroken is wrapped by what [Verify] returns of a chain that does not hold.
var ErrBroken = errors.New("the audit trail is not as it was written")

// textBytes is how much of each text is kept: bytes of UTF-8.
const textBytes = 1000

// Record appends what was done to the trail and returns it as it was written. Of e only
// who, action, target and detail are read.
func Record(w db.Writer, now time.Time, e Entry) (Entry, error) {
	before, err := end(w, &e.Seq)
	if err != nil {
		return Entry{}, fmt.Errorf("read the audit trail's end: %w", err)
	}
	e.Seq++
	e.Time = time.Unix(0, now.UnixNano()).UTC()
	for _, text := range []*string{&e.Who, &e.Action, &e.Target, &e.Detail} {
		*text = cut(*text)
	}
	sum := e.sum(before)
	e.Hash = hex.EncodeToString(sum)
	if err := w.Exec("INSERT INTO trail (seq, at, who, action, target, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
		e.Seq, e.Time.UnixNano(), e.Who, e.Action, e.Target, e.Detail, sum); err != nil {
		return Entry{}, fmt.Errorf("write the audit trail: %w", err)
	}
	return e, nil
}

// end reads the number and the hash of the newest entry, also of one that was deleted.
func end(w db.Writer, seq *int64) (hash []byte, err error) {
	found, err := w.Row("SELECT seq, hash FROM trail ORDER BY seq DESC LIMIT 1", nil, seq, &hash)
	if err == nil && !found {
		_, err = w.Row("SELECT seq, hash FROM trail_cut ORDER BY seq DESC LIMIT 1", nil, seq, &hash)
	}
	return hash, err
}

// cut returns the beginning of a text, as valid UTF-8 without a byte of 0, which
// PostgreSQL does not keep.
func cut(s string) string {
	if len(s) > textBytes {
		s = s[:textBytes]
	}
	if utf8.ValidString(s) && bytes.IndexByte([]byte(s), 0) < 0 {
		return s
	}
	return string(bytes.ToValidUTF8(bytes.ReplaceAll([]byte(s), []byte{0}, []byte("\uFFFD")), []byte("\uFFFD")))
}

// sum is the SHA-256 of the entry before and this one. Each text has its length before
// it, so that no two entries are the same bytes.
func (e *Entry) sum(before []byte) []byte {
	h := sha256.New()
	h.Write(before)
	var number [8]byte
	put := func(n uint64) {
		binary.BigEndian.PutUint64(number[:], n)
		h.Write(number[:])
	}
	put(uint64(e.Seq))
	put(uint64(e.Time.UnixNano()))
	for _, text := range []string{e.Who, e.Action, e.Target, e.Detail} {
		put(uint64(len(text)))
		h.Write([]byte(text))
	}
	return h.Sum(nil)
}

// Query selects entries, newest first. Zero fields select everything.
type Query struct {
	Who    string
	Action string // the noun alone, or noun and verb
	Before int64  // those with a smaller number
	Limit  int    // at most 1,000; 0 means 50
}

const columns = "SELECT seq, at, who, action, target, detail, hash FROM trail "

// List returns entries, newest first.
func List(ctx context.Context, r db.Querier, q Query) ([]Entry, error) {
	limit := 50
	if q.Limit > 0 {
		limit = min(q.Limit, 1000)
	}
	var out []Entry
	err := db.Each(ctx, r, func(scan func(...any) error) error {
		e, _, err := read(scan)
		out = append(out, e)
		return err
	}, columns+`WHERE (CAST(? AS BIGINT) = 0 OR seq < ?) AND (? = '' OR who = ?) AND (? = '' OR action = ? OR substr(action, 1, length(?) + 1) = ? || ' ')
		ORDER BY seq DESC LIMIT ?`, q.Before, q.Before, q.Who, q.Who, q.Action, q.Action, q.Action, q.Action, limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	return out, nil
}

func read(scan func(...any) error) (e Entry, hash []byte, err error) {
	var at int64
	err = scan(&e.Seq, &at, &e.Who, &e.Action, &e.Target, &e.Detail, &hash)
	e.Time, e.Hash = time.Unix(0, at).UTC(), hex.EncodeToString(hash)
	return e, hash, err
}

// Head returns the newest entry's number and hash; 0 and "" for an empty trail.
func Head(ctx context.Context, r db.Querier) (seq int64, hash string, err error) {
	var sum []byte
	if _, err := db.One(ctx, r, "SELECT seq, hash FROM trail ORDER BY seq DESC LIMIT 1", nil, &seq, &sum); err != nil {
		return 0, "", fmt.Errorf("read the audit trail's end: %w", err)
	}
	return seq, hex.EncodeToString(sum), nil
}

// Verify reads the whole trail and returns how many entries hold. Where one does not,
// the error wraps [ErrBroken] and names it. A head, as it was kept elsewhere, must be
// the hash of one of the entries; "" asks for none.
func Verify(ctx context.Context, r db.Querier, head string) (n int64, err error) {
	n, before, err := start(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("verify the audit trail: %w", err)
	}
	first := n
	found := head == "" || head == hex.EncodeToString(before)
	n, _, err = follow(ctx, r, n, before, func(e *Entry) { found = found || e.Hash == head })
	if err == nil && !found && first > 0 {
		err = fmt.Errorf("no entry after number %d, up to which they were deleted, has the hash %s: %w", first, head, ErrBroken)
	} else if err == nil && !found {
		err = fmt.Errorf("no entry has the hash %s: %w", head, ErrBroken)
	}
	if err != nil {
		return n - first, fmt.Errorf("verify the audit trail: %w", err)
	}
	return n - first, nil
}

// follow reads the chain after the entry of a number and a hash, and returns those of the
// last that holds.
func follow(ctx context.Context, r db.Querier, n int64, before []byte, each func(*Entry)) (int64, []byte, error) {
	err := db.Each(ctx, r, func(scan func(...any) error) error {
		e, hash, err := read(scan)
		switch {
		case err != nil:
			return err
		case e.Seq != n+1:
			return fmt.Errorf("entry %d is missing: %w", n+1, ErrBroken)
		case !bytes.Equal(hash, e.sum(before)):
			return fmt.Errorf("entry %d of %s: %w", e.Seq, e.Time.Format(time.RFC3339), ErrBroken)
		}
		n, before = e.Seq, hash
		each(&e)
		return nil
	}, columns+"WHERE seq > ? ORDER BY seq", n)
	return n, before, err
}

// start returns the number and the hash of the newest entry that was deleted, after which
// the chain goes on.
func start(ctx context.Context, r db.Querier) (seq int64, hash []byte, err error) {
	_, err = db.One(ctx, r, "SELECT seq, hash FROM trail_cut ORDER BY seq DESC LIMIT 1", nil, &seq, &hash)
	return seq, hash, err
}

// Cut deletes the oldest entries, those from before a time and at most as many as that,
// and returns how many are gone. An entry tells of it, with the hash that the chain goes
// on from. None goes before one that is older, and the newest stays.
func Cut(w db.Writer, now, before time.Time, most int) (n int, err error) {
	var last int64
	var hash []byte
	young := false
	err = w.Rows("SELECT seq, at, hash FROM trail WHERE seq < (SELECT max(seq) FROM trail) ORDER BY seq LIMIT ?", []any{most}, func(scan func(...any) error) error {
		var seq, at int64
		var sum []byte
		err := scan(&seq, &at, &sum)
		if young = young || at >= before.UnixNano(); !young {
			last, hash = seq, sum
			n++
		}
		return err
	})
	if err != nil || n == 0 {
		return 0, err
	}
	for _, step := range []struct {
		text string
		args []any
	}{
		{"DELETE FROM trail WHERE seq <= ?", []any{last}},
		{"DELETE FROM trail_cut", nil},
		{"INSERT INTO trail_cut (seq, hash) VALUES (?, ?)", []any{last, hash}},
	} {
		if err := w.Exec(step.text, step.args...); err != nil {
			return 0, fmt.Errorf("cut the audit trail: %w", err)
		}
	}
	_, err = Record(w, now, Entry{Who: "collector", Action: "trail cut", Target: fmt.Sprint(last),
		Detail: fmt.Sprintf("%d entries older than kept; the chain goes on from %x", n, hash)})
	return n, err
}
