package part

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

func open(t testing.TB) *sqlite.Writer {
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

// state is a whole state in parts of one result each.
func state(id uint64, n int) (parts []finding.StatePart) {
	for i := range n {
		r := finding.Result{Check: fmt.Sprintf("check-%d", i), Status: finding.StatusPass}
		parts = append(parts, finding.StatePart{ID: id, Part: uint32(i), Parts: uint32(n), Total: uint32(n), Digest: [32]byte{byte(id)}, Results: []finding.Result{r}})
	}
	return parts
}

func take(t *testing.T, l *Lane, p finding.StatePart) Outcome {
	t.Helper()
	body, err := wire.Encode(wire.Record{State: &p})
	if err != nil {
		t.Fatal(err)
	}
	o, err := l.Take(&p, body)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Parts come in any order; a state is complete with its last part and leaves nothing.
func TestTake(t *testing.T) {
	w := open(t)
	l := &Lane{Writer: w, Host: []byte{1}, Name: "posture", Results: 10}
	one, two := state(1, 3), state(2, 3)
	for _, p := range []finding.StatePart{one[0], one[1], two[2], two[0]} { // the second drops the first
		if o := take(t, l, p); o.Refused != "" || o.Complete {
			t.Fatalf("part %d of %d: %+v", p.Part, p.ID, o)
		}
	}
	if o := take(t, l, two[0]); o.Refused == "" {
		t.Error("a part was taken twice")
	}
	other := two[1]
	other.Digest[0]++
	if o := take(t, l, other); o.Refused == "" {
		t.Error("a part of another digest was taken")
	}
	o := take(t, l, two[1])
	var got []string
	for _, r := range o.Results {
		got = append(got, r.Check)
	}
	if diff := cmp.Diff([]string{"check-0", "check-1", "check-2"}, got); !o.Complete || diff != "" {
		t.Errorf("%+v: %s", o, diff)
	}
	var left int
	if _, err := w.Row("SELECT (SELECT count(*) FROM part) + (SELECT count(*) FROM part_set)", nil, &left); err != nil || left != 0 {
		t.Errorf("%d rows are left, %v", left, err)
	}
	if o := take(t, l, state(3, 1)[0]); !o.Complete || len(o.Results) != 1 {
		t.Errorf("a state of one part: %+v", o)
	}
	if o := take(t, l, state(4, 11)[0]); o.Refused == "" {
		t.Error("a state with more results than a host may have was begun")
	}
}

// A row that a disk damaged is an error, and the state is not taken.
func TestDamaged(t *testing.T) {
	w := open(t)
	l := &Lane{Writer: w, Host: []byte{1}, Name: "posture", Results: 10}
	parts := state(1, 2)
	take(t, l, parts[0])
	if err := w.Exec("UPDATE part SET body = ?", []byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	body, err := wire.Encode(wire.Record{State: &parts[1]})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := l.Take(&parts[1], body); err == nil || o.Complete {
		t.Errorf("%+v", o)
	}
}
