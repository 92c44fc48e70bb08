package patchview

import (
	"slices"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/restart"
	"seawall/agent/facts/system"
	"seawall/pkg/finding"
)

// Facts is what is shown.
type Facts struct {
	Patch   patch.Facts
	System  system.Facts
	Restart restart.Facts
	Now     time.Time
}

// The values of View.Status.
const (
	Known   = "known"
	Unknown = "unknown"
	Error   = "error"
)

// View is the patch level as JSON has it. Where Status is not known the lists are
// empty and the numbers null.
type View struct {
	Status             string             `json:"status"`
	Reason             string             `json:"reason"`   // of a status that is not known
	Evidence           []finding.Evidence `json:"evidence"` // the places that Reason speaks of
	MetadataAgeSeconds *int               `json:"metadata_age_seconds"`
	Manager            string             `json:"manager"` // dpkg, rpm, or "" where there is none
	Installed          int                `json:"installed"`
	Packages           []patch.Package    `json:"packages"`
	OtherPending       *int               `json:"other_pending"`
	Deferred           *int               `json:"deferred"`
	Stale              patch.Stale        `json:"stale"`
	Metadata           patch.Freshness    `json:"metadata"`
	Sources            []patch.Source     `json:"sources"`
	Life               *system.Life       `json:"life"`
	Reboot             *system.Reboot     `json:"reboot"`
	Restart            []restart.Unit     `json:"restart"` // null where not all processes could be asked and none is known

	name    string // of the release
	now     time.Time
	denied  int    // processes that could not be looked at
	limited string // why
}

// New makes a View of facts.
func New(f Facts) *View {
	p := &f.Patch
	v := &View{Manager: p.Manager, Installed: p.Installed, Stale: p.Stale, Metadata: p.Metadata, name: f.System.Name, now: f.Now,
		Packages: []patch.Package{}, Evidence: []finding.Evidence{}, Sources: []patch.Source{}}
	v.Sources = append(v.Sources, p.Sources...)
	if p.Metadata.Known {
		v.MetadataAgeSeconds = &p.Metadata.AgeSeconds
	}
	v.judge(p)
	if v.Status == Known {
		if p.OtherPending > 0 || !slices.ContainsFunc(p.Sources, unread) {
			v.OtherPending, v.Deferred = &p.OtherPending, &p.Deferred
		}
		for _, one := range p.Packages {
			one.Advisories, one.CVEs = append([]string{}, one.Advisories...), append([]string{}, one.CVEs...)
			v.Packages = append(v.Packages, one)
		}
	}
	if s := &f.System; s.Meta.State == fact.StateKnown {
		if s.Life.State != "" {
			v.Life = &s.Life
		}
		if s.Reboot.Applicable && s.Reboot.Required.Known {
			v.Reboot = &s.Reboot
		}
	}
	if r := &f.Restart; r.Meta.State == fact.StateKnown {
		v.denied, v.limited = r.Denied, r.Limited
	}
	if r := &f.Restart; r.Meta.State == fact.StateKnown && (len(r.Units) > 0 || r.Scanned > 0 && r.Denied == 0) {
		v.Restart = append([]restart.Unit{}, r.Units...)
	}
	return v
}

// unread reports whether a source that could offer updates was not read, or not all
// of it. Those of a subscription that is not enabled offer none.
func unread(s patch.Source) bool {
	return s.Reason != "" && !strings.HasPrefix(s.File, "/var/lib/ubuntu-advantage/")
}

// judge sets the status, by the same rule as the check patch-security-updates.
func (v *View) judge(p *patch.Facts) {
	v.Status, v.Reason = Unknown, p.Meta.Reason
	v.Evidence = append(v.Evidence, p.Meta.Evidence...)
	switch p.Meta.State {
	case fact.StateError:
		v.Status = Error
	case fact.StateKnown:
		switch {
		case p.Installed == 0:
			v.Reason = "the package database names no installed package"
		case len(p.Packages) == 0 && p.Metadata.Expired:
			v.Reason = "the package lists expired on " + p.Metadata.ValidUntil + " and name nothing that is pending"
		default:
			v.Status, v.Reason = Known, ""
		}
	}
	if v.Status != Known && v.Reason == "" {
		v.Reason = "the patch level was not read"
	}
}

// Exit is the exit status that the view calls for: 0 nothing is pending, 1 something
// is, 2 it is not known, or is an answer of some time ago.
func (v *View) Exit() int {
	switch {
	case v.Status == Known && len(v.Packages) > 0:
		return 1
	case v.Status == Known && v.Stale.Reason == "":
		return 0
	}
	return 2
}
