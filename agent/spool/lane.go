package spool

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/spool/segment"
)

// lane is the writer's side of one lane.
//
// Appends hold mu only, so they go on while a commit waits for the disk. Commits
// hold commitMu, and take mu for short: the order is commitMu before mu.
type lane struct {
	name    string
	epoch   uint64
	max     int64 // bytes on disk
	segSize int64
	cfg     Config
	dir     *os.File
	durable *os.File // the watermark

	commitMu  sync.Mutex
	published uint64 // sequence in the watermark, under commitMu

	mu      sync.Mutex
	segs    []segment.File // on disk, oldest first; the last is the active one if seg is not nil
	bytes   int64          // their sum
	seg     *os.File       // active segment, created by the first append that needs it
	newName bool           // the directory does not durably hold seg's name yet
	next    uint64         // sequence of the next record
	synced  uint64         // sequence up to which fdatasync has returned
	tail    []byte         // encoded records behind synced
	broken  error          // the active segment cannot be trusted any more
	retryAt time.Time      // when a broken lane tries again
	timer   *time.Timer
	closed  bool
	evicted Gap
	counts  struct{ evicted, failed uint64 }
	lastErr error
}

func openLane(parent *os.File, name string, epoch uint64, cfg Config) (_ *lane, err error) {
	if err := unix.Mkdirat(int(parent.Fd()), name, 0o750); err != nil && err != unix.EEXIST {
		return nil, pathError("mkdir", name, err)
	}
	l := &lane{name: name, epoch: epoch, max: cfg.Lanes[name], segSize: cfg.SegmentBytes, cfg: cfg}
	if l.segSize == 0 {
		l.segSize = min(l.max/8, defaultSegment)
	}
	if l.dir, err = segment.OpenDir(parent, name); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.dir.Close()
		}
	}()
	if err := segment.Own(l.dir, 0o750, cfg.Group); err != nil {
		return nil, err
	}
	if err := l.openDurable(); err != nil {
		return nil, err
	}
	if err := l.recover(); err != nil {
		l.durable.Close()
		return nil, err
	}
	l.timer = time.AfterFunc(time.Hour, l.onTimer)
	l.timer.Stop()
	return l, nil
}

// openDurable opens the watermark and reads how far it said the lane is.
func (l *lane) openDurable() error {
	f, err := segment.OpenPlain(l.dir, segment.WatermarkName, unix.O_RDWR|unix.O_CREAT)
	if err != nil && (errors.Is(err, segment.ErrNotPlain) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO)) {
		if err := unix.Unlinkat(int(l.dir.Fd()), segment.WatermarkName, 0); err != nil {
			return pathError("unlink", segment.WatermarkName, err)
		}
		f, err = segment.OpenPlain(l.dir, segment.WatermarkName, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	}
	if err != nil {
		return err
	}
	if err := segment.Own(f, 0o640, l.cfg.Group); err != nil {
		f.Close()
		return err
	}
	if pos, ok := segment.ReadWatermark(f); ok {
		l.next = pos.Seq + 1
	}
	l.durable = f
	return nil
}

// recover finds where the sequence goes on after what is on disk, makes the tail
// of an earlier writer durable, and publishes it.
func (l *lane) recover() error {
	segs, foreign, err := segment.List(l.dir)
	if err != nil {
		return err
	}
	if err := segment.SetAside(l.dir, foreign); err != nil {
		return err
	}
	l.next = max(l.next, 1)
	for _, s := range segs {
		l.next = max(l.next, s.First)
		if s.Size <= segment.HeaderSize { // created, never written
			if err := l.remove(s); err != nil {
				return err
			}
			continue
		}
		l.segs = append(l.segs, s)
		l.bytes += s.Size
	}
	if n := len(l.segs); n > 0 {
		last, err := l.recoverTail(l.segs[n-1])
		if err != nil {
			return fmt.Errorf("segment %s: %w", l.segs[n-1].Name(), err)
		}
		l.next = max(l.next, last+1)
	}
	l.synced = l.next - 1
	if err := l.cfg.ops.syncDir(l.dir); err != nil {
		return err
	}
	return l.publish(l.synced)
}

// recoverTail returns the newest sequence that the segment may hold, and syncs it.
func (l *lane) recoverTail(s segment.File) (uint64, error) {
	f, err := segment.OpenPlain(l.dir, s.Name(), unix.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sc := segment.NewScanner(f, s.Epoch)
	if h, err := sc.Header(); err == nil && h.Version != segment.Version {
		// Another version's records: step over any number it can hold.
		return s.First + uint64(s.Size)/8, nil
	}
	last := s.First // even when its record is damaged: no two segments share a first
	for off := int64(segment.HeaderSize); off >= 0; {
		r, st, err := sc.At(off)
		switch {
		case err != nil:
			return 0, err
		case st == segment.AtRecord:
			last = max(last, r.Seq)
			off = r.Next
		case st == segment.AtPayload: // at the end of a segment this is a torn write
			off = r.Next
		default:
			if off, err = sc.Resync(off + 8); err != nil {
				return 0, err
			}
		}
	}
	// When this fails the records may be gone after a crash of the machine, and
	// readers will see a gap. They are no worse off for having them now.
	_ = l.cfg.ops.sync(f)
	return last, nil
}

// append writes a record to the active segment.
func (l *lane) append(payload []byte) (Position, error) {
	size := segment.RecordSize(len(payload))
	if len(payload) > MaxPayload || size+segment.HeaderSize > l.max/2 {
		return Position{}, fmt.Errorf("append to spool: %d bytes: %w", len(payload), ErrTooLarge)
	}
	l.mu.Lock()
	for !l.closed && l.mustCommit(size) {
		if l.broken != nil && time.Now().Before(l.retryAt) {
			err := l.fail(l.broken)
			l.mu.Unlock()
			return Position{}, err
		}
		last := l.next - 1
		l.mu.Unlock()
		err := l.commit(last)
		l.mu.Lock()
		if err != nil {
			l.counts.failed++
			l.mu.Unlock()
			return Position{}, fmt.Errorf("append to spool: %w", err)
		}
		l.roll(size)
	}
	defer l.mu.Unlock()
	if l.closed {
		return Position{}, fmt.Errorf("append to spool: %w", ErrClosed)
	}
	pos, full, err := l.write(payload, size)
	if err != nil {
		return Position{}, l.fail(err)
	}
	if !full {
		return pos, nil
	}
	l.mu.Unlock()
	_ = l.commit(pos.Seq) // accepted all the same; Stats and the next append tell
	l.mu.Lock()
	return pos, nil
}

// fail counts an append that was refused.
func (l *lane) fail(err error) error {
	l.counts.failed++
	l.lastErr = err
	return fmt.Errorf("append to spool: lane %s: %w", l.name, err)
}

// mustCommit reports whether a record of that size has to wait for a commit:
// because the active segment is full, or broken, or the copies in memory are at
// their bound.
func (l *lane) mustCommit(size int64) bool {
	return l.broken != nil || l.isFull(size) ||
		len(l.tail) > 0 && int64(len(l.tail))+size > min(int64(4*l.cfg.CommitBytes), l.max/4)
}

func (l *lane) isFull(size int64) bool {
	if l.seg == nil {
		return false
	}
	active := l.segs[len(l.segs)-1]
	return active.Size > segment.HeaderSize && active.Size+size > l.segSize
}

// roll ends the active segment when it is full and all of it is durable.
func (l *lane) roll(size int64) {
	if l.isFull(size) && len(l.tail) == 0 && l.broken == nil {
		l.seg.Close()
		l.seg = nil
	}
}

// write puts one record on disk and its copy in the tail. It reports whether
// enough waits for a commit.
func (l *lane) write(payload []byte, size int64) (pos Position, full bool, err error) {
	if err := l.makeRoom(size); err != nil {
		return pos, false, err
	}
	if l.seg == nil {
		if err := l.create(l.next); err != nil {
			return pos, false, err
		}
	}
	pos, start := Position{Epoch: l.epoch, Seq: l.next}, len(l.tail)
	l.tail = segment.AppendRecord(l.tail, pos, payload)
	active := &l.segs[len(l.segs)-1]
	if err := l.cfg.ops.write(l.seg, l.tail[start:], active.Size); err != nil {
		l.tail = l.tail[:start]
		if terr := l.cfg.ops.truncate(l.seg, active.Size); terr != nil {
			l.broken, l.retryAt = err, time.Time{}
		}
		return Position{}, false, err
	}
	active.Size += size
	l.bytes += size
	l.next++
	if start == 0 {
		l.timer.Reset(l.cfg.Interval)
	}
	l.lastErr = nil
	return pos, len(l.tail) >= l.cfg.CommitBytes, nil
}

// makeRoom evicts the oldest segments until size more bytes, and the header of a
// new segment, are within the bound.
func (l *lane) makeRoom(size int64) error {
	if l.seg == nil {
		size += segment.HeaderSize
	}
	for l.bytes+size > l.max && len(l.segs) > 0 && (l.seg == nil || len(l.segs) > 1) {
		old := l.segs[0]
		if err := l.remove(old); err != nil {
			return err
		}
		to := l.synced
		if len(l.segs) > 1 {
			to = l.segs[1].First - 1
		}
		l.segs = l.segs[1:]
		l.bytes -= old.Size
		if to < old.First {
			continue // a segment whose records all stand in the next one
		}
		l.counts.evicted += to - old.First + 1
		if l.evicted.To == 0 {
			l.evicted = Gap{From: old.First, Reason: Evicted}
		}
		l.evicted.To = to
	}
	return nil
}

// create starts a segment whose first record is first.
func (l *lane) create(first uint64) error {
	s := segment.File{First: first, Epoch: l.epoch, Size: segment.HeaderSize}
	f, err := l.cfg.ops.create(l.dir, s.Name())
	if errors.Is(err, os.ErrExist) { // ours, from a failure that could not be cleaned up
		if err = l.remove(s); err == nil {
			f, err = l.cfg.ops.create(l.dir, s.Name())
		}
	}
	if err != nil {
		return err
	}
	h := segment.NewHeader(l.name, s)
	if err = segment.Own(f, 0o640, l.cfg.Group); err == nil {
		err = l.cfg.ops.write(f, h.Encode(), 0)
	}
	if err != nil {
		f.Close()
		return errors.Join(err, l.remove(s))
	}
	l.seg, l.newName = f, true
	l.segs = append(l.segs, s)
	l.bytes += segment.HeaderSize
	return nil
}

// remove unlinks a segment. That it is gone already is as good: an unlink that
// failed may have been done all the same.
func (l *lane) remove(s segment.File) error {
	err := l.cfg.ops.unlink(l.dir, s.Name())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func (l *lane) last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next - 1
}

func (l *lane) takeEvictions() Gap {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.evicted
	l.evicted = Gap{}
	return g
}

func (l *lane) stats() LaneStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := LaneStats{
		Lane: l.name, Epoch: l.epoch, Last: l.next - 1, Durable: l.synced,
		Segments: len(l.segs), Bytes: l.bytes, MaxBytes: l.max,
		Evicted: l.counts.evicted, Failed: l.counts.failed, Err: l.lastErr,
	}
	if len(l.segs) > 0 {
		s.First = l.segs[0].First
	}
	return s
}
