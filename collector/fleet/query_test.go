package fleet

import "testing"

func TestScore(t *testing.T) {
	for _, c := range []struct {
		counts Counts
		want   int
		ok     bool
	}{
		{Counts{}, 0, false},
		{Counts{NotApplicable: 9, Waived: 3}, 0, false},
		{Counts{Pass: 3, NotApplicable: 9, Waived: 3}, 100, true},
		{Counts{Pass: 199, Fail: 1}, 99, true},
		{Counts{Pass: 1, Fail: 1, Unknown: 1, Error: 1}, 25, true},
		{Counts{Fail: 1}, 0, true},
		{Counts{Pass: -1, Fail: 2}, 0, true},
	} {
		if got, ok := c.counts.Score(); got != c.want || ok != c.ok {
			t.Errorf("score of %+v is %d, %v, want %d, %v", c.counts, got, ok, c.want, c.ok)
		}
	}
}

func TestHostSort(t *testing.T) {
	for _, s := range []HostSort{"", ByName, ByScore, BySeverity, ByPending, BySeen, ByOS, ByRegion, ByID} {
		if !s.Valid() {
			t.Errorf("%q is not valid", s)
		}
	}
	if HostSort("name; DROP TABLE host").Valid() {
		t.Error("any text is an order")
	}
}
