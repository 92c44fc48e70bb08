// Package item holds what leaves the collector for another program: one result, one
// change or one detection, with the host that it is of and the check's static text.
// Formats (packages ocsf, ecs, otlp) are made of it and of nothing else.
package item

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Item is one thing that is told. Exactly one of Result and Detection is set.
type Item struct {
	Host   fleet.HostID
	Labels finding.Host      // as [Labels] has them; labels, not identity
	Check  finding.CheckInfo // of Result; may have no more than an id

	Result *finding.Result
	Since  time.Time // since when Result's status stands, zero where not known

	// Event is the change's id in the timeline, 0 for a result that stands. Previous
	// and Removed are those of the change.
	Event    int64
	Previous finding.Status
	Removed  bool

	Detection *finding.Detection
	Received  time.Time // by the collector; zero for a result that stands
}

// Labels returns what a host says of itself, with all tags of the host: those that people
// or a token gave it, and behind them those that are its own word alone.
func Labels(h *fleet.Host) finding.Host {
	labels := h.Labels
	if len(h.Tags) == 0 {
		return labels
	}
	labels.Tags = slices.Clone(h.Tags)
	for _, own := range h.Labels.Tags {
		if !slices.Contains(h.Tags, own) {
			labels.Tags = append(labels.Tags, own)
		}
	}
	return labels
}

// State returns the item of a result that stands.
func State(labels finding.Host, check finding.CheckInfo, s fleet.State) Item {
	return Item{Host: s.Host, Labels: named(labels, s.HostName), Check: known(check, s.Result.Check), Result: &s.Result, Since: s.Since}
}

// Change returns the item of an event of the timeline.
func Change(labels finding.Host, check finding.CheckInfo, e fleet.Event) Item {
	return Item{Host: e.Host, Labels: named(labels, e.HostName), Check: known(check, e.Change.Result.Check), Result: &e.Change.Result,
		Event: e.ID, Previous: e.Change.Previous, Removed: e.Change.Removed, Received: e.Received}
}

// Detected returns the item of a detection.
func Detected(labels finding.Host, d fleet.Detection) Item {
	return Item{Host: d.Host, Labels: named(labels, d.HostName), Detection: &d.Detection, Received: d.Received}
}

func named(labels finding.Host, name string) finding.Host {
	labels.Name = cmp.Or(labels.Name, name)
	return labels
}

func known(check finding.CheckInfo, id string) finding.CheckInfo {
	check.ID = cmp.Or(check.ID, id)
	check.Title = cmp.Or(check.Title, check.ID)
	return check
}

// UID names the finding for ever: the same for each result, change and report of it.
func (i *Item) UID() string {
	if i.Detection != nil {
		return string(i.Host) + "/detections/" + i.Detection.ID
	}
	return strings.TrimSuffix(string(i.Host)+"/"+i.Result.Check+"/"+i.Result.Resource, "/")
}

// Title is the check's or the rule's.
func (i *Item) Title() string {
	if i.Detection != nil {
		return cmp.Or(i.Detection.Title, i.Detection.Rule)
	}
	return i.Check.Title
}

// Severity is the result's or the detection's, at most critical. What is as it should be
// is informational, however bad the opposite were: who alerts on it would be woken by a
// check that passes.
func (i *Item) Severity() finding.Severity {
	switch {
	case i.Detection != nil:
		return min(i.Detection.Severity, finding.SeverityCritical)
	case i.Removed, !Open(i.Result.Status):
		return finding.SeverityInformational
	}
	return min(i.Result.Severity, finding.SeverityCritical)
}

// Open reports whether there is something to do about a result with the status, or
// somebody said that there is not.
func Open(s finding.Status) bool { return s.Bad() || s == finding.StatusWaived }

// Time is when it was seen on the host, or where the host's clock says what no format
// can write, when the collector heard of it.
func (i *Item) Time() time.Time {
	t := i.Received
	if i.Detection != nil {
		t = cmp.Or(Sane(i.Detection.Last), t)
	} else {
		t = cmp.Or(Sane(i.Result.Time), t, i.Since)
	}
	return Sane(t)
}

// Sane returns t in UTC, or the zero time when it is none of the years 1970 to 9999:
// hosts send any number.
func Sane(t time.Time) time.Time {
	if y := t.Year(); y < 1970 || y > 9999 {
		return time.Time{}
	}
	return t.UTC()
}

// Text is the finding as one sentence.
func (i *Item) Text() string {
	name := cmp.Or(i.Labels.Name, string(i.Host))
	if i.Detection != nil {
		return i.Title() + " on " + name
	}
	of := ""
	if i.Result.Resource != "" {
		of = " (" + i.Result.Resource + ")"
	}
	word := i.Result.Status.String()
	if i.Removed {
		word = "gone"
	}
	return i.Title() + of + ": " + word + " on " + name
}

// Patches is the check with a result for each package that has a security update: the
// resource is name:arch, actual the installed version, expected the one that is fixed.
const Patches = "patch-security-updates"

// Patch is a package with a pending security update.
type Patch struct {
	Name, Arch       string
	Installed, Fixed string
	CVEs             []string // in the vendor's advisories, sorted, each once
}

// Patch returns the package that the item's result is of.
func (i *Item) Patch() (Patch, bool) {
	r := i.Result
	if r == nil || r.Check != Patches || r.Resource == "" {
		return Patch{}, false
	}
	p := Patch{Installed: r.Actual, Fixed: r.Expected}
	p.Name, p.Arch, _ = strings.Cut(r.Resource, ":")
	cve := regexp.MustCompile(`\bCVE-[0-9]{4}-[0-9]{4,10}\b`)
	for _, e := range r.Evidence {
		p.CVEs = append(p.CVEs, cve.FindAllString(e.Text, -1)...)
	}
	slices.Sort(p.CVEs)
	p.CVEs = slices.Compact(p.CVEs)
	return p, true
}

// Technique is one of ATT&CK: the technique, and where there is one its part.
type Technique struct{ ID, Sub string }

// Techniques returns the detection's. What has not their form is left out.
func (i *Item) Techniques() []Technique {
	var all []Technique
	form := regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)
	for _, id := range i.Detection.Techniques {
		if !form.MatchString(id) {
			continue
		}
		t := Technique{ID: id[:5]}
		if len(id) > 5 {
			t.Sub = id
		}
		all = append(all, t)
	}
	return all
}
