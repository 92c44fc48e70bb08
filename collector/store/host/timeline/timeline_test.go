package timeline

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
)

// told is a row of event: its number, the name, and the events before it of its host and check.
type told struct {
	ID, Sequence, OfHost, OfCheck int64
	Ordinal                       int
	Check                         string
}

func open(t *testing.T) *sqlite.Writer {
	t.Helper()
	d, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := schema.Migrate(t.Context(), d.Writer.Conn); err != nil {
		t.Fatal(err)
	}
	return d.Writer
}

// host is one whose events are told.
type host struct {
	key    []byte
	newest int64
	events []fleet.Event
}

func (h *host) tell(t *testing.T, line *Timeline, n Name, check string) {
	t.Helper()
	c := finding.Change{Result: finding.Result{Check: check, Status: finding.StatusFail}}
	h.events = append(h.events, fleet.Event{Received: time.Unix(1_800_000_000, 0), Change: c})
	if err := line.Add(Row{Name: n, Host: h.key, Newest: &h.newest, Events: &h.events, At: len(h.events) - 1, Body: []byte(check)}); err != nil {
		t.Fatal(err)
	}
}

// rows are all events as the table has them.
func rows(t *testing.T, w *sqlite.Writer) (all []told) {
	t.Helper()
	err := w.Rows("SELECT id, seq, host_before, check_before, ordinal, check_id FROM event ORDER BY id", nil, func(scan func(...any) error) error {
		var r told
		err := scan(&r.ID, &r.Sequence, &r.OfHost, &r.OfCheck, &r.Ordinal, &r.Check)
		all = append(all, r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestChains: numbers rise over transactions, also where the last events are gone, and each
// row names the one before it of its host and of its check.
func TestChains(t *testing.T) {
	w := open(t)
	one, two := host{key: []byte{1}}, host{key: []byte{2}}
	line := New(w)
	if first, last := line.Span(); first != 0 || last != 0 {
		t.Errorf("nothing was told: %d to %d", first, last)
	}
	for i := range 5 { // more than are written at once
		one.tell(t, &line, Name{Lane: "posture", Sequence: uint64(10 + i), Ordinal: i}, []string{"a", "b"}[i%2])
	}
	two.tell(t, &line, Name{}, "a") // the collector's own
	if err := line.End(); err != nil {
		t.Fatal(err)
	}
	want := []told{{1, 10, 0, 0, 0, "a"}, {2, 11, 1, 0, 1, "b"}, {3, 12, 2, 1, 2, "a"}, {4, 13, 3, 2, 3, "b"}, {5, 14, 4, 3, 4, "a"}, {6, 6, 0, 5, 0, "a"}}
	if d := cmp.Diff(want, rows(t, w)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if first, last := line.Span(); first != 1 || last != 6 || one.newest != 5 || two.newest != 6 || one.events[4].ID != 5 {
		t.Errorf("%d to %d, the hosts' newest are %d and %d", first, last, one.newest, two.newest)
	}
	// A host was forgotten with the newest of all: its number is not given again.
	if err := w.Exec("DELETE FROM event WHERE host = ?", two.key); err != nil {
		t.Fatal(err)
	}
	if err := w.Exec("INSERT INTO meta VALUES ('event_last', 6) ON CONFLICT (name) DO UPDATE SET value = 6"); err != nil {
		t.Fatal(err)
	}
	line = New(w)
	one.tell(t, &line, Name{Lane: "posture", Sequence: 15}, "b")
	if err := line.End(); err != nil {
		t.Fatal(err)
	}
	one.tell(t, &line, Name{Lane: "posture", Sequence: 16}, "b") // after an end, as when a host is forgotten
	if err := line.End(); err != nil {
		t.Fatal(err)
	}
	want = append(want[:5], told{7, 15, 5, 4, 0, "b"}, told{8, 16, 7, 7, 0, "b"})
	if d := cmp.Diff(want, rows(t, w)); d != "" {
		t.Errorf("the next transaction (-want +got):\n%s", d)
	}
	if first, last := line.Span(); first != 7 || last != 8 {
		t.Errorf("%d to %d", first, last)
	}
}
