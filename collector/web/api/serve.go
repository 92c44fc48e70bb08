package api

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"seawall/collector/fleet"
	"seawall/collector/plain"
	"seawall/collector/web/pending"
	"seawall/pkg/finding"
)

func (s *API) overview(r *request) (any, error) {
	if err := r.wholeFleet(); err != nil {
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
func (s *API) hosts(r *request) (any, error) {
	all, err := s.config.Posture.Hosts(r.Context())
	if err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	after, most := fleet.HostID(r.values["after"]), int(r.int64("limit"))
	all = slices.DeleteFunc(slices.Clone(all), func(h fleet.Host) bool { return h.ID <= after || !r.may(h.ID) })
	slices.SortFunc(all, func(a, b fleet.Host) int { return cmp.Compare(a.ID, b.ID) })
	list := hostList{Hosts: plain.List(all)}
	if len(all) > most {
		list.Hosts, list.Next = all[:most], string(all[most-1].ID)
	}
	for i := range list.Hosts {
		plain.Host(&list.Hosts[i])
	}
	return list, nil
}

// host answers with a host, its results, and its pending updates put together.
func (s *API) host(r *request) (any, error) {
	id := fleet.HostID(r.values["id"])
	if !r.may(id) {
		return nil, notFound("host")
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

func (s *API) requests(r *request) (any, error) {
	if err := r.wholeFleet(); err != nil {
		return nil, err
	}
	all, err := s.config.Requests(r.Context())
	if err != nil {
		return nil, fmt.Errorf("requests: %w", err)
	}
	plain.Requests(all)
	return requestList{plain.List(all)}, nil
}

func (s *API) checks(r *request) (any, error) {
	if err := r.wholeFleet(); err != nil {
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
func (s *API) check(r *request) (any, error) {
	d, err := s.config.Catalogue.Check(r.Context(), r.values["id"])
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	if r.sees != nil {
		d.States = slices.DeleteFunc(slices.Clone(d.States), func(s fleet.State) bool { return !r.may(s.Host) })
		d.Check.Counts, d.Check.Hosts = counted(d.States)
	}
	plain.States(d.States)
	d.States = plain.List(d.States)
	d.Check.Info.References = plain.List(d.Check.Info.References)
	return d, nil
}

// counted counts results by status, and the hosts on which one is bad.
func counted(states []fleet.State) (c fleet.Counts, hosts int) {
	bad := map[fleet.HostID]bool{}
	for i := range states {
		c.Add(states[i].Result.Status, 1)
		if states[i].Result.Status.Bad() {
			bad[states[i].Host] = true
		}
	}
	return c, len(bad)
}

func (s *API) timeline(r *request) (any, error) {
	q := fleet.TimelineQuery{Host: fleet.HostID(r.values["host"]), Check: r.values["check"], Before: r.int64("before"), Limit: int(r.int64("limit"))}
	if q.Host != "" && !r.may(q.Host) {
		return nil, notFound("host")
	}
	events, err := s.config.Posture.Timeline(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	list := timeline{}
	if len(events) == q.Limit {
		list.Next = events[len(events)-1].ID
	}
	if r.sees != nil {
		events = slices.DeleteFunc(events, func(e fleet.Event) bool { return !r.may(e.Host) })
	}
	plain.Events(events)
	list.Events = plain.List(events)
	return list, nil
}

func (s *API) detections(r *request) (any, error) {
	q := fleet.DetectionQuery{Host: fleet.HostID(r.values["host"]), Rule: r.values["rule"], Before: r.int64("before"), Limit: int(r.int64("limit"))}
	if q.Host != "" && !r.may(q.Host) {
		return nil, notFound("host")
	}
	if word := r.values["severity"]; word != "" {
		if err := q.Severity.UnmarshalText([]byte(word)); err != nil {
			return nil, fmt.Errorf("severity: %w", err)
		}
	}
	all, err := s.config.Detections.Detections(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("detections: %w", err)
	}
	list := detectionList{}
	if len(all) == q.Limit {
		list.Next = all[len(all)-1].Place
	}
	if r.sees != nil {
		all = slices.DeleteFunc(all, func(d fleet.Detection) bool { return !r.may(d.Host) })
	}
	plain.Detections(all)
	list.Detections = plain.List(all)
	return list, nil
}

func (s *API) detection(r *request) (any, error) {
	id := fleet.HostID(r.values["id"])
	if !r.may(id) {
		return nil, notFound("detection")
	}
	d, err := s.config.Detections.Detection(r.Context(), id, r.values["storm"])
	if err != nil {
		return nil, fmt.Errorf("detection of host %s: %w", id, err)
	}
	all := []fleet.Detection{d}
	plain.Detections(all)
	return all[0], nil
}
