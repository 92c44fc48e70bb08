package posture

import (
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/chart"
	"seawall/collector/web/frame"
)

// presenceCount is the number of hosts of one presence.
type presenceCount struct {
	Presence fleet.Presence
	N        int
}

// overviewBody is the overview's model.
type overviewBody struct {
	fleet.Glance
	Now       time.Time
	Left      [6]int // failed results after waivers, by severity
	After     int    // of all
	Before    int
	Since     string // the day on which the last day began
	Score     chart.Plot
	HasScore  bool
	Presences []presenceCount
	Concerns  []concern
	Trend     chart.Trend
	HasTrend  bool
	Timeline  frame.Timeline
	Newest    frame.Newest
}

// overviewOf returns the page of the fleet at a glance.
func overviewOf(now time.Time, g fleet.Glance) frame.Page {
	o := g.Overview
	b := overviewBody{Glance: g, Now: now, Concerns: concerns(o), Since: now.UTC().Add(-24 * time.Hour).Format("2006-01-02")}
	for s, n := range o.BySeverity {
		b.Left[s] = max(0, n-g.Waived[s])
		b.After, b.Before = b.After+b.Left[s], b.Before+n
	}
	for _, p := range []fleet.Presence{fleet.Online, fleet.Silent, fleet.Offline} {
		b.Presences = append(b.Presences, presenceCount{p, o.Presence[p]})
	}
	if n := o.Presence[fleet.Archived]; n > 0 {
		b.Presences = append(b.Presences, presenceCount{fleet.Archived, n})
	}
	days := make([]chart.Day, len(o.Days))
	for i, d := range o.Days {
		days[i] = chart.Day{Day: d.Day, Failing: d.Counts.Fail, Changes: d.Changes}
	}
	b.Trend, b.HasTrend = chart.NewTrend(days)
	b.Score, b.HasScore = chart.NewPlot("Score", " %", 100, scorePoints(o.Days))
	b.Score.Caption, b.Score.Class = "score, percent", "of-pass"
	b.Timeline = frame.NewTimeline(now, "/", 0, frame.PageSize, o.Recent)
	b.Timeline.Title = "Recent changes"
	b.Newest = frame.Newest{Storms: frame.Storms(now, o.Detections), Counts: o.Detected, All: "/detections"}
	return frame.Page{
		Title: "Overview", Section: "overview", API: "/api/v1/overview",
		Live: &frame.Live{Since: b.Timeline.Since()}, Body: b,
	}
}

// scorePoints are the scores of days.
func scorePoints(days []fleet.Day) []chart.Point {
	points := make([]chart.Point, len(days))
	for i, d := range days {
		n, ok := d.Counts.Score()
		points[i] = chart.Point{Day: d.Day, Value: n, None: !ok}
	}
	return points
}
