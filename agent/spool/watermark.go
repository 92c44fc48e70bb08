package spool

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/spool/folder"
	"seawall/agent/spool/segment"
)

// watermark is the file in which a lane's writer tells its readers how far they may
// read, and what will never be there. Its lock is the last one taken.
type watermark struct {
	ops *ops
	mu  sync.Mutex
	f   *os.File
	now segment.Watermark // what stands in the file
	old bool              // an earlier writer's was there, and good

	evicted  uint64 // what readers are to be told
	unsynced bool   // of it
}

// openWatermark opens the watermark of a lane and reads what an earlier writer
// said. What stands in its place and is no plain file is set aside.
func openWatermark(dir *os.File, cfg Config) (*watermark, error) {
	f, err := folder.OpenPlain(dir, folder.WatermarkName, unix.O_RDWR|unix.O_CREAT)
	if folder.IsForeign(err) {
		if err := folder.SetAside(dir, folder.WatermarkName); err != nil {
			return nil, err
		}
		f, err = folder.OpenPlain(dir, folder.WatermarkName, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	}
	if err != nil {
		return nil, err
	}
	if err := folder.Own(f, 0o640, cfg.Group); err != nil {
		f.Close()
		return nil, err
	}
	w := &watermark{ops: cfg.ops, f: f}
	w.now, w.old = segment.ReadWatermark(f)
	w.evicted = w.now.Evicted
	return w, nil
}

// publish tells readers that they may read up to pos.
func (w *watermark) publish(pos Position) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := segment.Watermark{Durable: pos, Evicted: w.evicted}
	if next == w.now && !w.unsynced {
		return nil
	}
	return w.put(next)
}

// evict tells readers that the records up to seq, which are durable, are about to be
// removed to make room. It is synced, so that after a crash too they are told of an
// eviction and not of damage. An error is no reason not to evict: the disk may be
// full because nothing was. The next publish says it again.
func (w *watermark) evict(epoch, seq uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.evicted = max(w.evicted, seq)
	w.unsynced = true
	next := w.now
	next.Evicted = w.evicted
	if next.Evicted > next.Durable.Seq {
		next.Durable = Position{Epoch: epoch, Seq: next.Evicted}
	}
	_ = w.put(next)
}

func (w *watermark) put(next segment.Watermark) error {
	if err := w.ops.write(w.f, next.Encode(time.Now().UnixNano()), 0); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	w.now = next
	if w.unsynced {
		if err := w.ops.sync(w.f); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		w.unsynced = false
	}
	return nil
}

func (w *watermark) close() error { return w.f.Close() }
