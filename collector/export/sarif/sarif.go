// Package sarif writes results as SARIF 2.1.0 (OASIS), the format that code scanning and
// review tools read. A host is a run: its rules are the checks, its results what stands.
//
// A result's kind is pass, fail, notApplicable, or open for what could not be told; the
// level of a failure is error for critical and high, warning for medium, else note. A
// waived failure is a failure with a suppression. Where evidence names a file, the result
// has that place on the host. The fingerprint stays for as long as the finding is one.
package sarif

import (
	"net/url"
	"path"
	"strings"

	"seawall/collector/export/item"
	"seawall/collector/export/rows"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// Head and Tail stand before and after the runs, which have commas between them.
const (
	Head = `{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[` + "\n"
	Tail = "\n]}\n"
)

// maxPlaces bounds the places of a result.
const maxPlaces = 10

type (
	text struct {
		Text string `json:"text"`
	}
	run struct {
		Tool    tool           `json:"tool"`
		Details details        `json:"automationDetails"`
		Results []result       `json:"results"`
		More    map[string]any `json:"properties"`
	}
	tool struct {
		Driver driver `json:"driver"`
	}
	driver struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
		Rules   []rule `json:"rules"`
	}
	details struct {
		ID string `json:"id"`
	}
	rule struct {
		ID      string         `json:"id"`
		Short   text           `json:"shortDescription"`
		Full    *text          `json:"fullDescription,omitempty"`
		Help    *text          `json:"help,omitempty"`
		Default level          `json:"defaultConfiguration"`
		More    map[string]any `json:"properties"`
	}
	level struct {
		Level string `json:"level"`
	}
	result struct {
		Rule         string            `json:"ruleId"`
		Index        int               `json:"ruleIndex"`
		Kind         string            `json:"kind"`
		Level        string            `json:"level"`
		Message      text              `json:"message"`
		Places       []location        `json:"locations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Suppressions []suppression     `json:"suppressions,omitempty"`
		More         map[string]any    `json:"properties"`
	}
	location struct {
		Physical physical `json:"physicalLocation"`
	}
	physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   *region  `json:"region,omitempty"`
	}
	artifact struct {
		URI string `json:"uri"`
	}
	region struct {
		Line    int   `json:"startLine"`
		Snippet *text `json:"snippet,omitempty"`
	}
	suppression struct {
		Kind   string `json:"kind"`
		Status string `json:"status"`
	}
)

// Run returns the run of a host, on one line without a line feed. Items are results of
// that host, not changes. Version is the collector's.
func Run(version string, host fleet.HostID, labels finding.Host, items []item.Item) ([]byte, error) {
	r := run{
		Tool:    tool{driver{Name: "Seawall", Version: version, Rules: []rule{}}},
		Details: details{"seawall/" + string(host) + "/"}, Results: []result{},
		More: map[string]any{"host": labels.Name, "hostId": host, "os": labels.OS},
	}
	rules := map[string]int{}
	for k := range items {
		i := &items[k]
		at, known := rules[i.Check.ID]
		if !known {
			at = len(r.Tool.Driver.Rules)
			rules[i.Check.ID] = at
			r.Tool.Driver.Rules = append(r.Tool.Driver.Rules, ruleOf(&i.Check))
		}
		r.Results = append(r.Results, resultOf(i, at))
	}
	return rows.JSON(r)
}

func ruleOf(c *finding.CheckInfo) rule {
	r := rule{ID: c.ID, Short: text{c.Title}, Default: level{levelOf(c.Severity)},
		More: map[string]any{"tags": []string{"security", c.Family}, "security-severity": score(c.Severity), "references": append([]string{}, c.References...)}}
	if c.Rationale != "" {
		r.Full = &text{c.Rationale}
	}
	if c.Remediation != "" {
		r.Help = &text{c.Remediation}
	}
	return r
}

func resultOf(i *item.Item, at int) result {
	s := i.Result
	r := result{Rule: i.Check.ID, Index: at, Kind: kindOf(s.Status), Level: "none", Message: text{i.Text()},
		Fingerprints: map[string]string{"seawallFinding/v1": i.UID()},
		More:         map[string]any{"status": s.Status.String(), "severity": s.Severity.String(), "resource": s.Resource, "actual": s.Actual, "expected": s.Expected}}
	if r.Kind == "fail" {
		r.Level = levelOf(s.Severity)
	}
	if s.Status == finding.StatusWaived {
		r.Suppressions = []suppression{{"external", "accepted"}}
	}
	if since := item.Sane(i.Since); !since.IsZero() {
		r.More["since"] = since
	}
	for _, e := range s.Evidence[:min(len(s.Evidence), maxPlaces)] {
		if !path.IsAbs(e.File) {
			continue // not a file's name
		}
		p := physical{Artifact: artifact{(&url.URL{Scheme: "file", Path: strings.ToValidUTF8(e.File, "\ufffd")}).String()}}
		if e.Line > 0 {
			p.Region = &region{Line: e.Line}
			if e.Text != "" {
				p.Region.Snippet = &text{e.Text}
			}
		}
		r.Places = append(r.Places, location{p})
	}
	return r
}

func kindOf(s finding.Status) string {
	switch s {
	case finding.StatusPass:
		return "pass"
	case finding.StatusFail, finding.StatusWaived:
		return "fail"
	case finding.StatusNotApplicable:
		return "notApplicable"
	case finding.StatusUnknown, finding.StatusError, finding.StatusUnspecified:
	}
	return "open"
}

func levelOf(s finding.Severity) string {
	switch s {
	case finding.SeverityCritical, finding.SeverityHigh:
		return "error"
	case finding.SeverityMedium:
		return "warning"
	case finding.SeverityLow, finding.SeverityInformational, finding.SeverityUnknown:
	}
	return "note"
}

// score is the severity as code scanning orders by it, 0 to 10.
func score(s finding.Severity) string {
	switch s {
	case finding.SeverityCritical:
		return "9.5"
	case finding.SeverityHigh:
		return "8.0"
	case finding.SeverityMedium:
		return "5.5"
	case finding.SeverityLow:
		return "2.5"
	case finding.SeverityInformational, finding.SeverityUnknown:
	}
	return "0.0"
}
