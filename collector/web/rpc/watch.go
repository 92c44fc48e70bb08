package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/export/rows"
	"seawall/collector/fleet"
	"seawall/collector/plain"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
	fleetv1 "seawall/proto/seawall/fleet/v1"
)

const (
	pageSize = 200                    // events that are read at once: the store's own limit
	pace     = 100 * time.Millisecond // between two looks at the timeline
	beat     = 15 * time.Second       // between two signs of life
	look     = time.Second            // that a token is believed in while there is something to say
	maxTags  = 16
	maxWord  = 256
)

// watcher is one stream of WatchChanges.
type watcher struct {
	server   *Server
	request  *http.Request
	out      grpc.ServerStreamingServer[fleetv1.WatchChangesResponse]
	filter   *fleetv1.WatchChangesRequest
	severity finding.Severity
	sees     map[fleet.HostID]bool // nil: all
	tagged   map[fleet.HostID]bool // nil: all
	at       int64                 // the last event that was looked at
	scope    []string              // that sees is of
	looked   time.Time             // at the token
	counted  time.Time             // sees and tagged
}

func (s service) WatchChanges(in *fleetv1.WatchChangesRequest, out grpc.ServerStreamingServer[fleetv1.WatchChangesResponse]) error {
	r, ok := out.Context().Value(requestKey{}).(*http.Request)
	if !ok {
		return status.Error(codes.Internal, "no request")
	}
	w := &watcher{server: s.server, request: r, out: out, filter: in}
	if err := w.understand(); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	user := frame.Of(r).User
	if !s.server.enter(user) {
		return status.Errorf(codes.ResourceExhausted, "as many streams are open as may be: %d of a user, %d of all", maxEach, maxStreams)
	}
	defer s.server.leave(user)
	return w.run(out.Context())
}

// enter counts one more stream of a user, if there may be one more.
func (s *Server) enter(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= maxStreams || s.streams[user] >= maxEach {
		return false
	}
	s.open++
	s.streams[user]++
	return true
}

func (s *Server) leave(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.streams[user]--; s.streams[user] == 0 {
		delete(s.streams, user)
	}
}

// understand reads the filter.
func (w *watcher) understand() error {
	f := w.filter
	if f.GetAfter() < -1 {
		return errors.New("after: no number from -1")
	}
	if f.GetHost() != "" && !fleet.HostID(f.GetHost()).Valid() {
		return errors.New("host: no host's id: 32 lower-case hexadecimal digits")
	}
	if f.GetSeverity() != "" {
		if err := w.severity.UnmarshalText([]byte(f.GetSeverity())); err != nil {
			return err
		}
	}
	if len(f.GetTags()) > maxTags {
		return fmt.Errorf("tags: more than %d", maxTags)
	}
	for _, word := range append([]string{f.GetCheck(), f.GetFamily()}, f.GetTags()...) {
		if len(word) > maxWord {
			return fmt.Errorf("a word is longer than %d bytes", maxWord)
		}
	}
	return nil
}

// run sends what comes until ctx ends.
func (w *watcher) run(ctx context.Context) error {
	news, end := w.server.config.Subscribe(1) // it wakes, and no more: what happened is read
	defer end()
	if err := w.start(ctx); err != nil {
		return err
	}
	tick, rest := time.NewTicker(w.server.beat), time.NewTicker(pace)
	defer tick.Stop()
	defer rest.Stop()
	for {
		for more := true; more; {
			var err error
			if more, err = w.pass(ctx); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		case <-rest.C:
		}
		select {
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		case _, ok := <-news:
			if !ok {
				return status.Error(codes.Unavailable, "the collector ends")
			}
		case <-tick.C:
			if err := w.again(ctx); err != nil {
				return err
			}
			if err := w.out.Send(&fleetv1.WatchChangesResponse{After: w.place()}); err != nil {
				return fmt.Errorf("send a sign of life: %w", err)
			}
		}
	}
}

// start finds the place to begin at, and tells the client that the stream is open.
func (w *watcher) start(ctx context.Context) error {
	if err := w.again(ctx); err != nil {
		return err
	}
	newest, err := w.server.config.Timeline(ctx, fleet.TimelineQuery{Limit: 1})
	if err != nil {
		return w.fault(err)
	}
	var last int64
	if len(newest) > 0 {
		last = newest[0].ID
	}
	switch w.at = w.filter.GetAfter(); {
	case w.at == 0:
		w.at = last
	case w.at > last:
		return status.Error(codes.OutOfRange, "after is the number of no change yet: the collector's data was set back")
	}
	if err := w.out.SendHeader(nil); err != nil {
		return fmt.Errorf("open the stream: %w", err)
	}
	return nil
}

// again looks at the token, and now and then at the hosts that the stream is about: both
// may have changed.
func (w *watcher) again(ctx context.Context) (err error) {
	v := w.server.config.Visitor(w.request.WithContext(ctx))
	if !v.May(frame.Viewer) {
		return status.Error(codes.Unauthenticated, "The token is not good any more.")
	}
	w.looked = time.Now()
	if slices.Equal(v.Scope, w.scope) && w.looked.Sub(w.counted) < w.server.beat {
		return nil
	}
	if w.sees, err = w.within(ctx, v.Scope); err == nil {
		w.tagged, err = w.within(ctx, w.filter.GetTags())
	}
	w.scope, w.counted = v.Scope, w.looked
	return err
}

// within returns the hosts with one of the tags; nil, of no tags, is all.
func (w *watcher) within(ctx context.Context, tags []string) (map[fleet.HostID]bool, error) {
	if len(tags) == 0 {
		return nil, nil
	}
	all, err := w.server.config.Within(ctx, tags)
	if err != nil {
		return nil, w.fault(err)
	}
	if all == nil {
		all = map[fleet.HostID]bool{}
	}
	return all, nil
}

// pass reads a page of the timeline and sends what the filter selects of it. It reports
// whether there may be more. A client that is far behind needs many, and takes its time
// over each.
func (w *watcher) pass(ctx context.Context) (bool, error) {
	after := w.at
	if after == 0 {
		after = -1 // before all
	}
	events, err := w.server.config.Timeline(ctx, fleet.TimelineQuery{After: after, Limit: pageSize})
	if err != nil {
		return false, w.fault(err)
	}
	if len(events) > 0 && time.Since(w.looked) >= w.server.look {
		if err := w.again(ctx); err != nil {
			return false, err
		}
	}
	part, err := w.gather(events)
	if err != nil {
		return false, w.fault(err)
	}
	if len(part.Events) > 0 || part.Missing > 0 {
		if err := w.out.Send(part); err != nil {
			return false, fmt.Errorf("send changes: %w", err)
		}
	}
	return len(events) == pageSize, nil
}

// gather returns what the filter selects of events, and the place after them.
func (w *watcher) gather(events []fleet.Event) (*fleetv1.WatchChangesResponse, error) {
	plain.Events(events)
	part := &fleetv1.WatchChangesResponse{}
	for i := range events {
		e := &events[i]
		if w.at > 0 {
			part.Missing += e.ID - w.at - 1
		}
		w.at = e.ID
		if !w.wants(e) {
			continue
		}
		text, err := rows.JSON(e)
		if err != nil {
			return nil, err
		}
		one := &fleetv1.Event{}
		if err := read(text, one); err != nil {
			return nil, err
		}
		part.Events = append(part.Events, one)
	}
	part.After = w.place()
	return part, nil
}

// place is where a stream after this one goes on.
func (w *watcher) place() int64 {
	if w.at <= 0 {
		return -1 // there is no change yet: 0 would leave out those that come meanwhile
	}
	return w.at
}

// wants reports whether the stream is about an event.
func (w *watcher) wants(e *fleet.Event) bool {
	f, r := w.filter, &e.Change.Result
	family, _, _ := strings.Cut(r.Check, "-")
	return (w.sees == nil || w.sees[e.Host]) && (w.tagged == nil || w.tagged[e.Host]) && r.Severity >= w.severity &&
		(f.GetHost() == "" || f.GetHost() == string(e.Host)) && (f.GetCheck() == "" || f.GetCheck() == r.Check) &&
		(f.GetFamily() == "" || f.GetFamily() == family)
}

// fault logs an error of ours, and is what the client is told of it.
func (w *watcher) fault(err error) error {
	if w.out.Context().Err() != nil {
		return status.FromContextError(w.out.Context().Err()).Err()
	}
	w.server.config.Frame.Log().Error("changes cannot be watched", "err", err)
	return status.Error(codes.Internal, "The changes could not be read; the collector's log says why.")
}
