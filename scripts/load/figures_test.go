package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestQuantile(t *testing.T) {
	values := []int{5, 1, 4, 2, 3}
	for q, want := range map[float64]int{0: 1, .5: 3, .9: 5, 1: 5} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
	if quantile([]int64(nil), .5) != 0 || values[0] != 5 {
		t.Error("none is not 0, or the values were sorted")
	}
}

func TestHistogram(t *testing.T) {
	bins := histogram([]time.Duration{0, 999 * time.Millisecond, 3 * time.Second, 3500 * time.Millisecond, time.Second})
	if diff := cmp.Diff([]int{2, 1, 0, 2}, bins); diff != "" {
		t.Error(diff)
	}
	if got := bars(bins); got != "|█▄ █|" {
		t.Errorf("drawn as %q", got)
	}
	if got := bars(nil); got != "none" {
		t.Errorf("nothing is drawn as %q", got)
	}
	if got := bars([]int{0, 1, 1000}); got != "| ▁█|" {
		t.Errorf("one of a thousand must be seen: %q", got)
	}
}

func TestEcho(t *testing.T) {
	for name, test := range map[string]struct {
		bins []int
		want int
	}{
		"none":                 {nil, -1},
		"one wave":             {[]int{10, 500, 900, 700, 300, 90, 20, 3, 0, 0, 1}, -1},
		"slow rise":            {[]int{1, 5, 20, 70, 200, 500, 300, 100, 20, 1}, -1},
		"chance":               {[]int{900, 100, 500, 80, 20, 5, 0, 3, 0, 0, 7}, -1},
		"second wave":          {[]int{900, 800, 100, 10, 0, 0, 0, 0, 300, 400, 200}, 8},
		"second wave, smaller": {[]int{900, 800, 100, 10, 0, 0, 0, 0, 0, 0, 230, 230, 100}, 10},
	} {
		if got := echo(test.bins); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestCompress(t *testing.T) {
	var memory []int64
	for i := range 300 {
		memory = append(memory, int64(i)*1e6)
	}
	got := compress(memory)
	if len(got) > 80 || got[0] != 3 || got[len(got)-1] != 299 {
		t.Errorf("%d values from %d to %d", len(got), got[0], got[len(got)-1])
	}
	if diff := cmp.Diff([]int{7}, compress([]int64{7e6})); diff != "" {
		t.Error(diff)
	}
}
