package chart

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPlot(t *testing.T) {
	start := time.Date(2026, 2, 13, 0, 0, 0, 0, time.UTC)
	after := func(days int) time.Time { return start.AddDate(0, 0, days) }
	if _, ok := NewPlot("Score", " %", 100, []Point{{Day: start, Value: 3}, {Day: after(1), None: true}}); ok {
		t.Error("one value is a line")
	}
	got, ok := NewPlot("Score", " %", 100, []Point{{Day: start, Value: 50}, {Day: after(1), None: true}, {Day: after(3), Value: 25}, {Day: after(4), Value: 100}})
	if !ok || got.Line != "M34.0 56.0L304.0 80.0L394.0 8.0" || got.Y[2].Label != "100" || got.X[1].Label != "17 Feb" {
		t.Errorf("%+v", got)
	}
	if want := "Score from 50 % on 13 Feb to 100 % on 17 Feb; lowest 25 % on 16 Feb, highest 100 % on 17 Feb."; got.Summary != want {
		t.Errorf("%q, want %q", got.Summary, want)
	}
	if !strings.HasPrefix(got.Area, got.Line) || !strings.HasSuffix(got.Area, "Z") {
		t.Error(got.Area)
	}
}

// TestPlotStaysInside draws any numbers within the drawing.
func TestPlotStaysInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var points []Point
		for i := range rapid.IntRange(2, 400).Draw(t, "days") {
			points = append(points, Point{Day: time.Unix(int64(i)*86400, 0), Value: rapid.IntRange(0, 1<<40).Draw(t, "value"), None: rapid.Bool().Draw(t, "none")})
		}
		got, ok := NewPlot("x", "", rapid.SampledFrom([]int{0, 100}).Draw(t, "top"), points)
		if !ok {
			return
		}
		if got.EndX < got.Left || got.EndX > got.Right+1e-6 || got.EndY < 0 || got.EndY > got.Base+1e-6 {
			t.Fatalf("the line ends at %v, %v", got.EndX, got.EndY)
		}
		if strings.Contains(got.Line, "NaN") || strings.Contains(got.Line, "Inf") {
			t.Fatal(got.Line)
		}
	})
}
