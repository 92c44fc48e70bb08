package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/agent/uplink/pace"
	seawallv1 "seawall/proto/seawall/v1"
)

const (
	protocol = 2
	lane     = "posture"
	// maxBatch is the most that one batch may have, whatever the collector allows.
	maxBatch = 512 << 10
)

var errWelcome = errors.New("no welcome in time")

// stream is one stream of a host.
type stream struct {
	*Host
	grpc  grpc.BidiStreamingClient[seawallv1.DeliverRequest, seawallv1.DeliverResponse]
	batch int // bytes of a batch before compression, at most
	// sending guards grpc.Send: the sender and whoever confirms a bundle.
	sending sync.Mutex
}

// connect runs one stream over a connection of its own until it ends.
func (h *Host) connect(ctx context.Context) (out outcome) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	door := pace.Door{Dial: dialer(h.id.Source()), Unanswered: keepaliveTimeout}
	defer func() { out.shut = door.Shut() }()
	conn, err := dial(h.cfg.Address, door.Open, h.tls)
	if err != nil {
		return outcome{why: err.Error()}
	}
	defer conn.Close()
	patience := time.AfterFunc(dialTimeout+welcomeTimeout, func() { cancel(errWelcome) })
	defer patience.Stop()
	s := &stream{Host: h}
	if s.grpc, err = seawallv1.NewIngestServiceClient(conn).Deliver(ctx); err != nil {
		return ending(ctx, err)
	}
	welcome, out := s.greet(ctx)
	if welcome == nil {
		return out
	}
	if !patience.Stop() {
		return outcome{why: errWelcome.Error()}
	}
	began := time.Now()
	h.cfg.Tally.welcomed()
	defer h.cfg.Tally.Connected.Add(-1)
	s.begin(welcome)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.send(ctx)
	}()
	out = s.receive(ctx)
	out.lived = time.Since(began)
	cancel(nil)
	<-done
	return out
}

// greet says hello and waits for the welcome; without one it says why.
func (s *stream) greet(ctx context.Context) (*seawallv1.Welcome, outcome) {
	if err := s.write(&seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Hello{Hello: s.hello()}}); err != nil && err != io.EOF { // EOF: Recv knows why
		return nil, ending(ctx, err)
	}
	m, err := s.grpc.Recv()
	if err != nil {
		return nil, ending(ctx, err)
	}
	if d := m.GetDrain(); d != nil {
		return nil, drained(d)
	}
	w := m.GetWelcome()
	if w.GetProtocol() != protocol {
		s.cfg.Tally.breach(s.id.Number, "the first message is no welcome of protocol %d: %v", protocol, m)
		return nil, outcome{why: "no welcome"}
	}
	return w, outcome{}
}

func (s *stream) hello() *seawallv1.Hello {
	s.mu.Lock()
	defer s.mu.Unlock()
	hello := &seawallv1.Hello{Protocol: protocol, AgentVersion: "load", Session: s.id.Session, BundleRevision: s.id.Revision}
	if s.id.Made > 0 {
		hello.Oldest = []*seawallv1.Position{{Lane: lane, Epoch: s.id.Epoch, Sequence: 1, Digest: s.cfg.Set.Digest(1)}}
	}
	return hello
}

// begin takes the bounds and the position of a welcome, and confirms the session.
func (s *stream) begin(w *seawallv1.Welcome) {
	s.batch = min(int(w.GetMaxBatchBytes()), maxBatch)
	s.mu.Lock()
	var have uint64
	for _, p := range w.GetHave() {
		if p.GetLane() == lane && p.GetEpoch() == s.id.Epoch {
			have = p.GetSequence()
			if d := p.GetDigest(); have > 0 && have <= s.highest && d != 0 && d != s.cfg.Set.Digest(have) {
				s.cfg.Tally.breach(s.id.Number, "position %d has another digest", have)
			}
		}
	}
	if have < s.id.Acked {
		s.cfg.Tally.breach(s.id.Number, "welcome has %d, acknowledged was %d", have, s.id.Acked)
	}
	if have > s.highest {
		s.cfg.Tally.breach(s.id.Number, "welcome has %d, sent was %d", have, s.highest)
	}
	if w.GetSession() <= s.id.Session {
		s.cfg.Tally.breach(s.id.Number, "session %d comes after %d", w.GetSession(), s.id.Session)
	}
	s.id.Session = w.GetSession()
	s.flight, s.inFlight, s.credit, s.sent = nil, 0, int(w.GetMaxInFlightBytes()), have
	s.advance(have)
	confirm := &seawallv1.Confirm{Session: s.id.Session, BundleRevision: s.id.Revision}
	s.mu.Unlock()
	_ = s.write(&seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Confirm{Confirm: confirm}}) // receive knows why
}

// advance moves the acknowledged position forward. The caller holds mu.
func (s *stream) advance(to uint64) {
	if to > s.id.Acked {
		s.cfg.Tally.Acked.Add(int64(s.cfg.Set.Findings(to) - s.cfg.Set.Findings(s.id.Acked)))
		s.id.Acked = to
	}
}

// receive takes what the collector says until the stream ends.
func (s *stream) receive(ctx context.Context) outcome {
	for {
		m, err := s.grpc.Recv()
		if err != nil {
			return ending(ctx, err)
		}
		switch m := m.GetMessage().(type) {
		case *seawallv1.DeliverResponse_Ack:
			s.ack(m.Ack.GetPosition())
		case *seawallv1.DeliverResponse_Credit:
			s.mu.Lock()
			s.credit = int(m.Credit.GetMaxInFlightBytes())
			s.mu.Unlock()
			s.poke()
		case *seawallv1.DeliverResponse_Drain:
			return drained(m.Drain)
		case *seawallv1.DeliverResponse_Bundle:
			s.bundle(m.Bundle)
		case *seawallv1.DeliverResponse_Welcome:
			s.cfg.Tally.breach(s.id.Number, "a second welcome")
		}
	}
}

func (s *stream) ack(p *seawallv1.Position) {
	s.mu.Lock()
	seq := p.GetSequence()
	if p.GetLane() != lane || p.GetEpoch() != s.id.Epoch || seq > s.sent {
		s.cfg.Tally.breach(s.id.Number, "acknowledged %v, sent was %d", p, s.sent)
		s.mu.Unlock()
		return
	}
	s.advance(seq)
	for len(s.flight) > 0 && s.flight[0].last <= seq {
		s.inFlight -= s.flight[0].bytes
		s.flight = s.flight[1:]
	}
	s.mu.Unlock()
	s.poke()
}

// bundle takes a newer bundle; the next connection verifies by it.
func (s *stream) bundle(b *seawallv1.Bundle) {
	s.mu.Lock()
	if b.GetRevision() <= s.id.Revision {
		s.mu.Unlock()
		return
	}
	s.id.Revision, s.id.Authorities = b.GetRevision(), b.GetAuthorities()
	confirm := &seawallv1.Confirm{Session: s.id.Session, BundleRevision: s.id.Revision}
	c, err := s.id.tls()
	if err != nil {
		s.cfg.Tally.breach(s.id.Number, "bundle %d: %v", s.id.Revision, err)
	} else {
		s.tls = c
	}
	s.mu.Unlock()
	_ = s.write(&seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Confirm{Confirm: confirm}}) // receive knows why
}

// send sends what is in the spool, as far as the credit goes, until ctx ends.
func (s *stream) send(ctx context.Context) {
	var held *seawallv1.Batch
	var last uint64
	for {
		if held == nil {
			held, last = s.next()
		}
		if held == nil || !s.depart(held, last) {
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			}
			continue
		}
		if s.write(&seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Batch{Batch: held}}) != nil {
			return // receive knows why
		}
		held = nil
	}
}

// next makes a batch of what is not sent, nil when there is nothing.
func (s *stream) next() (*seawallv1.Batch, uint64) {
	s.mu.Lock()
	from, made, epoch := s.sent+1, s.id.Made, s.id.Epoch
	limit := min(s.batch, s.credit)
	s.mu.Unlock()
	if from > made {
		return nil, 0
	}
	entries := buffers.Get().(*buffer)
	defer buffers.Put(entries)
	entries.reset()
	seq := from
	for ; seq <= made && seq < from+uint64(s.cfg.Batch); seq++ {
		if !entries.add(s.cfg.Set, seq, limit) {
			break
		}
	}
	return entries.batch(epoch, s.cfg.Codec), seq - 1
}

// depart counts a batch as sent if the credit is enough for it.
func (s *stream) depart(b *seawallv1.Batch, last uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight > 0 && s.inFlight+len(b.Entries) > s.credit {
		return false
	}
	if s.highest > s.sent {
		s.cfg.Tally.Repeated.Add(int64(min(s.highest, last) - s.sent))
	}
	s.sent, s.highest = last, max(s.highest, last)
	s.inFlight += len(b.Entries)
	s.flight = append(s.flight, span{last, len(b.Entries)})
	return true
}

func (s *stream) write(m *seawallv1.DeliverRequest) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	return s.grpc.Send(m)
}

func drained(d *seawallv1.Drain) outcome {
	return outcome{drained: true, within: time.Duration(d.GetReconnectWithinMs()) * time.Millisecond, why: "drained"}
}

// ending says how a stream ended.
func ending(ctx context.Context, err error) outcome {
	if c := context.Cause(ctx); c != nil && c != context.Canceled {
		return outcome{why: c.Error()}
	}
	if err == io.EOF {
		return outcome{why: "closed"}
	}
	st := status.Convert(err)
	message := st.Message()
	if at := strings.LastIndex(message, ": "); at >= 0 && st.Code() == codes.Unavailable {
		message = message[at+2:] // without the addresses, which differ
	}
	out := outcome{why: fmt.Sprintf("%s: %s", st.Code(), strings.TrimSuffix(message, `"`))}
	for _, d := range st.Details() {
		if r, ok := d.(*seawallv1.Refusal); ok {
			out.final, out.why = true, out.why+": "+r.GetReason().String()
		}
	}
	return out
}
