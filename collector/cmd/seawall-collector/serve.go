package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"seawall/collector/admin"
	"seawall/collector/admin/socket"
	"seawall/collector/alive"
	"seawall/collector/bootstrap"
	"seawall/collector/calm"
	"seawall/collector/config"
	"seawall/collector/contact"
	"seawall/collector/figures"
	"seawall/collector/ingest"
	"seawall/collector/initial"
	"seawall/collector/listen"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/triage/cover"
	"seawall/collector/web"
	"seawall/pkg/service"
)

// serve runs the collector until ctx ends.
func serve(ctx context.Context, c config.Config, stdout, stderr io.Writer) error {
	log := service.NewLog(stderr, c.LogLevel.Level, os.Environ())
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return config.Error{Err: fmt.Errorf("state-dir: %w", err)}
	}
	s, err := store.Open(ctx, c.Database(),
		store.Config{Retention: days(c.RetentionDays), ArchiveAfter: days(c.ArchiveAfterDays), Log: log})
	if err != nil {
		return err
	}
	// Closed last, when nothing can write any more.
	err = serveStore(ctx, c, s, log, stdout)
	return errors.Join(err, s.Close())
}

func serveStore(ctx context.Context, c config.Config, s *store.Store, log *slog.Logger, stdout io.Writer) error {
	m, err := openMembers(ctx, c, s, log)
	if err != nil {
		return err
	}
	hosts, browsers, err := listen.Sockets(c.Ingest, c.Dashboard)
	if err != nil {
		return err
	}
	defer hosts.Close()
	defer browsers.Close()
	browserTLS, err := listen.TLS(c.DashboardTLS.Value, c.DashboardCert, c.DashboardKey, m.Authority, browsers.Addr())
	if err != nil {
		return config.Error{Err: err}
	}
	registry := measured(s)
	m.Measure(registry)
	in, err := ingest.New(ingest.Config{
		Store: s, TLS: m.Authority.Hosts(), Roster: m.Roster, Bundle: m.Authority.Bundle,
		Services: []func(grpc.ServiceRegistrar){m.Enrolment.Register},
		Metrics:  ingest.NewMetrics(registry), Log: log, BytesPerSecond: c.HostRate << 10, MemoryBytes: c.MemoryBudget << 20, StreamAge: c.StreamAge,
	})
	if err != nil {
		return err
	}
	at := contact.Contact{Pin: m.Authority.Pin().String(), Ingest: hosts.Addr().String(), Dashboard: listen.URL(browsers.Addr(), browserTLS != nil),
		Version: service.ReadBuild().Version, Started: time.Now().UTC()}
	who := newUsers(s)
	alerts, err := openMessenger(s, c.StateDir, log)
	if err != nil {
		return err
	}
	defer alerts.Close()
	registry.MustRegister(alerts.measured(s))
	out, err := openDashboard(c, s, m, alerts, who, at.Version, browserTLS, registry, log)
	if err != nil {
		return err
	}
	who.dashboard = out
	if err := initial.First(ctx, first(c, who.accounts, log, stdout)); err != nil {
		return err
	}
	door, err := socket.Listen(c.StateDir, log)
	if err != nil {
		return err
	}
	defer door.Close()
	return run(ctx, c, at, log, []func(context.Context) error{
		s.Run,
		alerts.Run,
		func(ctx context.Context) error { return in.Serve(ctx, hosts) },
		func(ctx context.Context) error { return out.Serve(ctx, browsers) },
		func(ctx context.Context) error { return admin.Serve(ctx, door, m.admin(c, s, alerts, who, log)) },
		func(ctx context.Context) error { return m.KeepPin(ctx, at, c.StateDir) },
		m.Run,
		calm.Run,
		watchdog(s, at, log).Run,
	})
}

// measured is what the collector tells of itself and of the fleet in figures.
func measured(s *store.Store) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(), figures.New(s.Overview, time.Now))
	return registry
}

// openDashboard makes the dashboard.
func openDashboard(c config.Config, s *store.Store, m *members, a *messenger, who *users, version string, browserTLS *tls.Config, registry *prometheus.Registry, log *slog.Logger) (*web.Server, error) {
	single, err := signOn(c, who, s)
	if err != nil {
		return nil, err
	}
	return web.New(web.Config{
		SSO:     single,
		Posture: s, Catalogue: s, Detections: s, Lists: s, Advisories: s, Parts: s, Feed: s, Waived: cover.New(s, time.Now), Away: store.Away, Glance: glances(s), Requests: s.Requests, Ready: s.Ready, Metrics: registry, Sessions: s, Views: s, Elsewhere: s.Elsewhere,
		SignIn: who.byPassword(c.StateDir, log), Bearer: who.byToken,
		Hosts: c.DashboardHosts, TLS: browserTLS, Version: version, Log: log,
		NewHost: func() bootstrap.Host { h, _ := c.Host(); return h }, // what is missing is asked for
		Invite:  m.invites(c), Tokens: s.Tokens, Withdraw: m.Withdraw, Decide: m.decides(c), Exported: trail.Exported(s, time.Now), Areas: areas(c, s, m, a, who),
	})
}

// watchdog is what systemd is told.
func watchdog(s *store.Store, at contact.Contact, log *slog.Logger) alive.Watchdog {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("watchdog of systemd", "err", err)
	}
	return alive.Watchdog{Tell: service.Notifier(log), Status: fmt.Sprintf("hosts at %s, dashboard at %s", at.Ingest, at.Dashboard), Ready: s.Ready, Interval: interval}
}

// run tells where the collector is and runs its parts until one fails or ctx ends.
func run(ctx context.Context, c config.Config, at contact.Contact, log *slog.Logger, parts []func(context.Context) error) error {
	if err := at.Write(c.StateDir); err != nil {
		return err
	}
	log.Info("collector runs", "ingest", at.Ingest, "dashboard", at.Dashboard, "pin", at.Pin, "version", at.Version)
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range parts {
		group.Go(func() error { return part(ctx) })
	}
	err := group.Wait()
	log.Info("collector stopped")
	return err
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
