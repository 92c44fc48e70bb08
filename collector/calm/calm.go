// Package calm gives memory back to the system when there is little to do. The runtime
// keeps as much again as is in use, for the next burst: with thousands of hosts that are
// silent most of the day it would be half a gigabyte for nothing.
package calm

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// calmEvery is how often the collector looks whether there is little to do.
	calmEvery = 15 * time.Second
	// calmBytes is the most that it allocates meanwhile when there is.
	calmBytes = 32 << 20
	// calmWorth is how much must have been allocated since memory was given back,
	// so that doing so again is worth looking at everything.
	calmWorth = 64 << 20
)

// Run looks for the moments until ctx ends.
func Run(ctx context.Context) error {
	tick := time.NewTicker(calmEvery)
	defer tick.Stop()
	var c calm
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if c.now(allocated()) {
				debug.FreeOSMemory()
			}
		}
	}
}

// allocated is how many bytes were ever allocated.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// calm finds the moment to give memory back.
type calm struct {
	last uint64 // allocated when looked at last
	back uint64 // allocated when memory was given back last
}

// now reports whether memory should be given back, when so many bytes were ever
// allocated.
func (c *calm) now(total uint64) bool {
	quiet := total-c.last < calmBytes
	c.last = total
	if !quiet || total-c.back < calmWorth {
		return false
	}
	c.back = total
	return true
}
