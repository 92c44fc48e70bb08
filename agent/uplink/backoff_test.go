package uplink

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seawall/agent/identity"
	"seawall/agent/uplink/pace"
)

// attempts runs an uplink whose streams end as told for some time of the bubble,
// and returns when each attempt began.
func attempts(t *testing.T, d time.Duration, stream func(ctx context.Context, n int) (outcome, error)) (began []time.Duration) {
	t.Helper()
	dir := t.TempDir()
	id, err := identity.Open(dir, identity.Config{})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	u, err := New(Config{
		StateDir: dir, Collector: "collector.test:1", Identity: id, Log: slog.New(slog.DiscardHandler),
		run: func(ctx context.Context, _ *Uplink) (outcome, error) {
			began = append(began, time.Since(start))
			return stream(ctx, len(began))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := u.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return began
}

var errRefused = errors.New("connection refused")

// live is a stream that was accepted, lived for d and then failed.
func live(ctx context.Context, d time.Duration) (outcome, error) {
	out := outcome{welcomed: time.Now()}
	sleep(ctx, d)
	return out, errRefused
}

func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := attempts(t, 4*time.Hour, func(context.Context, int) (outcome, error) { return outcome{}, errRefused })
		for i := 1; i < len(began); i++ {
			limit := time.Minute
			if i < 10 {
				limit = min(limit, pace.Base<<(i-1))
			}
			if d := began[i] - began[i-1]; d > limit {
				t.Errorf("pause %d is %v, limit %v", i, d, limit)
			}
		}
		// The mean pause is half a minute: about 480 attempts in four hours.
		if n := len(began); n < 380 || n > 600 {
			t.Errorf("%d attempts in four hours", n)
		}
	})
}

func TestPauseAfterStream(t *testing.T) {
	for _, tt := range []struct {
		name     string
		stream   func(context.Context, int) (outcome, error)
		min, max int // attempts in an hour
	}{
		{"accepts and fails", func(ctx context.Context, _ int) (outcome, error) { return live(ctx, 0) }, 90, 160},
		{"lives two minutes", func(ctx context.Context, _ int) (outcome, error) { return live(ctx, 2*time.Minute) }, 30, 30},
		{"drains at once", func(context.Context, int) (outcome, error) {
			return outcome{welcomed: time.Now(), drained: true}, errDrain
		}, 90, 160},
		{"drains for a year", func(context.Context, int) (outcome, error) {
			return outcome{drained: true, within: 365 * 24 * time.Hour}, errDrain
		}, 5, 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if n := len(attempts(t, time.Hour, tt.stream)); n < tt.min || n > tt.max {
					t.Errorf("%d attempts in an hour, want %d to %d", n, tt.min, tt.max)
				}
			})
		})
	}
}

// TestFirstRetryIsFast loses a stream that had been good for long.
func TestFirstRetryIsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := attempts(t, 2*time.Hour, func(ctx context.Context, n int) (outcome, error) {
			if n == 20 {
				return live(ctx, time.Hour)
			}
			return outcome{}, errRefused
		})
		if d := began[20] - began[19] - time.Hour; d < 0 || d > pace.Base {
			t.Errorf("pause %v after a good stream, want at most %v", d, pace.Base)
		}
	})
}

// TestDoorShut connects to something that closes every connection at once: the state
// says so, and when the next attempt is.
func TestDoorShut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	dir := t.TempDir()
	id, err := identity.Open(dir, identity.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	states := make(chan State, 10)
	u, err := New(Config{
		StateDir: dir, Collector: l.Addr().String(), Identity: id, Log: slog.New(slog.DiscardHandler),
		OnChange: func(s State) { states <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- u.Run(ctx) }()
	s := <-states
	if s.Connected || !strings.Contains(s.Error, "too many hosts") || s.Next.Before(began) || s.Next.After(time.Now().Add(2*pace.Crowd)) {
		t.Errorf("state %+v", s)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := u.State(); !s.Next.IsZero() {
		t.Errorf("stopped, and the next attempt is at %v", s.Next)
	}
}
