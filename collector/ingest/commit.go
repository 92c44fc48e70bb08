package ingest

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/fleet"
	"seawall/collector/roster"
	seawallv1 "seawall/proto/seawall/v1"
)

// enter makes st the one stream of its host: the one before was ended by the
// roster, and is waited for.
func (s *Server) enter(ctx context.Context, st *stream) error {
	for {
		s.mu.Lock()
		old := s.streams[st.host]
		if old == nil {
			s.streams[st.host] = st
			s.mu.Unlock()
			s.share.add(1)
			return nil
		}
		s.mu.Unlock()
		select {
		case <-old.gone:
		case <-st.session.Ended():
			return st.session.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Server) leave(st *stream) {
	s.share.add(-1)
	s.mu.Lock()
	delete(s.streams, st.host)
	s.mu.Unlock()
	close(st.gone)
}

// batch makes a batch durable and acknowledges it.
func (st *stream) batch(ctx context.Context, b *seawallv1.Batch) error {
	if err := st.session.Check(); err != nil {
		return err
	}
	last, err := st.commit(ctx, b)
	if ended := st.session.Err(); err != nil && ended != nil {
		return ended
	}
	if err != nil {
		return err
	}
	return st.send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Ack{Ack: &seawallv1.Ack{
		Position: &seawallv1.Position{Lane: b.Lane, Epoch: b.Epoch, Sequence: last},
	}}})
}

// send tells the host something. One that does not read makes this wait, but not
// longer than its session.
func (st *stream) send(m *seawallv1.DeliverResponse) error {
	sent := make(chan struct{})
	st.server.helpers.Go(func() {
		select {
		case <-st.session.Ended():
			if cancel, ok := st.grpc.Context().Value(cancelKey{}).(context.CancelFunc); ok {
				cancel()
			}
		case <-sent:
		}
	})
	err := st.grpc.Send(m)
	close(sent)
	if ended := st.session.Err(); err != nil && ended != nil {
		return ended
	}
	return err
}

// commit makes a batch durable and returns its last sequence. A session that ends
// does not wait for it.
func (st *stream) commit(ctx context.Context, b *seawallv1.Batch) (uint64, error) {
	s := st.server
	if err := head(b); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.helpers.Go(func() {
		select {
		case <-st.session.Ended():
			cancel()
		case <-ctx.Done():
		}
	})
	if err := s.limiter(st.host).WaitN(ctx, int(b.Size)); err != nil {
		return 0, context.Canceled
	}
	free, err := s.memory.Hold(ctx, b.Size)
	if err != nil {
		return 0, st.storeError(err)
	}
	defer free()
	raw, err := open(s.codec, b)
	if err != nil {
		return 0, err
	}
	free, err = s.memory.Unfold(ctx, raw)
	if err != nil {
		return 0, st.storeError(err)
	}
	defer free()
	records, err := decode(b, raw, st.after(b))
	if err != nil {
		return 0, err
	}
	gaps, err := missing(b, records)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := s.cfg.Store.Apply(ctx, st.host, records, gaps); err != nil {
		return 0, st.storeError(err)
	}
	last := records[len(records)-1].Sequence
	st.last[place{b.Lane, b.Epoch}] = last
	m := s.cfg.Metrics
	m.Commit.Observe(time.Since(began).Seconds())
	m.Records.Add(float64(len(records)))
	m.Rejected.Add(float64(rejected(records)))
	m.Bytes.Add(float64(b.Size))
	return last, nil
}

// after is the sequence behind which a batch must begin. Only the order within the
// newest places is held; the store has the rest.
func (st *stream) after(b *seawallv1.Batch) uint64 {
	last, known := st.last[place{b.Lane, b.Epoch}]
	if !known && len(st.last) >= maxOldest {
		clear(st.last)
	}
	return last
}

func rejected(records []fleet.Delivery) (n int) {
	for i := range records {
		if records[i].Reject != "" {
			n++
		}
	}
	return n
}

// storeError ends a stream whose records or session cannot be kept. The host
// learns whether to come back soon, and nothing of the store.
func (st *stream) storeError(err error) error {
	var refused *roster.Refused
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &refused):
		return err
	case errors.Is(err, roster.ErrNotGiven):
		return violation(err.Error())
	}
	if _, ok := status.FromError(err); ok {
		return err // of the session
	}
	s := st.server
	s.cfg.Metrics.StoreErrors.Inc()
	s.trouble.Do(func() { s.cfg.Log.Error("records are not stored", "host", st.host, "err", err) })
	return status.Error(codes.Unavailable, "the collector cannot store records now")
}
