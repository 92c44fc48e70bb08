package chart

import (
	"fmt"
	"strings"
	"time"
)

// Point is a value on a day.
type Point struct {
	Day   time.Time // UTC midnight
	Value int       // not negative
	None  bool      // there is no value: the line goes from its neighbours past it
}

// Plot is the drawing of one number over days: a line over an area. Width and Height are
// those of the drawing, in which the line is between Left, Right and Base, the y of zero.
type Plot struct {
	Width, Height float64
	Left, Right   float64
	Base          float64
	Line, Area    string // path data
	Y, X          []Tick
	EndX, EndY    float64 // the newest point
	Summary       string  // for who cannot see it

	Caption string // what stands below it
	Class   string // of the style sheet: its colour, if not that of what fails
}

// NewPlot lays points out, oldest first. What names the number in Summary, unit follows
// each value, and top is the end of the scale, 0 for one that suits the values. With
// fewer than two values there is no line: ok is false.
func NewPlot(what, unit string, top int, points []Point) (p Plot, ok bool) {
	var known []Point
	most := 1
	for _, v := range points {
		if !v.None {
			known, most = append(known, v), max(most, v.Value)
		}
	}
	if len(known) < 2 {
		return Plot{}, false
	}
	if top == 0 {
		top = nice(most)
	}
	p = Plot{
		Width: trendLeft + trendWidth + 8, Height: trendTop + trendHeight + 20,
		Left: trendLeft, Right: trendLeft + trendWidth, Base: trendTop + trendHeight,
	}
	first, last := known[0], known[len(known)-1]
	span := max(1, last.Day.Sub(first.Day).Hours())
	y := func(n int) float64 { return p.Base - trendHeight*min(1, float64(n)/float64(top)) }
	low, high := first, first
	var line strings.Builder
	for i, v := range known {
		command := 'L'
		if i == 0 {
			command = 'M'
		}
		p.EndX, p.EndY = p.Left+trendWidth*v.Day.Sub(first.Day).Hours()/span, y(v.Value)
		fmt.Fprintf(&line, "%c%.1f %.1f", command, p.EndX, p.EndY)
		if v.Value < low.Value {
			low = v
		}
		if v.Value > high.Value {
			high = v
		}
	}
	p.Line = line.String()
	p.Area = fmt.Sprintf("%sL%.1f %.1fL%.1f %.1fZ", p.Line, p.EndX, p.Base, p.Left, p.Base)
	for _, n := range []int{0, top / 2, top} {
		p.Y = append(p.Y, Tick{X: p.Left - 6, Y: y(n), Label: short(n)})
	}
	p.X = []Tick{{X: p.Left, Y: p.Base + 15, Label: day(first.Day)}, {X: p.Right, Y: p.Base + 15, Label: day(last.Day)}}
	p.Summary = fmt.Sprintf("%s from %d%s on %s to %d%s on %s; lowest %d%s on %s, highest %d%s on %s.", what, first.Value, unit, day(first.Day),
		last.Value, unit, day(last.Day), low.Value, unit, day(low.Day), high.Value, unit, day(high.Day))
	return p, true
}
