// Package reader reads one lane of a spool in order, from another process than the
// one that writes it. It takes no lock and needs permission to read alone.
//
// It returns what the watermark says is durable, and never more. What it cannot
// return it accounts for: the sequence rises by one, so each record that is missing
// between two that are returned is in one of the later one's gaps, and the
// watermark says which of them made room for others. What is missing behind the
// last one is in [Reader.Tail].
//
// A page that the disk cannot read is damage like any other. It is not tried
// again: a reader that waits for a broken sector delivers nothing for ever.
package reader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"seawall/agent/spool/folder"
	"seawall/agent/spool/segment"
)

// ErrEmpty is returned by Next when there is nothing new to read.
var ErrEmpty = errors.New("no durable record to read")

// Record is a record as it was appended.
type Record struct {
	segment.Position
	Payload []byte
	// Gaps holds the records that are missing right before this one: none, one
	// range, or two in order.
	Gaps []segment.Gap
}

// Reader reads one lane in order, while it is written or when it is not. It needs
// permission to read and nothing else, and takes no lock. It is for one goroutine.
type Reader struct {
	dir     *os.File
	durable *os.File
	mark    segment.Watermark
	last    segment.Position // of the record returned last
	watch   *folder.Watch    // created by the first Wait

	seg  segment.File
	file *os.File // nil before the first segment
	scan segment.Scanner
	off  int64
	stop uint64 // first sequence of the following segment, 0 when not known
}

// Open opens a lane of the spool in dir at its oldest record. It does not
// follow symbolic links below dir. A lane that no writer has created yet is an
// error: errors.Is(err, fs.ErrNotExist).
func Open(dir, lane string) (*Reader, error) {
	r, err := open(dir, lane)
	if err != nil {
		return nil, fmt.Errorf("read spool: lane %q: %w", lane, err)
	}
	return r, nil
}

func open(dir, lane string) (_ *Reader, err error) {
	r := &Reader{}
	if r.dir, err = folder.OpenLane(dir, lane); err != nil {
		return nil, err
	}
	if r.durable, err = folder.OpenPlain(r.dir, folder.WatermarkName, unix.O_RDONLY); err != nil {
		r.dir.Close()
		return nil, err
	}
	return r, nil
}

// Close lets go of the lane.
func (r *Reader) Close() error {
	r.leave()
	if r.watch != nil {
		r.watch.Close()
	}
	return errors.Join(r.durable.Close(), r.dir.Close())
}

func (r *Reader) leave() {
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}

// Bounds returns the oldest position that the spool may hold and the newest that
// is durable. Both are zero when nothing is.
func (r *Reader) Bounds() (oldest, newest segment.Position, err error) {
	segs, _, err := folder.List(r.dir)
	if err != nil {
		return oldest, newest, fmt.Errorf("read spool: %w", err)
	}
	if _, err := r.refresh(); err != nil {
		return oldest, newest, err
	}
	if len(segs) > 0 && segs[0].First <= r.mark.Durable.Seq {
		oldest = segment.Position{Epoch: segs[0].Epoch, Seq: segs[0].First}
		newest = r.mark.Durable
		// The watermark has the writer's epoch, the newest record may be older.
		for _, s := range slices.Backward(segs) {
			if s.First <= newest.Seq {
				newest.Epoch = s.Epoch
				break
			}
		}
	}
	return oldest, newest, nil
}

// Seek moves to the record after pos. When the spool holds nothing of pos's epoch
// it moves to the oldest record and reports false: then what came between is
// either evicted, which the next record's Gaps say, or the spool is another one.
func (r *Reader) Seek(pos segment.Position) (known bool, err error) {
	for range maxRaces {
		known, err = r.seek(pos)
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return false, fmt.Errorf("read spool: %w", err)
	}
	return known, nil
}

// maxRaces is how often a segment may be evicted between being listed and opened.
const maxRaces = 100

func (r *Reader) seek(pos segment.Position) (known bool, err error) {
	segs, _, err := folder.List(r.dir)
	if err != nil {
		return false, err
	}
	r.leave()
	r.last = pos
	start := 0
	for i, s := range segs {
		if s.Epoch != pos.Epoch {
			continue
		}
		if !known || s.First <= pos.Seq {
			start = i
		}
		known = true
	}
	if len(segs) == 0 {
		return false, nil
	}
	return known, r.enter(segs[start])
}

// enter begins to read a segment.
func (r *Reader) enter(s segment.File) error {
	f, err := folder.OpenPlain(r.dir, s.Name(), unix.O_RDONLY)
	if err != nil {
		return err
	}
	r.leave()
	r.seg, r.file, r.off, r.stop = s, f, segment.HeaderSize, 0
	r.scan = segment.NewScanner(f, s.Epoch)
	if h, err := r.scan.Header(); err == nil && h.Version != segment.Version {
		r.stop = s.First // nothing here can be read
	}
	if s.Epoch != r.last.Epoch && s.First <= r.last.Seq {
		// The sequence went back: another spool, or one restored from a backup.
		r.last = segment.Position{Seq: s.First - 1}
	}
	return nil
}

// refresh reads the watermark and reports whether it changed. A watermark in the
// middle of being written is nothing new.
func (r *Reader) refresh() (changed bool, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(r.durable.Fd()), &st); err != nil {
		return false, fmt.Errorf("read spool: stat watermark: %w", err)
	}
	if st.Nlink == 0 {
		if err := r.reopen(); err != nil {
			return false, fmt.Errorf("read spool: watermark was removed: %w", err)
		}
		changed = true
	}
	if mark, ok := segment.ReadWatermark(r.durable); ok && mark != r.mark {
		r.mark, changed = mark, true
	}
	if changed {
		r.scan.Forget()
		if r.stop != r.seg.First {
			r.stop = 0
		}
	}
	return changed, nil
}

// reopen starts over in a spool that was removed and made anew.
func (r *Reader) reopen() error {
	f, err := folder.OpenPlain(r.dir, folder.WatermarkName, unix.O_RDONLY)
	if err != nil {
		return err
	}
	r.durable.Close()
	r.durable, r.mark = f, segment.Watermark{}
	if r.watch != nil {
		r.watch.Close()
		r.watch = folder.NewWatch(f)
	}
	_, err = r.Seek(r.last)
	return err
}

// Next returns the next durable record, or ErrEmpty when there is none now. The
// payload is the caller's.
func (r *Reader) Next() (Record, error) {
	for {
		if r.file != nil {
			rec, ok, err := r.nextHere()
			if err != nil {
				return Record{}, fmt.Errorf("read spool: segment %s: %w", r.seg.Name(), err)
			}
			if ok {
				return rec, nil
			}
		}
		moved, err := r.advance()
		if err != nil {
			return Record{}, fmt.Errorf("read spool: %w", err)
		}
		if moved {
			continue
		}
		changed, err := r.refresh()
		if err != nil {
			return Record{}, err
		}
		if !changed {
			return Record{}, ErrEmpty
		}
	}
}

// nextHere returns the next durable record of this segment. It reads nothing
// behind the watermark as damage: that may still be being written.
func (r *Reader) nextHere() (Record, bool, error) {
	if r.stop == 0 {
		if err := r.findStop(); err != nil {
			return Record{}, false, err
		}
	}
	for {
		f, st, err := r.scan.At(r.off)
		if err != nil {
			return Record{}, false, err
		}
		if st == segment.AtDamage {
			if skipped, err := r.skip(); !skipped || err != nil {
				return Record{}, false, err
			}
			continue
		}
		if st == segment.AtEnd || f.Seq > r.mark.Durable.Seq || f.Seq >= r.stop {
			return Record{}, false, nil
		}
		r.off = f.Next
		if st == segment.AtPayload || f.Seq < r.seg.First || r.seg.Epoch == r.last.Epoch && f.Seq <= r.last.Seq {
			continue
		}
		rec := Record{Position: segment.Position{Epoch: r.seg.Epoch, Seq: f.Seq}, Payload: slices.Clone(f.Payload), Gaps: r.gaps(f.Seq)}
		r.last = rec.Position
		return rec, true, nil
	}
}

// skip moves behind damage to a durable record, if there is one.
func (r *Reader) skip() (bool, error) {
	off, err := r.scan.Resync(r.off + 8)
	if err != nil || off < 0 {
		return false, err
	}
	f, _, err := r.scan.At(off)
	if err != nil || f.Seq > r.mark.Durable.Seq {
		return false, err
	}
	r.off = off
	return true, nil
}

// findStop finds where this segment ends. One that its writer left because of a
// failed write may go on with records that were written again in the next, or
// never accepted.
func (r *Reader) findStop() error {
	next, ok, err := r.following()
	if ok {
		r.stop = next.First
	} else if err == nil {
		r.stop = math.MaxUint64
	}
	return err
}

// gaps says what is missing between the last record and seq, and why. It reads the
// watermark again: what was evicted since is said there before it is gone.
func (r *Reader) gaps(seq uint64) []segment.Gap {
	if seq <= r.last.Seq+1 {
		return nil
	}
	evicted := r.mark.Evicted
	if w, ok := segment.ReadWatermark(r.durable); ok {
		evicted = w.Evicted
	}
	return segment.Split(r.last.Seq+1, seq-1, evicted)
}

// Tail returns the durable records that are missing behind the last one, when Next
// has returned ErrEmpty. The next record that is returned has them in its gaps, if
// one ever comes.
func (r *Reader) Tail() []segment.Gap { return r.gaps(r.mark.Durable.Seq + 1) }

// following returns the segment after this one, the oldest when there is no this
// one.
func (r *Reader) following() (segment.File, bool, error) {
	segs, _, err := folder.List(r.dir)
	if err != nil {
		return segment.File{}, false, err
	}
	for _, s := range segs {
		if r.file == nil || s.First > r.seg.First || s.First == r.seg.First && s.Epoch > r.seg.Epoch {
			return s, true, nil
		}
	}
	return segment.File{}, false, nil
}

// advance moves to the following segment, if there is one that can hold something
// durable.
func (r *Reader) advance() (bool, error) {
	for range maxRaces {
		next, ok, err := r.following()
		if err != nil || !ok || next.First > r.mark.Durable.Seq {
			return false, err
		}
		err = r.enter(next)
		if !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
	}
	return false, nil
}

// Wait returns when there may be something new to read, and at the latest after
// 15 seconds. It returns ctx's error when ctx ends first.
func (r *Reader) Wait(ctx context.Context) error {
	if r.watch == nil {
		r.watch = folder.NewWatch(r.durable)
		if changed, err := r.refresh(); err != nil || changed {
			return err // it changed before the watch began
		}
	}
	return r.watch.Wait(ctx)
}
