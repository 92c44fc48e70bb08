package web_test

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// within reports whether a host of the demo is in a scope: its tags are given ones.
func within(h *fleet.Host, scope []string) bool {
	return len(scope) == 0 || slices.ContainsFunc(scope, func(tag string) bool { return slices.Contains(h.Labels.Tags, tag) })
}

func (d *demo) HostPage(_ context.Context, q fleet.HostQuery) (fleet.HostPage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := fleet.HostPage{Page: q.Page, Size: cmp.Or(q.Size, fleet.DefaultPage)}
	var all []fleet.Host
	for _, h := range d.hosts {
		if h = d.count(h); len(q.Scope) == 0 && selects(&q, &h) { // nobody gave the demo's hosts a tag
			all = append(all, h)
		}
	}
	slices.SortStableFunc(all, func(a, b fleet.Host) int {
		c := strings.Compare(a.Labels.Name, b.Labels.Name)
		switch q.Sort {
		case fleet.ByScore:
			x, _ := a.Counts.Score()
			y, _ := b.Counts.Score()
			c = cmp.Or(x-y, c)
		case fleet.BySeen:
			c = cmp.Or(a.LastSeen.Compare(b.LastSeen), c)
		case fleet.ByID:
			c = strings.Compare(string(a.ID), string(b.ID))
		case fleet.ByPending:
			c = cmp.Or(b.Pending-a.Pending, c)
		}
		if q.Reverse {
			c = -c
		}
		return c
	})
	p.Total = len(all)
	from := min(q.Page*p.Size, len(all))
	p.Hosts = all[from:min(from+p.Size, len(all))]
	return p, d.err
}

func selects(q *fleet.HostQuery, h *fleet.Host) bool {
	worst := finding.SeverityUnknown
	for s, n := range h.BySeverity {
		if n > 0 {
			worst = finding.Severity(s)
		}
	}
	score, known := h.Counts.Score()
	standing := fleet.Active
	if h.Member != nil {
		standing = h.Member.Standing
	}
	l := &h.Labels
	return strings.Contains(strings.ToLower(l.Name+"\n"+string(h.ID)+"\n"+l.OS), strings.ToLower(q.Text)) &&
		(q.OS == "" || q.OS == l.OS) && (q.Region == "" || q.Region == l.Region) && (q.Tag == "" || slices.Contains(l.Tags, q.Tag)) &&
		(q.Presence == h.Presence || q.Presence == "" && (q.Every || h.Presence != fleet.Archived)) && h.ID > q.After && worst >= q.Severity &&
		(q.Below == 0 || known && score < q.Below) && (!q.Pending || h.Pending > 0) && (q.Standing == "" || q.Standing == standing) && within(h, q.Scope)
}

func (d *demo) Facets(_ context.Context, scope []string) (f fleet.Facets, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	count := func(to *[]fleet.Facet, value string) {
		if i := slices.IndexFunc(*to, func(f fleet.Facet) bool { return f.Value == value }); i >= 0 {
			(*to)[i].Hosts++
		} else if value != "" {
			*to = append(*to, fleet.Facet{Value: value, Hosts: 1})
		}
	}
	for i := range d.hosts {
		if h := &d.hosts[i]; within(h, scope) {
			count(&f.OS, h.Labels.OS)
			count(&f.Regions, h.Labels.Region)
			for _, t := range h.Labels.Tags {
				count(&f.Tags, t)
			}
		}
	}
	return f, d.err
}

func (d *demo) Changes(_ context.Context, q fleet.ChangeQuery) (p fleet.ChangePage, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		r := &e.Change.Result
		i := slices.IndexFunc(d.hosts, func(h fleet.Host) bool { return h.ID == e.Host })
		if q.Before != 0 && e.ID >= q.Before || q.Host != "" && e.Host != q.Host || q.Check != "" && r.Check != q.Check ||
			!strings.HasPrefix(r.Check, q.Family) || r.Severity < q.Severity || q.Status != 0 && r.Status != q.Status ||
			!strings.Contains(r.Check+" "+r.Resource, q.Text) ||
			q.Actor != "" && (r.Cause == nil || r.Cause.LoginUser != q.Actor && r.Cause.User != q.Actor) || q.Caused && r.Cause == nil ||
			e.Received.Before(q.Since) || !q.Until.IsZero() && !e.Received.Before(q.Until) || i < 0 || !within(&d.hosts[i], q.Scope) {
			continue
		}
		if len(p.Events) == cmp.Or(q.Limit, 50) {
			p.Next = p.Events[len(p.Events)-1].ID
			break
		}
		p.Events = append(p.Events, e)
	}
	return p, d.err
}

func (d *demo) Packages(_ context.Context, q fleet.PackageQuery) (p fleet.PackagePage, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p.Page, p.Size = q.Page, cmp.Or(q.Size, fleet.DefaultPage)
	at := map[string]int{}
	for i := range d.hosts {
		h := &d.hosts[i]
		for _, s := range d.states[h.ID] {
			r := &s.Result
			if r.Check != "patch-security-updates" || r.Status != finding.StatusFail || !within(h, q.Scope) || !strings.Contains(strings.ToLower(r.Resource), strings.ToLower(q.Text)) {
				continue
			}
			if s.Since.Before(q.From) || !q.To.IsZero() && !s.Since.Before(q.To) {
				continue
			}
			n, had := at[r.Resource]
			if !had {
				n, at[r.Resource] = len(p.Packages), len(p.Packages)
				p.Packages = append(p.Packages, fleet.Package{Name: r.Resource, Since: s.Since})
			}
			p.Packages[n].Hosts++
			if s.Since.Before(p.Packages[n].Since) {
				p.Packages[n].Since = s.Since
			}
		}
	}
	slices.SortStableFunc(p.Packages, func(a, b fleet.Package) int { return cmp.Or(b.Hosts-a.Hosts, strings.Compare(a.Name, b.Name)) })
	p.Total = len(p.Packages)
	from := min(q.Page*p.Size, p.Total)
	p.Packages = p.Packages[from:min(from+p.Size, p.Total)]
	return p, d.err
}

func (d *demo) Results(_ context.Context, q fleet.CheckQuery) (p fleet.StatePage, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p.Page, p.Size = q.Page, cmp.Or(q.Size, fleet.DefaultPage)
	var all []fleet.State
	for i := range d.hosts {
		h := &d.hosts[i]
		for _, s := range d.states[h.ID] {
			r := &s.Result
			if r.Check == q.Check && (q.Resource == "" || r.Resource == q.Resource) && (r.Status == q.Status || q.Status == 0 && r.Status.Bad()) && within(h, q.Scope) {
				all = append(all, s)
			}
		}
	}
	from := min(q.Page*p.Size, len(all))
	p.States = all[from:min(from+p.Size, len(all))]
	p.More = from+p.Size < len(all)
	return p, d.err
}
