package posture

import (
	"strconv"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/format"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/pkg/finding"
)

// hostsBody is the model of the list of hosts.
type hostsBody struct {
	Now     time.Time
	Query   list.HostFilter
	Choices []choice
	Hosts   []fleet.Host
	Waived  map[fleet.HostID]int // failed results that waivers stand for
	Waiting queue
	Pages   list.Pages
	Exports []list.Option
	Views   list.Views
}

// choice is one filter of a list with a name and its options.
type choice struct {
	Name, Label string
	Options     []list.Option
}

// None reports whether there is no host at all.
func (b hostsBody) None() bool { return b.Pages.Total == 0 && !b.Query.Any() }

// hostsOf returns a page of the list of hosts, after those that wait for approval.
func hostsOf(now time.Time, q list.HostFilter, p fleet.HostPage, f fleet.Facets, waiting queue, waived map[fleet.HostID]int, views list.Views) frame.Page {
	b := hostsBody{
		Now: now, Query: q, Hosts: p.Hosts, Waived: waived, Pages: q.Pages(len(p.Hosts), p.Total), Waiting: waiting, Views: views,
		Choices: []choice{
			{"status", "State", list.Options("any state", q.Status, list.HostStatuses()...)},
			{"severity", "Fails at least", severities(q.Severity, q.Status == "failing")},
			{"below", "Score", scores(q.Below)},
			{"tag", "Tag", facets("any tag", q.Tag, f.Tags)},
			{"os", "System", facets("any system", q.OS, f.OS)},
			{"region", "Region", facets("any region", q.Region, f.Regions)},
			{"sort", "Order", list.Options("name", string(q.Sort), "score", "severity", "pending", "seen", "os", "region")},
		},
		Exports: []list.Option{{Value: q.As("csv"), Label: "CSV"}, {Value: q.As("json"), Label: "JSON lines"}},
	}
	return frame.Page{
		Title: "Hosts", Section: "hosts", API: "/api/v1/hosts",
		Live: &frame.Live{Since: -1}, Body: b,
	}
}

// severities are the choices of a least severity. Any failed result at all is a state.
func severities(chosen finding.Severity, any bool) []list.Option {
	options := []list.Option{{Label: "any severity", Chosen: chosen == finding.SeverityUnknown || any}}
	for s := finding.SeverityCritical; s > finding.SeverityInformational; s-- {
		options = append(options, list.Option{Value: s.String(), Label: format.Severity(s), Chosen: s == chosen})
	}
	return options
}

// scores are the choices of a score.
func scores(chosen int) []list.Option {
	options := []list.Option{{Label: "any score", Chosen: chosen == 0}}
	known := chosen == 0
	for _, n := range []int{50, 70, 80, 90, 95, 100} {
		options = append(options, list.Option{Value: strconv.Itoa(n), Label: "below " + strconv.Itoa(n) + " %", Chosen: n == chosen})
		known = known || n == chosen
	}
	if !known {
		options = append(options, list.Option{Value: strconv.Itoa(chosen), Label: "below " + strconv.Itoa(chosen) + " %", Chosen: true})
	}
	return options
}

// facets are the choices of a facet; what is chosen is among them, whatever hosts have.
func facets(all, chosen string, values []fleet.Facet) []list.Option {
	options := []list.Option{{Label: all, Chosen: chosen == ""}}
	known := chosen == ""
	for _, v := range values {
		options = append(options, list.Option{Value: v.Value, Label: v.Value + " (" + format.Count(v.Hosts) + ")", Chosen: v.Value == chosen})
		known = known || v.Value == chosen
	}
	if !known {
		options = append(options, list.Option{Value: chosen, Label: chosen + " (0)", Chosen: true})
	}
	return options
}
