package purge

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"seawall/collector/once"
	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
)

var now = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

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

func run(t *testing.T, w *sqlite.Writer, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := w.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func number(t *testing.T, w *sqlite.Writer, query string) int {
	t.Helper()
	var n int
	if _, err := w.Row(query, nil, &n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// numbers is a table of the numbers from 1 to n.
const numbers = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < "

func TestEvents(t *testing.T) {
	w := open(t)
	run(t, w, numbers+`4500) INSERT INTO event (host, lane, epoch, seq, received, check_id, body)
		SELECT x'01', 'posture', 1, n, n, 'ssh-a', x'00' FROM c`)
	keep := time.Duration(now.UnixNano() - 4001)
	for step, want := range []struct {
		more bool
		left int
	}{{true, 2500}, {true, 500}, {false, 500}} {
		more, err := Events(w, now, keep)
		if left := number(t, w, "SELECT count(*) FROM event"); err != nil || more != want.more || left != want.left {
			t.Errorf("step %d: more %v, %d left, %v; want %+v", step, more, left, err, want)
		}
	}
	if n := number(t, w, "SELECT value FROM meta WHERE name = 'events_expired'"); n != 4000 {
		t.Errorf("%d events counted", n)
	}
}

func TestRest(t *testing.T) {
	w := open(t)
	run(t, w,
		numbers+"1500) INSERT INTO gap (host, lane, epoch, from_seq, to_seq, found) SELECT x'01', 'posture', 1, n, n, "+fmt.Sprint(now.Add(-30*24*time.Hour).UnixNano()-1000)+" + n FROM c",
		"INSERT INTO request VALUES (x'01', '', '', '', '', '', '', x'', 0, 0, 'waiting'), (x'02', '', '', '', '', '', '', x'', 0, 1 << 62, 'waiting'), (x'03', '', '', '', '', '', '', x'', 0, 0, 'rejected')",
		"INSERT INTO token VALUES ('old', x'', '', 0, 0, 1, 0, '{}', 0, 0, '[]'), ('new', x'', '', 0, 1 << 62, 1, 0, '{}', 0, 0, '[]')",
		numbers+"1500) INSERT INTO rejected SELECT x'01', 'posture', 1, n, n, 1, 'reason' FROM c",
		numbers+"30000) INSERT INTO day (day) SELECT n FROM c",
		"INSERT INTO host (host, first_seen, last_seen, pack) VALUES (x'01', 0, 0, x'0a'), (x'02', 0, 0, x'0a')",
		"INSERT INTO info VALUES (x'aa', 'ssh-old', 2, x'00'), (x'bb', 'ssh-new', 1, x'00'), (x'cc', 'ssh-stands', 1, x'00')",
		`INSERT INTO host_info VALUES (x'01', 'ssh-old', x'09', x'aa'), (x'02', 'ssh-old', x'0a', x'aa'),
			(x'01', 'ssh-new', x'0a', x'bb'), (x'01', 'ssh-stands', x'09', x'cc')`,
		"INSERT INTO state VALUES (x'01', 'ssh-stands', '', 1, 1, 0, x'00')")
	if onceKept != once.Life {
		t.Errorf("keys are kept %v, and good for %v", onceKept, once.Life)
	}
	for id, born := range map[string]time.Time{"01": now.Add(-onceKept), "02": now.Add(-onceKept - 1)} {
		if err := w.Exec("INSERT INTO once VALUES (x'"+id+"', 't', x'', ?, 200, '', '')", born.UnixNano()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := Rest(w, now, 30*24*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	today := int(now.Unix() / 86400)
	for query, want := range map[string]int{
		"SELECT min(from_seq) FROM gap":                     1000,
		"SELECT count(*) FROM request":                      2,
		"SELECT count(*) FROM token WHERE id = 'new'":       1,
		"SELECT count(*) FROM token":                        1,
		"SELECT count(*) FROM rejected":                     maxKept,
		"SELECT min(day) FROM day":                          today - daysKept,
		"SELECT count(*) FROM host_info":                    3,
		"SELECT hosts FROM info WHERE check_id = 'ssh-old'": 1,
		"SELECT count(*) FROM info":                         3,
		"SELECT count(*) FROM once":                         1,
	} {
		if n := number(t, w, query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
	if err := Text(w, []byte{0xaa}); err != nil {
		t.Fatal(err)
	}
	if n := number(t, w, "SELECT count(*) FROM info WHERE check_id = 'ssh-old'"); n != 0 {
		t.Error("a text stays after its last use")
	}
}

// TestEventsOfAnotherClock deletes events that came while the clock was wrong with
// their neighbours: what is left of a chain has no holes.
func TestEventsOfAnotherClock(t *testing.T) {
	const keep = 24 * time.Hour
	for name, c := range map[string]struct {
		hours []int // before now
		left  string
	}{
		"ahead":         {[]int{50, -9000, -9000, 40, 1}, "5"},
		"ahead, young":  {[]int{50, -9000, 1, 40, 1}, "2,3,4,5"},
		"back":          {[]int{50, 1, 9000, 1}, "2,3,4"},
		"all young":     {[]int{-9000, 3, 2}, "1,2,3"},
		"ahead at last": {[]int{30, -9000}, "2"},
	} {
		w := open(t)
		for _, h := range c.hours {
			if err := w.Exec(`INSERT INTO event (host, lane, epoch, seq, received, check_id, body)
				VALUES (x'01', 'posture', 1, 1, ?, 'ssh-a', x'00')`, now.Add(-time.Duration(h)*time.Hour).UnixNano()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Events(w, now, keep); err != nil {
			t.Fatal(err)
		}
		var left string
		if _, err := w.Row("SELECT group_concat(id) FROM (SELECT id FROM event ORDER BY id)", nil, &left); err != nil || left != c.left {
			t.Errorf("%s: %s left, want %s, %v", name, left, c.left, err)
		}
	}
}

// TestChainEnds has a host that named checks without end: of those whose events
// have expired nothing is left.
func TestChainEnds(t *testing.T) {
	w := open(t)
	run(t, w, numbers+"1000) INSERT INTO check_newest SELECT 'made-up-' || n, n FROM c",
		"INSERT INTO event (id, host, lane, epoch, seq, received, check_id, body) VALUES (999, x'01', 'posture', 1, 1, 0, 'made-up-999', x'00')")
	if err := Rest(w, now, time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := number(t, w, "SELECT count(*) FROM check_newest"); n != 2 {
		t.Errorf("%d checks, want 2", n)
	}
	run(t, w, "DELETE FROM event")
	if err := Rest(w, now, time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := number(t, w, "SELECT count(*) FROM check_newest"); n != 0 {
		t.Errorf("%d checks without any event", n)
	}
}
