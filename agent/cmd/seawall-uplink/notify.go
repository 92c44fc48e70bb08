package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"seawall/agent/enrol"
	"seawall/agent/uplink"
	"seawall/pkg/service"
	"seawall/pkg/text"
)

// notifier tells systemd how the uplink is. Without systemd it does nothing.
type notifier struct {
	log     *slog.Logger
	send    func(state string)
	changed chan struct{}
}

func newNotifier(log *slog.Logger) *notifier {
	return &notifier{log: log, send: service.Notifier(log), changed: make(chan struct{}, 1)}
}

// change takes note that the state changed; what it is then is asked later.
func (n *notifier) change() {
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// run says that the program is ready, which it is before it is enrolled and before
// the network is, and then tells of changes and that it is alive: the status must
// be there for the asking.
func (n *notifier) run(ctx context.Context, status func() string) error {
	n.send(daemon.SdNotifyReady + "\n" + status())
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		n.log.Warn("watchdog not used", "err", err)
	}
	var tick <-chan time.Time
	if err == nil && interval > 0 {
		t := time.NewTicker(interval / 3)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case <-ctx.Done():
			n.send(daemon.SdNotifyStopping)
			return nil
		case <-n.changed:
			n.send(status())
		case <-tick:
			n.send(daemon.SdNotifyWatchdog + "\n" + status())
		}
	}
}

// status is one line: the state's texts hold no line break.
func status(s uplink.State) string {
	if s.Connected {
		line := "STATUS=connected to " + s.Collector
		for _, lane := range slices.Sorted(maps.Keys(s.Acked)) {
			line += fmt.Sprintf(", %s %d acknowledged", lane, s.Acked[lane].Seq)
		}
		return line
	}
	if s.Error == "" {
		return "STATUS=connecting to " + s.Collector
	}
	if strings.HasPrefix(s.Error, s.Collector+":") {
		return "STATUS=not connected: " + s.Error
	}
	return fmt.Sprintf("STATUS=not connected to %s: %s", s.Collector, s.Error)
}

// enrolmentStatus is status for a host that is not enrolled, or refused.
func enrolmentStatus(s enrol.State) string {
	switch {
	case s.Phase == "":
		return "STATUS=starting"
	case s.Problem == "":
		return "STATUS=" + string(s.Phase)
	}
	return fmt.Sprintf("STATUS=%s: %s", s.Phase, text.Terminal(s.Problem))
}
