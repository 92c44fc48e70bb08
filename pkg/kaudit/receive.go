package kaudit

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// receiving is a Receive that runs.
type receiving struct {
	conn   *Conn
	ctx    context.Context // the Receive's own
	handle func(typ uint16, payload []byte)
	after  func()
	nap    time.Duration // how long at most; 0: never
	timer  *time.Timer
	last   time.Time // when the socket was empty last
	muted  bool
	err    error
}

// take hands out what is there, and returns false to wait for more.
func (r *receiving) take() (done bool) {
	for r.ctx.Err() == nil {
		found, err := r.empty()
		if err != nil {
			r.err = err
			return true
		}
		now := time.Now()
		busy := found && (r.muted || now.Sub(r.last) < often)
		r.last = now
		if !busy || r.nap == 0 {
			// What came since then wakes us at once.
			r.err = r.mute(false)
			return r.err != nil
		}
		if r.err = r.mute(true); r.err != nil {
			return true
		}
		r.rest()
	}
	return true
}

// mute says that messages are not to wake us, or that they are.
func (r *receiving) mute(mute bool) (err error) {
	if mute == r.muted {
		return nil
	}
	if mute {
		err = r.conn.wait.mute()
	} else {
		err = r.conn.wait.listen()
	}
	r.muted = mute && err == nil
	return err
}

// empty hands out all that is queued, and reports whether there was anything.
func (r *receiving) empty() (found bool, err error) {
	c := r.conn
	for r.ctx.Err() == nil {
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

// rest waits a while, deaf to the socket.
func (r *receiving) rest() {
	if r.timer == nil {
		r.timer = time.NewTimer(r.nap)
	} else {
		r.timer.Reset(r.nap)
	}
	select {
	case <-r.timer.C:
	case <-r.ctx.Done():
	}
}

// end leaves the connection ready for the next Receive.
func (r *receiving) end() error {
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.conn.closed.Load() {
		return nil
	}
	return r.mute(false)
}
