// Package score says in one number how well a host is hardened. It is a pure function
// of results, so that two who have the same results have the same score.
//
// # The formula
//
// Each check counts once, however many resources it looked at: a host with ninety
// pending updates has one thing to do. A check
//
//   - counts as failed where any of its results failed or was an error;
//   - else is not evaluated where any is unknown: what was seen passed, the rest was not;
//   - else counts as passed where any passed;
//   - else stands apart: waived where any is, or not applicable.
//
// A check weighs what its severity weighs: critical 16, high 8, medium 4, low 2,
// informational 0. Of a check that failed that is the severity of its worst failure,
// else its own.
//
//	score = 100 × weight of the passed ÷ weight of the passed and the failed
//
// rounded down, so that 100 means that nothing failed. Where nothing that weighs was
// evaluated there is no score. What was not evaluated is not in it, and is shown
// beside it, as a weight too: a score of 90 of a host of which half is unknown is
// not the score of the whole. Waivers neither raise nor lower the score.
package score

import (
	"fmt"

	"seawall/pkg/finding"
)

// Score is the score of one set of results.
type Score struct {
	Known  bool `json:"known"`  // something that weighs was evaluated
	Points int  `json:"points"` // 0 to 100
	// Checks by what they counted as.
	Passed        Count `json:"passed"`
	Failed        Count `json:"failed"`
	NotEvaluated  Count `json:"not_evaluated"`
	Waived        Count `json:"waived"`
	NotApplicable Count `json:"not_applicable"`
}

// Count is a number of checks, and what they weigh together.
type Count struct {
	Checks int `json:"checks"`
	Weight int `json:"weight"`
}

// Weight is what a check of that severity weighs.
func Weight(s finding.Severity) int {
	if s <= finding.SeverityInformational {
		return 0
	}
	return 1 << (min(s, finding.SeverityCritical) - 1)
}

// tally is what is known of one check.
type tally struct {
	has      [finding.StatusWaived + 1]bool
	severity finding.Severity // of the worst failure, or the highest of all
	bad      bool
}

// Of scores results.
func Of(results []finding.Result) Score {
	checks := map[string]*tally{}
	for i := range results {
		r := &results[i]
		t := checks[r.Check]
		if t == nil {
			t = &tally{}
			checks[r.Check] = t
		}
		t.add(r)
	}
	var s Score
	for _, t := range checks {
		c := s.count(t)
		c.Checks++
		c.Weight += Weight(t.severity)
	}
	if evaluated := s.Passed.Weight + s.Failed.Weight; evaluated > 0 {
		s.Known = true
		s.Points = 100 * s.Passed.Weight / evaluated
	}
	return s
}

func (t *tally) add(r *finding.Result) {
	t.has[min(r.Status, finding.StatusWaived)] = true
	bad := r.Status == finding.StatusFail || r.Status == finding.StatusError
	switch {
	case bad && !t.bad:
		t.severity, t.bad = r.Severity, true
	case bad == t.bad:
		t.severity = max(t.severity, r.Severity)
	}
}

// count is where the check is counted.
func (s *Score) count(t *tally) *Count {
	switch {
	case t.bad:
		return &s.Failed
	case t.has[finding.StatusUnknown] || t.has[finding.StatusUnspecified]:
		return &s.NotEvaluated
	case t.has[finding.StatusPass]:
		return &s.Passed
	case t.has[finding.StatusWaived]:
		return &s.Waived
	}
	return &s.NotApplicable
}

// String is the score in one line, for people.
func (s Score) String() string {
	if !s.Known {
		return "no score: nothing that weighs was evaluated"
	}
	line := fmt.Sprintf("score %d of 100", s.Points)
	if all := s.Passed.Weight + s.Failed.Weight + s.NotEvaluated.Weight; s.NotEvaluated.Weight > 0 {
		line += fmt.Sprintf(", of %d %% of what applies; not evaluated: %d",
			100*(all-s.NotEvaluated.Weight)/all, s.NotEvaluated.Checks)
	}
	if s.Waived.Checks > 0 {
		line += fmt.Sprintf("; waived: %d", s.Waived.Checks)
	}
	return line
}
