// Package alive tells systemd that the collector runs, and goes on running (sd_notify(3),
// sd_watchdog_enabled(3)). A store whose writer hangs stops the watchdog's signal; one that
// cannot write, as on a full disk, does not, since a restart would not help.
package alive

import (
	"context"
	"errors"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Watchdog is what systemd is told.
type Watchdog struct {
	Tell   func(state string)              // as sd_notify
	Status string                          // what "systemctl status" shows
	Ready  func(ctx context.Context) error // whether the store takes something
	// Interval is how long systemd waits for a signal before it restarts the collector;
	// 0 for ever.
	Interval time.Duration
}

// Run tells that all is ready, goes on until ctx ends, and tells that, too.
func (w Watchdog) Run(ctx context.Context) error {
	w.Tell(daemon.SdNotifyReady + "\nSTATUS=" + w.Status)
	defer w.Tell(daemon.SdNotifyStopping)
	if w.Interval <= 0 {
		<-ctx.Done()
		return nil
	}
	// Three times in the interval: one that is late does no harm.
	every := w.Interval / 3
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.probe(ctx, every)
		}
	}
}

// probe sends the watchdog's signal unless the store hangs.
func (w Watchdog) probe(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if err := w.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
		w.Tell(daemon.SdNotifyWatchdog)
	}
}
