// Package chart computes the geometry of the dashboard's drawings: numbers in,
// coordinates out. Templates write the SVG, so that no markup is made here.
package chart

import (
	"fmt"
	"strings"
	"time"
)

// Segment is one part of a [Bar].
type Segment struct {
	Class string // of the style sheet
	Label string
	Value int
	X, W  float64
}

// Bar lays parts out side by side over a width. Parts of nothing are left out;
// a part is at least two units wide, so that one in ten thousand can be seen.
func Bar(width float64, parts []Segment) []Segment {
	total, shown := 0, 0
	for _, p := range parts {
		if p.Value > 0 {
			total += p.Value
			shown++
		}
	}
	const least, gap = 2.0, 1.0
	free := width - float64(shown)*least - float64(max(shown-1, 0))*gap
	bar := make([]Segment, 0, shown)
	x := 0.0
	for _, p := range parts {
		if p.Value <= 0 {
			continue
		}
		p.X = x
		p.W = least + free*float64(p.Value)/float64(total)
		x += p.W + gap
		bar = append(bar, p)
	}
	return bar
}

// Share returns the part of width that n of total is, at least 1 when n is not
// zero.
func Share(width float64, n, total int) float64 {
	if n <= 0 || total <= 0 {
		return 0
	}
	return max(1, width*float64(min(n, total))/float64(total))
}

// The trend's drawing area and the room for its scale.
const (
	trendWidth  = 360.0
	trendHeight = 96.0
	trendLeft   = 34.0
	trendTop    = 8.0
)

// Column is the changes of one day.
type Column struct {
	X, Y, W, H float64
	Title      string
}

// Tick is a mark of a scale.
type Tick struct {
	X, Y  float64
	Label string
}

// Trend is the drawing of the last days: failed results as a line over an area,
// changes as columns below it.
type Trend struct {
	Width, Height float64
	Left, Right   float64
	Base          float64 // y of zero
	Line, Area    string  // path data
	Columns       []Column
	Y, X          []Tick
	EndX, EndY    float64 // the newest point
	Summary       string  // for who cannot see it
}

// Day is one day of a trend.
type Day struct {
	Day     time.Time // UTC midnight
	Failing int       // results at its end
	Changes int       // during it
}

// NewTrend lays days out, oldest first. With fewer than two days there is no
// trend: ok is false.
func NewTrend(days []Day) (t Trend, ok bool) {
	if len(days) < 2 {
		return Trend{}, false
	}
	top, most := 1, 1
	for _, d := range days {
		top, most = max(top, d.Failing), max(most, d.Changes)
	}
	top = nice(top)
	t = Trend{
		Width: trendLeft + trendWidth + 8, Height: trendTop + trendHeight + 20,
		Left: trendLeft, Right: trendLeft + trendWidth, Base: trendTop + trendHeight,
	}
	step := trendWidth / float64(len(days)-1)
	y := func(n int) float64 { return t.Base - trendHeight*float64(n)/float64(top) }
	var line strings.Builder
	for i, d := range days {
		x := trendLeft + step*float64(i)
		command := 'L'
		if i == 0 {
			command = 'M'
		}
		fmt.Fprintf(&line, "%c%.1f %.1f", command, x, y(d.Failing))
		t.EndX, t.EndY = x, y(d.Failing)
		if d.Changes > 0 {
			h := max(1.5, trendHeight*0.4*float64(d.Changes)/float64(most))
			t.Columns = append(t.Columns, Column{
				X: x - 2, Y: t.Base - h, W: 4, H: h,
				Title: fmt.Sprintf("%s: %d changes, %d failing", day(d.Day), d.Changes, d.Failing),
			})
		}
	}
	t.Line = line.String()
	t.Area = fmt.Sprintf("%sL%.1f %.1fL%.1f %.1fZ", t.Line, t.Right, t.Base, trendLeft, t.Base)
	for _, n := range []int{0, top / 2, top} {
		t.Y = append(t.Y, Tick{X: trendLeft - 6, Y: y(n), Label: short(n)})
	}
	last := days[len(days)-1]
	t.X = []Tick{{X: trendLeft, Y: t.Base + 15, Label: day(days[0].Day)}, {X: t.Right, Y: t.Base + 15, Label: day(last.Day)}}
	t.Summary = fmt.Sprintf("Failing results from %d on %s to %d on %s.",
		days[0].Failing, day(days[0].Day), last.Failing, day(last.Day))
	return t, true
}

func day(t time.Time) string { return t.UTC().Format("2 Jan") }

// nice returns the next number not below n that halves well: 2, 4, 10, 20, 40…
func nice(n int) int {
	for unit := 1; ; unit *= 10 {
		for _, m := range []int{2, 4, 10} {
			if m*unit >= n || unit > 1<<50 {
				return m * unit
			}
		}
	}
}

func short(n int) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 10_000:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprint(n)
}
