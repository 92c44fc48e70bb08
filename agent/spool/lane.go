package spool

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
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
	segs    []segment // on disk, oldest first; the last is the active one if seg is not nil
	bytes   int64     // their sum
	seg     *os.File  // active segment, created by the first append that needs it
	newName bool      // the directory does not durably hold seg's name yet
	next    uint64    // sequence of the next record
	synced  uint64    // sequence up to which fdatasync has returned
	tail    []byte    // encoded records behind synced
	broken  error     // the active segment cannot be trusted any more
	retryAt time.Time // when a broken lane tries again
	timer   *time.Timer
	closed  bool
	evicted Gap
	counts  struct{ evicted, failed uint64 }
	lastErr error
}

func openLane(parent *os.File, name string, epoch uint64, cfg Config) (_ *lane, err error) {
	if err := unix.Mkdirat(int(parent.Fd()), name, 0o750); err != nil && err != unix.EEXIST {
		return nil, pathErr("mkdir", name, err)
	}
	l := &lane{name: name, epoch: epoch, max: cfg.Lanes[name], segSize: cfg.SegmentBytes, cfg: cfg}
	if l.segSize == 0 {
		l.segSize = min(l.max/8, defaultSegment)
	}
	if l.dir, err = openDir(parent, name); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.dir.Close()
		}
	}()
	if err := own(l.dir, 0o750, cfg.Group); err != nil {
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
	f, err := openPlain(l.dir, durableName, unix.O_RDWR|unix.O_CREAT)
	if err != nil && (errors.Is(err, errNotPlain) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO)) {
		if err := unix.Unlinkat(int(l.dir.Fd()), durableName, 0); err != nil {
			return pathErr("unlink", durableName, err)
		}
		f, err = openPlain(l.dir, durableName, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	}
	if err != nil {
		return err
	}
	if err := own(f, 0o640, l.cfg.Group); err != nil {
		f.Close()
		return err
	}
	b := make([]byte, durableSize)
	n, _ := f.ReadAt(b, 0)
	if pos, ok := parseDurable(b[:n]); ok {
		l.next = pos.Seq + 1
	}
	l.durable = f
	return nil
}

// recover finds where the sequence goes on after what is on disk, makes the tail
// of an earlier writer durable, and publishes it.
func (l *lane) recover() error {
	segs, foreign, err := segments(l.dir)
	if err != nil {
		return err
	}
	if err := setAside(l.dir, foreign); err != nil {
		return err
	}
	l.next = max(l.next, 1)
	for _, s := range segs {
		l.next = max(l.next, s.first)
		if s.size <= segHeader { // created, never written
			if err := l.remove(s); err != nil {
				return err
			}
			continue
		}
		l.segs = append(l.segs, s)
		l.bytes += s.size
	}
	if n := len(l.segs); n > 0 {
		last, err := l.recoverTail(l.segs[n-1])
		if err != nil {
			return fmt.Errorf("segment %s: %w", l.segs[n-1].name(), err)
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
func (l *lane) recoverTail(s segment) (uint64, error) {
	f, err := openPlain(l.dir, s.name(), unix.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sc := scanner{r: f, epoch: s.epoch}
	if b, err := sc.window(0, segHeader); err == nil {
		if h, err := parseHeader(b); err == nil && h.version != version {
			// Another version's records: step over any number it can hold.
			return s.first + uint64(s.size)/8, nil
		}
	}
	last := s.first // even when its record is damaged: no two segments share a first
	for off := int64(segHeader); off >= 0; {
		r, st, err := sc.at(off)
		switch {
		case err != nil:
			return 0, err
		case st == atRecord:
			last = max(last, r.seq)
			off = r.next
		case st == atPayload: // at the end of a segment this is a torn write
			off = r.next
		default:
			if off, err = sc.resync(off + 8); err != nil {
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
	size := recordSize(len(payload))
	if len(payload) > MaxPayload || size+segHeader > l.max/2 {
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
	return active.size > segHeader && active.size+size > l.segSize
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
	pos = Position{l.epoch, l.next}
	start := len(l.tail)
	l.tail = appendRecord(l.tail, pos, payload)
	active := &l.segs[len(l.segs)-1]
	if err := l.cfg.ops.write(l.seg, l.tail[start:], active.size); err != nil {
		l.tail = l.tail[:start]
		if terr := l.cfg.ops.truncate(l.seg, active.size); terr != nil {
			l.broken, l.retryAt = err, time.Time{}
		}
		return Position{}, false, err
	}
	active.size += size
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
		size += segHeader
	}
	for l.bytes+size > l.max && len(l.segs) > 0 && (l.seg == nil || len(l.segs) > 1) {
		old := l.segs[0]
		if err := l.remove(old); err != nil {
			return err
		}
		to := l.synced
		if len(l.segs) > 1 {
			to = l.segs[1].first - 1
		}
		l.segs = l.segs[1:]
		l.bytes -= old.size
		if to < old.first {
			continue // a segment whose records all stand in the next one
		}
		l.counts.evicted += to - old.first + 1
		if l.evicted.To == 0 {
			l.evicted = Gap{From: old.first, Reason: Evicted}
		}
		l.evicted.To = to
	}
	return nil
}

// create starts a segment whose first record is first.
func (l *lane) create(first uint64) error {
	s := segment{first: first, epoch: l.epoch, size: segHeader}
	f, err := l.cfg.ops.create(l.dir, s.name())
	if errors.Is(err, os.ErrExist) { // ours, from a failure that could not be cleaned up
		if err = l.remove(s); err == nil {
			f, err = l.cfg.ops.create(l.dir, s.name())
		}
	}
	if err != nil {
		return err
	}
	var boot unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) // a label only
	h := header{version: version, epoch: l.epoch, first: first, wall: time.Now().UnixNano(), boottime: boot.Nano(), lane: l.name}
	if err = own(f, 0o640, l.cfg.Group); err == nil {
		err = l.cfg.ops.write(f, h.encode(), 0)
	}
	if err != nil {
		f.Close()
		return errors.Join(err, l.remove(s))
	}
	l.seg, l.newName = f, true
	l.segs = append(l.segs, s)
	l.bytes += segHeader
	return nil
}

// remove unlinks a segment. That it is gone already is as good: an unlink that
// failed may have been done all the same.
func (l *lane) remove(s segment) error {
	err := l.cfg.ops.unlink(l.dir, s.name())
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
		s.First = l.segs[0].first
	}
	return s
}
