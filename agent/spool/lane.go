package spool

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"seawall/agent/spool/folder"
	"seawall/agent/spool/segment"
)

// lane is the writer's side of one lane.
//
// Appends hold mu only, so they go on while a commit waits for the disk. Commits
// hold commitMu, and take mu for short: the order is commitMu before mu before the
// watermark's lock.
type lane struct {
	name    string
	epoch   uint64
	max     int64 // bytes on disk
	segSize int64
	cfg     Config
	dir     *os.File
	mark    *watermark

	commitMu sync.Mutex

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
	floor   floor
	counts  struct{ evicted, damaged, refused, failed uint64 }
	lastErr error
}

func openLane(parent *os.File, name string, epoch uint64, cfg Config) (_ *lane, err error) {
	l := &lane{name: name, epoch: epoch, max: cfg.Lanes[name], segSize: cfg.SegmentBytes, cfg: cfg}
	if l.segSize == 0 {
		l.segSize = min(l.max/8, defaultSegment)
	}
	if l.dir, err = folder.MakeDir(parent, name); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.dir.Close()
		}
	}()
	if err := folder.Own(l.dir, 0o750, cfg.Group); err != nil {
		return nil, err
	}
	if cfg.Discard {
		if err := l.discard(); err != nil {
			return nil, err
		}
	}
	if l.mark, err = openWatermark(l.dir, cfg); err != nil {
		return nil, err
	}
	if err := l.recover(); err != nil {
		l.mark.close()
		return nil, err
	}
	l.timer = time.AfterFunc(time.Hour, l.onTimer)
	l.timer.Stop()
	return l, nil
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
			l.counts.refused++
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
	l.counts.refused++
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
	if err = folder.Own(f, 0o640, l.cfg.Group); err == nil {
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
		Low: l.floor.ceiling > 0, Evicted: l.counts.evicted, Damaged: l.counts.damaged,
		Refused: l.counts.refused, Failed: l.counts.failed, Err: l.lastErr,
	}
	if len(l.segs) > 0 {
		s.First = l.segs[0].First
	}
	return s
}
