package main

import "testing"

func TestLanes(t *testing.T) {
	const total = 256 << 20
	var sum int64
	for lane, n := range lanes(total) {
		if n <= 0 {
			t.Errorf("%s has %d bytes", lane, n)
		}
		sum += n
	}
	if sum != total {
		t.Errorf("the lanes have %d bytes together, want %d", sum, total)
	}
}
