// Package admit opens what decides who may deliver: the authority that signs, the roster
// of members and the service that enrols, over one database; and has them follow the
// other collectors that use it, too.
//
// In a database of a single collector (SQLite) the authority is in the state folder. In
// one that may be shared (PostgreSQL) it is in the database, sealed, so that any
// collector with the key admits hosts and is believed by them.
//
// What others do is heard of as news: members that changed are read again, and sessions
// end that are over; a new authority is taken. What a host asks before the news came is
// looked up: a member, a token or an authority that is not known is looked for in the
// database before it is refused.
package admit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/collector/authority"
	"seawall/collector/db"
	"seawall/collector/enrol"
	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/collector/roster/ledger"
	"seawall/collector/store/membership"
)

const (
	// KeyFile is the name of the file with the key that seals the authority, in the state
	// folder, where no other is named.
	KeyFile = "seal.key"
	// lookEvery bounds how often strangers can have the database asked for a new
	// authority.
	lookEvery = 250 * time.Millisecond
	newsRoom  = 256
)

// Config is what Open needs. All must be set, but for SealKey and Log.
type Config struct {
	Data db.DB
	// Update does something in a transaction of the store, durable on return. It may
	// call the function twice.
	Update func(context.Context, func(*membership.Tx) error) error
	// Elsewhere returns a channel of what other collectors do, with that much room, and
	// what ends it.
	Elsewhere func(room int) (<-chan fleet.News, func())
	Shared    bool   // other collectors may use the database
	StateDir  string // the collector's state folder
	SealKey   string // default: KeyFile in StateDir
	// NewAuthority has an authority made where there is none, though the database knows
	// hosts that believe one: they have to enrol again.
	NewAuthority bool
	MaxHosts     int
	Approve      bool // a person approves every host
	Log          *slog.Logger
}

// Members is who may deliver and how one comes to.
type Members struct {
	Authority *authority.Authority
	Roster    *roster.Roster
	Enrolment *enrol.Service

	log    *slog.Logger
	update func(context.Context, func(*membership.Tx) error) error
	news   <-chan fleet.News
	leave  func()
}

// Open opens authority, roster and enrolment.
func Open(ctx context.Context, c Config) (*Members, error) {
	if c.Data == nil || c.Update == nil || c.Elsewhere == nil {
		return nil, errors.New("admit: no database")
	}
	if c.SealKey == "" {
		c.SealKey = filepath.Join(c.StateDir, KeyFile)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m := &Members{log: c.Log, update: c.Update}
	// From here on: what happens while the rest is read must not be missed.
	m.news, m.leave = c.Elsewhere(newsRoom)
	if err := m.open(ctx, c); err != nil {
		m.leave()
		return nil, err
	}
	return m, nil
}

func (m *Members) open(ctx context.Context, c Config) (err error) {
	if m.Authority, err = openAuthority(ctx, c); err != nil {
		return err
	}
	var again func(context.Context) bool
	if c.Shared {
		l := &look{do: m.Authority.Refresh, every: lookEvery}
		again = func(ctx context.Context) bool { return l.after(ctx) == nil }
	}
	m.Roster, err = roster.New(ctx, ledger.Ledger{Update: c.Update, Read: c.Data.Read},
		roster.Config{Verify: m.Authority.VerifyHost, Look: again, Log: c.Log})
	if err != nil {
		return err
	}
	m.Enrolment, err = enrol.New(ctx, enrol.Config{
		Authority: m.Authority, Roster: m.Roster, Update: c.Update, Shared: c.Shared, Look: again,
		MaxHosts: c.MaxHosts, Approve: c.Approve, Log: c.Log,
	})
	return err
}

func openAuthority(ctx context.Context, c Config) (*authority.Authority, error) {
	cfg := authority.Config{Log: c.Log, Make: func() error {
		if c.NewAuthority {
			return nil
		}
		return strangers(ctx, c.Data)
	}}
	if c.Shared {
		return authority.OpenSealed(ctx, c.Data, c.SealKey, c.StateDir, cfg)
	}
	if err := authority.Unseal(ctx, c.Data, c.SealKey, c.StateDir); err != nil {
		return nil, err
	}
	return authority.Open(c.StateDir, cfg)
}

// strangers returns an error when hosts believe an authority that is not there: to them a
// new one would be a stranger.
func strangers(ctx context.Context, data db.DB) error {
	hosts := 0
	err := data.Read(ctx, func(q db.Querier) error {
		_, err := db.One(ctx, q, "SELECT count(*) FROM member WHERE standing = ? AND bundle <> 0", []any{fleet.Active}, &hosts)
		return err
	})
	if err != nil {
		return fmt.Errorf("count members: %w", err)
	}
	if hosts > 0 {
		return fmt.Errorf("%d hosts believe one; put it back from a backup, or start once with --new-authority and enrol them again", hosts)
	}
	return nil
}

// Run ends streams that may not go on, and follows the other collectors, until ctx ends.
func (m *Members) Run(ctx context.Context) error {
	defer m.leave()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return m.Roster.Watch(ctx, func() <-chan struct{} {
			_, changed := m.Authority.Bundle()
			return changed
		})
	})
	group.Go(func() error { return m.follow(ctx) })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("follow the members: %w", err)
	}
	return nil
}
