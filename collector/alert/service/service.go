// Package service puts the collector's part of alerts together: it watches what
// happens, keeps messages, and hands them out at a socket. It delivers nothing: that is
// package notify's, in a process of its own.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"seawall/collector/alert/desk"
	"seawall/collector/alert/door"
	"seawall/collector/alert/outbox"
	"seawall/collector/alert/watch"
	"seawall/collector/db"
	"seawall/collector/fleet"
)

// File is the name of the socket.
const File = "notify.sock"

// Store is what alerts are made of, and kept in.
type Store interface {
	db.DB
	watch.Source
}

// Service is the collector's part of alerts.
type Service struct {
	Watch  *watch.Watch
	Outbox *outbox.Outbox
	Desk   *desk.Desk
	door   net.Listener
}

// Open listens at the socket. Its name is File in the folder that systemd made for the
// running collector, or in the state folder where it did not.
func Open(store Store, state string, log *slog.Logger) (*Service, error) {
	folder, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	if folder == "" {
		folder = state
	}
	return open(store, filepath.Join(folder, File), log)
}

func open(store Store, path string, log *slog.Logger) (*Service, error) {
	door, err := door.Listen(path)
	if err != nil {
		return nil, err
	}
	box := outbox.New(store, time.Now)
	return &Service{Watch: watch.New(watch.Config{Data: store, Source: store, Tags: tags(store), Log: log}),
		Outbox: box, Desk: desk.New(box, time.Now, log), door: door}, nil
}

// Run works until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Watch.Run(ctx) })
	group.Go(func() error { return s.Desk.Serve(ctx, s.door) })
	return group.Wait()
}

// Close gives up the socket of a service that does not run.
func (s *Service) Close() error {
	if err := s.door.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the socket of deliveries: %w", err)
	}
	return nil
}

// tags returns what reads the tags that administrators and their tokens gave a host.
func tags(data db.DB) func(context.Context, fleet.HostID) ([]string, error) {
	return func(ctx context.Context, id fleet.HostID) (all []string, err error) {
		key, err := id.Bytes()
		if err != nil {
			return nil, err
		}
		err = data.Read(ctx, func(q db.Querier) error {
			all = nil
			return db.Each(ctx, q, func(scan func(...any) error) error {
				var tag string
				err := scan(&tag)
				all = append(all, tag)
				return err
			}, "SELECT tag FROM host_tag WHERE host = ?", key)
		})
		if err != nil {
			return nil, fmt.Errorf("read tags of %s: %w", id, err)
		}
		return all, nil
	}
}
