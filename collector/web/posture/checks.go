package posture

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
)

// checksBody is the model of the list of checks.
type checksBody struct {
	Now      time.Time
	Query    list.Query
	Statuses []list.Option
	Families []list.Option
	Sorts    []list.Option
	Checks   []fleet.Check
	Pages    list.Pages
	All      int
	Waived   map[string]int // failed results that waivers stand for, by check
	Most     int            // hosts of the check with the most bad hosts
}

// checksOf returns the list of checks that q selects.
func checksOf(now time.Time, q list.Query, all []fleet.Check, waived map[string]int) frame.Page {
	var families []string
	var chosen []fleet.Check
	b := checksBody{Now: now, Query: q, All: len(all), Most: 1, Waived: waived}
	for i := range all {
		c := &all[i]
		if f := c.Info.Family; f != "" && !slices.Contains(families, f) && len(families) < 50 {
			families = append(families, f)
		}
		b.Most = max(b.Most, c.Hosts)
		if checkHas(c, q.Status) && (q.Family == "" || q.Family == c.Info.Family) &&
			q.Found(c.Info.ID, c.Info.Title, c.Info.Family, c.Info.Severity.String(), strings.Join(c.Info.References, " ")) {
			chosen = append(chosen, *c)
		}
	}
	slices.Sort(families)
	byID := func(a, b *fleet.Check) int { return strings.Compare(a.Info.ID, b.Info.ID) }
	b.Checks, b.Pages = list.Cut(q, chosen, checkOrder(q.Sort), byID)
	b.Statuses = list.Options("any result", q.Status, "failing", "undecided", "passing", "waived", "not_applicable")
	b.Families = list.Options("any family", q.Family, families...)
	b.Sorts = list.Options("most hosts first", q.Sort, "severity", "name", "family")
	return frame.Page{
		Title: "Checks", Section: "checks", API: "/api/v1/checks",
		Live: &frame.Live{Since: -1}, Body: b,
	}
}

func checkHas(c *fleet.Check, status string) bool {
	switch status {
	case "failing":
		return c.Counts.Fail > 0
	case "undecided":
		return c.Counts.Error+c.Counts.Unknown > 0
	case "passing":
		return c.Counts.Fail+c.Counts.Error+c.Counts.Unknown == 0 && c.Counts.Pass > 0
	case "waived":
		return c.Counts.Waived > 0
	case "not_applicable":
		return c.Counts.NotApplicable > 0
	}
	return true
}

func checkOrder(sort string) func(a, b *fleet.Check) int {
	severe := list.Most(func(c *fleet.Check) int { return int(c.Info.Severity) })
	hosts := list.Most(func(c *fleet.Check) int { return c.Hosts })
	switch sort {
	case "severity":
		return func(a, b *fleet.Check) int { return cmp.Or(severe(a, b), hosts(a, b)) }
	case "name":
		return func(a, b *fleet.Check) int { return strings.Compare(a.Info.ID, b.Info.ID) }
	case "family":
		return func(a, b *fleet.Check) int { return strings.Compare(a.Info.Family, b.Info.Family) }
	}
	return func(a, b *fleet.Check) int { return cmp.Or(hosts(a, b), severe(a, b)) }
}

// statesShown is how many results a check's page shows; the others are counted.
const statesShown = 500

// checkBody is one check's model.
type checkBody struct {
	Now      time.Time
	Check    fleet.Check
	Bad      []item
	Rest     []item
	More     int // results not shown
	Remedies []remedy
	Timeline frame.Timeline
}

// systemsNamed is how many systems are named above a remedy.
const systemsNamed = 6

// remedy is how to mend a check, on some systems or, where none are named, on all.
type remedy struct{ fleet.Remedy }

// Named returns the systems that are named, those of most hosts.
func (r remedy) Named() []fleet.Facet { return r.Systems[:min(systemsNamed, len(r.Systems))] }

// Others returns how many systems are not named.
func (r remedy) Others() int { return len(r.Systems) - len(r.Named()) }

// checkOf returns the page of one check. Events are one more than a page of its
// timeline, before the cursor.
func checkOf(now time.Time, d fleet.CheckDetail, path string, before int64, events []fleet.Event, decided cares) frame.Page {
	b := checkBody{Now: now, Check: d.Check}
	if b.Check.Info.Title == "" {
		b.Check.Info.Title = b.Check.Info.ID
	}
	states := d.States
	if len(states) > statesShown {
		b.More = len(states) - statesShown
		states = states[:statesShown]
	}
	for i := range states {
		it := item{Now: now, State: states[i], Info: d.Check.Info}
		decided.decided(&it)
		if states[i].Result.Status.Bad() {
			b.Bad = append(b.Bad, it)
		} else {
			b.Rest = append(b.Rest, it)
		}
	}
	for _, r := range d.Remedies {
		b.Remedies = append(b.Remedies, remedy{r})
	}
	if len(b.Remedies) == 0 { // all hosts were told the same
		b.Remedies = []remedy{{fleet.Remedy{Text: d.Check.Info.Remediation}}}
	}
	slices.SortStableFunc(b.Bad, func(a, b item) int {
		return cmp.Or(worseFirst(a, b), strings.Compare(a.State.HostName, b.State.HostName))
	})
	b.Timeline = frame.NewTimeline(now, path, before, frame.PageSize, events)
	live := &frame.Live{Check: d.Check.Info.ID, Since: b.Timeline.Since()}
	if before != 0 {
		live.Since = -1
	}
	return frame.Page{Title: b.Check.Info.Title, Section: "checks", API: "/api/v1" + path, Live: live, Body: b}
}
