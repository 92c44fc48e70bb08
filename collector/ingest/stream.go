package ingest

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

var (
	errDraining = errors.New("the collector stops")
	errOld      = errors.New("the stream is old")
)

// anewWithin is within how many milliseconds a host whose stream is old comes back. The
// ages spread them already.
const anewWithin = 1000

// stream is one host's stream. The reader's goroutine receives one message when it
// is asked to; the handler's does everything else and is the only one to send.
type stream struct {
	server  *Server
	host    fleet.HostID
	grpc    grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]
	session *roster.Session
	in      chan *seawallv1.DeliverRequest
	more    chan struct{} // a value asks the reader for another message
	err     error         // of the reader; read after in is closed
	gone    chan struct{} // closed when another stream of the host may begin
	last    map[place]uint64
	given   uint64 // revision of the bundle that the host was given, or has
	durable uint64 // revision that the host confirmed
}

// place is a lane and epoch.
type place struct {
	lane  string
	epoch uint64
}

// Deliver is the stream of one host.
func (s *Server) Deliver(ss grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]) error {
	st := &stream{
		server: s, grpc: ss,
		in: make(chan *seawallv1.DeliverRequest), more: make(chan struct{}, 1), gone: make(chan struct{}),
		last: make(map[place]uint64),
	}
	return st.over(st.run(ss.Context()))
}

// run is the stream from its first message to the end.
func (st *stream) run(ctx context.Context) error {
	s := st.server
	state, err := connectionState(ctx)
	if err != nil {
		return err
	}
	if st.host, err = s.cfg.Roster.Identify(ctx, state); err != nil {
		return st.storeError(err)
	}
	s.helpers.Go(st.read)
	defer close(st.more)
	timeout := time.NewTimer(s.cfg.HelloTimeout)
	defer timeout.Stop()
	hello, err := st.hello(ctx, timeout.C)
	if err != nil {
		return err
	}
	if st.session, err = s.cfg.Roster.Begin(ctx, st.host, hello.Session, state); err != nil {
		return st.storeError(err)
	}
	if err := s.enter(ctx, st); err != nil {
		return err
	}
	defer s.leave(st)
	timeout.Reset(s.cfg.HelloTimeout)
	if err := st.welcome(ctx, timeout.C); err != nil {
		return err
	}
	s.cfg.Log.Info("host connected", "host", st.host, "agent", text.Terminal(hello.AgentVersion))
	s.cfg.Metrics.Streams.Inc()
	defer s.cfg.Metrics.Streams.Dec()
	return st.serve(ctx)
}

// read receives when it is asked to; all else waits in HTTP/2's window.
func (st *stream) read() {
	defer close(st.in)
	for range st.more {
		m, err := st.grpc.Recv()
		if err != nil {
			st.err = err
			return
		}
		select {
		case st.in <- m:
		case <-st.grpc.Context().Done(): // the handler has returned
			st.err = st.grpc.Context().Err()
			return
		}
	}
}

// receive asks for a message of the greeting and waits for it.
func (st *stream) receive(ctx context.Context, timeout <-chan time.Time) (*seawallv1.DeliverRequest, error) {
	var ended <-chan struct{}
	if st.session != nil {
		ended = st.session.Ended()
	}
	st.more <- struct{}{}
	select {
	case m, ok := <-st.in:
		if !ok {
			return nil, st.err
		}
		return m, nil
	case <-timeout:
		return nil, status.Error(codes.DeadlineExceeded, "no hello or confirmation in time")
	case <-ended:
		return nil, st.session.Err()
	case <-st.server.draining:
		return nil, errDraining
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// leave asks the host to leave, and to come back within some milliseconds.
func (st *stream) leave(within uint32) error {
	return st.grpc.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Drain{
		Drain: &seawallv1.Drain{ReconnectWithinMs: within},
	}})
}

// over turns the reason why run ended into what the host is told.
func (st *stream) over(err error) error {
	s := st.server
	var broken violation
	var refused *roster.Refused
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, errDraining):
		return st.leave(s.spread())
	case errors.Is(err, errOld):
		return st.leave(anewWithin)
	case errors.As(err, &broken):
		s.cfg.Metrics.Refused.Inc()
		s.trouble.Do(func() { s.cfg.Log.Warn("host breaks the protocol", "host", st.host, "what", string(broken)) })
		return status.Error(codes.InvalidArgument, string(broken))
	case errors.As(err, &refused):
		s.cfg.Metrics.Refused.Inc()
		return refused
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.FromContextError(err).Err()
}

// hello takes the first message.
func (st *stream) hello(ctx context.Context, timeout <-chan time.Time) (*seawallv1.Hello, error) {
	m, err := st.receive(ctx, timeout)
	if err != nil {
		return nil, err
	}
	hello := m.GetHello()
	switch {
	case hello == nil:
		return nil, violation("the first message is not a hello")
	case hello.Protocol != protocol:
		return nil, status.Errorf(codes.FailedPrecondition, "the collector speaks protocol %d", protocol)
	case len(hello.AgentVersion) > 256 || len(hello.Oldest) > maxOldest:
		return nil, violation("a hello beyond its bounds")
	}
	st.given = hello.BundleRevision
	return hello, nil
}

// welcome tells the host what is there, and waits until its session is durable.
func (st *stream) welcome(ctx context.Context, timeout <-chan time.Time) error {
	s := st.server
	have, err := s.cfg.Store.Positions(ctx, st.host)
	if err != nil {
		return st.storeError(err)
	}
	credit, _ := s.share.now()
	w := &seawallv1.Welcome{
		Protocol: protocol, MaxBatchBytes: batchBytes, MaxInFlightBytes: uint32(credit), Session: st.session.Number(),
	}
	for _, p := range have {
		w.Have = append(w.Have, &seawallv1.Position{Lane: p.Lane, Epoch: p.Epoch, Sequence: p.Sequence, Digest: p.Digest})
	}
	if err := st.grpc.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Welcome{Welcome: w}}); err != nil {
		return err
	}
	m, err := st.receive(ctx, timeout)
	if err != nil {
		return err
	}
	confirm := m.GetConfirm()
	if confirm == nil || confirm.Session != st.session.Number() {
		return violation("no confirmation of the session")
	}
	if err := st.session.Confirm(ctx, confirm.Session, confirm.BundleRevision); err != nil {
		return st.storeError(err)
	}
	st.durable = confirm.BundleRevision
	return nil
}

// serve takes batches, and tells the host meanwhile what changes for it.
func (st *stream) serve(ctx context.Context) error {
	s := st.server
	credit, newCredit := s.share.now()
	newBundle, err := st.offer()
	if err != nil {
		return err
	}
	st.more <- struct{}{}
	old := s.old()
	for {
		select {
		case m, ok := <-st.in:
			if !ok {
				return st.err
			}
			if err := st.take(ctx, m); err != nil {
				return err
			}
			st.more <- struct{}{}
		case <-st.session.Ended():
			return st.session.Err()
		case <-s.draining:
			return errDraining
		case <-old:
			return errOld
		case <-newCredit:
			told := credit
			if credit, newCredit = s.share.now(); credit == told {
				continue
			}
			err := st.send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Credit{
				Credit: &seawallv1.Credit{MaxInFlightBytes: uint32(credit)},
			}})
			if err != nil {
				return err
			}
		case <-newBundle:
			if newBundle, err = st.offer(); err != nil {
				return err
			}
		}
	}
}

func (st *stream) take(ctx context.Context, m *seawallv1.DeliverRequest) error {
	switch m := m.GetMessage().(type) {
	case *seawallv1.DeliverRequest_Batch:
		return st.batch(ctx, m.Batch)
	case *seawallv1.DeliverRequest_Confirm:
		return st.confirm(ctx, m.Confirm)
	}
	return violation("neither a batch nor a confirmation")
}

// confirm takes a later confirmation, of a bundle that was given.
func (st *stream) confirm(ctx context.Context, c *seawallv1.Confirm) error {
	if c.GetBundleRevision() <= st.durable || c.GetBundleRevision() > st.given {
		return violation("a confirmation of nothing new")
	}
	if err := st.session.Confirm(ctx, c.GetSession(), c.GetBundleRevision()); err != nil {
		return st.storeError(err)
	}
	st.durable = c.GetBundleRevision()
	return nil
}

// offer sends the bundle when the host has an older one, and returns what is closed
// when there is another.
func (st *stream) offer() (changed <-chan struct{}, err error) {
	bundle, changed := st.server.cfg.Bundle()
	if bundle.Revision > st.given {
		st.given = bundle.Revision
		err = st.send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Bundle{
			Bundle: &seawallv1.Bundle{Revision: bundle.Revision, Authorities: bundle.DER()},
		}})
	}
	return changed, err
}
