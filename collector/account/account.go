package account

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"seawall/collector/db"
	"seawall/collector/password"
	"seawall/collector/trail"
)

// Accounts are the users in a database.
type Accounts struct {
	db    db.DB
	now   func() time.Time
	decoy string // a hash that nothing is the password of
	// hashing holds a value for each hash that is computed.
	hashing chan struct{}
}

// hashes is how many hashes are computed at a time: each takes memory.
const hashes = 2

// New returns the accounts of a database.
func New(d db.DB, now func() time.Time) *Accounts {
	return &Accounts{db: d, now: now, decoy: password.Hash(password.Generate()), hashing: make(chan struct{}, hashes)}
}

const columns = "SELECT name, hash, role, scope, created, changed, disabled, seen FROM account "

// read scans a user and the hash.
func read(scan func(...any) error) (u User, hash string, err error) {
	var scope string
	var created, changed, seen int64
	var disabled int64
	if err := scan(&u.Name, &hash, &u.Role, &scope, &created, &changed, &disabled, &seen); err != nil {
		return User{}, "", fmt.Errorf("read a user: %w", err)
	}
	if scope != "" {
		u.Scope = strings.Split(scope, "\n")
	}
	u.Created, u.Changed, u.Seen = at(created), at(changed), at(seen)
	u.Disabled, u.Password = disabled != 0, hash != ""
	return u, hash, nil
}

func at(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// List returns all users by name.
func (a *Accounts) List(ctx context.Context) (all []User, err error) {
	err = a.db.Read(ctx, func(q db.Querier) error {
		all = nil
		return db.Each(ctx, q, func(scan func(...any) error) error {
			u, _, err := read(scan)
			all = append(all, u)
			return err
		}, columns+"ORDER BY name")
	})
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return all, nil
}

// Get returns one user. One who does not exist is an error that errors.Is
// [fs.ErrNotExist].
func (a *Accounts) Get(ctx context.Context, name string) (User, error) {
	u, _, err := a.get(ctx, name)
	return u, err
}

func (a *Accounts) get(ctx context.Context, name string) (u User, hash string, err error) {
	found := false
	err = a.db.Read(ctx, func(q db.Querier) error {
		return db.Each(ctx, q, func(scan func(...any) error) (err error) {
			found = true
			u, hash, err = read(scan)
			return err
		}, columns+"WHERE name = ?", name)
	})
	if err == nil && !found {
		err = fs.ErrNotExist
	}
	if err != nil {
		return User{}, "", fmt.Errorf("user %q: %w", name, err)
	}
	return u, hash, nil
}

// SignIn returns the user whose name and password these are. What is wrong is an error
// that errors.Is [fs.ErrPermission], the same for every reason, and takes as long.
func (a *Accounts) SignIn(ctx context.Context, name, word string) (User, error) {
	u, hash, err := a.get(ctx, name)
	known := err == nil && hash != ""
	if err != nil && !isMissing(err) {
		return User{}, err
	}
	if !known {
		hash = a.decoy
	}
	right := false
	verr := a.compute(ctx, func() (err error) {
		right, err = password.Verify(hash, word)
		return err
	})
	switch {
	case verr != nil:
		return User{}, fmt.Errorf("user %q: %w", name, verr)
	case !known || !right || u.Disabled:
		return User{}, fmt.Errorf("sign in as %q: %w", name, fs.ErrPermission)
	}
	return u, a.saw(ctx, name)
}

// compute has do compute a hash when it is its turn. What the user may cause, at whichever
// page, waits here.
func (a *Accounts) compute(ctx context.Context, do func() error) error {
	select {
	case a.hashing <- struct{}{}:
		defer func() { <-a.hashing }()
		return do()
	case <-ctx.Done():
		return fmt.Errorf("%d hashes are computed: %w", hashes, ctx.Err())
	}
}

// hash returns a new hash of a password.
func (a *Accounts) hash(ctx context.Context, word string) (hash string, err error) {
	err = a.compute(ctx, func() error {
		hash = password.Hash(word)
		return nil
	})
	return hash, err
}

// Known returns the user of a name that a provider of identities vouches for, under the
// conditions of SignIn.
func (a *Accounts) Known(ctx context.Context, name string) (User, error) {
	u, err := a.Get(ctx, name)
	switch {
	case err != nil && !isMissing(err):
		return User{}, err
	case err != nil || u.Disabled:
		return User{}, fmt.Errorf("sign in as %q: %w", name, fs.ErrPermission)
	}
	return u, a.saw(ctx, name)
}

// saw notes that a user signed in.
func (a *Accounts) saw(ctx context.Context, name string) error {
	return a.db.Write(ctx, func(w db.Writer) error {
		return w.Exec("UPDATE account SET seen = ? WHERE name = ?", a.now().UnixNano(), name)
	})
}

// change does something to users and tells the trail of it, in one transaction.
func (a *Accounts) change(ctx context.Context, who, action, target, detail string, do func(db.Writer) error) error {
	err := a.db.Write(ctx, func(w db.Writer) error {
		if err := do(w); err != nil {
			return err
		}
		_, err := trail.Record(w, a.now(), trail.Entry{Who: who, Action: action, Target: target, Detail: detail})
		return err
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", action, target, err)
	}
	return nil
}
