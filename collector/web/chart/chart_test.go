package chart

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBarFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.IntRange(-1, 1<<40), 0, 8).Draw(t, "values")
		var parts []Segment
		shown := 0
		for _, v := range values {
			parts = append(parts, Segment{Value: v})
			if v > 0 {
				shown++
			}
		}
		bar := Bar(120, parts)
		if len(bar) != shown {
			t.Fatalf("%d parts of %d", len(bar), shown)
		}
		x := 0.0
		for _, s := range bar {
			if s.X < x-1e-9 || s.W < 2-1e-9 {
				t.Fatalf("part %+v begins before %v or cannot be seen", s, x)
			}
			x = s.X + s.W
		}
		if shown > 0 && math.Abs(x-120) > 1e-6 {
			t.Fatalf("the bar ends at %v", x)
		}
	})
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		n, total int
		want     float64
	}{{0, 10, 0}, {5, 10, 30}, {1, 100_000, 1}, {20, 10, 60}, {3, 0, 0}, {-1, 3, 0}} {
		if got := Share(60, c.n, c.total); got != c.want {
			t.Errorf("%d of %d: %v, want %v", c.n, c.total, got, c.want)
		}
	}
}

func TestTrend(t *testing.T) {
	start := time.Date(2026, 2, 13, 0, 0, 0, 0, time.UTC)
	if _, ok := NewTrend([]Day{{Day: start}}); ok {
		t.Error("one day is a trend")
	}
	days := []Day{
		{Day: start, Failing: 12, Changes: 4}, {Day: start.AddDate(0, 0, 1), Failing: 30},
		{Day: start.AddDate(0, 0, 2), Failing: 7, Changes: 9},
	}
	got, ok := NewTrend(days)
	if !ok || got.Line != "M34.0 75.2L214.0 32.0L394.0 87.2" || len(got.Columns) != 2 || got.Y[2].Label != "40" {
		t.Errorf("%+v", got)
	}
	if got.Summary != "Failing results from 12 on 13 Feb to 7 on 15 Feb." {
		t.Error(got.Summary)
	}
	if !strings.HasPrefix(got.Area, got.Line) || !strings.HasSuffix(got.Area, "Z") {
		t.Error(got.Area)
	}
}

// TestTrendStaysInside draws any numbers within the drawing.
func TestTrendStaysInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var days []Day
		for range rapid.IntRange(2, 30).Draw(t, "days") {
			days = append(days, Day{Failing: rapid.IntRange(0, 1<<40).Draw(t, "fail"), Changes: rapid.IntRange(0, 1<<40).Draw(t, "changes")})
		}
		got, _ := NewTrend(days)
		for _, c := range got.Columns {
			if c.Y < 0 || c.Y+c.H > got.Base+1e-6 || c.X < 0 || c.X+c.W > got.Width {
				t.Fatalf("column %+v", c)
			}
		}
		if got.EndY < -1 || got.EndY > got.Base+1e-6 || strings.Contains(got.Line, "NaN") || strings.Contains(got.Line, "Inf") {
			t.Fatalf("line ends at %v: %s", got.EndY, got.Line)
		}
	})
}
