package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/collector/account/tag"
	"seawall/collector/alert/desk"
	"seawall/collector/alert/door"
	"seawall/collector/alert/outbox"
	"seawall/collector/alert/watch"
	"seawall/collector/db"
	"seawall/collector/export/order"
	"seawall/collector/export/stream"
	"seawall/collector/figures"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/pkg/service"
)

// messageSocket is the name of the socket at which messages are fetched.
const messageSocket = "notify.sock"

// messenger is the collector's part of alerts: it watches what happens, keeps messages,
// and hands them out at a socket. It delivers nothing: that is package notify's, in a
// process of its own.
type messenger struct {
	Watch   *watch.Watch
	Exports *stream.Runner
	once    func(ctx context.Context, name string, work func(context.Context) error) error
	Outbox  *outbox.Outbox
	Desk    *desk.Desk
	door    net.Listener
}

// openMessenger listens at the socket, in the folder that systemd made for the running
// collector, or in the state folder where it did not.
func openMessenger(s *store.Store, state string, log *slog.Logger) (*messenger, error) {
	folder, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	if folder == "" {
		folder = state
	}
	door, err := door.Listen(filepath.Join(folder, messageSocket))
	if err != nil {
		return nil, err
	}
	box := outbox.New(s, time.Now)
	out := stream.New(stream.Config{Data: s, Version: service.ReadBuild().Version, Log: log, Source: stream.Source{
		Timeline: s.Timeline, Detections: s.Detections, Checks: s.Checks, Host: s.Host, HostPage: s.HostPage, Subscribe: s.Subscribe}})
	return &messenger{Exports: out, once: s.Once, Watch: watch.New(watch.Config{Data: s, Source: s, Tags: tags(s), Log: log}),
		Outbox: box, Desk: desk.New(box, time.Now, log), door: door}, nil
}

// Run works until ctx ends.
func (a *messenger) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.once(ctx, "alerts", a.Watch.Run) })
	group.Go(func() error { return a.once(ctx, "exports", a.Exports.Run) })
	group.Go(func() error { return a.Desk.Serve(ctx, a.door) })
	return group.Wait()
}

// measured is what waits for its receivers, in figures.
func (a *messenger) measured(s *store.Store) *figures.Messages {
	return figures.NewMessages(figures.Sources{Loads: a.Outbox.Loads, Routes: a.Desk.Routes,
		Exports: func(ctx context.Context) ([]order.Progress, error) { return order.List(ctx, s) }}, time.Now)
}

// Close gives up the socket of one that does not run.
func (a *messenger) Close() error {
	if err := a.door.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the socket of deliveries: %w", err)
	}
	return nil
}

// tags returns what reads the tags that administrators and their tokens gave a host, none
// for one that was forgotten.
func tags(data db.DB) func(context.Context, fleet.HostID) ([]string, error) {
	return func(ctx context.Context, id fleet.HostID) ([]string, error) {
		all, err := tag.Of(ctx, data, id)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return all, err
	}
}
