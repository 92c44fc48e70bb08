package turn_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"seawall/collector/fleet"
	"seawall/collector/store/postgres"
	"seawall/collector/store/schema"
	"seawall/collector/store/turn"
	"seawall/scripts/pgtest"
)

const (
	one = fleet.HostID("00000000000000000000000000000001")
	two = fleet.HostID("00000000000000000000000000000002")
)

// player is a collector's connection and its turns.
type player struct {
	t *testing.T
	*postgres.Database
	turns *turn.Turns
}

func play(t *testing.T, name string, collector int64) *player {
	t.Helper()
	d, err := postgres.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	version := 0
	if err := d.Do(func(ctx context.Context, conn *pgx.Conn) (err error) {
		version, err = schema.Postgres(ctx, conn, postgres.LockKey)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return &player{t, d, turn.New(collector, version)}
}

// take takes a turn that changes c, or none where c is nil, and returns what had to be
// forgotten.
func (p *player) take(c *turn.Change) turn.Past {
	p.t.Helper()
	var newest int64
	var version int
	fresh, err := p.Writer.Begin(turn.Ask, &newest, &version)
	if err != nil {
		p.t.Fatal(err)
	}
	past, err := p.turns.Begin(p.Writer, fresh, newest, version)
	if err != nil {
		p.t.Fatal(err)
	}
	if c != nil {
		if err := p.turns.End(p.Writer, *c); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := p.Writer.Commit(); err != nil {
		p.t.Fatal(err)
	}
	p.turns.Done(c != nil)
	return past
}

func (p *player) expect(what string, got, want turn.Past) {
	p.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		p.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestPast has two collectors change hosts in turn: each forgets what the other changed
// and nothing else.
func TestPast(t *testing.T) {
	name := pgtest.Start(t).New()
	a, b := play(t, name, 1), play(t, name, 2)
	all := turn.Past{All: true}
	a.expect("the first turn", a.take(&turn.Change{Hosts: []fleet.HostID{one}}), all)
	b.expect("another's first turn", b.take(nil), all)
	a.expect("after one that changed nothing", a.take(&turn.Change{Hosts: []fleet.HostID{one}}), turn.Past{})
	b.expect("after one host", b.take(&turn.Change{Hosts: []fleet.HostID{two}, Members: []fleet.HostID{two}}), turn.Past{Hosts: []fleet.HostID{one}})
	b.expect("after its own", b.take(nil), turn.Past{})
	a.expect("after a host and a member", a.take(nil), turn.Past{Hosts: []fleet.HostID{two, two}})
	b.take(&turn.Change{Whole: turn.Hosts})
	a.expect("after all hosts", a.take(nil), all)
	a.turns.Unsure()
	a.expect("after nobody knows what", a.take(nil), all)
	b.take(&turn.Change{})
	b.take(&turn.Change{})
	if _, err := a.Readers.ExecContext(t.Context(), "DELETE FROM turn WHERE number = (SELECT max(number) - 1 FROM turn)"); err != nil {
		t.Fatal(err)
	}
	a.expect("after a row that is gone", a.take(nil), all)
	b.take(&turn.Change{})
	a.take(nil)
	if _, err := a.Readers.ExecContext(t.Context(), "DELETE FROM turn WHERE number = (SELECT max(number) FROM turn)"); err != nil {
		t.Fatal(err)
	}
	a.expect("after a server that had not had the newest", a.take(nil), all)
	for range 600 {
		b.take(&turn.Change{Hosts: []fleet.HostID{one}})
	}
	a.expect("after many", a.take(nil), all)
	if _, err := b.turns.Begin(b.Writer, false, 1, 1<<20); !errors.Is(err, schema.ErrNewer) {
		t.Errorf("a newer schema: %v", err)
	}
}

// TestOldRowsGo takes more turns than there may be rows.
func TestOldRowsGo(t *testing.T) {
	a := play(t, pgtest.Start(t).New(), 1)
	if _, err := a.Readers.ExecContext(t.Context(), `INSERT INTO turn SELECT n, 2, '', '', '', 0, 0, 0 FROM generate_series(1, 6000) n`); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		a.take(&turn.Change{})
	}
	var rows, oldest int
	if err := a.Readers.QueryRowContext(t.Context(), "SELECT count(*), min(number) FROM turn").Scan(&rows, &oldest); err != nil || rows < 5000 || rows > 5500 || oldest < 1000 {
		t.Errorf("%d rows from %d on, %v", rows, oldest, err)
	}
}

// TestWatch follows another's turns, in order, and is told what it missed.
func TestWatch(t *testing.T) {
	for _, listens := range []bool{true, false} {
		name := pgtest.Start(t).New()
		a, b := play(t, name, 1), play(t, name, 2)
		told, lost := make(chan turn.Change, 10), make(chan bool, 10)
		c := turn.Config{Collector: 1, Readers: a.Readers, Log: slog.New(slog.DiscardHandler),
			Tell: func(_ context.Context, c turn.Change) error {
				told <- c
				return nil
			},
			Lost: func() { lost <- true }, Remind: func() {}}
		if listens {
			c.Listen = a.Listen
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- turn.NewWatch(0, c).Run(ctx) }()
		a.take(&turn.Change{Topics: []string{"own"}})
		want := turn.Change{Hosts: []fleet.HostID{two}, Members: []fleet.HostID{one}, Topics: []string{"x", "y"}, First: 3, Last: 9, Whole: turn.Members}
		b.take(&want)
		if got := <-told; !slices.Equal(got.Topics, want.Topics) || cmp.Diff(want, got) != "" {
			t.Errorf("listens %v: %s", listens, cmp.Diff(want, got))
		}
		if _, err := a.Readers.ExecContext(t.Context(), "INSERT INTO turn VALUES (99, 2, 'late', '', '', 0, 0, 0)"); err != nil {
			t.Fatal(err)
		}
		b.take(&turn.Change{}) // of which it is notified
		if <-lost; (<-told).Topics[0] != "late" {
			t.Errorf("listens %v: after a hole", listens)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
