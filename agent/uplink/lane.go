package uplink

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"seawall/agent/spool"
	seawallv1 "seawall/proto/seawall/v1"
)

// window is what of one lane is sent and not acknowledged, in the order sent.
type window struct {
	lane    string
	acked   spool.Position
	digest  uint64 // of the record at acked, as the collector has it; 0: not known
	sent    []span
	diverge *spool.Position // see filler
}

// ack takes a cumulative acknowledgement and returns the bytes that it makes free.
// One that repeats is no news; one of what was not sent is an error.
func (w *window) ack(pos spool.Position) (bytes int, news bool, err error) {
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
	w.acked, w.digest = pos, 0
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

// Where a spool stands to the position that the collector has.
type standing int

const (
	agrees   standing = iota // it goes on from there
	unknown                  // nothing of that epoch is left
	behind                   // it does not reach so far, or does not say so yet
	diverged                 // it holds, or held, another record there
)

// resume moves to the record after pos, and says whether the spool is the one that
// the collector has been given. digest is that of the record at pos, 0 when it is
// not known.
func resume(r *spool.Reader, pos spool.Position, digest uint64) (standing, error) {
	if pos == (spool.Position{}) {
		_, err := r.Seek(pos)
		return agrees, err
	}
	st, err := compare(r, pos, digest)
	if err != nil {
		return st, err
	}
	_, err = r.Seek(pos)
	return st, err
}

// compare looks at the spool's record at pos, or at what is in its place.
func compare(r *spool.Reader, pos spool.Position, digest uint64) (standing, error) {
	known, err := r.Seek(spool.Position{Epoch: pos.Epoch, Seq: pos.Seq - min(pos.Seq, 1)})
	if err != nil {
		return agrees, err
	}
	if !known {
		return unknown, nil
	}
	rec, err := r.Next()
	switch {
	case errors.Is(err, spool.ErrEmpty):
		_, newest, err := r.Bounds()
		if newest.Epoch == pos.Epoch && newest.Seq < pos.Seq {
			return behind, err
		}
		return agrees, err
	case err != nil:
		return agrees, err
	case rec.Position == pos && digest != 0 && digestOf(rec.Payload) != digest:
		return diverged, nil
	case rec.Epoch != pos.Epoch && rec.Seq <= pos.Seq:
		return diverged, nil // a writer went on from before pos
	}
	return agrees, nil
}

// digestOf is Position.digest of a record.
func digestOf(payload []byte) uint64 {
	sum := sha256.Sum256(payload)
	return binary.BigEndian.Uint64(sum[:])
}

// follow hands the records of a lane to send, from behind what the collector has,
// until ctx ends or the lane cannot be read.
func (s *session) follow(ctx context.Context, lane string) error {
	r, err := spool.OpenReader(s.u.cfg.Spool, lane)
	if err != nil {
		return err
	}
	defer r.Close()
	diverge, err := s.settle(ctx, r, lane)
	if err != nil {
		return err
	}
	f := filler{
		r: r, lane: lane, codec: s.u.codec, diverge: diverge,
		max: func() int { return min(s.maxBatch, s.credit.Bound()) },
		onGap: func(g *seawallv1.Gap) {
			s.u.log.Warn("records are missing", "lane", lane, "from", g.From, "to", g.To, "reason", g.Reason.String())
		},
	}
	for {
		b, err := f.next()
		if errors.Is(err, spool.ErrEmpty) {
			err = r.Wait(ctx)
			if err == nil {
				continue
			}
		}
		if err == nil {
			err = s.credit.Take(ctx, b.span.bytes)
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

// settle moves the reader to where the lane goes on. While the spool is behind the
// collector it waits: the sensor may not have found its last records yet. Where it
// diverged, nothing more of that epoch can be told from what the collector has, and
// its position is returned.
func (s *session) settle(ctx context.Context, r *spool.Reader, lane string) (*spool.Position, error) {
	from, digest, diverge := s.start(lane)
	for said := false; ; said = true {
		st, err := resume(r, from, digest)
		if err != nil {
			return nil, err
		}
		if diverge != nil {
			return diverge, nil
		}
		switch st {
		case agrees:
			return nil, nil
		case unknown:
			s.u.log.Warn("position not in the spool, starting at its oldest record", "lane", lane, "epoch", from.Epoch, "seq", from.Seq)
			return nil, nil
		case diverged:
			s.diverged(lane, from)
			return &from, nil
		}
		if !said {
			s.u.log.Warn("the spool ends before what the collector has", "lane", lane, "epoch", from.Epoch, "seq", from.Seq)
			s.u.board.update(true, func(st *State) { st.Behind = with(st.Behind, lane) })
		}
		if err := r.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// diverged notes that the spool's record at pos is not the one that the collector
// has: this machine was set back to an older state.
func (s *session) diverged(lane string, pos spool.Position) {
	s.u.log.Error("the spool was set back: what is newer in this epoch cannot be sent", "lane", lane, "epoch", pos.Epoch, "seq", pos.Seq)
	s.mu.Lock()
	s.lanes[lane].diverge = &pos
	s.mu.Unlock()
	s.u.board.update(true, func(st *State) { st.Behind = with(st.Behind, lane) })
}

// with returns names with one more.
func with(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(slices.Clone(names), name)
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == name })
}

// start returns the position behind which a lane is sent.
func (s *session) start(lane string) (pos spool.Position, digest uint64, diverge *spool.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.lanes[lane]; w != nil { // followed again: behind what is in flight
		if n := len(w.sent); n > 0 {
			return spool.Position{Epoch: w.sent[n-1].epoch, Seq: w.sent[n-1].last}, 0, nil
		}
		if w.diverge != nil && *w.diverge == w.acked {
			return w.acked, 0, w.diverge
		}
		return w.acked, w.digest, nil
	}
	have := s.have[lane]
	s.lanes[lane] = &window{lane: lane, acked: have.Position, digest: have.digest}
	var old spool.Position
	s.u.board.update(false, func(st *State) {
		old, st.Acked[lane] = st.Acked[lane], have.Position
		st.Behind = without(st.Behind, lane)
	})
	if old.Epoch == have.Epoch && old.Seq > have.Seq || have == (told{}) && old != have.Position {
		s.u.log.Warn("collector has less than it acknowledged", "lane", lane, "acknowledged", old.Seq, "has", have.Seq)
	}
	return have.Position, have.digest, nil
}
