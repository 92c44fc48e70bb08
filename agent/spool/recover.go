package spool

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"seawall/agent/spool/folder"
	"seawall/agent/spool/segment"
)

// discard removes what is in the lane, the watermark last: after a crash between,
// the rest goes with the next discard.
func (l *lane) discard() error {
	segs, _, err := folder.List(l.dir)
	if err != nil {
		return err
	}
	for _, s := range segs {
		if err := l.remove(s); err != nil {
			return err
		}
	}
	if err := l.cfg.ops.unlink(l.dir, folder.WatermarkName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return l.cfg.ops.syncDir(l.dir)
}

// recover finds where the sequence goes on after what is on disk, makes the tail
// of an earlier writer durable, and publishes it.
func (l *lane) recover() error {
	segs, foreign, err := folder.List(l.dir)
	if err != nil {
		return err
	}
	// What cannot be renamed stays and is refused where it is.
	_ = folder.SetAside(l.dir, foreign...)
	was := l.mark.now.Durable.Seq
	l.next = was + 1
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
	if err := l.recoverLast(was); err != nil {
		return err
	}
	l.synced = l.next - 1
	if !l.mark.old && len(l.segs) > 0 { // nobody knows: the likelier of two
		l.mark.evicted = l.segs[0].First - 1
	}
	if err := l.cfg.ops.syncDir(l.dir); err != nil {
		return err
	}
	return l.mark.publish(Position{Epoch: l.epoch, Seq: l.synced})
}

// recoverLast reads the last segment, before which was was durable.
func (l *lane) recoverLast(was uint64) error {
	if len(l.segs) == 0 {
		if l.mark.evicted < was {
			l.counts.damaged += was - l.mark.evicted
		}
		return nil
	}
	s := l.segs[len(l.segs)-1]
	last, good, err := l.recoverTail(s)
	if err != nil {
		return fmt.Errorf("segment %s: %w", s.Name(), err)
	}
	l.next = max(l.next, last+1)
	l.counts.damaged += l.next - s.First - min(good, l.next-s.First)
	return nil
}

// recoverTail returns the newest sequence that the segment may hold and how many
// records it does hold, and syncs it.
func (l *lane) recoverTail(s segment.File) (last, good uint64, err error) {
	f, err := folder.OpenPlain(l.dir, s.Name(), unix.O_RDONLY)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	sc := segment.NewScanner(f, s.Epoch)
	if h, err := sc.Header(); err == nil && h.Version != segment.Version {
		// Another version's records: step over any number it can hold. None is known
		// to be damaged.
		most := uint64(s.Size) / 8
		return s.First + most, most + 1, nil
	}
	last = s.First // even when its record is damaged: no two segments share a first
	for off := int64(segment.HeaderSize); off >= 0; {
		r, st, err := sc.At(off)
		switch {
		case err != nil:
			return 0, 0, err
		case st == segment.AtRecord:
			if r.Seq > last || r.Seq == s.First {
				good++
			}
			last = max(last, r.Seq)
			off = r.Next
		case st == segment.AtPayload: // at the end of a segment this is a torn write
			off = r.Next
		default:
			if off, err = sc.Resync(off + 8); err != nil {
				return 0, 0, err
			}
		}
	}
	// When this fails the records may be gone after a crash of the machine, and
	// readers will see a gap. They are no worse off for having them now.
	_ = l.cfg.ops.sync(f)
	return last, good, nil
}
