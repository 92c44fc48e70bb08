package page

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// patchCheck is the check with one result for each package that has a security
// update: resource name:arch, actual the version installed, expected the fixed.
const patchCheck = "patch-security-updates"

// item is one result with the text of its check.
type item struct {
	Now   time.Time
	State fleet.State
	Info  finding.CheckInfo
}

// Verdict returns the result's status.
func (i item) Verdict() finding.Status { return i.State.Result.Status }

// family is the results of one family.
type family struct {
	Name   string
	Counts fleet.Counts
	Bad    []item // fail, error or unknown, worst first
	Rest   []item
	// Packages is how many results are in the table of updates instead.
	Packages int
	worst    finding.Severity
}

// updatesShown is how many pending updates a host's page shows before the reader
// asks for the others. A host that was left alone has a hundred.
const updatesShown = 10

// changesShown is how many changes stand before a host's results; the older ones
// are one step away.
const changesShown = 10

// hostBody is one host's model. The page first says who did what, then what is
// wrong now.
type hostBody struct {
	Now      time.Time
	Host     fleet.Host
	Notices  []notice
	Families []family
	Pending  []item
	Timeline timeline
}

// First returns the updates that are shown at once.
func (b hostBody) First() []item { return b.Pending[:min(updatesShown, len(b.Pending))] }

// Others returns the updates after those.
func (b hostBody) Others() []item { return b.Pending[len(b.First()):] }

// Host returns the page of one host. Events are one more than a page of its
// timeline, before the cursor.
func Host(now time.Time, d fleet.HostDetail, before int64, events []fleet.Event) Page {
	b := hostBody{Now: now, Host: d.Host, Notices: notices(now, d.Host)}
	byName := make(map[string]*family)
	for i := range d.States {
		s := &d.States[i]
		it := item{Now: now, State: *s, Info: info(d.Checks, &s.Result)}
		f := byName[it.Info.Family]
		if f == nil {
			f = &family{Name: it.Info.Family}
			byName[it.Info.Family] = f
		}
		if f.add(it) {
			b.Pending = append(b.Pending, it)
		}
	}
	for _, f := range byName {
		slices.SortStableFunc(f.Bad, worseFirst)
		slices.SortStableFunc(f.Rest, byCheck)
		b.Families = append(b.Families, *f)
	}
	slices.SortFunc(b.Families, func(a, b family) int {
		return cmp.Or(cmp.Compare(b.worst, a.worst), cmp.Compare(len(b.Bad)+b.Packages, len(a.Bad)+a.Packages),
			strings.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(b.Pending, worseFirst)
	path := "/hosts/" + string(d.Host.ID)
	size := PageSize
	if before == 0 {
		size = changesShown
	}
	b.Timeline = newTimeline(now, path, before, size, events)
	live := &Live{Host: d.Host.ID, Since: b.Timeline.since()}
	if before != 0 {
		live.Since = -1
	}
	return Page{Title: title(d.Host), Section: "hosts", API: "/api/v1" + path, Live: live, Body: b}
}

func title(h fleet.Host) string {
	if h.Labels.Name == "" {
		return string(h.ID)
	}
	return h.Labels.Name
}

// info returns the check's text, made up from the id where none came.
func info(checks map[string]finding.CheckInfo, r *finding.Result) finding.CheckInfo {
	c, ok := checks[r.Check]
	if !ok {
		c = finding.CheckInfo{ID: r.Check, Severity: r.Severity}
	}
	if c.Title == "" {
		c.Title = r.Check
	}
	if c.Family == "" {
		c.Family, _, _ = strings.Cut(r.Check, "-")
	}
	return c
}

// add counts the result and files it; it reports whether its place is the table
// of updates.
func (f *family) add(it item) (pending bool) {
	r := &it.State.Result
	f.Counts.Add(r.Status, 1)
	if r.Status == finding.StatusFail {
		f.worst = max(f.worst, r.Severity)
	}
	switch {
	case r.Check == patchCheck && r.Status == finding.StatusFail && r.Resource != "":
		f.Packages++
		return true
	case r.Status.Bad():
		f.Bad = append(f.Bad, it)
	default:
		f.Rest = append(f.Rest, it)
	}
	return false
}

// worseFirst puts failures before errors before unknowns, then the more severe.
func worseFirst(a, b item) int {
	rank := func(s finding.Status) int {
		return slices.Index([]finding.Status{finding.StatusFail, finding.StatusError, finding.StatusUnknown}, s)
	}
	return cmp.Or(cmp.Compare(rank(a.Verdict()), rank(b.Verdict())),
		cmp.Compare(b.State.Result.Severity, a.State.Result.Severity), byCheck(a, b))
}

func byCheck(a, b item) int { return finding.Compare(a.State.Result, b.State.Result) }
