// Package plain makes what hosts sent sayable in JSON. JSON has no words for some of it:
// a load that is not a number, a year beyond 9999. One such value would fail a whole
// answer, for all hosts; the functions replace them, in place, before encoding. What may
// be another's, too, is copied and not changed.
package plain

import (
	"math"
	"slices"
	"time"

	"seawall/collector/advisory"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// List returns rows, never nil: a list is [] in JSON, not null.
func List[T any](rows []T) []T {
	if rows == nil {
		return []T{}
	}
	return rows
}

// Host replaces what JSON cannot say of a host by its zero.
func Host(h *fleet.Host) {
	h.Labels.Tags = List(h.Labels.Tags)
	for _, f := range []*float64{&h.Labels.Load1, &h.Labels.Load5, &h.Labels.Load15, &h.Agent.CPUSeconds} {
		if math.IsNaN(*f) || math.IsInf(*f, 0) {
			*f = 0
		}
	}
	instant(&h.Labels.BootTime)
	instant(&h.FirstSeen)
	instant(&h.LastSeen)
	if h.Member == nil {
		return
	}
	m := *h.Member // it may be another's, too
	for _, t := range []*time.Time{&m.Since, &m.Enrolled, &m.Expires, &m.Recovered, &m.Archived} {
		instant(t)
	}
	h.Member = &m
}

// Requests does the same for hosts that wait.
func Requests(requests []fleet.Request) {
	for i := range requests {
		instant(&requests[i].Asked)
		instant(&requests[i].Again)
	}
}

// Packages does the same for packages.
func Packages(all []fleet.Package) {
	for i := range all {
		instant(&all[i].Since)
	}
}

// Advisories does the same for advisories.
func Advisories(all []advisory.Advisory) {
	for i := range all {
		instant(&all[i].Since)
	}
}

// States does the same for results.
func States(states []fleet.State) {
	for i := range states {
		result(&states[i].Result)
		instant(&states[i].Since)
	}
}

// Events does the same for events.
func Events(events []fleet.Event) {
	for i := range events {
		result(&events[i].Change.Result)
		instant(&events[i].Received)
	}
}

// Detections does the same for detections, and makes lists of those that are nil.
func Detections(all []fleet.Detection) {
	for i := range all {
		instant(&all[i].Received)
		d := &all[i].Detection
		instant(&d.First)
		instant(&d.Last)
		d.Techniques, d.FalsePositives, d.Group = List(d.Techniques), List(d.FalsePositives), List(d.Group)
		d.Samples = List(slices.Clone(d.Samples)) // not the source's own
		for k := range d.Samples {
			s := &d.Samples[k]
			instant(&s.Time)
			s.Ancestry, s.Records = List(s.Ancestry), List(s.Records)
		}
	}
}

// Checks returns checks of which every list is one.
func Checks(all []fleet.Check) []fleet.Check {
	all = List(slices.Clone(all)) // not the source's own
	for i := range all {
		all[i].Info.References = List(all[i].Info.References)
	}
	return all
}

func result(r *finding.Result) {
	r.Evidence = List(r.Evidence)
	instant(&r.Time)
	instant(&r.Since)
	if r.Cause == nil {
		return
	}
	if c := *r.Cause; c.Time.Year() < 0 || c.Time.Year() > 9999 {
		instant(&c.Time)
		r.Cause = &c // not the source's own
	}
}

func instant(t *time.Time) {
	if y := t.Year(); y < 0 || y > 9999 {
		*t = time.Time{}
	}
}
