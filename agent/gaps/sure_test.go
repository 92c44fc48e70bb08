package gaps

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestSure: a process that follows one that was killed knows what was seen and what was
// waited for.
func TestSure(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mark")
	at := func(second int64) time.Time { return time.Unix(1795289500+second, 0) }
	var tracker Tracker
	if _, _, _, ok := tracker.Sure(nil); ok {
		t.Error("sure of what was not begun")
	}
	for i, step := range []struct {
		see, want uint32
		holes     []Range
	}{
		{10, 10, nil}, {11, 11, nil}, {14, 14, []Range{{12, 13}}}, {15, 15, []Range{{12, 13}}}, {17, 17, []Range{{12, 13}, {16, 16}}},
		{12, 17, []Range{{13, 13}, {16, 16}}}, {13, 17, []Range{{16, 16}}}, {20, 20, []Range{{16, 16}, {18, 19}}},
	} {
		tracker.See(step.see, at(int64(i)), at(int64(i)))
		serial, when, holes, ok := tracker.Sure(nil)
		if serial != step.want || !slices.Equal(holes, step.holes) || !ok {
			t.Errorf("after %d: %d and %v, want %d and %v", step.see, serial, holes, step.want, step.holes)
		}
		m, _, _, _, err := OpenMark(name, boot)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Set(serial, when, holes...); err != nil {
			t.Fatal(err)
		}
		next, marked, _, ok, err := OpenMark(name, boot)
		if err != nil || !ok || marked != serial || !slices.Equal(next.Left(), holes) {
			t.Errorf("the mark says %d and %v, %v, %v", marked, next.Left(), ok, err)
		}
		var after Tracker
		after.Resume(marked, when)
		after.Reopen(next.Left(), at(30))
		if serial, _, again, _ := after.Sure(nil); serial != marked || !slices.Equal(again, holes) {
			t.Errorf("resumed: %d and %v", serial, again)
		}
		if err := next.Close(); err != nil {
			t.Error(err)
		}
	}
	// More than a mark has room for.
	for serial := uint32(30); serial < 60; serial += 2 {
		tracker.See(serial, at(40), at(40))
	}
	if serial, _, holes, _ := tracker.Sure(nil); len(holes) != maxMarked || serial < holes[maxMarked-1].To || serial > 45 {
		t.Errorf("%d and %v", serial, holes)
	}
	tracker.Settle(at(50), at(50))
	if serial, _, holes, _ := tracker.Sure(nil); serial != 58 || len(holes) > 0 {
		t.Errorf("what was given up is waited for: %d and %v", serial, holes)
	}
}
