package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	sigterm = syscall.SIGTERM
	sigkill = syscall.SIGKILL
)

// quantile returns the value below which so much of the values is; 0 of none.
func quantile[T int | int64 | time.Duration](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func mb(bytes int64) string { return fmt.Sprintf("%d MB", bytes/1e6) }

func random(limit time.Duration) time.Duration { return rand.N(limit) }

// histogram counts times by second.
func histogram(times []time.Duration) []int {
	var bins []int
	for _, t := range times {
		at := int(t / time.Second)
		for len(bins) <= at {
			bins = append(bins, 0)
		}
		bins[at]++
	}
	return bins
}

// bars draws a histogram in one line.
func bars(bins []int) string {
	const levels = " ▁▂▃▄▅▆▇█"
	if len(bins) == 0 {
		return "none"
	}
	top := max(slices.Max(bins), 1)
	var b strings.Builder
	for _, n := range bins {
		b.WriteRune([]rune(levels)[(n*8+top-1)/top])
	}
	return "|" + b.String() + "|"
}

// echo returns the second at which a second wave is, -1 when there is none: more
// than a quarter of the peak, after the first wave had gone to a tenth of it.
// Seconds are smoothed by three, since chance makes a peak of a few.
func echo(bins []int) int {
	smooth := make([]int, len(bins))
	for i := range bins {
		for _, n := range bins[max(0, i-1):min(len(bins), i+2)] {
			smooth[i] += n
		}
	}
	peak, gone := 0, false
	for i, n := range smooth {
		switch {
		case gone && n*4 > peak:
			return i
		case n > peak:
			peak = n
		case n*10 <= peak:
			gone = true
		}
	}
	return -1
}
