package seen

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/format"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/pkg/finding"
)

// chain returns processes with the one that began it all first.
func chain(all []finding.Process) []finding.Process {
	out := slices.Clone(all)
	slices.Reverse(out)
	return out
}

// detectionsBody is the model of the list of detections.
type detectionsBody struct {
	Now        time.Time
	Query      fleet.DetectionQuery
	Severities []list.Option
	Hosts      []list.Option
	Storms     []frame.Storm
	Newest     string // address of the first page, on another
	Older      string // address of the next page, if any
}

// Any reports whether the query leaves anything out.
func (b detectionsBody) Any() bool {
	return b.Query.Host != "" || b.Query.Rule != "" || b.Query.Severity != finding.SeverityUnknown
}

// mostHosts bounds the hosts to choose from.
const mostHosts = 200

// detectionsOf returns the list of detections that q selects; all are one more than a
// page of them. Hosts are those to choose from, or none where only a part of the page
// is asked for.
func detectionsOf(now time.Time, q fleet.DetectionQuery, all []fleet.Detection, hosts []fleet.Host) frame.Page {
	b := detectionsBody{Now: now, Query: q, Severities: []list.Option{{Label: "any severity", Chosen: q.Severity == finding.SeverityUnknown}}}
	for s := finding.SeverityCritical; s > finding.SeverityUnknown; s-- {
		b.Severities = append(b.Severities, list.Option{Value: s.String(), Label: format.Severity(s), Chosen: s == q.Severity})
	}
	b.Hosts = []list.Option{{Label: "any host", Chosen: q.Host == ""}}
	for i := range hosts {
		h := &hosts[i]
		if h.ID == q.Host || h.Detected != [6]int{} && len(b.Hosts) < mostHosts {
			b.Hosts = append(b.Hosts, list.Option{Value: string(h.ID), Label: cmp.Or(h.Labels.Name, string(h.ID)), Chosen: h.ID == q.Host})
		}
	}
	const path = "/detections"
	if q.Before != 0 {
		first := q
		first.Before = 0
		b.Newest = path + search(first)
	}
	if len(all) > frame.PageSize {
		all = all[:frame.PageSize]
		next := q
		next.Before = all[frame.PageSize-1].Place
		b.Older = path + search(next)
	}
	b.Storms = frame.Storms(now, all)
	return frame.Page{Title: "Detections", Section: "detections", API: "/api/v1" + path + search(q), Live: &frame.Live{Host: q.Host, Since: -1}, Body: b}
}

// search returns the query of the list's address.
func search(q fleet.DetectionQuery) string {
	v := url.Values{}
	if q.Host != "" {
		v.Set("host", string(q.Host))
	}
	if q.Rule != "" {
		v.Set("rule", q.Rule)
	}
	if q.Severity != finding.SeverityUnknown {
		v.Set("severity", q.Severity.String())
	}
	if q.Before != 0 {
		v.Set("before", strconv.FormatInt(q.Before, 10))
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// detectionOf returns the page of one detection.
func detectionOf(now time.Time, d fleet.Detection) frame.Page {
	s := frame.Storm{Now: now, Detection: d}
	return frame.Page{Title: s.Name(), Section: "detections", API: "/api/v1" + s.Path(), Live: &frame.Live{Host: d.Host, Since: -1}, Body: s}
}
