package posture

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/pending"
	"seawall/pkg/finding"
)

// item is one result with the text of its check.
type item struct {
	Now   time.Time
	State fleet.State
	Info  finding.CheckInfo
	// Finding is the address of the page on which people decide about it, or "".
	Finding  string
	Decision fleet.Care
}

// Since returns since when the result is what it is.
func (i item) Since() time.Time { return pending.Since(&i.State) }

// Verdict returns the result's status.
func (i item) Verdict() finding.Status { return i.State.Result.Status }

// family is the results of one family.
type family struct {
	Name   string
	Counts fleet.Counts
	Bad    []item // fail, error or unknown, worst first
	Rest   []item
	// Packages is how many results are among the updates instead.
	Packages int
	worst    finding.Severity
}

// bundle is bad results of one check that belong together, or a single one.
type bundle struct {
	Group string
	Items []item
}

// First returns the worst.
func (b bundle) First() item { return b.Items[0] }

// Since returns since when the first of them is bad.
func (b bundle) Since() time.Time {
	since := b.First().Since()
	for _, it := range b.Items {
		if t := it.Since(); t.Before(since) {
			since = t
		}
	}
	return since
}

// Bundles returns the bad results, those that belong together in one place, that of
// the worst.
func (f family) Bundles() (out []bundle) {
	place := make(map[[2]string]int)
	for _, it := range f.Bad {
		r := &it.State.Result
		key := [2]string{r.Check, r.Group}
		if n, had := place[key]; had && r.Group != "" {
			out[n].Items = append(out[n].Items, it)
			continue
		}
		place[key] = len(out)
		out = append(out, bundle{r.Group, []item{it}})
	}
	return out
}

// updatesShown is how many updates, each with all its packages, a host's page shows
// before the reader asks for the others. A host that was left alone has a hundred.
const updatesShown = 6

// detectionsShown is how many detections a host's page shows.
const detectionsShown = 5

// changesShown is how many changes stand before a host's results; the older ones
// are one step away.
const changesShown = 10

// update is one pending update as its template takes it.
type update struct {
	Now time.Time
	pending.Group
}

// hostBody is one host's model. The page first says who did what, then what is
// wrong now.
type hostBody struct {
	Now      time.Time
	Host     fleet.Host
	Notices  []notice
	Families []family
	Pending  []pending.Group
	History  history
	Timeline frame.Timeline
	Newest   frame.Newest
}

// First returns the updates that are shown at once.
func (b hostBody) First() []pending.Group { return b.Pending[:min(updatesShown, len(b.Pending))] }

// Others returns the updates after those.
func (b hostBody) Others() []pending.Group { return b.Pending[len(b.First()):] }

// Packages returns how many packages have an update.
func (b hostBody) Packages() (n int) {
	for i := range b.Pending {
		n += len(b.Pending[i].Packages)
	}
	return n
}

// hostOf returns the page of one host. Detections are its newest.
func hostOf(now time.Time, d fleet.HostDetail, h history, detections []fleet.Detection, decided cares) frame.Page {
	b := hostBody{Now: now, Host: d.Host, Notices: notices(now, d.Host), Pending: pending.Groups(now, d.States)}
	byName := make(map[string]*family)
	for i := range d.States {
		s := &d.States[i]
		it := item{Now: now, State: *s, Info: info(d.Checks, &s.Result)}
		decided.decided(&it)
		f := byName[it.Info.Family]
		if f == nil {
			f = &family{Name: it.Info.Family}
			byName[it.Info.Family] = f
		}
		f.add(it)
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
	path := "/hosts/" + string(d.Host.ID)
	b.History, b.Timeline = h, h.timeline(now, path)
	b.Newest = frame.Newest{Storms: frame.Storms(now, detections), Counts: d.Host.Detected, All: "/detections?host=" + string(d.Host.ID)}
	live := &frame.Live{Host: d.Host.ID, Since: b.Timeline.Since()}
	if h.Sieve.Before != 0 || h.Sieve.Any() { // the script does not know what is selected
		live.Since = -1
	}
	return frame.Page{Title: title(d.Host), Section: "hosts", API: "/api/v1" + path, Live: live, Body: b}
}

// title is what a host is called: by itself, or else as it enrolled, or else its id.
func title(h fleet.Host) string {
	if m := h.Member; h.Labels.Name == "" && m != nil && m.Machine.HostName != "" {
		return m.Machine.HostName // it has not spoken yet
	}
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

// add counts the result and files it, unless its place is among the updates.
func (f *family) add(it item) {
	r := &it.State.Result
	f.Counts.Add(r.Status, 1)
	if r.Status == finding.StatusFail {
		f.worst = max(f.worst, r.Severity)
	}
	switch {
	case pending.Is(r):
		f.Packages++
	case r.Status.Bad():
		f.Bad = append(f.Bad, it)
	default:
		f.Rest = append(f.Rest, it)
	}
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
