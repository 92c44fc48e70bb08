package kaudit

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// receiving is a Receive that runs.
type receiving struct {
	conn   *Conn
	ended  func() error // by whoever asked for it
	handle func(typ uint16, payload []byte)
	after  func()
	nap    time.Duration // how long at most; 0: never
	last   time.Time     // when the socket was empty last
	muted  bool
	err    error
}

// take hands out what is there, and returns false to wait for more: for the next message
// or, where they come often, for the end of a nap.
func (r *receiving) take() (done bool) {
	if r.muted {
		r.conn.wait.ticked()
	}
	found, err := r.empty()
	if err == nil {
		now := time.Now()
		busy := found && r.nap > 0 && (r.muted || now.Sub(r.last) < often)
		r.last = now
		// What came before it listens again wakes us at once.
		err = r.mute(busy)
	}
	r.err = err
	return err != nil || r.ended() != nil
}

// mute says that not messages are to wake us but the clock, or messages again.
func (r *receiving) mute(mute bool) error {
	w := r.conn.wait
	switch {
	case mute == r.muted:
		return nil
	case mute:
		r.muted = true
		return errors.Join(w.mute(), w.tick(r.nap))
	}
	r.muted = false
	return errors.Join(w.tick(0), w.listen())
}

// patience is how many batches are taken one after another before the scheduler is told
// that it goes on: some 30 ms.
const patience = 512

// empty hands out all that is queued, and reports whether there was anything.
func (r *receiving) empty() (found bool, err error) {
	c := r.conn
	for batches := 1; r.ended() == nil; batches++ {
		// What the scheduler does not know of does not wake the runtime's monitor, without
		// which timers and other descriptors wait for us.
		c.batch.long = batches%patience == 0
		n, err := c.batch.take(c.raw)
		switch {
		case err == unix.EAGAIN:
			return found, nil
		case err == unix.ENOBUFS:
			c.overruns.Add(1)
		case err != nil:
			return found, err
		}
		c.hand(n, r.handle)
		r.after()
		found = true
		if n > 0 && n < batchSize {
			return true, nil
		}
	}
	return found, nil
}

// end leaves the connection ready for the next Receive.
func (r *receiving) end() error {
	if r.conn.closed.Load() {
		return nil
	}
	return r.mute(false)
}
