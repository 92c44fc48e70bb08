package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"seawall/agent/spool"
	seawallv1 "seawall/proto/seawall/v1"
)

const protocol = 1

// Bounds of what the collector may choose. A batch must be able to hold the
// largest record.
const (
	minBatch        = spool.MaxPayload + 1<<10
	maxBatch        = 512 << 10
	defaultBatch    = 256 << 10
	maxInFlight     = 4 << 20
	defaultInFlight = 1 << 20
	maxPositions    = 64 // lanes that a Welcome may name
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

// session is one stream.
type session struct {
	u        *Uplink
	stream   grpc.BidiStreamingClient[seawallv1.DeliverRequest, seawallv1.DeliverResponse]
	maxBatch int
	budget   *semaphore.Weighted // bytes that may be in flight
	have     map[string]spool.Position
	out      chan *batch
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
		return outcome{}, cause(ctx, rpcError("connect", err))
	}
	s := &session{u: u, stream: stream, out: make(chan *batch), lanes: map[string]*window{}}
	if err := s.open(); err != nil {
		return outcome{}, cause(ctx, err)
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

// rpcError says what failed in fewer words than gRPC.
func rpcError(what string, err error) error {
	st := status.Convert(err)
	return fmt.Errorf("%s: %s: %s", what, st.Code(), st.Message())
}

// cause prefers the reason why this side ended a stream over what that looks like.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil && c != context.Canceled {
		return c
	}
	return err
}

// open says hello and takes the welcome.
func (s *session) open() error {
	hello := &seawallv1.Hello{Protocol: protocol, AgentVersion: s.u.cfg.Version}
	for _, name := range s.laneNames() {
		if p := oldest(s.u.cfg.Spool, name); p != nil {
			hello.Oldest = append(hello.Oldest, p)
		}
	}
	m := &seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Hello{Hello: hello}}
	if err := s.stream.Send(m); err != nil && err != io.EOF { // EOF: Recv knows why
		return rpcError("say hello", err)
	}
	r, err := s.stream.Recv()
	if err != nil {
		return rpcError("wait for welcome", err)
	}
	if d := r.GetDrain(); d != nil {
		return errDrain
	}
	w := r.GetWelcome()
	if w == nil {
		return fmt.Errorf("%w: its first message is not a welcome", errProtocol)
	}
	return s.accept(w)
}

// accept takes the bounds and positions of a welcome.
func (s *session) accept(w *seawallv1.Welcome) error {
	if w.GetProtocol() != protocol {
		return fmt.Errorf("%w: it speaks version %d, this uplink %d", errProtocol, w.GetProtocol(), protocol)
	}
	if len(w.GetHave()) > maxPositions {
		return fmt.Errorf("%w: %d positions", errProtocol, len(w.GetHave()))
	}
	batch := int64(w.GetMaxBatchBytes())
	if batch == 0 {
		batch = defaultBatch
	}
	if batch < minBatch {
		return fmt.Errorf("%w: a batch of %d bytes cannot hold every record", errProtocol, batch)
	}
	batch = min(batch, maxBatch)
	flight := int64(w.GetMaxInFlightBytes())
	if flight == 0 {
		flight = defaultInFlight
	}
	s.maxBatch = int(batch)
	s.budget = semaphore.NewWeighted(min(max(flight, batch), maxInFlight))
	s.have = make(map[string]spool.Position, len(w.GetHave()))
	for _, p := range w.GetHave() {
		s.have[p.GetLane()] = spool.Position{Epoch: p.GetEpoch(), Seq: p.GetSequence()}
	}
	return nil
}

// receive takes acknowledgements until the stream ends.
func (s *session) receive() error {
	for {
		m, err := s.stream.Recv()
		if err == io.EOF {
			return errClosed
		}
		if err != nil {
			return rpcError("receive", err)
		}
		switch m := m.GetMessage().(type) {
		case *seawallv1.DeliverResponse_Ack:
			if err := s.ack(m.Ack.GetPosition()); err != nil {
				return err
			}
		case *seawallv1.DeliverResponse_Drain:
			s.within = time.Duration(m.Drain.GetReconnectWithinMs()) * time.Millisecond
			return errDrain
		case *seawallv1.DeliverResponse_Welcome:
			return fmt.Errorf("%w: a second welcome", errProtocol)
		case nil: // of a newer collector, for whoever knows it
		}
	}
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
	s.budget.Release(bytes)
	if news {
		lane := w.lane // the spool's name for it, not the collector's
		s.u.board.update(false, func(st *State) { st.Acked[lane] = pos })
	}
	return nil
}

// send sends the batches of all lanes. A batch is in its lane's window before it
// is sent, since its acknowledgement may be quick.
func (s *session) send(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case b := <-s.out:
			s.mu.Lock()
			s.lanes[b.lane].sent = append(s.lanes[b.lane].sent, b.span)
			s.mu.Unlock()
			err := s.stream.Send(&seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Batch{Batch: b.message}})
			if err == io.EOF { // receive knows why
				<-ctx.Done()
				return nil
			}
			if err != nil {
				return rpcError("send", err)
			}
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
