package host

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// storms makes deliveries of the lane of detections, from a sequence on.
func storms(seq uint64, all ...finding.Detection) (out []fleet.Delivery) {
	for i := range all {
		n := seq + uint64(i)
		out = append(out, fleet.Delivery{Lane: "detections", Epoch: 7, Sequence: n, Digest: n,
			Record: finding.Record{Time: noon, Detection: &all[i]}})
	}
	return out
}

func seen(id string, count uint64, s finding.Severity) finding.Detection {
	return finding.Detection{ID: id, Rule: "shell-reverse", Title: "t", Severity: s, Count: count,
		First: noon.Add(-time.Hour), Last: noon.Add(-time.Hour + time.Duration(count)*time.Second)}
}

const (
	rows   = "SELECT storm || ' ' || place || ' ' || count || ' ' || severity || ' ' || ended FROM detection ORDER BY place"
	tally  = "SELECT severity || ' ' || n FROM detection_count ORDER BY severity"
	during = "SELECT ((first - %d) / 1000000000) || ' to ' || ((last - %[1]d) / 1000000000) FROM detection"
)

// A report of a storm takes the place of the one before, and moves to the front.
func TestStorm(t *testing.T) {
	w := open(t)
	other := seen("bb", 1, finding.SeverityLow)
	if told := w.take(storms(1, seen("aa", 1, finding.SeverityHigh), other)); len(told) > 0 {
		t.Errorf("the timeline has %q", told)
	}
	w.expect("kept", w.rows(rows), []string{"aa 1 1 4 0", "bb 2 1 2 0"})
	w.known = Known{} // a restart in between
	more := seen("aa", 5, finding.SeverityCritical)
	more.First = noon // what came before says since when
	w.take(storms(3, more))
	w.expect("grown", w.rows(rows), []string{"bb 2 1 2 0", "aa 3 5 5 0"})
	w.expect("counted", w.rows(tally), []string{"2 1", "5 1"})
	w.expect("during", w.rows(fmt.Sprintf(during+" WHERE storm = 'aa'", noon.UnixNano())), []string{"-3600 to -3595"})
	w.expect("of the day", w.rows("SELECT detections || '' FROM day"), []string{"2"})
	w.expect("gaps and refused", w.rows("SELECT gaps || ' ' || rejected FROM host"), []string{"0 0"})
}

// What says less than what stands changes nothing: the same record again, one that
// comes late, and one of another epoch. What has ended does not go on.
func TestStormNeverGoesBack(t *testing.T) {
	w := open(t)
	first, second := seen("aa", 3, finding.SeverityHigh), seen("aa", 9, finding.SeverityHigh)
	w.take(storms(1, first))
	w.take(storms(3, second)) // 2 is missing
	w.expect("a gap", w.rows("SELECT gaps || '' FROM host"), []string{"1"})
	late := storms(2, seen("aa", 6, finding.SeverityLow))
	again := storms(1, first, second)
	older := storms(1, first)
	older[0].Epoch = 8
	for i, items := range [][]fleet.Delivery{late, again, older} {
		w.take(items)
		w.expect([]string{"late", "again", "another epoch"}[i], w.rows(rows), []string{"aa 2 9 4 0"})
	}
	w.expect("the gap is filled", w.rows("SELECT gaps || '' FROM host"), []string{"0"})
	end := second
	end.Ended = true
	w.take(storms(5, end)) // another gap
	w.expect("ended", w.rows(rows), []string{"aa 3 9 4 1"})
	w.take(storms(6, second, seen("aa", 10, finding.SeverityHigh)))
	w.expect("more, but ended", w.rows(rows), []string{"aa 4 10 4 1"})
	w.take(storms(4, seen("cc", 1, finding.SeverityHigh)))
	w.expect("a late one of its own", w.rows(rows), []string{"aa 4 10 4 1", "cc 5 1 4 0"})
}

// A host's clock is its own, but nothing has happened that is yet to come.
func TestStormOfAnotherClock(t *testing.T) {
	for _, c := range []struct {
		first, last time.Time
		want        string
	}{
		{noon.Add(time.Hour), noon.Add(2 * time.Hour), "0 to 0"},
		{time.Time{}, time.Time{}, "0 to 0"},
		{noon.Add(-time.Minute), noon.Add(-time.Hour), "-3600 to -3600"},
		{noon.Add(-time.Hour), noon.Add(time.Hour), "-3600 to 0"},
	} {
		w := open(t)
		d := seen("aa", 1, finding.SeverityHigh)
		d.First, d.Last = c.first, c.last
		w.take(storms(1, d))
		w.expect(c.want, w.rows(fmt.Sprintf(during, noon.UnixNano())), []string{c.want})
	}
	w := open(t)
	d := seen("aa", ^uint64(0), finding.SeverityHigh)
	w.take(storms(1, d, d))
	w.expect("the largest count", w.rows("SELECT count || '' FROM detection"), []string{"9223372036854775807"})
}

// Of more than a host may have, the least severe go, and of those the oldest.
func TestStormsAreBounded(t *testing.T) {
	w := open(t)
	w.limits.Detections = 20
	var all []finding.Detection
	for i := range 25 {
		all = append(all, seen(fmt.Sprintf("%02x", i), 1, finding.Severity(1+i%2*4)))
	}
	w.take(storms(1, all...))
	w.expect("counted", w.rows(tally), []string{"1 7", "5 12"})
	w.expect("the oldest noise is gone", w.rows("SELECT storm FROM detection WHERE severity = 1 ORDER BY place LIMIT 1"), []string{"0c"})
	w.expect("dropped", w.rows("SELECT value || '' FROM meta WHERE name = 'detections_dropped'"), []string{"6"})
	if !strings.Contains(w.log.String(), "dropped=2") {
		t.Errorf("the log says %q", w.log.String())
	}
	w.known = Known{}
	w.take(storms(1, all...))
	w.expect("sent again", w.rows(tally), []string{"1 7", "5 12"})
}
