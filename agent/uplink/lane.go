package uplink

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"seawall/agent/spool"
	seawallv1 "seawall/proto/seawall/v1"
)

const (
	maxEntries    = 500 // of a batch
	batchOverhead = 64  // of a batch's own fields, at most
	entryOverhead = 24  // of an entry's fields, at most
)

// span is what was sent in one batch.
type span struct {
	epoch       uint64
	first, last uint64
	bytes       int64
}

// batch is records of one lane and epoch, ready to send.
type batch struct {
	lane    string
	span    span
	message *seawallv1.Batch
}

// window is what of one lane is sent and not acknowledged, in the order sent.
type window struct {
	lane  string
	acked spool.Position
	sent  []span
}

// ack takes a cumulative acknowledgement and returns the bytes that it makes free.
// One that repeats is no news; one of what was not sent is an error.
func (w *window) ack(pos spool.Position) (bytes int64, news bool, err error) {
	i := len(w.sent) - 1
	for i >= 0 && (w.sent[i].epoch != pos.Epoch || pos.Seq < w.sent[i].first) {
		i--
	}
	if i < 0 {
		if pos.Epoch == w.acked.Epoch && pos.Seq <= w.acked.Seq {
			return 0, false, nil
		}
		return 0, false, fmt.Errorf("%w: acknowledged lane %s to %x/%d, which was not sent", errProtocol, w.lane, pos.Epoch, pos.Seq)
	}
	if pos.Seq > w.sent[i].last {
		return 0, false, fmt.Errorf("%w: acknowledged lane %s to %x/%d, sent is %d", errProtocol, w.lane, pos.Epoch, pos.Seq, w.sent[i].last)
	}
	done := i
	if pos.Seq == w.sent[i].last {
		done++
	} else {
		w.sent[i].first = pos.Seq + 1
	}
	for _, s := range w.sent[:done] {
		bytes += s.bytes
	}
	w.sent = slices.Delete(w.sent, 0, done)
	w.acked = pos
	return bytes, true, nil
}

// oldest returns where a lane begins, nil when it holds nothing.
func oldest(dir, lane string) *seawallv1.Position {
	r, err := spool.OpenReader(dir, lane)
	if err != nil {
		return nil
	}
	defer r.Close()
	first, _, err := r.Bounds()
	if err != nil || first == (spool.Position{}) {
		return nil
	}
	return &seawallv1.Position{Lane: lane, Epoch: first.Epoch, Sequence: first.Seq}
}

// follow hands the records of a lane to send, from behind what the collector has,
// until ctx ends or the lane cannot be read.
func (s *session) follow(ctx context.Context, lane string) error {
	r, err := spool.OpenReader(s.u.cfg.Spool, lane)
	if err != nil {
		return err
	}
	defer r.Close()
	from := s.start(lane)
	if known, err := r.Seek(from); err != nil {
		return err
	} else if !known && from != (spool.Position{}) {
		s.u.log.Warn("position not in the spool, starting at its oldest record", "lane", lane, "epoch", from.Epoch, "seq", from.Seq)
	}
	f := filler{r: r, lane: lane, max: s.maxBatch, onGap: func(g spool.Gap) {
		s.u.log.Warn("records are missing", "lane", lane, "from", g.From, "to", g.To, "reason", string(g.Reason))
	}}
	for {
		b, err := f.next()
		if errors.Is(err, spool.ErrEmpty) {
			err = r.Wait(ctx)
			if err == nil {
				continue
			}
		}
		if err == nil {
			err = s.budget.Acquire(ctx, b.span.bytes)
		}
		if err != nil {
			return err
		}
		select {
		case s.out <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// start returns the position behind which a lane is sent.
func (s *session) start(lane string) spool.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.lanes[lane]; w != nil { // followed again: behind what is in flight
		if n := len(w.sent); n > 0 {
			return spool.Position{Epoch: w.sent[n-1].epoch, Seq: w.sent[n-1].last}
		}
		return w.acked
	}
	have := s.have[lane]
	s.lanes[lane] = &window{lane: lane, acked: have}
	var old spool.Position
	s.u.board.update(false, func(st *State) { old, st.Acked[lane] = st.Acked[lane], have })
	if old.Epoch == have.Epoch && old.Seq > have.Seq || have == (spool.Position{}) && old != have {
		s.u.log.Warn("collector has less than it acknowledged", "lane", lane, "acknowledged", old.Seq, "has", have.Seq)
	}
	return have
}

// filler makes batches of what a reader has.
type filler struct {
	r     *spool.Reader
	lane  string
	max   int
	held  *spool.Record // did not fit into the last batch
	onGap func(spool.Gap)
}

// next returns what can be read now, as much as a batch may hold, or
// spool.ErrEmpty. It does not wait for more: what is durable is sent.
func (f *filler) next() (*batch, error) {
	b := &batch{lane: f.lane, message: &seawallv1.Batch{Lane: f.lane}}
	size := batchOverhead
	for len(b.message.Entries) < maxEntries {
		rec, err := f.record()
		if errors.Is(err, spool.ErrEmpty) && len(b.message.Entries) > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		more := entryOverhead + len(rec.Payload)
		if len(b.message.Entries) > 0 && (rec.Epoch != b.span.epoch || size+more > f.max) {
			f.held = &rec
			break
		}
		if len(b.message.Entries) == 0 {
			b.span.epoch, b.span.first = rec.Epoch, rec.Seq
			b.message.Epoch = rec.Epoch
		}
		b.span.last = rec.Seq
		b.message.Entries = append(b.message.Entries, &seawallv1.Entry{Sequence: rec.Seq, Payload: rec.Payload})
		size += more
	}
	b.span.bytes = int64(size)
	return b, nil
}

func (f *filler) record() (spool.Record, error) {
	if f.held != nil {
		rec := *f.held
		f.held = nil
		return rec, nil
	}
	rec, err := f.r.Next()
	if err == nil && rec.Gap != (spool.Gap{}) {
		f.onGap(rec.Gap)
	}
	return rec, err
}
