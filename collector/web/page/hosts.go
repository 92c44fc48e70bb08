package page

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
)

// hostsBody is the model of the list of hosts.
type hostsBody struct {
	Now      time.Time
	Query    list.Query
	Statuses []list.Option
	Families []list.Option
	Sorts    []list.Option
	Hosts    []fleet.Host
	Waiting  queue
	Pages    list.Pages
	All      int // without the filter
}

// Hosts returns the list of hosts that q selects, after those that wait for
// approval. A host's family is its distribution.
func Hosts(now time.Time, q list.Query, all []fleet.Host, requests []fleet.Request) frame.Page {
	var families []string
	var chosen []fleet.Host
	shown := 0
	for i := range all {
		h := &all[i]
		// An archived host is in the list of those alone.
		if (h.Presence == fleet.Archived) != (q.Status == string(fleet.Archived)) {
			continue
		}
		shown++
		if id := h.Labels.OSID; id != "" && !slices.Contains(families, id) && len(families) < 50 {
			families = append(families, id)
		}
		if hostHas(now, h, q.Status) && (q.Family == "" || q.Family == h.Labels.OSID) && q.Found(hostTexts(h)...) {
			chosen = append(chosen, *h)
		}
	}
	slices.Sort(families)
	rows, pages := list.Cut(q, chosen, hostOrder(q.Sort), byName)
	b := hostsBody{
		Now: now, Query: q, Hosts: rows, Pages: pages, All: shown,
		Waiting:  newQueue(now, requests),
		Statuses: list.Options("any state", q.Status, "failing", "passing", "undecided", "updates", "online", "silent", "offline", "archived", "quarantined", "revoked", "expired"),
		Families: list.Options("any system", q.Family, families...),
		Sorts:    list.Options("worst first", q.Sort, "name", "updates", "seen", "system"),
	}
	return frame.Page{
		Title: "Hosts", Section: "hosts", API: "/api/v1/hosts",
		Live: &frame.Live{Since: -1}, Body: b,
	}
}

func hostTexts(h *fleet.Host) []string {
	l := &h.Labels
	return append([]string{l.Name, string(h.ID), l.OS, l.OSID, l.Kernel, l.DropletID, l.Region, l.AgentVersion}, l.Tags...)
}

func hostHas(now time.Time, h *fleet.Host, status string) bool {
	switch status {
	case "failing":
		return h.Counts.Fail > 0
	case "passing":
		return h.Counts.Fail+h.Counts.Error+h.Counts.Unknown == 0 && h.Counts.Pass > 0
	case "undecided":
		return h.Counts.Error+h.Counts.Unknown > 0
	case "updates":
		return h.Pending > 0
	case "online", "silent", "offline", "archived":
		return string(h.Presence) == status
	case "quarantined", "revoked":
		return h.Member != nil && string(h.Member.Standing) == status
	case "expired":
		return h.Member != nil && expiry(now, h.Member).Class == "st-error"
	}
	return true
}

func byName(a, b *fleet.Host) int {
	return cmp.Or(strings.Compare(a.Labels.Name, b.Labels.Name), strings.Compare(string(a.ID), string(b.ID)))
}

func hostOrder(sort string) func(a, b *fleet.Host) int {
	switch sort {
	case "name":
		return byName
	case "updates":
		return list.Most(func(h *fleet.Host) int { return h.Pending })
	case "seen":
		return func(a, b *fleet.Host) int { return b.LastSeen.Compare(a.LastSeen) }
	case "system":
		return func(a, b *fleet.Host) int { return strings.Compare(a.Labels.OS, b.Labels.OS) }
	}
	return func(a, b *fleet.Host) int {
		for s := len(a.BySeverity) - 1; s >= 0; s-- {
			if c := cmp.Compare(b.BySeverity[s], a.BySeverity[s]); c != 0 {
				return c
			}
		}
		return cmp.Compare(b.Counts.Error+b.Counts.Unknown, a.Counts.Error+a.Counts.Unknown)
	}
}
