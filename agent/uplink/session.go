package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"seawall/agent/spool"
	"seawall/agent/uplink/pace"
	"seawall/agent/uplink/refusal"
	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

const protocol = 2

// Bounds of what the collector may choose. A batch must be able to hold the
// largest record.
const (
	minBatch        = spool.MaxPayload + 1<<10
	maxBatch        = 256 << 10
	defaultBatch    = 256 << 10
	minInFlight     = 4 << 10 // less would only make batches of single records
	maxInFlight     = 4 << 20
	defaultInFlight = 1 << 20
	maxPositions    = 64      // lanes that a Welcome may name
	maxBundles      = 16      // that one stream may bring
	maxStep         = 2 << 32 // of a session's number: a generation and what it says below
)

// How often new lanes are looked for: soon while there is none or one is new,
// since the sensor is just starting and makes the others too.
const (
	lanesSoon  = 500 * time.Millisecond
	lanesLater = 10 * time.Second
)

var (
	errProtocol = errors.New("the collector broke the protocol")
	errWelcome  = errors.New("the collector did not answer in time")
	errClosed   = errors.New("the collector closed the stream")
	errDrain    = errors.New("the collector asked to come back later")
)

// told is a position as the collector told it.
type told struct {
	spool.Position
	digest uint64
}

// session is one stream.
type session struct {
	u        *Uplink
	stream   grpc.BidiStreamingClient[seawallv1.DeliverRequest, seawallv1.DeliverResponse]
	number   uint64
	maxBatch int
	credit   *pace.Credit
	have     map[string]told
	out      chan *batch
	confirm  chan struct{} // holds a value when a bundle is to be confirmed
	bundles  int           // that came
	within   time.Duration // of the Drain that ended it
	blind    bool          // it was said that there is no spool

	mu    sync.Mutex
	lanes map[string]*window
}

// runSession opens a stream and carries records over it until it ends. The error
// says why it did; there is always one.
func runSession(ctx context.Context, u *Uplink, conn grpc.ClientConnInterface) (outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(u.cfg.patience, func() { cancel(errWelcome) })
	defer patience.Stop()
	stream, err := seawallv1.NewIngestServiceClient(conn).Deliver(ctx)
	if err != nil {
		return outcome{}, cause(ctx, refusal.Call("connect", err))
	}
	s := newSession(u)
	s.stream = stream
	if err := s.open(); err != nil {
		return outcome{drained: errors.Is(err, errDrain), within: s.within}, cause(ctx, err)
	}
	if !patience.Stop() {
		return outcome{}, cause(ctx, errWelcome)
	}
	u.connected()
	out := outcome{welcomed: time.Now()}

	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.receive() })
	g.Go(func() error { return s.send(gctx) })
	g.Go(func() error { return s.discover(gctx) })
	g.Go(func() error {
		<-gctx.Done()
		cancel(nil) // ends receive, which waits for the stream alone
		return nil
	})
	err = g.Wait()
	out.drained, out.within = errors.Is(err, errDrain), s.within
	return out, err
}

func newSession(u *Uplink) *session {
	return &session{u: u, out: make(chan *batch), confirm: make(chan struct{}, 1), lanes: map[string]*window{}}
}

// cause prefers the reason why this side ended a stream over what that looks like.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil && c != context.Canceled {
		return c
	}
	return err
}

// open says hello, takes the welcome and confirms it.
func (s *session) open() error {
	id := s.u.cfg.Identity
	hello := &seawallv1.Hello{
		Protocol: protocol, AgentVersion: s.u.cfg.Version,
		Session: id.Session(), BundleRevision: id.Bundle().Revision,
	}
	for _, name := range s.laneNames() {
		if p := oldest(s.u.cfg.Spool, name); p != nil {
			hello.Oldest = append(hello.Oldest, p)
		}
	}
	m := &seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Hello{Hello: hello}}
	if err := s.stream.Send(m); err != nil && err != io.EOF { // EOF: Recv knows why
		return refusal.Call("say hello", err)
	}
	r, err := s.stream.Recv()
	if err != nil {
		return refusal.Call("wait for welcome", err)
	}
	if d := r.GetDrain(); d != nil {
		s.within = time.Duration(d.GetReconnectWithinMs()) * time.Millisecond
		return errDrain
	}
	w := r.GetWelcome()
	if w == nil {
		return fmt.Errorf("%w: its first message is not a welcome", errProtocol)
	}
	if err := s.accept(w); err != nil {
		return err
	}
	// Durable before anything is sent: whoever has an older number is a copy.
	if err := id.SetSession(s.number); err != nil {
		return fmt.Errorf("keep session: %w", err)
	}
	if err := s.stream.Send(s.confirmation()); err != nil && err != io.EOF {
		return refusal.Call("confirm", err)
	}
	return nil
}

// confirmation says what is durable.
func (s *session) confirmation() *seawallv1.DeliverRequest {
	return &seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Confirm{Confirm: &seawallv1.Confirm{
		Session: s.number, BundleRevision: s.u.cfg.Identity.Bundle().Revision,
	}}}
}

// accept takes the number, bounds and positions of a welcome.
func (s *session) accept(w *seawallv1.Welcome) error {
	if w.GetProtocol() != protocol {
		return fmt.Errorf("%w: it speaks version %d, this uplink %d", errProtocol, w.GetProtocol(), protocol)
	}
	if len(w.GetHave()) > maxPositions {
		return fmt.Errorf("%w: %d positions", errProtocol, len(w.GetHave()))
	}
	// A number that leaps could never be followed by another.
	last := s.u.cfg.Identity.Session()
	if n := w.GetSession(); n <= last || n-last > maxStep {
		return fmt.Errorf("%w: session %d after %d", errProtocol, n, last)
	}
	batch := int64(w.GetMaxBatchBytes())
	if batch == 0 {
		batch = defaultBatch
	}
	if batch < minBatch {
		return fmt.Errorf("%w: a batch of %d bytes cannot hold every record", errProtocol, batch)
	}
	s.number = w.GetSession()
	s.maxBatch = int(min(batch, maxBatch))
	s.credit = pace.NewCredit(creditOf(w.GetMaxInFlightBytes()))
	s.have = make(map[string]told, len(w.GetHave()))
	for _, p := range w.GetHave() {
		s.have[p.GetLane()] = told{spool.Position{Epoch: p.GetEpoch(), Seq: p.GetSequence()}, p.GetDigest()}
	}
	return nil
}

// creditOf returns what is made of the collector's bound.
func creditOf(n uint32) int {
	if n == 0 {
		return defaultInFlight
	}
	return int(min(max(int64(n), minInFlight), maxInFlight))
}

// receive takes acknowledgements until the stream ends.
func (s *session) receive() error {
	for {
		m, err := s.stream.Recv()
		if err == io.EOF {
			return errClosed
		}
		if err != nil {
			return refusal.Call("receive", err)
		}
		if err := s.handle(m); err != nil {
			return err
		}
	}
}

// handle takes one message behind the welcome.
func (s *session) handle(m *seawallv1.DeliverResponse) error {
	switch m := m.GetMessage().(type) {
	case *seawallv1.DeliverResponse_Ack:
		return s.ack(m.Ack.GetPosition())
	case *seawallv1.DeliverResponse_Credit:
		s.credit.Set(creditOf(m.Credit.GetMaxInFlightBytes()))
	case *seawallv1.DeliverResponse_Bundle:
		return s.bundle(m.Bundle)
	case *seawallv1.DeliverResponse_Drain:
		s.within = time.Duration(m.Drain.GetReconnectWithinMs()) * time.Millisecond
		return errDrain
	case *seawallv1.DeliverResponse_Welcome:
		return fmt.Errorf("%w: a second welcome", errProtocol)
	case nil: // of a newer collector, for whoever knows it
	}
	return nil
}

// bundle takes other authorities, makes them durable and has that confirmed.
func (s *session) bundle(b *seawallv1.Bundle) error {
	if s.bundles++; s.bundles > maxBundles {
		return fmt.Errorf("%w: more than %d trust bundles", errProtocol, maxBundles)
	}
	id := s.u.cfg.Identity
	if b.GetRevision() <= id.Bundle().Revision {
		return nil
	}
	bundle, err := trust.ParseBundle(b.GetRevision(), b.GetAuthorities())
	if err != nil {
		return fmt.Errorf("%w: %w", errProtocol, err)
	}
	if err := id.SetBundle(bundle); err != nil {
		return fmt.Errorf("keep trust bundle: %w", err)
	}
	s.u.log.Info("trust bundle replaced", "revision", bundle.Revision, "authorities", len(bundle.Authorities))
	select {
	case s.confirm <- struct{}{}:
	default: // the one that waits will tell of this bundle, too
	}
	return nil
}

func (s *session) ack(p *seawallv1.Position) error {
	pos := spool.Position{Epoch: p.GetEpoch(), Seq: p.GetSequence()}
	s.mu.Lock()
	w := s.lanes[p.GetLane()]
	if w == nil {
		s.mu.Unlock()
		return fmt.Errorf("%w: acknowledged a lane that was not sent", errProtocol)
	}
	bytes, news, err := w.ack(pos)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.credit.Give(bytes)
	if news {
		lane := w.lane // the spool's name for it, not the collector's
		s.u.board.update(false, func(st *State) {
			st.Acked[lane] = pos
			st.Behind = without(st.Behind, lane)
		})
	}
	return nil
}

// send sends the batches of all lanes, and confirmations. A batch is in its lane's
// window before it is sent, since its acknowledgement may be quick.
func (s *session) send(ctx context.Context) error {
	for {
		var m *seawallv1.DeliverRequest
		select {
		case <-ctx.Done():
			return nil
		case <-s.confirm:
			m = s.confirmation()
		case b := <-s.out:
			s.mu.Lock()
			s.lanes[b.lane].sent = append(s.lanes[b.lane].sent, b.span)
			s.mu.Unlock()
			m = &seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Batch{Batch: b.message}}
		}
		err := s.stream.Send(m)
		if err == io.EOF { // receive knows why
			<-ctx.Done()
			return nil
		}
		if err != nil {
			return refusal.Call("send", err)
		}
	}
}

// laneNames lists the lanes of the spool. One that does not exist yet has none.
func (s *session) laneNames() []string {
	names, err := spool.Lanes(s.u.cfg.Spool)
	if err != nil && !s.blind {
		s.blind = true
		s.u.log.Warn("no spool to read yet", "err", err)
	}
	return names[:min(len(names), maxPositions)]
}

// discover follows each lane of the spool, and looks for more now and then.
func (s *session) discover(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	ended := make(chan string)
	following := map[string]bool{}
	warned := map[string]bool{}
	var newest time.Time // when a lane was found
	for {
		for _, name := range s.laneNames() {
			if following[name] {
				continue
			}
			following[name], newest = true, time.Now()
			g.Go(func() error {
				err := s.follow(ctx, name)
				if ctx.Err() != nil {
					return nil
				}
				if !warned[name] {
					s.u.log.Warn("lane not readable", "lane", name, "err", err)
				}
				select {
				case ended <- name:
				case <-ctx.Done():
				}
				return nil
			})
		}
		pause := lanesLater
		if len(following) == 0 || time.Since(newest) < lanesLater {
			pause = lanesSoon
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return g.Wait()
		case name := <-ended: // tried again with the next look
			warned[name] = true
			t.Stop()
			if !sleep(ctx, lanesSoon) {
				return g.Wait()
			}
			delete(following, name)
		case <-t.C:
		}
	}
}
