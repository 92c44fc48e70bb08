package storm

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
)

var (
	now  = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)
	host = []byte{1}
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

// Of the reports of a storm the one that counts most stands, in the newest place, and
// each storm beyond the limit costs the least severe one.
func TestKeep(t *testing.T) {
	w := open(t)
	k := New(w, now, 10)
	report := func(id string, count uint64, s finding.Severity, ended bool) *finding.Detection {
		return &finding.Detection{ID: id, Rule: "r", Severity: s, Count: count, First: now.Add(-time.Hour), Last: now.Add(time.Hour), Ended: ended}
	}
	for i, c := range []struct {
		*finding.Detection
		want Outcome
	}{
		{report("a", 5, finding.SeverityLow, false), Outcome{Changed: true, New: true}},
		{report("a", 4, finding.SeverityHigh, true), Outcome{}},  // counts less
		{report("a", 5, finding.SeverityHigh, false), Outcome{}}, // the same again
		{report("a", 5, finding.SeverityHigh, true), Outcome{Changed: true}},
		{report("a", 5, finding.SeverityHigh, true), Outcome{}},
		{report("b", 1, finding.SeverityLow, false), Outcome{Changed: true, New: true}},
		{report("a", 6, finding.SeverityHigh, false), Outcome{Changed: true}},
	} {
		got, err := k.Keep(host, c.Detection, []byte{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("report %d: %s", i, diff)
		}
	}
	var got []string
	err := w.Rows("SELECT storm || place || ' ' || severity || ' ' || count || ' ' || ended || ' ' || (last = ?) || ' ' || hex(body) FROM detection ORDER BY place",
		[]any{now.UnixNano()}, func(scan func(...any) error) error {
			var line string
			err := scan(&line)
			got = append(got, line)
			return err
		})
	// What ended has ended, and no report is of the future.
	want := []string{"b3 2 1 0 1 05", "a4 4 6 1 1 06"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(diff, err)
	}
	again := New(w, now, 10) // the next transaction goes on behind the last place
	if _, err := again.Keep(host, report("c", 1, finding.SeverityLow, false), []byte{9}); err != nil {
		t.Fatal(err)
	}
	var place int
	if _, err := w.Row("SELECT place FROM detection WHERE storm = 'c'", nil, &place); err != nil || place != 5 {
		t.Errorf("place %d, %v", place, err)
	}
}

func TestPast(t *testing.T) {
	for _, c := range []struct{ t, want time.Time }{{time.Time{}, now}, {now.Add(1), now}, {now.Add(-5), now.Add(-5)}} {
		if got := Past(c.t, now); got != c.want.UnixNano() {
			t.Errorf("%v is %d, want %v", c.t, got, c.want)
		}
	}
}
