package live

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"seawall/collector/fleet"
)

// The times of a stream. A write that takes longer than writeWithin ends it.
const (
	beatEvery   = 15 * time.Second
	writeWithin = 10 * time.Second
)

// The frames that are always the same.
const (
	touchFrame = "event: touch\ndata: {}\n\n"
	lostFrame  = "event: lost\ndata: {}\n\n"
	byeFrame   = "event: bye\ndata: {}\n\n"
	beatFrame  = ": beat\n\n"
)

// change renders e as a frame. An event that cannot be rendered becomes "lost":
// the page then asks for the whole, and says what is wrong with it.
func (h *Hub) change(e fleet.Event) string {
	data, err := h.frame(e)
	if err != nil {
		return lostFrame
	}
	return fmt.Sprintf("id: %d\nevent: change\ndata: %s\n\n", e.ID, data)
}

// Missed returns the events that a page does not have, oldest first, and whether
// that is all of them.
type Missed func() (events []fleet.Event, all bool, err error)

// Stream answers r with the events that f selects until the client goes, done
// is closed, the hub ends, or the client is too slow. It starts with what missed
// returns. An error before the first byte was written is returned and nothing is
// written; later ones end the stream silently.
func (h *Hub) Stream(w http.ResponseWriter, r *http.Request, f Filter, done <-chan struct{}, missed Missed) error {
	c, err := h.join(f)
	if err != nil {
		return err
	}
	defer h.leave(c)
	events, all, err := missed()
	if err != nil {
		return err
	}
	out := writer{w: w, control: http.NewResponseController(w), within: h.writeWithin}
	if err := out.start(); err != nil {
		return err
	}
	if !all {
		out.frame(lostFrame)
	}
	var last int64
	for _, e := range events {
		out.frame(h.change(e))
		last = e.ID
	}
	h.pump(&out, c, r, done, last)
	return nil
}

// pump sends c's queue until there is a reason to end.
func (h *Hub) pump(out *writer, c *client, r *http.Request, done <-chan struct{}, last int64) {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for out.flush() == nil {
		select {
		case <-r.Context().Done():
			return
		case <-done:
			out.end(byeFrame)
			return
		case <-beat.C:
			out.frame(beatFrame)
		case m, ok := <-c.queue:
			if !ok {
				if h.leave(c) {
					out.end(lostFrame)
				} else {
					out.end(byeFrame)
				}
				return
			}
			if m.id == 0 || m.id > last {
				out.frame(m.frame)
			}
		}
	}
}

// writer writes frames, each with a deadline, and remembers its first error.
// Between frames there is none: HTTP/2 resets a stream whose deadline passes,
// idle or not.
type writer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	within  time.Duration
	err     error
}

// start sends the head. The server's own deadlines are for pages; a stream sets
// one for each write instead.
func (o *writer) start() error {
	if err := o.control.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("event stream: %w", err)
	}
	head := o.w.Header()
	head.Set("Content-Type", "text/event-stream; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no") // nginx would hold events back
	o.w.WriteHeader(http.StatusOK)
	return o.flush()
}

func (o *writer) frame(frame string) {
	if o.err == nil {
		o.err = o.control.SetWriteDeadline(time.Now().Add(o.within))
	}
	if o.err == nil {
		_, o.err = io.WriteString(o.w, frame)
	}
}

func (o *writer) flush() error {
	if o.err == nil {
		o.err = o.control.SetWriteDeadline(time.Now().Add(o.within))
	}
	if o.err == nil {
		o.err = o.control.Flush()
	}
	if o.err == nil {
		o.err = o.control.SetWriteDeadline(time.Time{})
	}
	return o.err
}

func (o *writer) end(frame string) {
	o.frame(frame)
	_ = o.flush() // the stream ends either way
}
