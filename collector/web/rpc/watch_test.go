package rpc

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
	fleetv1 "seawall/proto/seawall/fleet/v1"
)

// watch opens a stream, and returns once the server is about to send on it.
func (s *site) watch(ctx context.Context, f *fleetv1.WatchChangesRequest) grpc.ServerStreamingClient[fleetv1.WatchChangesResponse] {
	s.Helper()
	ctx, cancel := context.WithCancel(ctx)
	s.Cleanup(cancel)
	w, err := s.client.WatchChanges(ctx, f)
	if err != nil {
		s.Fatal(err)
	}
	if _, err := w.Header(); err != nil {
		s.Fatal(err)
	}
	return w
}

// take receives n changes, and returns "HOST CHECK" of each, and the last response.
func (s *site) take(w grpc.ServerStreamingClient[fleetv1.WatchChangesResponse], n int) (got []string, last *fleetv1.WatchChangesResponse) {
	s.Helper()
	for len(got) < n {
		var err error
		if last, err = w.Recv(); err != nil {
			s.Fatalf("after %q: %v", got, err)
		}
		for _, e := range last.GetEvents() {
			got = append(got, e.GetHostName()+" "+e.GetChange().GetResult().GetCheck())
		}
	}
	return got, last
}

func (s *site) want(what string, w grpc.ServerStreamingClient[fleetv1.WatchChangesResponse], want ...string) *fleetv1.WatchChangesResponse {
	s.Helper()
	got, last := s.take(w, len(want))
	if d := cmp.Diff(want, got); d != "" {
		s.Errorf("%s (-want +got):\n%s", what, d)
	}
	return last
}

// TestWatch: a stream has what comes, and what was missed; filters and scopes select.
func TestWatch(t *testing.T) {
	s := open(t)
	ann := s.as("ann")
	now := s.watch(ann, &fleetv1.WatchChangesRequest{})
	all := s.watch(ann, &fleetv1.WatchChangesRequest{After: -1})
	some := s.watch(ann, &fleetv1.WatchChangesRequest{After: -1, Severity: "high", Family: "ssh", Tags: []string{"prod"}})
	bob := s.watch(s.as("bob", "prod"), &fleetv1.WatchChangesRequest{After: -1, Check: "net-forward"})
	one := s.watch(ann, &fleetv1.WatchChangesRequest{After: -1, Host: string(host(0)), Family: "net"})
	s.want("all that is kept", all, "web-0 ssh-root", "web-0 net-forward", "web-1 ssh-root", "web-1 net-forward")
	s.want("filtered", some, "web-1 ssh-root")
	s.want("in scope", bob, "web-1 net-forward")
	s.want("of a host", one, "web-0 net-forward")
	s.deliver(0, s.change("ssh-late", finding.SeverityLow))
	last := s.want("from now on", now, "web-0 ssh-late")
	s.want("at once", all, "web-0 ssh-late")
	s.deliver(1, s.change("ssh-later", finding.SeverityLow))
	s.want("where the first ended", s.watch(ann, &fleetv1.WatchChangesRequest{After: last.GetAfter()}), "web-1 ssh-later")

	w, err := s.client.WatchChanges(ann, &fleetv1.WatchChangesRequest{After: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Recv(); status.Code(err) != codes.OutOfRange {
		t.Errorf("a place that is not there: %v", err)
	}
	for name, f := range map[string]*fleetv1.WatchChangesRequest{
		"after": {After: -2}, "host": {Host: "web-0"}, "severity": {Severity: "grave"}, "tags": {Tags: make([]string, maxTags+1)}, "word": {Check: strings.Repeat("x", maxWord+1)},
	} {
		w, err := s.client.WatchChanges(ann, f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Recv(); status.Code(err) != codes.InvalidArgument || !strings.Contains(status.Convert(err).Message(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMissing: what is not kept any more is counted.
func TestMissing(t *testing.T) {
	s := open(t)
	ann := s.as("ann")
	first, err := s.store.Timeline(t.Context(), fleet.TimelineQuery{After: -1})
	if err != nil || len(first) != 4 {
		t.Fatal(len(first), err)
	}
	err = s.store.Write(t.Context(), func(w db.Writer) error {
		return w.Exec("DELETE FROM event WHERE id IN (?, ?)", first[1].ID, first[2].ID)
	})
	if err != nil {
		t.Fatal(err)
	}
	last := s.want("the rest", s.watch(ann, &fleetv1.WatchChangesRequest{After: first[0].ID}), "web-1 net-forward")
	if last.GetMissing() != 2 || last.GetAfter() != first[3].ID {
		t.Errorf("%d missing, up to %d", last.GetMissing(), last.GetAfter())
	}
}

// TestSlow: who does not read for a while gets everything all the same, in order, and
// keeps nobody else waiting.
func TestSlow(t *testing.T) {
	s := open(t)
	ann := s.as("ann")
	slow, quick := s.watch(ann, &fleetv1.WatchChangesRequest{}), s.watch(ann, &fleetv1.WatchChangesRequest{})
	const rounds, each = 20, 250 // some megabytes: more than the connection's windows
	for range rounds {
		var records []finding.Record
		for i := range each {
			r := s.change("ssh-root", finding.SeverityHigh)
			r.Change.Result.Resource = strings.Repeat("r", 900)
			r.Change.Result.Actual = strings.Repeat("x", i+1)
			records = append(records, r)
		}
		s.deliver(0, records...)
	}
	for name, w := range map[string]grpc.ServerStreamingClient[fleetv1.WatchChangesResponse]{"1 quick": quick, "2 slow": slow} {
		var at, n, missing int64
		for n < rounds*each {
			part, err := w.Recv()
			if err != nil {
				t.Fatalf("%s after %d: %v", name, n, err)
			}
			missing += part.GetMissing()
			for _, e := range part.GetEvents() {
				if at > 0 && e.GetId() != at+1 {
					t.Fatalf("%s: %d after %d", name, e.GetId(), at)
				}
				at = e.GetId()
				n++
			}
		}
		if missing != 0 {
			t.Errorf("%s: %d missing", name, missing)
		}
	}
}

// TestRevoked: a stream ends with its token, and until then shows signs of life.
func TestRevoked(t *testing.T) {
	s := open(t)
	s.server.beat = 20 * time.Millisecond
	w := s.watch(s.as("ann"), &fleetv1.WatchChangesRequest{})
	life, err := w.Recv()
	if err != nil || len(life.GetEvents()) != 0 || life.GetAfter() == 0 {
		t.Fatalf("a sign of life: %v %v", life, err)
	}
	all, err := s.tokens.List(t.Context(), "ann")
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if err := s.tokens.Revoke(t.Context(), "test", "ann", all[0].ID); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = w.Recv()
	}
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("ended with %v", err)
	}
}

// TestRevokedBehind: also a stream that is behind ends with its token: what is kept of the
// past is not told to the end.
func TestRevokedBehind(t *testing.T) {
	s := open(t)
	s.server.look = time.Millisecond
	const rounds, each = 24, 250 // more than the connection's windows
	for range rounds {
		var records []finding.Record
		for range each {
			r := s.change("ssh-root", finding.SeverityHigh)
			r.Change.Result.Resource = strings.Repeat("r", 900)
			records = append(records, r)
		}
		s.deliver(0, records...)
	}
	w := s.watch(s.as("ann"), &fleetv1.WatchChangesRequest{After: -1})
	all, err := s.tokens.List(t.Context(), "ann")
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if err := s.tokens.Revoke(t.Context(), "test", "ann", all[0].ID); err != nil {
		t.Fatal(err)
	}
	n := 0
	for err == nil {
		var part *fleetv1.WatchChangesResponse
		part, err = w.Recv()
		n += len(part.GetEvents())
	}
	if status.Code(err) != codes.Unauthenticated || n >= rounds*each {
		t.Errorf("ended with %v after %d of %d", err, n, rounds*each)
	}
}

// TestStreams: there are as many streams of a user, and of all, as there may be, and one
// that ends makes room. A server that ends, ends them.
func TestStreams(t *testing.T) {
	s := open(t)
	ann := s.as("ann")
	var cancels []context.CancelFunc
	for range maxEach {
		ctx, cancel := context.WithCancel(ann)
		s.watch(ctx, &fleetv1.WatchChangesRequest{})
		cancels = append(cancels, cancel)
	}
	more := func() error {
		w, err := s.client.WatchChanges(ann, &fleetv1.WatchChangesRequest{After: -1})
		if err == nil {
			_, err = w.Recv()
		}
		return err
	}
	if err := more(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("one more: %v", err)
	}
	other := s.watch(s.as("bob"), &fleetv1.WatchChangesRequest{})
	cancels[0]()
	for status.Code(more()) == codes.ResourceExhausted { // until the server has seen it
		if t.Context().Err() != nil {
			t.Fatal("no room is made")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.server.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Recv(); err == nil {
		t.Error("a stream outlives its server")
	}
	for range maxStreams {
		s.server.enter(string(rune('a' + len(s.server.streams))))
	}
	if s.server.enter("zoe") {
		t.Error("there is room for more than all")
	}
}
