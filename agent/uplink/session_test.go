package uplink

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"seawall/agent/identity"
	"seawall/agent/uplink/pace"
	seawallv1 "seawall/proto/seawall/v1"
)

type serverStream = grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]

// bundleOf is a message with those authorities.
func bundleOf(revision uint64, authorities ...*authority) *seawallv1.DeliverResponse {
	b := &seawallv1.Bundle{Revision: revision}
	for _, a := range authorities {
		b.Authorities = append(b.Authorities, a.cert.Raw)
	}
	return &seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Bundle{Bundle: b}}
}

// TestSession holds the uplink to making its number durable before it confirms, and
// to presenting it.
func TestSession(t *testing.T) {
	c := newCollector(t)
	l := newLink(t, c)
	kept := make(chan uint64, 10)
	c.serve = func(stream serverStream) error { // behind the confirmation
		id, err := identity.Read(l.cfg.StateDir)
		if err != nil {
			return err
		}
		kept <- id.Session()
		return nil
	}
	c.session = 100
	c.start()
	l.cfg.Collector = c.addr
	l.start()
	for n := uint64(101); n < 104; n++ {
		if got := <-kept; got != n {
			t.Errorf("confirmed %d, the file has %d", n, got)
		}
	}
	c.wait("the number to be presented", func() bool { return c.hello.GetSession() >= 102 })
}

func TestSessionsRefused(t *testing.T) {
	for _, n := range []uint64{1, 5, 5 + maxStep + 1, 1<<64 - 1} {
		c := newCollector(t)
		c.welcome.Session = n
		l := newLink(t, c.start())
		if err := l.cfg.Identity.SetSession(5); err != nil {
			t.Fatal(err)
		}
		l.append("posture", "x")
		l.start()
		s := l.waitState("the error", func(s State) bool { return s.Error != "" })
		if !strings.Contains(s.Error, errProtocol.Error()) || l.cfg.Identity.Session() != 5 {
			t.Errorf("session %d: %q", n, s.Error)
		}
		l.stop()
	}
}

// TestRotation brings another authority over the stream. The collector then comes
// back with a certificate of that one.
func TestRotation(t *testing.T) {
	next := newAuthority(t)
	c := newCollector(t)
	c.serve = func(stream serverStream) error {
		stream.Send(bundleOf(3, c.trust, next))
		stream.Send(bundleOf(2, newAuthority(t))) // an older one changes nothing
		for {
			m, err := stream.Recv()
			if err != nil {
				return err
			}
			if confirm := m.GetConfirm(); confirm != nil {
				c.mu.Lock()
				c.confirm = confirm
				c.notify()
				c.mu.Unlock()
				continue
			}
			stream.Send(ack(c.take(m.GetBatch())))
		}
	}
	l := newLink(t, c.start())
	l.start()
	c.wait("confirmation of the bundle", func() bool { return c.confirm.GetBundleRevision() == 3 && c.confirm.GetSession() > 0 })
	l.append("posture", "1")
	c.waitFor("posture", []string{"1"})
	c.stop()
	c.cert = next.collector(t)
	c.start()
	l.append("posture", "2")
	c.waitFor("posture", []string{"1", "2"})
	c.wait("a hello with the new revision", func() bool { return c.hello.BundleRevision == 3 })
	if id, err := identity.Read(l.cfg.StateDir); err != nil || id.Bundle().Revision != 3 || len(id.Bundle().Authorities) != 2 {
		t.Errorf("kept: %v", err)
	}
}

func TestBadBundles(t *testing.T) {
	ten := make([]*authority, 10)
	for i := range ten {
		ten[i] = newAuthority(t)
	}
	for name, messages := range map[string][]*seawallv1.DeliverResponse{
		"none": {bundleOf(9)},
		"ten":  {bundleOf(9, ten...)},
		"garbage": {{Message: &seawallv1.DeliverResponse_Bundle{Bundle: &seawallv1.Bundle{
			Revision: 9, Authorities: [][]byte{[]byte("garbage")},
		}}}},
		"flood": {bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1),
			bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1), bundleOf(1)},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t)
			c.serve = func(stream serverStream) error {
				for _, m := range messages {
					stream.Send(m)
				}
				<-stream.Context().Done()
				return nil
			}
			l := newLink(t, c.start())
			l.start()
			s := l.waitState("the error", func(s State) bool { return s.Error != "" })
			if !strings.Contains(s.Error, errProtocol.Error()) {
				t.Errorf("error %q", s.Error)
			}
			if b := l.cfg.Identity.Bundle(); b.Revision != 1 {
				t.Errorf("bundle %d", b.Revision)
			}
		})
	}
}

func refused(reason seawallv1.Reason) error {
	st, err := status.New(codes.PermissionDenied, "no").WithDetails(&seawallv1.Refusal{Reason: reason})
	if err != nil {
		return err
	}
	return st.Err()
}

// TestRefused by the collector: the state says why, and nothing is sent.
func TestRefused(t *testing.T) {
	c := newCollector(t)
	c.serve = func(serverStream) error { return refused(seawallv1.Reason_REASON_HOST_REVOKED) }
	l := newLink(t, c.start())
	u := l.start()
	s := l.waitState("refusal", func(s State) bool { return s.Refusal != "" })
	if s.Refusal != "host revoked" || s.Connected {
		t.Errorf("state %+v", s)
	}
	l.stop()
	if got := u.State().Refusal; got != "" {
		t.Errorf("stopped, and refused: %q", got)
	}
}

// TestPrepare is called before each connection, and its error counts as one.
func TestPrepare(t *testing.T) {
	c := newCollector(t)
	c.serve = func(serverStream) error { return nil }
	l := newLink(t, c.start())
	calls := 0
	l.cfg.Prepare = func(context.Context) error {
		if calls++; calls%2 == 1 {
			return fmt.Errorf("renew: %w", refused(seawallv1.Reason_REASON_TOO_LATE))
		}
		return nil
	}
	l.start()
	s := l.waitState("refusal", func(s State) bool { return s.Refusal != "" })
	if s.Refusal != "too late" || !strings.HasPrefix(s.Error, "prepare: renew: ") {
		t.Errorf("state %+v", s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams > 0 {
		t.Error("connected all the same")
	}
}

// TestUnknownMessages sends messages of a protocol that has more to say: they are nothing.
func TestUnknownMessages(t *testing.T) {
	c := newCollector(t)
	c.serve = func(stream serverStream) error {
		for range 100 {
			stream.Send(&seawallv1.DeliverResponse{})
		}
		m, err := stream.Recv()
		if err == nil {
			stream.Send(ack(c.take(m.GetBatch())))
		}
		<-stream.Context().Done()
		return err
	}
	l := newLink(t, c.start())
	l.append("posture", "1")
	u := l.start()
	l.waitState("connection", func(s State) bool { return s.Connected })
	c.waitFor("posture", []string{"1"})
	if s := u.State(); !s.Connected {
		t.Errorf("state %+v", s)
	}
}

// noise is a codec that answers with random bytes behind the welcome.
type noise struct{}

func (noise) Name() string { return proto.Name }

func (noise) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*seawallv1.DeliverResponse); ok && m.GetDrain().GetReconnectWithinMs() == 666 {
		b := make([]byte, 2048)
		rand.Read(b)
		if b[0]&1 == 0 { // a credit, an acknowledgement or a bundle of noise
			b[0], b[1], b[2] = []byte{0x12, 0x22, 0x2a, 0x0a}[b[3]&3], 0xfd, 0x0f
		}
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	return encoding.GetCodecV2(proto.Name).Marshal(v)
}

func (noise) Unmarshal(data mem.BufferSlice, v any) error {
	return encoding.GetCodecV2(proto.Name).Unmarshal(data, v)
}

// TestNoise lets a collector with a good certificate send random bytes, many
// times: memory stays as it is, and nothing changes but the state directory.
func TestNoise(t *testing.T) {
	const rounds = 100
	c := newCollector(t)
	c.options = []grpc.ServerOption{grpc.ForceServerCodecV2(noise{})}
	done := make(chan struct{})
	c.serve = func(stream serverStream) error {
		for range 20 {
			stream.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Drain{Drain: &seawallv1.Drain{ReconnectWithinMs: 666}}})
		}
		c.mu.Lock()
		if c.streams == rounds {
			close(done)
		}
		c.mu.Unlock()
		<-stream.Context().Done()
		return nil
	}
	l := newLink(t, c.start())
	l.cfg.MaxBackoff = time.Millisecond
	for i := range 100 {
		l.append("posture", fmt.Sprint(i))
	}
	before := tree(t, l.cfg.StateDir)
	runtime.GC()
	var first, last runtime.MemStats
	runtime.ReadMemStats(&first)
	l.start()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the uplink gave up")
	}
	l.stop()
	runtime.GC()
	runtime.ReadMemStats(&last)
	if grown := int64(last.HeapInuse) - int64(first.HeapInuse); grown > 4<<20 {
		t.Errorf("heap grew by %d bytes", grown)
	}
	after := tree(t, l.cfg.StateDir)
	for _, own := range []string{"identity.json", stateFile, lockFile} {
		delete(before, own)
		delete(after, own)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("files changed (-before +after):\n%s", diff)
	}
	if got := l.cfg.Identity.Bundle().Revision; got != 1 {
		t.Errorf("bundle %d", got)
	}
}

// tree is every file below dir with its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		all[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestExpiredIsPreparedAtOnce: it is met by Prepare at once, and then with pauses.
func TestExpiredIsPreparedAtOnce(t *testing.T) {
	u := &Uplink{pause: pace.NewBackoff(), cfg: Config{MaxBackoff: time.Hour}}
	u.pause.Random = func(limit time.Duration) time.Duration { return limit }
	expired := seawallv1.Reason_REASON_CERTIFICATE_EXPIRED
	for i, want := range []time.Duration{0, pace.Base, 2 * pace.Base} {
		if got := u.plan(outcome{}, expired, false); got != want {
			t.Errorf("pause %d is %v, want %v", i, got, want)
		}
	}
	u.plan(outcome{}, seawallv1.Reason_REASON_UNSPECIFIED, false)
	if got := u.plan(outcome{}, expired, false); got != 0 {
		t.Errorf("pause %v after another error, want none", got)
	}
}

// TestPatience draws longer pauses when only a person can help.
func TestPatience(t *testing.T) {
	u := &Uplink{pause: pace.NewBackoff(), cfg: Config{MaxBackoff: time.Minute}}
	u.pause.Random = func(limit time.Duration) time.Duration { return limit }
	longest := map[seawallv1.Reason]time.Duration{}
	for range 40 {
		for _, r := range []seawallv1.Reason{0, seawallv1.Reason_REASON_HOST_REVOKED} {
			longest[r] = max(longest[r], u.plan(outcome{}, r, false))
		}
	}
	want := map[seawallv1.Reason]time.Duration{0: time.Minute, seawallv1.Reason_REASON_HOST_REVOKED: 15 * time.Minute}
	if diff := cmp.Diff(want, longest); diff != "" {
		t.Error(diff)
	}
}
