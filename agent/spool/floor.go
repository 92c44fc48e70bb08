package spool

import (
	"os"

	"seawall/agent/spool/segment"
)

const (
	floorPart   = 20      // the default floor is one part of so many of the file system
	maxFloor    = 1 << 30 // and no more than this
	floorStep   = 256 << 10
	floorInodes = 16 // fewer than this are none
)

// floor keeps a lane from filling a file system that is nearly full.
type floor struct {
	since   int64 // bytes written since the file system was asked
	ceiling int64 // of the lane's bytes while it is nearly full, 0 otherwise
}

// look asks the file system now and then, and always before a new segment. Below
// the floor the lane may be as large as it was found, and at least one segment.
func (l *lane) look(size int64) {
	l.floor.since += size
	if l.cfg.MinFree < 0 || l.seg != nil && l.floor.since < floorStep {
		return
	}
	l.floor.since = 0
	sp, err := l.cfg.ops.statfs(l.dir)
	if err != nil {
		return // it can be asked no more than written to: that will tell
	}
	switch low := l.low(sp); {
	case !low:
		l.floor.ceiling = 0
	case l.floor.ceiling == 0:
		l.floor.ceiling = max(l.bytes, l.segSize)
	}
}

// Space returns how many bytes are free where the spool in dir is, and how many are
// to stay free where Config.MinFree says nothing else.
func Space(dir string) (free, floor int64, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return 0, 0, err
	}
	defer d.Close()
	sp, err := diskOps().statfs(d)
	return sp.free, sp.floor(), err
}

func (sp space) floor() int64 { return min(sp.size/floorPart, maxFloor) }

func (l *lane) low(sp space) bool {
	least := l.cfg.MinFree
	if least == 0 {
		least = sp.floor()
	}
	return sp.free < least || sp.files > 0 && sp.inodes < floorInodes
}

// limit returns how large the lane may be now.
func (l *lane) limit() int64 {
	if l.floor.ceiling > 0 {
		return min(l.max, l.floor.ceiling)
	}
	return l.max
}

// makeRoom evicts the oldest segments until size more bytes, and the header of a
// new segment, are within the lane's limit. The active segment stays.
func (l *lane) makeRoom(size int64) error {
	l.look(size)
	if l.seg == nil {
		size += segment.HeaderSize
	}
	for l.bytes+size > l.limit() && len(l.segs) > 0 && (l.seg == nil || len(l.segs) > 1) {
		if err := l.evict(); err != nil {
			return err
		}
	}
	return nil
}

// evict removes the oldest segment, all of which is durable.
func (l *lane) evict() error {
	old, to := l.segs[0], l.synced
	if len(l.segs) > 1 {
		to = l.segs[1].First - 1
	}
	if to >= old.First { // not when all its records stand in the next one
		l.mark.evict(l.epoch, to)
	}
	if err := l.remove(old); err != nil {
		return err
	}
	l.segs = l.segs[1:]
	l.bytes -= old.Size
	if to < old.First {
		return nil
	}
	l.counts.evicted += to - old.First + 1
	if l.evicted.To == 0 {
		l.evicted = Gap{From: old.First, Reason: Evicted}
	}
	l.evicted.To = to
	return nil
}
