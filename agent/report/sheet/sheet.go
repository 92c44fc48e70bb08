package sheet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"seawall/agent/score"
	"seawall/pkg/finding"
)

// Host is what a report says of the host. Each may be empty.
type Host struct {
	Name      string `json:"name"`
	OS        string `json:"os"` // PRETTY_NAME of os-release
	OSID      string `json:"os_id"`
	OSVersion string `json:"os_version"`
	Kernel    string `json:"kernel"` // release of the running one
	Arch      string `json:"arch"`
	Root      string `json:"root"` // the directory that was looked at, "/" of a running host
}

// Sheet is one look at one host.
type Sheet struct {
	Host    Host
	Profile string
	Named   []string // the checks and families that were asked for, none of a whole profile
	Time    time.Time
	Version string // of Seawall
	Score   score.Score
	// Results are those to show, Checks the text of their checks and perhaps of more.
	Results []finding.Result
	Checks  []finding.CheckInfo
	// Least is the least severity that was asked for, 0 where all are shown.
	Least finding.Severity
	// Earlier is what the results were compared with, nil where with nothing.
	Earlier *Earlier
	// Gone are results of the earlier look that there are none of now.
	Gone []finding.Result

	info map[string]int // where a check's text stands in Checks
}

// Earlier is an earlier look.
type Earlier struct {
	Name    string    // as people know it: a file, "the spool"
	Time    time.Time // of its newest result
	Results map[finding.Key]finding.Result
}

// New makes a sheet of results and scores it.
func New(s Sheet) *Sheet {
	s.Score = score.Of(s.Results)
	s.info = map[string]int{}
	for i, c := range s.Checks {
		s.info[c.ID] = i
	}
	return &s
}

// Info is the text of a check. Of one that is not known only the id and the family
// are: the first word of the id.
func (s *Sheet) Info(id string) finding.CheckInfo {
	if i, ok := s.info[id]; ok {
		return s.Checks[i]
	}
	family, _, _ := strings.Cut(id, "-")
	return finding.CheckInfo{ID: id, Family: family}
}

// Shown are the checks of the results, by id.
func (s *Sheet) Shown() []finding.CheckInfo {
	seen := map[string]bool{}
	var list []finding.CheckInfo
	for i := range s.Results {
		if id := s.Results[i].Check; !seen[id] {
			seen[id] = true
			list = append(list, s.Info(id))
		}
	}
	slices.SortFunc(list, func(a, b finding.CheckInfo) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Only narrows the results to those of at least that severity.
func (s *Sheet) Only(least finding.Severity) {
	s.Least = least
	low := func(r finding.Result) bool { return r.Severity < least }
	s.Results = slices.DeleteFunc(s.Results, low)
	s.Gone = slices.DeleteFunc(s.Gone, low)
}

// Compare narrows the results to those that an earlier look had not, or had with
// another status, and finds those that are gone: of checks that were evaluated now.
// What differs in its values alone is no change.
func (s *Sheet) Compare(e *Earlier) {
	s.Earlier = e
	now, checks := map[finding.Key]bool{}, map[string]bool{}
	for i := range s.Results {
		now[s.Results[i].Key()] = true
		checks[s.Results[i].Check] = true
	}
	for key, r := range e.Results {
		if checks[key.Check] && !now[key] {
			s.Gone = append(s.Gone, r)
		}
	}
	slices.SortFunc(s.Gone, finding.Compare)
	s.Results = slices.DeleteFunc(s.Results, func(r finding.Result) bool {
		return s.Before(&r) == r.Status
	})
}

// Before is the status that a result had in the earlier look, unspecified where it
// had none or there is no such look.
func (s *Sheet) Before(r *finding.Result) finding.Status {
	if s.Earlier == nil {
		return finding.StatusUnspecified
	}
	return s.Earlier.Results[r.Key()].Status
}

// Was says in words what a result was in the earlier look, "" where that was not
// asked.
func (s *Sheet) Was(r *finding.Result) string {
	switch before := s.Before(r); {
	case s.Earlier == nil:
		return ""
	case before == finding.StatusUnspecified:
		return "new"
	default:
		return "was " + strings.ReplaceAll(before.String(), "_", " ")
	}
}

// Compared says in one line what the results were compared with, and narrowed to; ""
// where they are all there are.
func (s *Sheet) Compared() string {
	var parts []string
	if e := s.Earlier; e != nil {
		part := "only what changed since " + e.Name
		if !e.Time.IsZero() {
			part += " of " + e.Time.UTC().Format("2006-01-02 15:04 MST")
		}
		parts = append(parts, fmt.Sprintf("%s; gone: %d", part, len(s.Gone)))
	}
	if s.Least > 0 {
		parts = append(parts, "only severity "+s.Least.String()+" and above")
	}
	return strings.Join(parts, "; ")
}
