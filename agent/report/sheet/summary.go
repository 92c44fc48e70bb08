package sheet

import (
	"fmt"
	"slices"

	"seawall/agent/report/words"
	"seawall/pkg/finding"
)

// summary counts results in one line.
func summary(results []finding.Result) string {
	checks := map[string]bool{}
	for _, r := range results {
		checks[r.Check] = true
	}
	counted := fmt.Sprintf("%d checks", len(checks))
	if len(checks) == 1 {
		counted = "1 check"
	}
	if len(results) != len(checks) {
		counted += fmt.Sprintf(", %d results", len(results))
	}
	return counted + ": " + words.Tally(results)
}

// Summary counts the results, or says that there is nothing of what was asked for.
func (s *Sheet) Summary() string {
	switch {
	case len(s.Results) > 0:
	case s.Earlier != nil && len(s.Gone) == 0:
		return "nothing changed"
	case s.Earlier != nil:
		return "nothing is new"
	case s.Least > 0:
		return "nothing is so severe"
	}
	return summary(s.Results)
}

// exit is the exit status that results call for: 0 all is well, 1 a failure, which is
// known for sure and so weighs more than 2, what is not known. Nothing checked is
// never well.
func exit(results []finding.Result) int {
	has := func(list ...finding.Status) bool {
		return slices.ContainsFunc(results, func(r finding.Result) bool { return slices.Contains(list, r.Status) })
	}
	switch {
	case has(finding.StatusFail):
		return 1
	case len(results) == 0 || has(finding.StatusError, finding.StatusUnknown, finding.StatusUnspecified):
		return 2
	}
	return 0
}

// Exit is the exit status that the shown results call for. None is well where they
// were narrowed.
func (s *Sheet) Exit() int {
	if len(s.Results) == 0 && (s.Earlier != nil || s.Least > 0) {
		return 0
	}
	return exit(s.Results)
}
