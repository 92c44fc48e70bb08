package lease

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"seawall/collector/db"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
)

// file is a database of one connection that can be away.
type file struct {
	mu   sync.Mutex
	w    *sqlite.Writer
	away atomic.Bool
}

func open(t *testing.T) *file {
	t.Helper()
	d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := schema.Migrate(t.Context(), d.Writer.Conn); err != nil {
		t.Fatal(err)
	}
	return &file{w: d.Writer}
}

func (f *file) Read(context.Context, func(db.Querier) error) error { return errors.ErrUnsupported }

func (f *file) Write(_ context.Context, do func(db.Writer) error) error {
	if f.away.Load() {
		return errors.New("the database is away")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return do(f.w)
}

// cut is a database that one collector does not reach.
type cut struct {
	*file
	off atomic.Bool
}

func (c *cut) Write(ctx context.Context, do func(db.Writer) error) error {
	if c.off.Load() {
		return errors.New("the database cannot be reached")
	}
	return c.file.Write(ctx, do)
}

// TestLease has two collectors want the same: one does it at a time, and the other goes
// on when it has ended, was cut off, or is gone without a word.
func TestLease(t *testing.T) {
	f := open(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := &cut{file: f}, &cut{file: f}
		log := slog.New(slog.DiscardHandler)
		var running atomic.Int32
		began := make(chan int64, 10)
		work := func(holder int64) func(context.Context) error {
			return func(ctx context.Context) error {
				if running.Add(1) > 1 {
					t.Error("both run")
				}
				defer running.Add(-1)
				began <- holder
				<-ctx.Done()
				return ctx.Err()
			}
		}
		run := func(data db.DB, holder int64) (end func()) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = New(data, "x", holder, log).Run(ctx, work(holder)) // what ended it is known
			}()
			return func() {
				cancel()
				<-done
			}
		}
		endA := run(a, 1)
		if n := <-began; n != 1 {
			t.Fatalf("%d began", n)
		}
		endB := run(b, 2)
		<-time.After(5 * time.Minute)
		select {
		case n := <-began:
			t.Errorf("%d began beside the other", n)
		default:
		}
		at := time.Now()
		a.off.Store(true)
		if n := <-began; n != 2 {
			t.Errorf("%d goes on", n)
		}
		if d := time.Since(at); d < stopAfter-beatEvery || d > takeAfter+3*beatEvery {
			t.Errorf("the other went on after %v", d)
		}
		a.off.Store(false)
		at = time.Now()
		endB()
		if n := <-began; n != 1 || time.Since(at) > beatEvery {
			t.Errorf("%d goes on, after %v", n, time.Since(at))
		}
		endA()
	})
}

// TestWorkEnds: what ends by itself ends the lease, with its error, and others are free
// to take it.
func TestWorkEnds(t *testing.T) {
	f := open(t)
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		for holder := range int64(2) {
			l := New(f, "x", holder+1, slog.New(slog.DiscardHandler))
			if err := l.Run(t.Context(), func(context.Context) error { return broken }); !errors.Is(err, broken) {
				t.Errorf("holder %d: %v", holder+1, err)
			}
		}
		f.away.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := New(f, "x", 3, slog.New(slog.DiscardHandler)).Run(ctx, func(context.Context) error {
			t.Error("runs without the database")
			return nil
		})
		if err != nil {
			t.Errorf("a lease that is never had: %v", err)
		}
	})
}
