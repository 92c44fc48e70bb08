// Package apitoken holds what programs come with in place of a password: tokens of the
// form swc_ID_SECRET, each of one user, with a role and scope that are at most the
// user's and an end. Stored is the SHA-256 of the whole, which says nothing of 256
// random bits. The prefix is there to be found by those who search what was published
// by mistake.
//
// What a token may do is asked of its user each time: who is disabled, or may do less
// than before, has tokens that may not do more.
package apitoken

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"seawall/collector/account"
	"seawall/collector/db"
	"seawall/collector/trail"
)

// Prefix is what every token begins with.
const Prefix = "swc_"

const (
	idBytes     = 6
	secretBytes = 32
	labelBytes  = 100
	maxLife     = 366 * 24 * time.Hour
	maxEach     = 50 // of one user that are good
	// shownFor is how long lists show a token that has ended.
	shownFor = 30 * 24 * time.Hour
	// usedStep is how old the time of the last use may be before it is written anew.
	usedStep = time.Minute
)

// ErrTooMany says that a user has as many tokens as one may have.
var ErrTooMany = fmt.Errorf("this user has %d API tokens: revoke one first", maxEach)

// Token is one token without its secret.
type Token struct {
	ID      string       `json:"id"`
	User    string       `json:"user"`
	Label   string       `json:"label"`
	Role    account.Role `json:"role"`
	Scope   []string     `json:"scope,omitempty"`
	Created time.Time    `json:"created"`
	Expires time.Time    `json:"expires"`
	Used    time.Time    `json:"used"` // to the minute; zero before the first use
}

// Tokens are the tokens in a database.
type Tokens struct {
	db  db.DB
	now func() time.Time
}

// New returns the tokens of a database.
func New(d db.DB, now func() time.Time) *Tokens { return &Tokens{d, now} }

// Add makes a token of a user and returns its text, which nothing tells again. Who is
// who does it.
func (t *Tokens) Add(ctx context.Context, who, user, label string, role account.Role, scope []string, life time.Duration) (string, Token, error) {
	scope, err := account.Bounds(role, scope)
	switch {
	case err != nil:
		return "", Token{}, err
	case label == "" || len(label) > labelBytes || !utf8.ValidString(label) || strings.ContainsFunc(label, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", Token{}, fmt.Errorf("label %q: want 1 to %d bytes without control characters: %w", label, labelBytes, account.ErrInvalid)
	case life < time.Minute || life > maxLife:
		return "", Token{}, fmt.Errorf("life of %v: want a minute to a year: %w", life, account.ErrInvalid)
	}
	var raw [idBytes + secretBytes]byte
	rand.Read(raw[:]) // never fails
	now := t.now()
	token := Token{
		ID: hex.EncodeToString(raw[:idBytes]), User: user, Label: label, Role: role, Scope: scope,
		Created: time.Unix(0, now.UnixNano()).UTC(), Expires: time.Unix(0, now.Add(life).UnixNano()).UTC(),
	}
	text := Prefix + token.ID + "_" + base64.RawURLEncoding.EncodeToString(raw[idBytes:])
	err = t.db.Write(ctx, func(w db.Writer) error { return t.add(w, who, token, sha256.Sum256([]byte(text))) })
	if err != nil {
		return "", Token{}, fmt.Errorf("make an API token of %s: %w", user, err)
	}
	return text, token, nil
}

func (t *Tokens) add(w db.Writer, who string, token Token, hash [sha256.Size]byte) error {
	var role, scope string
	var n int
	found, err := w.Row("SELECT role, scope FROM account WHERE name = ? AND disabled = 0", []any{token.User}, &role, &scope)
	switch {
	case err != nil:
		return err
	case !found:
		return fs.ErrNotExist
	case account.Least(account.Role(role), token.Role) != token.Role || !within(token.Scope, tags(scope)):
		return fmt.Errorf("it may do more than its user, who is %s of %q: %w", role, tags(scope), account.ErrInvalid)
	}
	now := t.now()
	if err := w.Exec("DELETE FROM api_token WHERE expires < ?", now.Add(-shownFor).UnixNano()); err != nil {
		return err
	}
	if _, err := w.Row("SELECT count(*) FROM api_token WHERE account = ? AND expires > ?", []any{token.User, now.UnixNano()}, &n); err != nil {
		return err
	}
	if n >= maxEach {
		return ErrTooMany
	}
	if err := w.Exec("INSERT INTO api_token (id, hash, account, label, role, scope, created, expires, used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
		token.ID, hash[:], token.User, token.Label, string(token.Role), strings.Join(token.Scope, "\n"), token.Created.UnixNano(), token.Expires.UnixNano()); err != nil {
		return err
	}
	_, err = trail.Record(w, now, trail.Entry{Who: who, Action: "apitoken add", Target: token.ID, Detail: token.Label + ", of " + token.User})
	return err
}

// within reports whether a scope lets see no more than another; an empty one lets see all.
func within(scope, of []string) bool {
	if len(of) == 0 {
		return true
	}
	return len(scope) > 0 && !slices.ContainsFunc(scope, func(tag string) bool { return !slices.Contains(of, tag) })
}

func tags(scope string) []string {
	if scope == "" {
		return nil
	}
	return strings.Split(scope, "\n")
}

const columns = `SELECT t.id, t.account, t.label, t.role, t.scope, t.created, t.expires, t.used, t.hash, a.role, a.scope, a.disabled
	FROM api_token t JOIN account a ON a.name = t.account `

// row is a token with what its user may do now.
type row struct {
	Token
	hash     []byte
	role     account.Role
	scope    []string
	disabled bool
}

func read(scan func(...any) error) (r row, err error) {
	var scope, own string
	var created, expires, used, disabled int64
	if err := scan(&r.ID, &r.User, &r.Label, &r.Role, &scope, &created, &expires, &used, &r.hash, &r.role, &own, &disabled); err != nil {
		return row{}, fmt.Errorf("read an API token: %w", err)
	}
	r.Scope, r.scope, r.disabled = tags(scope), tags(own), disabled != 0
	r.Created, r.Expires = time.Unix(0, created).UTC(), time.Unix(0, expires).UTC()
	if used != 0 {
		r.Used = time.Unix(0, used).UTC()
	}
	return r, nil
}

// List returns a user's tokens, or all with "", the newest first.
func (t *Tokens) List(ctx context.Context, user string) (all []Token, err error) {
	err = t.db.Read(ctx, func(q db.Querier) error {
		all = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			r, err := read(scan)
			all = append(all, r.Token)
			return err
		}, columns+"WHERE ? = '' OR t.account = ? ORDER BY t.created DESC, t.id", user, user)
	})
	if err != nil {
		return nil, fmt.Errorf("list API tokens: %w", err)
	}
	return all, nil
}

// Find returns the token of a text, with the role and scope that it has now. One that is
// not good is an error that errors.Is [fs.ErrNotExist].
func (t *Tokens) Find(ctx context.Context, text string) (Token, error) {
	rest, ok := strings.CutPrefix(text, Prefix)
	id, _, two := strings.Cut(rest, "_")
	if !ok || !two || len(id) != 2*idBytes {
		return Token{}, fmt.Errorf("API token: %w", fs.ErrNotExist)
	}
	var r row
	err := t.db.Read(ctx, func(q db.Querier) error {
		return db.Each(ctx, q, func(scan func(...any) error) (err error) {
			r, err = read(scan)
			return err
		}, columns+"WHERE t.id = ?", id)
	})
	if err != nil {
		return Token{}, fmt.Errorf("API token: %w", err)
	}
	hash := sha256.Sum256([]byte(text))
	now := t.now()
	if subtle.ConstantTimeCompare(hash[:], r.hash) != 1 || r.disabled || !now.Before(r.Expires) {
		return Token{}, fmt.Errorf("API token: %w", fs.ErrNotExist)
	}
	token := r.Token
	token.Role = account.Least(r.Role, r.role)
	if !within(token.Scope, r.scope) { // the user's was made smaller
		token.Scope = common(token.Scope, r.scope)
		if len(token.Scope) == 0 {
			return Token{}, fmt.Errorf("API token: nothing is left of its scope: %w", fs.ErrNotExist)
		}
	}
	if now.Sub(token.Used) > usedStep {
		if err := t.use(ctx, token.ID, now); err != nil {
			return Token{}, err
		}
	}
	return token, nil
}

// common returns what of a token's scope is in its user's; an empty one of the token is
// all that the user has.
func common(scope, of []string) []string {
	if len(scope) == 0 {
		return of
	}
	return slices.DeleteFunc(slices.Clone(scope), func(tag string) bool { return !slices.Contains(of, tag) })
}

func (t *Tokens) use(ctx context.Context, id string, now time.Time) error {
	return t.db.Write(ctx, func(w db.Writer) error {
		return w.Exec("UPDATE api_token SET used = ? WHERE id = ?", now.UnixNano(), id)
	})
}

// Revoke ends a token. With a user it must be that user's. One that does not exist is an
// error that errors.Is [fs.ErrNotExist].
func (t *Tokens) Revoke(ctx context.Context, who, user, id string) error {
	err := t.db.Write(ctx, func(w db.Writer) error {
		n, err := w.Change("DELETE FROM api_token WHERE id = ? AND (? = '' OR account = ?)", id, user, user)
		if err != nil {
			return err
		}
		if n == 0 {
			return fs.ErrNotExist
		}
		_, err = trail.Record(w, t.now(), trail.Entry{Who: who, Action: "apitoken revoke", Target: id})
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke API token %q: %w", id, err)
	}
	return nil
}
