package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

func event(id int64, host fleet.HostID, check string) fleet.Event {
	return fleet.Event{ID: id, Host: host, Change: finding.Change{Result: finding.Result{Check: check}}}
}

func frame(e fleet.Event) ([]byte, error) {
	if e.Change.Result.Check == "broken" {
		return nil, errors.New("cannot be rendered")
	}
	return fmt.Appendf(nil, `{"id":%d}`, e.ID), nil
}

// run starts a hub in the bubble and returns its feed and the function that
// ends it.
func run(t *testing.T, limit int) (*Hub, chan fleet.Update, func()) {
	t.Helper()
	h := NewHub(limit, frame)
	updates := make(chan fleet.Update, h.Buffer())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx, updates) }()
	return h, updates, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// drain returns the names and ids of what is queued.
func drain(c *client) string {
	var all []string
	for {
		select {
		case m, ok := <-c.queue:
			if !ok {
				return strings.Join(append(all, "end"), " ")
			}
			name, _, _ := strings.Cut(strings.TrimPrefix(m.frame[strings.Index(m.frame, "event: "):], "event: "), "\n")
			if m.id != 0 {
				name = fmt.Sprint(m.id)
			}
			all = append(all, name)
		default:
			return strings.Join(all, " ")
		}
	}
}

func join(t *testing.T, h *Hub, f Filter) *client {
	t.Helper()
	c, err := h.join(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, updates, end := run(t, 10)
		all, host, check := join(t, h, Filter{}), join(t, h, Filter{Host: "b"}), join(t, h, Filter{Check: "y"})
		onlyA := func(id fleet.HostID) bool { return id == "a" }
		scoped, beyond := join(t, h, Filter{Sees: onlyA}), join(t, h, Filter{Host: "b", Sees: onlyA})
		updates <- fleet.Update{Host: "a", Events: []fleet.Event{event(1, "a", "x"), event(2, "a", "y")}}
		updates <- fleet.Update{Host: "b", Events: []fleet.Event{event(3, "b", "x")}}
		updates <- fleet.Update{Host: "b", Events: []fleet.Event{event(4, "b", "broken")}, Lost: true}
		synctest.Wait()
		for want, c := range map[string]*client{"1 2 3 lost 4": all, "3 lost 4": host, "2 lost": check, "1 2 lost": scoped, "lost": beyond} {
			if got := drain(c); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		end()
		if got := drain(all); got != "end" || h.Len() != 0 {
			t.Errorf("after the end: %q, %d streams", got, h.Len())
		}
		if _, err := h.join(Filter{}); !errors.Is(err, ErrFull) {
			t.Errorf("join after the end: %v", err)
		}
	})
}

func TestTouchesAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, updates, end := run(t, 10)
		defer end()
		synctest.Wait()
		all, host := join(t, h, Filter{}), join(t, h, Filter{Host: "b"})
		updates <- fleet.Update{Host: "a"}
		synctest.Wait()
		if got := drain(all); got != "touch" {
			t.Errorf("the first touch gives %q", got)
		}
		for i := range 1000 {
			updates <- fleet.Update{Host: fleet.HostID("abc"[i%3 : i%3+1])}
			synctest.Wait()
		}
		if got := drain(all); got != "" {
			t.Errorf("at once: %q", got)
		}
		<-time.After(touchEvery)
		synctest.Wait()
		if a, b := drain(all), drain(host); a != "touch" || b != "touch" {
			t.Errorf("after a while: %q and %q", a, b)
		}
	})
}

func TestSlowIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, updates, end := run(t, 10)
		defer end()
		slow, quick := join(t, h, Filter{}), join(t, h, Filter{})
		for i := range streamBuffer + 10 {
			updates <- fleet.Update{Host: "a", Events: []fleet.Event{event(int64(i+1), "a", "x")}}
			synctest.Wait()
			if drain(quick) != fmt.Sprint(i+1) {
				t.Fatalf("a slow stream holds event %d up", i+1)
			}
		}
		if got := drain(slow); !strings.HasSuffix(got, fmt.Sprint(streamBuffer)+" end") {
			t.Errorf("the slow stream got …%q", got[len(got)-20:])
		}
		if !h.leave(slow) || h.leave(quick) {
			t.Error("which stream was behind is not known")
		}
	})
}

func TestFull(t *testing.T) {
	h := NewHub(2, frame)
	first := join(t, h, Filter{})
	join(t, h, Filter{})
	if _, err := h.join(Filter{}); !errors.Is(err, ErrFull) {
		t.Errorf("a third stream: %v", err)
	}
	h.leave(first)
	h.leave(first) // twice does no harm
	join(t, h, Filter{})
}

// TestShare: one user has a quarter of the streams, so that others have some, too.
func TestShare(t *testing.T) {
	h := NewHub(8, frame)
	first := join(t, h, Filter{User: "ann"})
	join(t, h, Filter{User: "ann"})
	if _, err := h.join(Filter{User: "ann"}); !errors.Is(err, ErrFull) {
		t.Errorf("a third stream: %v", err)
	}
	join(t, h, Filter{User: "bob"})
	h.leave(first)
	join(t, h, Filter{User: "ann"})
}

func TestFeedEnds(t *testing.T) {
	h := NewHub(2, frame)
	updates := make(chan fleet.Update)
	close(updates)
	if err := h.Run(t.Context(), updates); err == nil {
		t.Error("no error although the feed ended")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := NewHub(2, frame).Run(ctx, updates); err != nil {
		t.Errorf("at the end: %v", err)
	}
}

// TestStreamRefused finds that an error before the first byte leaves the answer
// to the caller.
func TestStreamRefused(t *testing.T) {
	h := NewHub(1, frame)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/events", nil)
	broken := errors.New("the store is gone")
	err := h.Stream(w, r, Filter{}, nil, func() ([]fleet.Event, bool, error) { return nil, false, broken })
	if !errors.Is(err, broken) || w.Body.Len() != 0 || h.Len() != 0 {
		t.Errorf("%v, wrote %q, %d streams", err, w.Body, h.Len())
	}
	join(t, h, Filter{})
	if err := h.Stream(w, r, Filter{}, nil, nil); !errors.Is(err, ErrFull) {
		t.Errorf("beyond the limit: %v", err)
	}
}

// TestStream reads a stream over a real connection: what was missed comes first,
// nothing comes twice, a stream that is behind is told.
func TestStream(t *testing.T) {
	h := NewHub(4, frame)
	done := make(chan struct{})
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h.Stream(w, r, Filter{}, done, func() ([]fleet.Event, bool, error) {
			h.update(fleet.Update{Events: []fleet.Event{event(2, "a", "x"), event(3, "a", "x")}}) // between subscribing and asking
			return []fleet.Event{event(1, "a", "x"), event(2, "a", "x")}, false, nil
		})
		if err != nil {
			t.Error(err)
		}
	}))
	defer ts.Close()
	resp, err := http.Get(ts.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	close(done)
	var b strings.Builder
	buf := make([]byte, 512)
	for {
		n, err := resp.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			break
		}
	}
	got := strings.ReplaceAll(b.String(), "event: change\n", "")
	want := lostFrame + "id: 1\ndata: {\"id\":1}\n\nid: 2\ndata: {\"id\":2}\n\n"
	third := "id: 3\ndata: {\"id\":3}\n\n"
	if got != want+byeFrame && got != want+third+byeFrame { // the end may overtake the queue
		t.Errorf("the stream says %q", got)
	}
	if resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Errorf("it is %s", resp.Header.Get("Content-Type"))
	}
}

// TestIdleStream leaves a stream alone for longer than a write may take, over
// both versions of HTTP, and finds it open.
func TestIdleStream(t *testing.T) {
	for _, two := range []bool{false, true} {
		h := NewHub(4, frame)
		h.writeWithin = 50 * time.Millisecond
		joined := make(chan struct{}, 50)
		ts := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = h.Stream(w, r, Filter{}, nil, func() ([]fleet.Event, bool, error) { joined <- struct{}{}; return nil, true, nil })
		}))
		ts.EnableHTTP2 = two
		ts.Config.WriteTimeout, ts.Config.ReadTimeout = 100*time.Millisecond, 100*time.Millisecond
		ts.StartTLS()
		resp, err := ts.Client().Get(ts.URL)
		for try := 1; err != nil && try < cap(joined); try++ { // TLS has no longer, and the machine may be busy
			resp, err = ts.Client().Get(ts.URL)
		}
		if err != nil {
			t.Fatal(err)
		}
		<-joined
		<-time.After(300 * time.Millisecond)
		h.update(fleet.Update{Events: []fleet.Event{event(1, "a", "x")}})
		buf := make([]byte, 100)
		n, err := resp.Body.Read(buf)
		if resp.ProtoMajor == 2 != two || err != nil || !strings.HasPrefix(string(buf[:n]), "id: 1") {
			t.Errorf("%s: %q, %v", resp.Proto, buf[:n], err)
		}
		h.close()
		resp.Body.Close()
		ts.Close()
	}
}
