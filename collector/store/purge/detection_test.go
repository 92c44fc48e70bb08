package purge

import (
	"testing"
	"time"
)

func TestDetections(t *testing.T) {
	w := open(t)
	run(t, w, numbers+`4500) INSERT INTO detection SELECT unhex('0' || (n % 2)), 's' || n, n, n, 'r', n % 3, 1, 0, 0, 0, x'00' FROM c`,
		"INSERT INTO detection_count SELECT host, severity, count(*) FROM detection GROUP BY 1, 2")
	keep := time.Duration(now.UnixNano() - 4001)
	for step, want := range []struct {
		more bool
		left int
	}{{true, 2500}, {true, 500}, {false, 500}} {
		more, err := Detections(w, now, keep)
		if left := number(t, w, "SELECT count(*) FROM detection"); err != nil || more != want.more || left != want.left {
			t.Errorf("step %d: more %v, %d left, %v; want %+v", step, more, left, err, want)
		}
		if wrong := number(t, w, "SELECT count(*) FROM (SELECT host, severity, count(*) FROM detection GROUP BY 1, 2 EXCEPT SELECT * FROM detection_count)"); wrong > 0 {
			t.Errorf("step %d: %d counts are wrong", step, wrong)
		}
	}
	if n := number(t, w, "SELECT value FROM meta WHERE name = 'detections_expired'"); n != 4000 {
		t.Errorf("%d detections counted", n)
	}
	if _, err := Detections(w, now, 0); err != nil {
		t.Fatal(err)
	}
	if n := number(t, w, "SELECT count(*) FROM detection_count"); n != 0 {
		t.Errorf("%d counts of no detections", n)
	}
}

func TestCrowded(t *testing.T) {
	w := open(t)
	run(t, w, numbers+`90) INSERT INTO detection SELECT x'01', 's' || n, n, n, 'r', n % 3, 1, 0, 0, 0, x'00' FROM c`,
		"INSERT INTO detection SELECT x'02', storm, place + 90, received, rule, severity, 1, 0, 0, 0, x'00' FROM detection",
		"INSERT INTO detection_count SELECT host, severity, count(*) FROM detection GROUP BY 1, 2")
	for _, step := range []struct{ limit, dropped, left int }{{90, 0, 90}, {80, 14, 76}, {20, 57, 19}} {
		n, err := Crowded(w, []byte{1}, step.limit)
		if left := number(t, w, "SELECT count(*) FROM detection WHERE host = x'01'"); err != nil || n != step.dropped || left != step.left {
			t.Errorf("limit %d: %d dropped, %d left, %v", step.limit, n, left, err)
		}
	}
	for query, want := range map[string]int{
		"SELECT min(severity) FROM detection WHERE host = x'01'":   2,
		"SELECT min(place) FROM detection WHERE host = x'01'":      35,
		"SELECT count(*) FROM detection WHERE host = x'02'":        90,
		"SELECT sum(n) FROM detection_count WHERE host = x'01'":    19,
		"SELECT value FROM meta WHERE name = 'detections_dropped'": 71,
		"SELECT value FROM meta WHERE name = 'detections_expired'": 0,
		"SELECT count(*) FROM detection_count WHERE host = x'01'":  1,
		"SELECT sum(n) FROM detection_count WHERE host = x'02'":    90,
	} {
		if n := number(t, w, query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}
