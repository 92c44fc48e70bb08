package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"seawall/agent/enrol"
	"seawall/agent/identity"
	"seawall/agent/machine"
	"seawall/agent/private"
	"seawall/agent/uplink"
	"seawall/pkg/hostfs"
	"seawall/pkg/service"
	"seawall/pkg/startup"
	seawallv1 "seawall/proto/seawall/v1"
)

// lockFile makes sure that one process at a time uses the identity.
const lockFile = "identity.lock"

// host is this host on its way to the collector: first enrolled, then connected.
type host struct {
	config    config
	log       *slog.Logger
	identity  *identity.Identity
	enrolment *enrol.Enrolment
	notifier  *notifier
	uplink    atomic.Pointer[uplink.Uplink] // nil before enrolment
}

// enrolment returns how the configuration says to enrol.
func (p *program) enrolment(c config, id *identity.Identity, log *slog.Logger) enrol.Config {
	return enrol.Config{
		Identity: id, StateDir: c.stateDir, Collector: c.collector,
		TokenFile: c.tokenFile, KeepToken: c.keepToken,
		Machine:    func() (machine.Machine, error) { return machine.Known(c.spool, hostfs.Root{}) },
		MaxBackoff: c.maxBackoff, Version: service.ReadBuild().Version, Log: log,
	}
}

func (p *program) run(cmd *cobra.Command, _ []string) error {
	p.begun = time.Now()
	c, err := p.config(cmd, "")
	if err != nil {
		return err
	}
	log := service.NewLog(p.stderr, c.logLevel, p.environ)
	if err := os.MkdirAll(c.stateDir, 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	lock, err := private.Lock(filepath.Join(c.stateDir, lockFile))
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	defer lock.Close()
	id, err := identity.Open(c.stateDir, identity.Config{Log: log})
	if err != nil {
		return err
	}
	h := &host{config: c, log: log, identity: id, notifier: newNotifier(log)}
	enrolment := p.enrolment(c, id, log)
	enrolment.OnChange = func(enrol.State) { h.notifier.change() }
	h.enrolment = enrol.New(enrolment)

	log.Info("starting", "version", service.ReadBuild().Version, "host", id.Host(), "spool", c.spool, "collector", c.collector)
	g, ctx := errgroup.WithContext(cmd.Context())
	g.Go(func() error { return h.run(ctx) })
	g.Go(func() error { return h.notifier.run(ctx, h.status) })
	if os.Getenv("NOTIFY_SOCKET") != "" {
		g.Go(func() error { return h.fresh(ctx) })
	}
	err = g.Wait()
	log.Info("stopped")
	return err
}

// run enrols and delivers until ctx ends, again from the start when this host has
// to become another.
func (h *host) run(ctx context.Context) error {
	for {
		if err := h.enrolment.Ensure(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err := h.deliver(ctx); !errors.Is(err, enrol.ErrAnew) {
			return err
		}
		h.log.Info("enrolling anew", "host", h.identity.Host())
	}
}

// deliver carries the spool under the identity there is.
func (h *host) deliver(ctx context.Context) error {
	u, err := uplink.New(uplink.Config{
		Spool: h.config.spool, StateDir: h.config.stateDir, Collector: h.config.collector,
		Identity: h.identity, Prepare: h.enrolment.Prepare, MaxBackoff: h.config.maxBackoff,
		Version: service.ReadBuild().Version, Log: h.log, OnChange: h.told,
	})
	if err != nil {
		return configError{err}
	}
	h.uplink.Store(u)
	defer h.uplink.Store(nil)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return u.Run(ctx) })
	g.Go(func() error { return h.enrolment.Keep(ctx) })
	return g.Wait()
}

// told passes on what the collector said of this host on the stream.
func (h *host) told(s uplink.State) {
	h.notifier.change()
	if s.Connected {
		h.enrolment.Told(seawallv1.Reason_REASON_UNSPECIFIED)
	} else if s.Refusal != "" {
		h.enrolment.Told(enrol.Reason(s.Refusal))
	}
}

// errStale ends the program so that systemd makes its sandbox anew.
var errStale = errors.New("what this process sees is out of date: starting again")

const freshEvery = 15 * time.Second

// fresh ends the program when it looks for the collector by a name and its sandbox
// shows name resolution as it once was.
func (h *host) fresh(ctx context.Context) error {
	name, _, err := net.SplitHostPort(h.config.collector)
	if err != nil || net.ParseIP(name) != nil {
		return nil
	}
	tick := time.NewTicker(freshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if u := h.uplink.Load(); u != nil && u.State().Connected {
			continue
		}
		if stale := startup.OldResolver(); stale != "" {
			return fmt.Errorf("%s: %w", stale, errStale)
		}
	}
}

// status is a line for systemd.
func (h *host) status() string {
	e := h.enrolment.State()
	if u := h.uplink.Load(); u != nil && e.Phase == enrol.Enrolled {
		return status(u.State())
	}
	return enrolmentStatus(e)
}
