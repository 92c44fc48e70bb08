package spool

import (
	"errors"
	"fmt"
	"time"

	"seawall/agent/spool/segment"
)

// commit returns when everything up to seq is durable and published. Callers that
// come together share one fdatasync.
func (l *lane) commit(seq uint64) error {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	err := l.commitLocked(seq)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return err
	}
	switch {
	case err != nil:
		l.counts.failed++
		l.lastErr = err
		l.timer.Reset(max(l.cfg.Interval, retryAfter))
		return fmt.Errorf("commit spool: lane %s: %w", l.name, err)
	case len(l.tail) > 0: // appended meanwhile
		l.timer.Reset(l.cfg.Interval)
	default:
		l.timer.Stop()
	}
	return nil
}

func (l *lane) commitLocked(seq uint64) error {
	l.mu.Lock()
	if l.broken == nil && l.synced >= seq {
		synced := l.synced
		l.mu.Unlock()
		return l.publish(synced)
	}
	f, newName, n, last, broken := l.seg, l.newName, len(l.tail), l.next-1, l.broken
	l.mu.Unlock()

	if broken == nil {
		err := l.cfg.ops.sync(f)
		if err == nil && newName {
			err = l.cfg.ops.syncDir(l.dir)
		}
		if err == nil {
			l.mu.Lock()
			l.newName = false
			l.synced = last
			l.tail = l.tail[:copy(l.tail, l.tail[n:])]
			l.lastErr = nil
			l.mu.Unlock()
			return l.publish(last)
		}
		broken = err
	}

	// From here the active segment is lost: the kernel forgets what it could not
	// write, and a second fdatasync would say that all is well.
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = broken
	if err := l.rewrite(); err != nil {
		l.retryAt = time.Now().Add(retryAfter)
		return errors.Join(broken, err)
	}
	l.broken, l.lastErr = nil, nil
	l.synced = l.next - 1
	l.tail = l.tail[:0]
	return l.publish(l.synced)
}

// rewrite leaves the active segment and writes the tail to a new one.
func (l *lane) rewrite() error {
	if l.seg != nil {
		l.seg.Close()
		l.seg = nil
	}
	if len(l.tail) == 0 {
		return nil
	}
	// A segment that begins where the tail begins holds nothing durable, and has
	// the name that is needed now.
	if n := len(l.segs); n > 0 && l.segs[n-1].First == l.synced+1 && l.segs[n-1].Epoch == l.epoch {
		if err := l.remove(l.segs[n-1]); err != nil {
			return err
		}
		l.bytes -= l.segs[n-1].Size
		l.segs = l.segs[:n-1]
	}
	if err := l.makeRoom(int64(len(l.tail))); err != nil {
		return err
	}
	if err := l.create(l.synced + 1); err != nil {
		return err
	}
	active := &l.segs[len(l.segs)-1]
	if err := l.cfg.ops.write(l.seg, l.tail, segment.HeaderSize); err != nil {
		return err
	}
	active.Size += int64(len(l.tail))
	l.bytes += int64(len(l.tail))
	err := l.cfg.ops.sync(l.seg)
	if err == nil {
		err = l.cfg.ops.syncDir(l.dir)
	}
	l.newName = err != nil
	return err
}

// publish tells readers how far they may read. The caller holds commitMu.
func (l *lane) publish(seq uint64) error { return l.mark.publish(Position{Epoch: l.epoch, Seq: seq}) }

// onTimer commits what has waited long enough. An error shows in Stats and makes
// the timer run again.
func (l *lane) onTimer() { _ = l.commit(l.last()) }

func (l *lane) close() error {
	err := l.commit(l.last())
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return err
	}
	l.closed = true
	l.timer.Stop()
	if l.seg != nil {
		l.seg.Close()
		l.seg = nil
	}
	l.mark.close()
	l.dir.Close()
	return err
}
