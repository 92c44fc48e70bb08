package ingest

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	"seawall/pkg/text"
	"seawall/pkg/wire"
	seawallv1 "seawall/proto/seawall/v1"
)

// stream is one host's stream. The reader goroutine receives, the handler's does
// everything else and is the only one to send.
type stream struct {
	server *Server
	host   fleet.HostID
	grpc   grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]
	in     chan *seawallv1.DeliverRequest
	err    error         // of the reader; read after in is closed
	done   chan struct{} // closed when the handler returns: the reader may stop
	ended  chan struct{} // closed by end
	once   sync.Once
	gone   chan struct{} // closed when another stream of the host may begin
	last   map[place]uint64
}

// place is a lane and epoch.
type place struct {
	lane  string
	epoch uint64
}

func newStream(s *Server, host fleet.HostID, ss grpc.BidiStreamingServer[seawallv1.DeliverRequest, seawallv1.DeliverResponse]) *stream {
	return &stream{
		server: s,
		host:   host,
		grpc:   ss,
		in:     make(chan *seawallv1.DeliverRequest),
		done:   make(chan struct{}),
		ended:  make(chan struct{}),
		gone:   make(chan struct{}),
		last:   make(map[place]uint64),
	}
}

// end asks the handler to return, since the host has a newer stream.
func (st *stream) end() { st.once.Do(func() { close(st.ended) }) }

// run is the handler.
func (st *stream) run(ctx context.Context) error {
	// The reader ends when gRPC ends the stream, after the handler's return.
	st.server.readers.Add(1)
	go st.read()
	defer close(st.done)
	if err := st.greet(ctx); err != nil {
		return err
	}
	for {
		select {
		case m, ok := <-st.in:
			if !ok {
				return st.over()
			}
			if err := st.batch(ctx, m.GetBatch()); err != nil {
				return err
			}
		case <-st.ended:
			return status.Error(codes.Aborted, "the host has a newer stream")
		case <-st.server.draining:
			return st.drain()
		}
	}
}

// read receives one message ahead of the handler; more waits in HTTP/2's window.
func (st *stream) read() {
	defer st.server.readers.Done()
	defer close(st.in)
	for {
		m, err := st.grpc.Recv()
		if err != nil {
			st.err = err
			return
		}
		select {
		case st.in <- m:
		case <-st.done:
			return
		}
	}
}

// over says how the stream ended when the reader is through.
func (st *stream) over() error {
	if errors.Is(st.err, io.EOF) {
		return nil
	}
	return st.err
}

func (st *stream) drain() error {
	return st.grpc.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Drain{
		Drain: &seawallv1.Drain{ReconnectWithinMs: st.server.spread()},
	}})
}

// greet takes Hello and answers Welcome.
func (st *stream) greet(ctx context.Context) error {
	timeout := time.NewTimer(st.server.cfg.HelloTimeout)
	defer timeout.Stop()
	var hello *seawallv1.Hello
	select {
	case m, ok := <-st.in:
		if !ok {
			return st.over()
		}
		hello = m.GetHello()
	case <-timeout.C:
		return status.Error(codes.DeadlineExceeded, "no hello in time")
	case <-st.ended:
		return status.Error(codes.Aborted, "the host has a newer stream")
	case <-st.server.draining:
		return st.drain()
	}
	switch {
	case hello == nil:
		return st.violation("the first message is not a hello")
	case hello.Protocol != protocol:
		return status.Errorf(codes.FailedPrecondition, "the collector speaks protocol %d", protocol)
	case len(hello.AgentVersion) > 256 || len(hello.Oldest) > maxOldest:
		return st.violation("a hello beyond its bounds")
	}
	store := st.server.cfg.Store
	if err := store.Admit(ctx, st.host); err != nil {
		return st.storeError(err)
	}
	have, err := store.Positions(ctx, st.host)
	if err != nil {
		return st.storeError(err)
	}
	welcome := &seawallv1.Welcome{Protocol: protocol, MaxBatchBytes: batchBytes, MaxInFlightBytes: inFlightBytes}
	for _, p := range have {
		welcome.Have = append(welcome.Have, &seawallv1.Position{Lane: p.Lane, Epoch: p.Epoch, Sequence: p.Sequence})
	}
	st.server.cfg.Log.Info("host connected", "host", st.host, "agent", text.Terminal(hello.AgentVersion))
	return st.grpc.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Welcome{Welcome: welcome}})
}

// batch makes a batch durable and acknowledges it.
func (st *stream) batch(ctx context.Context, b *seawallv1.Batch) error {
	size, err := st.check(b)
	if err != nil {
		return err
	}
	if err := st.server.limiter(st.host).WaitN(ctx, size); err != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	if err := st.server.memory.Acquire(ctx, int64(size)); err != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	defer st.server.memory.Release(int64(size))
	records := make([]fleet.Delivery, len(b.Entries))
	rejected := 0
	for i, e := range b.Entries {
		d := fleet.Delivery{Lane: b.Lane, Epoch: b.Epoch, Sequence: e.Sequence, Size: len(e.Payload)}
		if d.Record, err = wire.Decode(e.Payload); err != nil {
			d.Reject = err.Error()
			rejected++
		}
		records[i] = d
	}
	began := time.Now()
	if err := st.server.cfg.Store.Apply(ctx, st.host, records); err != nil {
		return st.storeError(err)
	}
	m := st.server.cfg.Metrics
	m.Commit.Observe(time.Since(began).Seconds())
	m.Records.Add(float64(len(records)))
	m.Rejected.Add(float64(rejected))
	m.Bytes.Add(float64(size))
	return st.grpc.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Ack{Ack: &seawallv1.Ack{
		Position: &seawallv1.Position{Lane: b.Lane, Epoch: b.Epoch, Sequence: b.Entries[len(b.Entries)-1].Sequence},
	}}})
}

// check holds a batch to the protocol and returns its size in bytes.
func (st *stream) check(b *seawallv1.Batch) (int, error) {
	if b == nil || len(b.Entries) == 0 || len(b.Entries) > maxEntries {
		return 0, st.violation("not a batch of 1 to 4096 entries")
	}
	if !validLane(b.Lane) {
		return 0, st.violation("not the name of a lane")
	}
	at := place{b.Lane, b.Epoch}
	last, known := st.last[at]
	if !known && len(st.last) >= maxOldest {
		// Only the order within the newest places is held; the store has the rest.
		clear(st.last)
	}
	size := 0
	for _, e := range b.Entries {
		if e.Sequence <= last || e.Sequence > math.MaxInt64 {
			return 0, st.violation("sequences do not rise")
		}
		last = e.Sequence
		size += len(e.Payload) + 16
	}
	if size > batchBytes+len(b.Entries)*16 {
		return 0, st.violation("a batch larger than the welcome allows")
	}
	st.last[at] = last
	return size, nil
}

// violation ends a stream that breaks the protocol.
func (st *stream) violation(what string) error {
	st.server.cfg.Metrics.Refused.Inc()
	st.server.trouble.Do(func() { st.server.cfg.Log.Warn("host breaks the protocol", "host", st.host, "what", what) })
	return status.Error(codes.InvalidArgument, what)
}

// storeError ends a stream whose records the store does not take. The host learns
// whether to come back soon, and nothing of the store.
func (st *stream) storeError(err error) error {
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	case errors.Is(err, fleet.ErrFull):
		st.server.cfg.Metrics.Refused.Inc()
		st.server.trouble.Do(func() { st.server.cfg.Log.Warn("host refused", "host", st.host, "err", err) })
		return status.Error(codes.ResourceExhausted, fleet.ErrFull.Error())
	}
	st.server.cfg.Metrics.StoreErrors.Inc()
	st.server.trouble.Do(func() { st.server.cfg.Log.Error("records are not stored", "host", st.host, "err", err) })
	return status.Error(codes.Unavailable, "the collector cannot store records now")
}

// validLane reports whether s is 1 to 32 of a-z, 0-9, "-" and "_", a letter first.
func validLane(s string) bool {
	if len(s) < 1 || len(s) > 32 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
