package ingest

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	"seawall/collector/roster"
	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

var errDraining = errors.New("the collector stops")

// stream is one host's stream. The handler's goroutine receives, commits and
// acknowledges; the watcher's tells the host what changes meanwhile, and ends the
// stream when it must.
type stream struct {
	server  *Server
	host    fleet.HostID
	grpc    grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]
	session *roster.Session
	call    call
	work    context.Context // of what the stream does; ends after the call's when the collector drains
	stop    context.CancelFunc
	ready   chan struct{} // closed when the host has confirmed its session
	watched chan struct{} // closed when the watcher is gone
	gone    chan struct{} // closed when another stream of the host may begin
	last    map[place]uint64
	bundle  atomic.Uint64 // revision that the host was given, or has
	durable uint64        // revision that the host confirmed

	sending sync.Mutex // held while a message is sent
}

// place is a lane and epoch.
type place struct {
	lane  string
	epoch uint64
}

// Deliver is the stream of one host.
func (s *Server) Deliver(ss grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]) error {
	c, ok := ss.Context().Value(callKey{}).(call)
	if !ok {
		return status.Error(codes.Internal, "not called through the server")
	}
	st := &stream{
		server: s, grpc: ss, call: c,
		ready: make(chan struct{}), watched: make(chan struct{}), gone: make(chan struct{}), last: make(map[place]uint64),
	}
	st.work, st.stop = context.WithCancel(c.connection)
	defer st.stop()
	err := st.run()
	c.stop(nil)
	if st.session != nil {
		<-st.watched // nothing is sent behind the end
	}
	return st.over(err)
}

// run is the stream from its first message to the end.
func (st *stream) run() error {
	s := st.server
	timeout := time.AfterFunc(s.cfg.HelloTimeout, func() {
		st.end(status.Error(codes.DeadlineExceeded, "no hello or confirmation in time"))
	})
	defer timeout.Stop()
	hello, err := st.begin()
	if err != nil {
		return err
	}
	go st.watch()
	if err := s.enter(st); err != nil {
		return err
	}
	defer s.leave(st)
	timeout.Reset(s.cfg.HelloTimeout)
	if err := st.welcome(hello); err != nil {
		return err
	}
	if !timeout.Stop() {
		return context.Cause(st.grpc.Context())
	}
	close(st.ready)
	s.cfg.Metrics.Streams.Inc()
	defer s.cfg.Metrics.Streams.Dec()
	for {
		m, err := st.grpc.Recv()
		if err != nil {
			return err
		}
		switch m := m.GetMessage().(type) {
		case *seawallv1.DeliverRequest_Batch:
			err = st.batch(m.Batch)
		case *seawallv1.DeliverRequest_Confirm:
			err = st.confirm(m.Confirm)
		default:
			err = violation("neither a batch nor a confirmation")
		}
		if err != nil {
			return err
		}
	}
}

// end makes the handler return why. What is being committed is not waited for,
// unless the collector drains.
func (st *stream) end(why error) {
	st.call.stop(why)
	if !errors.Is(why, errDraining) {
		st.stop()
	}
}

// over turns the reason why run ended into what the host is told.
func (st *stream) over(err error) error {
	s := st.server
	if why := context.Cause(st.grpc.Context()); why != nil && !errors.Is(why, context.Canceled) && !errors.Is(why, context.DeadlineExceeded) {
		err = why // of end; it only looked like something else
	}
	var broken violation
	var refused *roster.Refused
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, errDraining):
		return st.send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Drain{
			Drain: &seawallv1.Drain{ReconnectWithinMs: s.spread()},
		}})
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

func (st *stream) send(m *seawallv1.DeliverResponse) error {
	st.sending.Lock()
	defer st.sending.Unlock()
	return st.grpc.Send(m)
}

// begin takes Hello and begins the host's session.
func (st *stream) begin() (*seawallv1.Hello, error) {
	s := st.server
	state, err := connectionState(st.grpc.Context())
	if err != nil {
		return nil, err
	}
	if st.host, err = s.cfg.Roster.Identify(state); err != nil {
		return nil, err
	}
	select {
	case <-s.draining:
		return nil, errDraining
	default:
	}
	m, err := st.grpc.Recv()
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
	st.bundle.Store(hello.BundleRevision)
	if st.session, err = s.cfg.Roster.Begin(st.work, st.host, hello.Session, state); err != nil {
		return nil, st.storeError(err)
	}
	return hello, nil
}

// welcome tells the host what is there, and waits until its session is durable.
func (st *stream) welcome(hello *seawallv1.Hello) error {
	s := st.server
	have, err := s.cfg.Store.Positions(st.work, st.host)
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
	if err := st.send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Welcome{Welcome: w}}); err != nil {
		return err
	}
	m, err := st.grpc.Recv()
	if err != nil {
		return err
	}
	confirm := m.GetConfirm()
	if confirm == nil || confirm.Session != st.session.Number() {
		return violation("no confirmation of the session")
	}
	if err := st.session.Confirm(st.work, confirm.Session, confirm.BundleRevision); err != nil {
		return st.storeError(err)
	}
	st.durable = confirm.BundleRevision
	s.cfg.Log.Info("host connected", "host", st.host, "agent", text.Terminal(hello.AgentVersion))
	return nil
}

// confirm takes a later confirmation, of a bundle that was given.
func (st *stream) confirm(c *seawallv1.Confirm) error {
	if c.GetBundleRevision() <= st.durable || c.GetBundleRevision() > st.bundle.Load() {
		return violation("a confirmation of nothing new")
	}
	if err := st.session.Confirm(st.work, c.GetSession(), c.GetBundleRevision()); err != nil {
		return st.storeError(err)
	}
	st.durable = c.GetBundleRevision()
	return nil
}

// watch tells the host of new bounds and bundles, and ends its stream when it may
// not go on.
func (st *stream) watch() {
	defer close(st.watched)
	s := st.server
	ready := st.ready
	var newCredit, newBundle <-chan struct{}
	credit, newCredit := s.share.now()
	for {
		select {
		case <-st.grpc.Context().Done():
			return
		case <-st.session.Ended():
			st.end(st.session.Err())
			return
		case <-s.draining:
			st.end(errDraining)
			return
		case <-ready:
			ready = nil
		case <-newCredit:
		case <-newBundle:
		}
		if ready != nil {
			continue
		}
		told := credit
		if credit, newCredit = s.share.now(); credit != told {
			st.tell(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Credit{
				Credit: &seawallv1.Credit{MaxInFlightBytes: uint32(credit)},
			}})
		}
		newBundle = st.offer()
	}
}

// offer sends the bundle when the host has an older one, and returns what is closed
// when there is another.
func (st *stream) offer() <-chan struct{} {
	bundle, changed := st.server.cfg.Bundle()
	if bundle.Revision > st.bundle.Load() {
		st.bundle.Store(bundle.Revision)
		st.tell(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Bundle{
			Bundle: &seawallv1.Bundle{Revision: bundle.Revision, Authorities: bundle.DER()},
		}})
	}
	return changed
}

// tell sends what may get lost with the stream.
func (st *stream) tell(m *seawallv1.DeliverResponse) {
	if err := st.send(m); err != nil {
		st.end(err)
	}
}
