// Package once has what a program asks for made once, though it asks again because an
// answer did not come: it names its wish with a key of its own, the header
// Idempotency-Key of the API.
//
// A key is one token's, for one method and path, and good for [Life]. The body begins with
// what the token may do then: what was told to it is not told again when that is less. First it is
// taken, then the wish is done, then what was answered is kept: what asks with it
// meanwhile, or after a collector that stopped in between, learns that there is no answer
// (yet), and nothing is made twice. A wish that was refused gives its key back. An answer
// that holds a secret is not kept, only that there was one, and of what.
//
// Kept are the SHA-256 of the key and, made with the key, an HMAC of the body: whoever
// reads the database learns no password from it, as keys are too long to be guessed.
package once

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"seawall/collector/db"
)

// Life is how long a key is known.
const Life = 24 * time.Hour

// Least and Longest are the bytes that a key has, Most is how many a token may use
// within [Life].
const (
	Least   = 16
	Longest = 128
	Most    = 1000
)

// What [Keys.Take] says of a key that cannot be used.
var (
	ErrOther   = errors.New("the key was used with another body")
	ErrRunning = errors.New("the first request with the key has no answer")
	ErrFull    = errors.New("the token used as many keys as it may")
)

// Answer is what was answered. The zero Answer: nothing yet.
type Answer struct {
	Status int
	Place  string // the path of what was made, or ""
	Body   string // JSON; "" where it held a secret
}

// Wish is what a key was given for.
type Wish struct {
	token string
	id    [sha256.Size]byte
	body  hash.Hash
}

// New returns what a token's key is for: a method and a path. The body is to be written
// to it before it is taken. What is no key is an error that says what one is.
func New(token, method, path, key string) (*Wish, error) {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(key) < Least || len(key) > Longest || strings.ContainsFunc(key, odd) {
		return nil, fmt.Errorf("want %d to %d visible ASCII characters, such as a UUID", Least, Longest)
	}
	id := sha256.Sum256([]byte(strings.Join([]string{token, method, path, key}, "\n")))
	return &Wish{token: token, id: id, body: hmac.New(sha256.New, []byte(key))}, nil
}

// Write adds to the body. It never fails.
func (w *Wish) Write(b []byte) (int, error) { return w.body.Write(b) }

// Keys are the keys in a database.
type Keys struct {
	db  db.DB
	now func() time.Time
}

// Open returns the keys of a database.
func Open(d db.DB, now func() time.Time) *Keys { return &Keys{d, now} }

// Take takes a wish's key. The zero Answer means that it is to be done, and then either
// [Keys.Keep] or [Keys.Drop] is; another is what was answered the first time. Errors are
// [ErrOther], [ErrRunning] and [ErrFull], else the database's.
func (k *Keys) Take(ctx context.Context, wish *Wish) (was Answer, err error) {
	err = k.db.Write(ctx, func(w db.Writer) (err error) {
		was, err = take(w, k.now(), wish)
		return err
	})
	if err != nil {
		return Answer{}, fmt.Errorf("take an idempotency key: %w", err)
	}
	return was, nil
}

func take(w db.Writer, now time.Time, wish *Wish) (was Answer, err error) {
	if err := w.Exec("DELETE FROM once WHERE born < ?", now.Add(-Life).UnixNano()); err != nil {
		return was, err
	}
	var body []byte
	var n int
	found, err := w.Row("SELECT body, status, place, answer FROM once WHERE id = ?", []any{wish.id[:]}, &body, &was.Status, &was.Place, &was.Body)
	switch {
	case err != nil:
		return Answer{}, err
	case found && !hmac.Equal(body, wish.body.Sum(nil)):
		return Answer{}, ErrOther
	case found && was.Status == 0:
		return Answer{}, ErrRunning
	case found:
		return was, nil
	}
	if _, err := w.Row("SELECT count(*) FROM once WHERE token = ?", []any{wish.token}, &n); err != nil {
		return Answer{}, err
	}
	if n >= Most {
		return Answer{}, ErrFull
	}
	made, err := w.Change("INSERT INTO once (id, token, body, born, status, place, answer) VALUES (?, ?, ?, ?, 0, '', '') ON CONFLICT DO NOTHING",
		wish.id[:], wish.token, wish.body.Sum(nil), now.UnixNano())
	if err == nil && made == 0 { // another collector was faster
		err = ErrRunning
	}
	return Answer{}, err
}

// Keep keeps what was answered to a wish that was taken.
func (k *Keys) Keep(ctx context.Context, wish *Wish, a Answer) error {
	err := k.db.Write(ctx, func(w db.Writer) error {
		return w.Exec("UPDATE once SET status = ?, place = ?, answer = ? WHERE id = ?", a.Status, a.Place, a.Body, wish.id[:])
	})
	if err != nil {
		return fmt.Errorf("keep an answer for its idempotency key: %w", err)
	}
	return nil
}

// Drop gives the key of a wish back that was refused.
func (k *Keys) Drop(ctx context.Context, wish *Wish) error {
	err := k.db.Write(ctx, func(w db.Writer) error { return w.Exec("DELETE FROM once WHERE id = ? AND status = 0", wish.id[:]) })
	if err != nil {
		return fmt.Errorf("give an idempotency key back: %w", err)
	}
	return nil
}
