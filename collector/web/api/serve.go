package api

import (
	"fmt"
	"maps"

	"seawall/collector/fleet"
	"seawall/collector/plain"
	"seawall/collector/web/pending"
	"seawall/collector/web/rest"
	"seawall/pkg/finding"
)

func (s *API) overview(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	o, err := s.config.Posture.Overview(r.Context())
	if err != nil {
		return nil, fmt.Errorf("overview: %w", err)
	}
	plain.Events(o.Recent)
	plain.Detections(o.Detections)
	o.Worst = plain.Checks(o.Worst)
	o.Detections, o.Recent, o.Days = plain.List(o.Detections), plain.List(o.Recent), plain.List(o.Days)
	if o.Presence == nil {
		o.Presence = map[fleet.Presence]int{}
	}
	if o.Standing == nil {
		o.Standing = map[fleet.Standing]int{}
	}
	return o, nil
}

// hosts answers with hosts in the order of their ids, so that a page begins where the one
// before ended, whoever came or went meanwhile.
func (s *API) hosts(r *rest.Request) (any, error) {
	q := fleet.HostQuery{
		After: r.Host("after"), Size: int(r.Number("limit")), Sort: fleet.ByID, Every: true, Scope: r.Visitor.Scope,
		Text: r.Text("text"), Tag: r.Text("tag"), OS: r.Text("os"), Region: r.Text("region"),
		Presence: fleet.Presence(r.Text("presence")), Standing: fleet.Standing(r.Text("standing")),
		Severity: r.Severity("severity"), Below: int(r.Number("below")),
		Pending: r.Is("pending"), Detected: r.Is("detected"), Expired: r.Is("expired"),
	}
	page, err := s.config.Lists.HostPage(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	list := hostList{Hosts: plain.List(page.Hosts)}
	if n := len(page.Hosts); n > 0 && n < page.Total {
		list.Next = string(page.Hosts[n-1].ID)
	}
	for i := range list.Hosts {
		plain.Host(&list.Hosts[i])
	}
	return list, nil
}

// host answers with a host, its results, and its pending updates put together.
func (s *API) host(r *rest.Request) (any, error) {
	id := r.Host("id")
	if err := r.May(id); err != nil {
		return nil, err
	}
	d, err := s.config.Posture.Host(r.Context(), id)
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", id, err)
	}
	plain.Host(&d.Host)
	plain.States(d.States)
	d.States = plain.List(d.States)
	d.Checks = maps.Clone(d.Checks) // not the source's own
	if d.Checks == nil {
		d.Checks = map[string]finding.CheckInfo{}
	}
	for name, info := range d.Checks {
		info.References = plain.List(info.References)
		d.Checks[name] = info
	}
	groups := pending.Groups(s.frame.Now(), d.States)
	for i := range groups {
		for k := range groups[i].Packages {
			p := &groups[i].Packages[k]
			p.Notes = plain.List(p.Notes)
		}
	}
	return hostAnswer{d, plain.List(groups)}, nil
}

func (s *API) requests(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	all, err := s.config.Requests(r.Context())
	if err != nil {
		return nil, fmt.Errorf("requests: %w", err)
	}
	plain.Requests(all)
	return requestList{plain.List(all)}, nil
}

func (s *API) checks(r *rest.Request) (any, error) {
	if err := r.WholeFleet(); err != nil {
		return nil, err
	}
	all, err := s.config.Catalogue.Checks(r.Context())
	if err != nil {
		return nil, fmt.Errorf("checks: %w", err)
	}
	return checkList{plain.Checks(all)}, nil
}

// check answers with a check and its results. For who does not see all hosts its counts
// are those of the hosts that are seen.
func (s *API) check(r *rest.Request) (any, error) {
	d, err := s.config.CheckOf(r.Context(), r.Text("id"), r.Visitor.Scope)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	plain.States(d.States)
	d.States = plain.List(d.States)
	d.Check.Info.References = plain.List(d.Check.Info.References)
	return d, nil
}

// timeline answers with a page of changes. For who does not see all hosts it is one of the
// hosts that are seen, and may be short where changes of others are many: Next leads on.
func (s *API) timeline(r *rest.Request) (any, error) {
	q := fleet.TimelineQuery{Host: r.Host("host"), Check: r.Text("check"), Before: r.Number("before"), Limit: int(r.Number("limit"))}
	sees, err := r.Sees()
	if err != nil {
		return nil, err
	}
	if q.Host != "" && sees != nil && !sees(q.Host) {
		return nil, rest.NotFound("host")
	}
	list := timeline{}
	if sees != nil {
		p, err := s.config.Lists.Changes(r.Context(), fleet.ChangeQuery{Host: q.Host, Check: q.Check, Scope: r.Visitor.Scope, Before: q.Before, Limit: q.Limit})
		if err != nil {
			return nil, fmt.Errorf("timeline: %w", err)
		}
		list.Events, list.Next = p.Events, p.Next
	} else if list.Events, err = s.config.Posture.Timeline(r.Context(), q); err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	} else if len(list.Events) == q.Limit {
		list.Next = list.Events[q.Limit-1].ID
	}
	plain.Events(list.Events)
	list.Events = plain.List(list.Events)
	return list, nil
}

func (s *API) detections(r *rest.Request) (any, error) {
	q := fleet.DetectionQuery{Host: r.Host("host"), Rule: r.Text("rule"), Severity: r.Severity("severity"), Before: r.Number("before"), Limit: int(r.Number("limit")), Scope: r.Visitor.Scope}
	sees, err := r.Sees()
	if err != nil {
		return nil, err
	}
	if q.Host != "" && sees != nil && !sees(q.Host) {
		return nil, rest.NotFound("host")
	}
	all, err := s.config.Detections.Detections(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("detections: %w", err)
	}
	list := detectionList{}
	if len(all) == q.Limit {
		list.Next = all[len(all)-1].Place
	}
	plain.Detections(all)
	list.Detections = plain.List(all)
	return list, nil
}

func (s *API) detection(r *rest.Request) (any, error) {
	id := r.Host("id")
	if err := r.May(id); err != nil {
		return nil, err
	}
	d, err := s.config.Detections.Detection(r.Context(), id, r.Text("storm"))
	if err != nil {
		return nil, fmt.Errorf("detection of host %s: %w", id, err)
	}
	all := []fleet.Detection{d}
	plain.Detections(all)
	return all[0], nil
}
