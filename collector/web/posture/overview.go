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
	fleet.Overview
	Now       time.Time
	Presences []presenceCount
	Concerns  []concern
	Trend     chart.Trend
	HasTrend  bool
	Timeline  frame.Timeline
	Newest    frame.Newest
}

// overviewOf returns the page of the fleet at a glance.
func overviewOf(now time.Time, o fleet.Overview) frame.Page {
	b := overviewBody{Overview: o, Now: now, Concerns: concerns(o)}
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
	b.Timeline = frame.NewTimeline(now, "/", 0, frame.PageSize, o.Recent)
	b.Timeline.Title = "Recent changes"
	b.Newest = frame.Newest{Storms: frame.Storms(now, o.Detections), Counts: o.Detected, All: "/detections"}
	return frame.Page{
		Title: "Overview", Section: "overview", API: "/api/v1/overview",
		Live: &frame.Live{Since: b.Timeline.Since()}, Body: b,
	}
}
