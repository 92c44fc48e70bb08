package spool

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"seawall/agent/spool/folder"
	"seawall/agent/spool/reader"
	"seawall/agent/spool/segment"
)

// The words that writers and readers share.
type (
	// Position names a record of a lane for ever. The zero Position is before the
	// first record.
	Position = segment.Position
	// Gap is a range of records that are gone, both ends included.
	Gap = segment.Gap
	// Reader reads one lane in order.
	Reader = reader.Reader
	// Record is a record as it was appended, with what is missing before it.
	Record = reader.Record
)

// The reasons for which records are gone.
const (
	Evicted = segment.Evicted // the lane was full
	Damaged = segment.Damaged // the disk does not hold what was written
)

// OpenReader opens a lane of the spool in dir at its oldest record.
func OpenReader(dir, lane string) (*Reader, error) { return reader.Open(dir, lane) }

// Lanes lists the lanes of the spool in dir, by name.
func Lanes(dir string) ([]string, error) { return folder.Lanes(dir) }

// MaxPayload is the longest payload of a record.
const MaxPayload = segment.MaxPayload

// Errors that callers tell apart. A full or broken disk shows as the system's own
// error, wrapped: errors.Is(err, syscall.ENOSPC).
var (
	ErrTooLarge = errors.New("payload is larger than a record may be")
	ErrClosed   = errors.New("spool is closed")
	ErrNoLane   = folder.ErrNoLane
	ErrLocked   = folder.ErrLocked
	ErrEmpty    = reader.ErrEmpty
)

// Config says how a spool is written. Zero fields mean the default.
type Config struct {
	// Lanes holds the bound in bytes of each lane. Default: posture and detections
	// 64 MiB each, health 16 MiB. Lanes that are on disk but not here are left alone.
	Lanes map[string]int64
	// SegmentBytes is the size at which a segment is full. Default: an eighth of
	// the lane's bound, at most 4 MiB.
	SegmentBytes int64
	// Interval is how long a record may wait to become durable. Default 100 ms.
	Interval time.Duration
	// CommitBytes is how much may wait to become durable. Default 256 KiB.
	CommitBytes int
	// MinFree is how many bytes of the file system are to stay free. With less, or
	// without inodes, no lane grows: what is appended evicts the lane's own oldest.
	// Default: 5 % of the file system, at most 1 GiB; negative is no floor.
	MinFree int64
	// Discard removes what the lanes hold before anything is written, for a disk
	// that was copied from another machine: its records are that machine's to tell.
	Discard bool
	// Group is the group that may read, by number. Default: the writer's own.
	Group int

	ops *ops // the disk; for tests of its faults
}

const (
	defaultSegment = 4 << 20
	minLaneBytes   = 4 << 10
	retryAfter     = time.Second // after a failed commit
)

func (c Config) withDefaults() (Config, error) {
	if len(c.Lanes) == 0 {
		c.Lanes = map[string]int64{"posture": 64 << 20, "detections": 64 << 20, "health": 16 << 20}
	}
	for name, max := range c.Lanes {
		if !segment.ValidLane(name) {
			return c, fmt.Errorf("lane %q: a name is 1 to 12 letters a-z", name)
		}
		if max < minLaneBytes || c.SegmentBytes > max/2 {
			return c, fmt.Errorf("lane %q: bound of %d bytes is less than %d or than two segments", name, max, minLaneBytes)
		}
	}
	if c.SegmentBytes < 0 || c.CommitBytes < 0 || c.Interval < 0 {
		return c, errors.New("negative setting")
	}
	if c.Interval == 0 {
		c.Interval = 100 * time.Millisecond
	}
	if c.CommitBytes == 0 {
		c.CommitBytes = 256 << 10
	}
	if c.ops == nil {
		o := diskOps()
		c.ops = &o
	}
	return c, nil
}

// Spool is a spool open for writing. Its methods may be called from any
// goroutine; lanes do not wait for one another.
type Spool struct {
	epoch uint64
	lock  *os.File
	lanes map[string]*lane

	closeOnce sync.Once
	closeErr  error
}

// Open opens the spool in dir for writing and creates what is missing below
// dir's parent. Whatever stands in the files, it does not fail because of it; it
// fails when the directory cannot be used, and with ErrLocked when another
// process writes it.
func Open(dir string, cfg Config) (*Spool, error) {
	s, err := open(dir, cfg)
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	return s, nil
}

func open(dir string, cfg Config) (_ *Spool, err error) {
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := folder.Own(d, 0o750, cfg.Group); err != nil {
		return nil, err
	}
	s := &Spool{lanes: map[string]*lane{}}
	if s.lock, err = folder.Lock(d, cfg.Group); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.closeLanes()
			s.lock.Close()
		}
	}()
	var b [8]byte
	rand.Read(b[:])
	s.epoch = max(1, binary.LittleEndian.Uint64(b[:])) // 0 is no epoch in a Position
	for _, name := range slices.Sorted(maps.Keys(cfg.Lanes)) {
		l, err := openLane(d, name, s.epoch, cfg)
		if err != nil {
			return nil, fmt.Errorf("lane %s: %w", name, err)
		}
		s.lanes[name] = l
	}
	return s, nil
}

// Epoch returns the epoch of all records that this Spool writes.
func (s *Spool) Epoch() uint64 { return s.epoch }

// Append adds a record to a lane. It returns when the record is written, which
// survives the death of this process; it becomes durable within Config.Interval.
// After an error the record is not in the spool.
func (s *Spool) Append(lane string, payload []byte) (Position, error) {
	l, err := s.lane(lane)
	if err != nil {
		return Position{}, err
	}
	return l.append(payload)
}

// AppendSync adds a record and returns when it is durable and readers can see it.
// With an error of the disk the record may have been accepted, which a position
// other than zero says: then it becomes durable when the disk works again.
func (s *Spool) AppendSync(lane string, payload []byte) (Position, error) {
	l, err := s.lane(lane)
	if err != nil {
		return Position{}, err
	}
	pos, err := l.append(payload)
	if err != nil {
		return pos, err
	}
	return pos, l.commit(pos.Seq)
}

func (s *Spool) lane(name string) (*lane, error) {
	if l, ok := s.lanes[name]; ok {
		return l, nil
	}
	return nil, fmt.Errorf("append to spool: lane %q: %w", name, ErrNoLane)
}

// Sync makes durable what has been appended to any lane.
func (s *Spool) Sync() error {
	var all error
	for _, l := range s.sorted() {
		all = errors.Join(all, l.commit(l.last()))
	}
	return all
}

// Close makes durable what has been appended, and lets go of the spool.
func (s *Spool) Close() error {
	s.closeOnce.Do(func() {
		s.closeErr = s.closeLanes()
		s.lock.Close()
	})
	return s.closeErr
}

func (s *Spool) closeLanes() error {
	var all error
	for _, l := range s.sorted() {
		all = errors.Join(all, l.close())
	}
	return all
}

func (s *Spool) sorted() []*lane {
	lanes := slices.Collect(maps.Values(s.lanes))
	slices.SortFunc(lanes, func(a, b *lane) int { return strings.Compare(a.name, b.name) })
	return lanes
}

// LaneStats is one lane as its writer sees it. All but the counters since open
// are gauges.
type LaneStats struct {
	Lane     string
	Epoch    uint64
	First    uint64 // oldest sequence on disk, 0 when there is none
	Last     uint64 // newest sequence appended, in this epoch or before
	Durable  uint64 // newest sequence that is durable
	Segments int
	Bytes    int64 // on disk
	MaxBytes int64
	Low      bool   // the file system is below Config.MinFree, the lane does not grow
	Evicted  uint64 // records evicted since open
	Damaged  uint64 // records that open found missing in the newest segment or behind it
	Refused  uint64 // appends refused since open
	Failed   uint64 // commits failed since open
	Err      error  // of the last commit or append, nil when it went well
}

// Stats returns the state of each lane, by name.
func (s *Spool) Stats() []LaneStats {
	stats := make([]LaneStats, 0, len(s.lanes))
	for _, l := range s.sorted() {
		stats = append(stats, l.stats())
	}
	return stats
}

// Evictions returns the records evicted from a lane since the last call, merged
// to one range as they always are the oldest. It cannot say whether they have
// been read: only the reader knows.
func (s *Spool) Evictions(lane string) Gap {
	l, ok := s.lanes[lane]
	if !ok {
		return Gap{}
	}
	return l.takeEvictions()
}
