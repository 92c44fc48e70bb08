// Package junit writes a look at a host as JUnit XML, as CI systems read it
// (https://github.com/testmoapp/junitxml has what they agree on).
//
// A family is a suite, a result a case. A failure is a failure. What is unknown or an
// error is an error: a run that did not see everything must not be green. What is not
// applicable or waived is skipped, with the reason.
package junit

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"seawall/agent/report/sheet"
	"seawall/agent/report/words"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

type (
	suites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Time     string   `xml:"time,attr"`
		Suites   []suite  `xml:"testsuite"`
	}
	suite struct {
		Name       string     `xml:"name,attr"`
		Tests      int        `xml:"tests,attr"`
		Failures   int        `xml:"failures,attr"`
		Errors     int        `xml:"errors,attr"`
		Skipped    int        `xml:"skipped,attr"`
		Time       string     `xml:"time,attr"`
		Timestamp  string     `xml:"timestamp,attr"`
		Hostname   string     `xml:"hostname,attr"`
		Properties []property `xml:"properties>property"`
		Cases      []testcase `xml:"testcase"`
	}
	property struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	testcase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Time    string   `xml:"time,attr"`
		File    string   `xml:"file,attr,omitempty"`
		Line    int      `xml:"line,attr,omitempty"`
		Failure *problem `xml:"failure"`
		Error   *problem `xml:"error"`
		Skipped *problem `xml:"skipped"`
	}
	problem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// Write writes the look.
func Write(w io.Writer, s *sheet.Sheet) error {
	all := suites{Name: "seawall check", Time: "0"}
	for _, f := range s.Group() {
		one := suite{Name: f.Name, Time: "0", Timestamp: s.Time.UTC().Format("2006-01-02T15:04:05"), Hostname: text.Terminal(s.Host.Name),
			Properties: []property{{"profile", s.Profile}, {"os", text.Terminal(s.Host.OS)}, {"score", s.Score.String()}, {"version", s.Version}}}
		for _, section := range f.Sections {
			for i := range section.Results {
				one.add(s, &section.Results[i])
			}
		}
		slices.SortStableFunc(one.Cases, func(a, b testcase) int { return strings.Compare(a.Name, b.Name) })
		all.Tests += one.Tests
		all.Failures += one.Failures
		all.Errors += one.Errors
		all.Skipped += one.Skipped
		all.Suites = append(all.Suites, one)
	}
	out := bufio.NewWriter(w)
	fmt.Fprint(out, xml.Header)
	enc := xml.NewEncoder(out)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	fmt.Fprint(out, "\n")
	return out.Flush()
}

// add adds a result to its family's suite.
func (u *suite) add(s *sheet.Sheet, r *finding.Result) {
	c := testcase{Class: "seawall." + u.Name, Name: text.Terminal(strings.TrimSpace(r.Check + " " + r.Resource)), Time: "0"}
	for _, e := range r.Evidence {
		if e.File != "" {
			c.File, c.Line = text.Terminal(e.File), e.Line
			break
		}
	}
	u.Tests++
	switch r.Status {
	case finding.StatusPass:
	case finding.StatusFail:
		u.Failures++
		message := fmt.Sprintf("found %s, expected %s", text.Terminal(r.Actual), text.Terminal(r.Expected))
		c.Failure = &problem{message, r.Severity.String(), details(s, r)}
	case finding.StatusNotApplicable:
		u.Skipped++
		c.Skipped = &problem{Message: "not applicable: " + text.Terminal(r.Actual)}
	case finding.StatusWaived:
		u.Skipped++
		c.Skipped = &problem{Message: "waived: found " + text.Terminal(r.Actual), Text: details(s, r)}
	default:
		u.Errors++
		c.Error = &problem{text.Terminal(r.Actual), r.Status.String(), details(s, r)}
	}
	u.Cases = append(u.Cases, c)
}

// details is what a person reads of a case: what it is about, where, and the fix.
func details(s *sheet.Sheet, r *finding.Result) string {
	info := s.Info(r.Check)
	var b strings.Builder
	line := func(name, value string) {
		for part := range strings.SplitSeq(strings.TrimRight(value, "\n"), "\n") {
			if part != "" {
				fmt.Fprintf(&b, "%-9s %s\n", name, text.Code(part))
			}
			name = ""
		}
	}
	b.WriteString("\n")
	line("", info.Title)
	line("actual", r.Actual)
	line("expected", r.Expected)
	for _, e := range r.Evidence {
		line("at", strings.TrimSpace(words.Place(e)+"  "+e.Text))
	}
	if r.Cause != nil {
		line("cause", words.Cause(r.Cause))
	}
	if r.Status == finding.StatusFail {
		line("fix", info.Remediation)
	}
	return b.String()
}
