package frame

import (
	"net/url"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Storm is one detection as its template takes it.
type Storm struct {
	Now time.Time
	fleet.Detection
}

// What returns what the rule saw.
func (s Storm) What() *finding.Detection { return &s.Detection.Detection }

// Name returns the rule's title, or what stands for one that has none.
func (s Storm) Name() string {
	if s.What().Title != "" {
		return s.What().Title
	}
	return s.What().Rule
}

// Path returns the address of the detection's page.
func (s Storm) Path() string {
	return "/hosts/" + url.PathEscape(string(s.Host)) + "/detections/" + url.PathEscape(s.What().ID)
}

// First returns the first sample, or an empty one.
func (s Storm) First() finding.Sample {
	if all := s.What().Samples; len(all) > 0 {
		return all[0]
	}
	return finding.Sample{}
}

// openFor is for how long after its last report a detection may go on: a host ends it
// after ten minutes of quiet, and says so only where it had more to tell.
const openFor = 15 * time.Minute

// Open reports whether more of the detection may come.
func (s Storm) Open() bool {
	return !s.What().Ended && s.Now.Sub(s.Received) < openFor
}

// Storms returns detections as their template takes them.
func Storms(now time.Time, all []fleet.Detection) (out []Storm) {
	for _, d := range all {
		out = append(out, Storm{now, d})
	}
	return out
}

// Newest are the newest detections of a host or the fleet, as other pages show them.
type Newest struct {
	Storms []Storm
	Counts [6]int // by severity, of all that are kept
	All    string // where they are
}
