package alive

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A store that refuses is alive; one that hangs is not, until it answers again.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hangs atomic.Bool
		var mu sync.Mutex
		var told []string
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		w := Watchdog{Status: "hosts at 1", Interval: 30 * time.Second,
			Tell: func(state string) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, state)
			},
			Ready: func(ctx context.Context) error {
				if hangs.Load() {
					<-ctx.Done()
					return ctx.Err()
				}
				return errors.New("disk is full")
			}}
		go func() { done <- w.Run(ctx) }()
		pass := func(d time.Duration, want string) {
			t.Helper()
			<-time.After(d)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if got := strings.Join(told, " "); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
			told = nil
		}
		pass(time.Second, "READY=1\nSTATUS=hosts at 1")
		pass(20*time.Second, "WATCHDOG=1 WATCHDOG=1")
		hangs.Store(true)
		pass(time.Minute, "")
		hangs.Store(false)
		pass(20*time.Second, "WATCHDOG=1 WATCHDOG=1")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		pass(0, "STOPPING=1")
	})
}

// Without a watchdog systemd is told of the beginning and the end alone.
func TestNoWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		w := Watchdog{Status: "s", Tell: func(state string) { told = append(told, state) },
			Ready: func(context.Context) error { t.Error("the store is asked"); return nil }}
		if err := w.Run(ctx); err != nil || strings.Join(told, " ") != "READY=1\nSTATUS=s STOPPING=1" {
			t.Errorf("told %q, %v", told, err)
		}
	})
}
