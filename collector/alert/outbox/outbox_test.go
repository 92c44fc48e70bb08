package outbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/alert"
	"seawall/collector/db"
	"seawall/collector/store"
)

type box struct {
	*Outbox
	t    *testing.T
	data db.DB
	at   time.Time
}

func newBox(t *testing.T) *box {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &box{t: t, data: s, at: time.Unix(1_800_000_000, 0).UTC()}
	b.Outbox = New(s, func() time.Time { return b.at })
	return b
}

func (b *box) put(route string, ids ...string) {
	b.t.Helper()
	for _, id := range ids {
		err := b.data.Write(b.t.Context(), func(w db.Writer) error {
			_, err := Put(w, b.at, Item{ID: id, Route: route, Kind: alert.KindMessage, Type: "application/json", Title: "title " + id, Rule: "r", Body: []byte(id)})
			return err
		})
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

// claim returns "id attempt" of each parcel.
func (b *box) claim(route string, limit int) (got []string) {
	b.t.Helper()
	parcels, err := b.Claim(b.t.Context(), route, limit)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range parcels {
		if string(p.Body) != p.ID || p.Route != route || p.Kind != alert.KindMessage || p.Made.IsZero() {
			b.t.Errorf("parcel %+v", p)
		}
		got = append(got, fmt.Sprintf("%s %d", p.ID, p.Attempt))
	}
	return got
}

func (b *box) report(id string, r alert.Result, attempt int) {
	b.t.Helper()
	err := b.Report(b.t.Context(), alert.Outcome{ID: id, Result: r, Detail: "said " + string(r) + "\n", Took: time.Second}, attempt)
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) want(what string, got []string, want ...string) {
	b.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		b.t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// states returns "id state attempts" of the log, the newest first.
func (b *box) states(q Query) (got []string) {
	b.t.Helper()
	entries, err := b.Log(b.t.Context(), q)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%s %s %d", e.ID, e.State, e.Attempts))
	}
	return got
}

// TestQueue: in order, each route for itself; after a failure all of the route wait,
// ever longer.
func TestQueue(t *testing.T) {
	b := newBox(t)
	b.put("mail", "a", "b", "c")
	b.put("chat", "d")
	b.want("two", b.claim("mail", 2), "a 1", "b 1")
	b.want("they are out", b.claim("mail", 2))
	b.want("another route", b.claim("chat", 5), "d 1")
	b.report("a", alert.Sent, 1)
	b.report("b", alert.Later, 1)
	b.want("waits", b.claim("mail", 5))
	b.at = b.at.Add(5 * time.Second)
	b.want("after five seconds", b.claim("mail", 5), "b 2", "c 1")
	b.report("b", alert.Later, 2)
	b.report("c", alert.Untried, 1)
	b.at = b.at.Add(6 * time.Second)
	b.want("behind one that waits", b.claim("mail", 5))
	b.at = b.at.Add(4 * time.Second)
	b.want("after ten", b.claim("mail", 5), "b 3", "c 1")
	b.report("b", alert.Sent, 3)
	b.report("c", alert.Refused, 1)
	b.want("log", b.states(Query{Route: "mail"}), "c refused 1", "b sent 3", "a sent 1")
	b.want("log of a state", b.states(Query{State: Waiting}), "d waiting 1")
	e, body, err := b.Message(t.Context(), "c")
	if err != nil || string(body) != "c" || e.Detail != `said refused\n` || e.Took != time.Second || e.Title != "title c" || !e.Ended.Equal(b.at) {
		t.Errorf("%+v, %s, %v", e, body, err)
	}
	if got := wait(100); got != lastWait {
		t.Errorf("waits %s after 100 attempts", got)
	}
}

// TestLease: what a process had in hand when it died is handed out again, and its late
// report changes nothing.
func TestLease(t *testing.T) {
	b := newBox(t)
	b.put("mail", "a")
	b.want("first", b.claim("mail", 1), "a 1")
	b.at = b.at.Add(Lease)
	b.want("again", b.claim("mail", 1), "a 2")
	b.report("a", alert.Refused, 1)
	b.want("late", b.states(Query{}), "a waiting 2")
	b.report("a", alert.Sent, 2)
	b.report("a", alert.Refused, 2)
	b.want("once", b.states(Query{}), "a sent 2")
}

func TestExpireAgainTrim(t *testing.T) {
	b := newBox(t)
	b.put("mail", "a")
	b.at = b.at.Add(expire + time.Second)
	b.want("expired", b.claim("mail", 1))
	b.want("expired", b.states(Query{}), "a expired 0")
	again := func(id string) error {
		return b.data.Write(t.Context(), func(w db.Writer) error { return Again(w, b.at, id) })
	}
	if err := again("a"); err != nil {
		t.Fatal(err)
	}
	if err := again("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that waits: %v", err)
	}
	b.want("again", b.claim("mail", 1), "a 1")
	b.report("a", alert.Sent, 1)
	if err := again("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that was sent: %v", err)
	}
	b.put("mail", "b")
	b.at = b.at.Add(30*24*time.Hour + time.Second)
	if err := b.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want("trimmed", b.states(Query{}), "b waiting 0")
	if _, _, err := b.Message(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a message that is gone: %v", err)
	}
}

// TestRawStays: what is for a program does not expire.
func TestRawStays(t *testing.T) {
	b := newBox(t)
	if err := b.data.Write(t.Context(), func(w db.Writer) error {
		_, err := Put(w, b.at, Item{ID: "a", Route: "siem", Kind: alert.KindRaw, Body: []byte("a")})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b.at = b.at.Add(30 * expire)
	if all, err := b.Claim(t.Context(), "siem", 1); err != nil || len(all) != 1 || all[0].Kind != alert.KindRaw {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestBounds(t *testing.T) {
	b := newBox(t)
	put := func(it Item) error {
		return b.data.Write(t.Context(), func(w db.Writer) error { _, err := Put(w, b.at, it); return err })
	}
	if err := put(Item{Route: "r", Body: make([]byte, maxBody+1)}); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a large body: %v", err)
	}
	err := b.data.Write(t.Context(), func(w db.Writer) error {
		for i := range maxWaiting {
			if err := w.Exec(`INSERT INTO outbox (seq, id, route, kind, type, title, rule, made, due, attempts, state, ended, took, detail, body)
				VALUES (?, ?, 'r', 'raw', '', '', '', 0, 0, 0, 'waiting', 0, 0, '', ?)`, i+1, NewID(), []byte{1}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(Item{Route: "r"}); !errors.Is(err, ErrFull) {
		t.Errorf("a full route: %v", err)
	}
	if err := put(Item{Route: "other", Body: []byte("x")}); err != nil {
		t.Errorf("another route: %v", err)
	}
	loads, err := b.Loads(t.Context())
	if err != nil || loads["r"].Waiting != maxWaiting || loads["other"].Waiting != 1 {
		t.Errorf("loads %+v, %v", loads, err)
	}
}

// TestTry: a message that tries a route says so, and who asked for it.
func TestTry(t *testing.T) {
	b := newBox(t)
	var id string
	if err := b.data.Write(t.Context(), func(w db.Writer) (err error) { id, err = Try(w, b.at, "mail", "alice"); return err }); err != nil {
		t.Fatal(err)
	}
	_, body, err := b.Message(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var m alert.Message
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	if !m.Test || m.ID != id || m.Word() != "test" || !strings.Contains(m.Summary, "alice") {
		t.Errorf("message %+v", m)
	}
}
