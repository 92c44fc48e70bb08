package calm

import "testing"

func TestCalm(t *testing.T) {
	const mb = 1 << 20
	var c calm
	for i, step := range []struct {
		grown uint64
		want  bool
	}{
		{20 * mb, false},  // quiet, but there is nothing to gain
		{500 * mb, false}, // busy
		{300 * mb, false},
		{10 * mb, true}, // quiet after that
		{10 * mb, false},
		{20 * mb, false},
		{31 * mb, false},
		{5 * mb, true}, // little by little
		{33 * mb, false},
		{33 * mb, false}, // enough, but busy
		{0, true},
	} {
		total := c.last + step.grown
		if got := c.now(total); got != step.want {
			t.Errorf("step %d, at %d MB: %t", i, total/mb, got)
		}
	}
}

func TestAllocated(t *testing.T) {
	before := allocated()
	sink := make([][]byte, 0, 64)
	for range cap(sink) {
		sink = append(sink, make([]byte, 1<<20))
	}
	if n := allocated() - before; n < uint64(len(sink))<<20 {
		t.Errorf("64 MiB count as %d bytes", n)
	}
}
