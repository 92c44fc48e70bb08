package sentry

import (
	"errors"
	"fmt"
	"time"

	"seawall/pkg/finding"
	"seawall/pkg/sigma"
	"seawall/pkg/text"
)

// Check is the id of the result that says whether the rules are as they were meant.
const Check = "detection-rules"

const maxEvidence = 32

// Info is the static text of the check.
func Info() finding.CheckInfo {
	return finding.CheckInfo{
		ID: Check, Family: "detection", Severity: finding.SeverityMedium,
		Title: "The host's own detections and allow list can be read, and no allowance is past its day",
		Rationale: "A detection with a fault is left out, and one that is left out sees nothing: whoever wrote it believes that the host is watched. " +
			"An allowance past its last day allows nothing, and says that somebody meant to look again.",
		Remediation: "seawall lint /etc/seawall/detections.d\n# Correct what it names; in /etc/seawall/allow.yaml remove what expired, or decide again.",
		References:  []string{"https://sigmahq.io/docs/basics/rules.html"},
	}
}

// Result says of the rules at work whether they are all that stand in files.
func (s *Sentry) Result(now time.Time) finding.Result {
	s.mu.Lock()
	l := s.loaded
	s.mu.Unlock()
	r := finding.Result{Check: Check, Status: finding.StatusPass, Severity: finding.SeverityMedium, Time: now,
		Actual:   fmt.Sprintf("%d detections, of which %d are the host's own", l.own+l.theirs, l.theirs),
		Expected: "every detection and allowance at work"}
	note := func(file string, line int, what string) {
		r.Status = finding.StatusFail
		if len(r.Evidence) < maxEvidence {
			r.Evidence = append(r.Evidence, finding.Evidence{File: text.Clean(file, text.Limit), Line: line, Text: text.Clean(what, text.Limit)})
		}
	}
	for _, fault := range l.faults {
		var e *sigma.Error
		if errors.As(fault, &e) {
			note(e.File, e.Line, e.What)
			continue
		}
		note("", 0, fault.Error())
	}
	expired := 0
	if l.allow != nil {
		for _, a := range l.allow.Expired(now) {
			expired++
			note(a.File, a.Line, fmt.Sprintf("%s's allowance of %s ended on %s", a.Owner, a.Rule, a.Expires.AddDate(0, 0, -1).Format(time.DateOnly)))
		}
	}
	if r.Status == finding.StatusFail {
		r.Actual += fmt.Sprintf("; %d faults, %d allowances past their day", len(l.faults), expired)
	}
	return r
}
