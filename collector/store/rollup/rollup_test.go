package rollup

import (
	"path/filepath"
	"testing"
	"time"

	"seawall/collector/store/schema"
	"seawall/collector/store/sqlite"
	"seawall/pkg/finding"
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

func flush(t *testing.T, w *sqlite.Writer, f *Fleet, at time.Time) {
	t.Helper()
	if err := f.Flush(w, at); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, w *sqlite.Writer, query string) int {
	t.Helper()
	n := 0
	if _, err := w.Row(query, nil, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFlush(t *testing.T) {
	w := open(t)
	flush(t, w, &Fleet{}, now)
	if n := number(t, w, "SELECT count(*) FROM day"); n != 0 {
		t.Error("nothing makes a day")
	}
	var f Fleet
	f.Results("ssh-a", finding.StatusFail, 3)
	f.Results("ssh-a", finding.StatusPass, 1)
	f.Results("ssh-b", finding.StatusPass, 2)
	f.Results("ssh-b", finding.StatusPass, -2)
	f.Hosts("ssh-a", 2)
	f.Change()
	f.Detection()
	flush(t, w, &f, now)
	f = Fleet{}
	f.Results("ssh-a", finding.StatusFail, -1)
	f.Hosts("ssh-a", -1)
	flush(t, w, &f, now.Add(48*time.Hour))
	f = Fleet{}
	f.Change() // on a clock that went back
	f.Detection()
	f.Detection()
	flush(t, w, &f, now)
	for query, want := range map[string]int{
		"SELECT count(*) FROM check_rollup":                                  1,
		"SELECT fail * 100 + pass * 10 + hosts FROM check_rollup":            211,
		"SELECT count(*) FROM day":                                           2,
		"SELECT detections FROM day ORDER BY day LIMIT 1":                    1,
		"SELECT detections FROM day ORDER BY day DESC LIMIT 1":               2,
		"SELECT fail * 10 + changes FROM day ORDER BY day LIMIT 1":           31,
		"SELECT fail * 100 + pass * 10 + changes FROM day ORDER BY day DESC": 211,
	} {
		if n := number(t, w, query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}

// TestHost takes a host out of the rollups and puts it back.
func TestHost(t *testing.T) {
	w := open(t)
	for _, text := range []string{
		"INSERT INTO state VALUES (x'01', 'ssh-a', '1', 2, 4, 0, ''), (x'01', 'ssh-a', '2', 1, 4, 0, ''), (x'01', 'ssh-b', '', 1, 4, 0, ''), (x'02', 'ssh-a', '', 2, 4, 0, '')",
		"INSERT INTO host_check VALUES (x'01', 'ssh-a', 1), (x'02', 'ssh-a', 1)",
		"INSERT INTO check_rollup (check_id, pass, fail, hosts) VALUES ('ssh-a', 1, 2, 2), ('ssh-b', 1, 0, 0)",
		"INSERT INTO day (day, pass, fail) VALUES (20908, 2, 2)",
	} {
		if err := w.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	const sums = "SELECT sum(pass) * 100 + sum(fail) * 10 + sum(hosts) FROM check_rollup"
	for _, step := range []struct{ n, sums, day int }{{-1, 11, 1}, {1, 222, 22}} {
		var f Fleet
		if err := f.Host(w, []byte{1}, step.n); err != nil {
			t.Fatal(err)
		}
		flush(t, w, &f, now)
		if n := number(t, w, sums); n != step.sums {
			t.Errorf("%+d: sums %d, want %d", step.n, n, step.sums)
		}
		if n := number(t, w, "SELECT pass * 10 + fail FROM day ORDER BY day DESC LIMIT 1"); n != step.day {
			t.Errorf("%+d: day %d, want %d", step.n, n, step.day)
		}
	}
}
