package rollup

import (
	"fmt"
	"testing"
	"time"
)

// TestDays: what stands at the end of a day is kept, of hosts that are not archived, and
// nothing is written twice.
func TestDays(t *testing.T) {
	w := open(t)
	for i := range HostsAtOnce + 10 {
		archived := i % 2 * (i / HostsAtOnce)
		if err := w.Exec("INSERT INTO host (host, first_seen, last_seen, name, pass, archived) VALUES (?, 1, 1, '', 1, ?)", fmt.Appendf(nil, "%016d", i), archived); err != nil {
			t.Fatal(err)
		}
	}
	run := func(at time.Time) (steps int) {
		for more := true; more; steps++ {
			var err error
			if more, err = Days(w, at); err != nil || steps > 9 {
				t.Fatal(steps, err)
			}
		}
		return steps
	}
	if n := run(now); n != 2 {
		t.Errorf("%d steps", n)
	}
	if err := w.Exec("UPDATE host SET pass = 0, fail = 3 WHERE host = ?", fmt.Appendf(nil, "%016d", 7)); err != nil {
		t.Fatal(err)
	}
	before := number(t, w, "SELECT total_changes()")
	run(now.Add(time.Hour))
	if n := number(t, w, "SELECT total_changes()") - before; n != 1 {
		t.Errorf("%d rows written where one host changed", n)
	}
	run(now.Add(24 * time.Hour))
	for query, want := range map[string]int{
		"SELECT count(*) FROM host_day":                                              2 * (HostsAtOnce + 5),
		"SELECT sum(fail) FROM host_day WHERE day = " + fmt.Sprint(now.Unix()/86400): 3,
		"SELECT sum(pass) FROM host_day WHERE day = " + fmt.Sprint(now.Unix()/86400): HostsAtOnce + 4,
	} {
		if n := number(t, w, query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}
