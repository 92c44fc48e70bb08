package capacity

import "testing"

// TestOf asks the file system that tests write to, and one that is not there.
func TestOf(t *testing.T) {
	s := Of(t.TempDir())
	if !s.Known || s.Reason != "" || s.Bytes <= 0 || s.UsedPercent < 0 || s.UsedPercent > 100 || s.UsedInodes > 100 {
		t.Errorf("%+v", s)
	}
	if s := Of("/proc/self/none"); s.Known || s.Reason != "no such file or directory" || s.Inodes != -1 || s.UsedInodes != -1 {
		t.Errorf("%+v", s)
	}
}

func TestPercent(t *testing.T) {
	for _, tt := range []struct {
		used, left uint64
		want       int
	}{{0, 0, 0}, {0, 5, 0}, {1, 999, 1}, {50, 50, 50}, {5, 0, 100}, {899, 101, 90}} {
		if got := percent(tt.used, tt.left); got != tt.want {
			t.Errorf("%d of %d more: got %d, want %d", tt.used, tt.left, got, tt.want)
		}
	}
}
