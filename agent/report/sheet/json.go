package sheet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"seawall/agent/score"
	"seawall/pkg/finding"
)

// Document is a sheet as JSON has it (docs/check.schema.json).
type Document struct {
	Version string      `json:"version"`
	Time    time.Time   `json:"time"`
	Host    Host        `json:"host"`
	Profile string      `json:"profile"`
	Score   score.Score `json:"score"`
	Since   *string     `json:"since,omitempty"` // what it was compared with
	// Least is the least severity that was asked for.
	Least   *finding.Severity `json:"least_severity,omitempty"`
	Checks  []text            `json:"checks"`
	Results []Result          `json:"results"`
	Gone    []finding.Result  `json:"gone,omitempty"`
}

// text is what is the same for every result of a check. Its fix is with the results.
type text struct {
	ID         string           `json:"id"`
	Family     string           `json:"family"`
	Title      string           `json:"title"`
	Severity   finding.Severity `json:"severity"`
	Rationale  string           `json:"rationale"`
	References []string         `json:"references"`
}

// Result is a result as JSON has it.
type Result struct {
	finding.Result
	Remediation string `json:"remediation"`
	// Previous is the status in the earlier look, "unspecified" where it is new.
	Previous *finding.Status `json:"previous,omitempty"`
}

// Document returns the sheet as JSON has it.
func (s *Sheet) Document() Document {
	d := Document{Version: s.Version, Time: s.Time, Host: s.Host, Profile: s.Profile, Score: s.Score, Gone: s.Gone,
		Checks: []text{}, Results: make([]Result, 0, len(s.Results))}
	if s.Earlier != nil {
		d.Since = &s.Earlier.Name
	}
	if s.Least > 0 {
		d.Least = &s.Least
	}
	for _, c := range s.Shown() {
		if c.References == nil {
			c.References = []string{}
		}
		d.Checks = append(d.Checks, text{c.ID, c.Family, c.Title, c.Severity, c.Rationale, c.References})
	}
	for i := range s.Results {
		d.Results = append(d.Results, s.Result(&s.Results[i]))
	}
	for i := range d.Gone {
		if d.Gone[i].Evidence == nil {
			d.Gone[i].Evidence = []finding.Evidence{}
		}
	}
	return d
}

// Result puts the check's remediation to a result. Evidence is never nil, so that JSON
// has a list.
func (s *Sheet) Result(r *finding.Result) Result {
	out := Result{Result: *r, Remediation: s.Info(r.Check).Remediation}
	if out.Evidence == nil {
		out.Evidence = []finding.Evidence{}
	}
	if s.Earlier != nil {
		before := s.Before(r)
		out.Previous = &before
	}
	return out
}

// maxReport bounds a saved report.
const maxReport = 64 << 20

// Read reads a report that was saved as JSON, of which only the results count. A
// report that was itself narrowed is refused: what it does not have may have been
// there.
func Read(r io.Reader, name string) (*Earlier, error) {
	limited := &io.LimitedReader{R: r, N: maxReport + 1}
	var d struct {
		Time    time.Time
		Since   *string
		Least   *finding.Severity `json:"least_severity"`
		Results []finding.Result
	}
	err := json.NewDecoder(limited).Decode(&d)
	switch {
	case limited.N <= 0:
		return nil, fmt.Errorf("read %s: more than %d MiB", name, maxReport>>20)
	case err != nil:
		return nil, fmt.Errorf("read %s: not a report of --format json: %w", name, err)
	case d.Since != nil:
		return nil, fmt.Errorf("read %s: it has only what changed since %s", name, *d.Since)
	case d.Least != nil:
		return nil, fmt.Errorf("read %s: it has only results of severity %s and above", name, *d.Least)
	case d.Results == nil:
		return nil, fmt.Errorf("read %s: %w", name, errors.New("not a report of --format json: it has no results"))
	}
	e := &Earlier{Name: name, Time: d.Time, Results: map[finding.Key]finding.Result{}}
	for _, r := range d.Results {
		e.Results[r.Key()] = r
	}
	return e, nil
}
