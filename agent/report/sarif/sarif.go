// Package sarif writes a look at a host as SARIF 2.1.0 (OASIS, 27 March 2020), which
// code hosts and editors read.
//
// A check is a rule, a result a result. What SARIF calls kind is the verdict: a failure
// is "fail" with a level by its severity (error from high on, warning for medium, else
// note); what is unknown or an error is "open", the standard's word for what the tool
// could not decide; the rest is "pass" and "notApplicable". What is waived is a failure
// that is suppressed, with the waiver's words. Files are below the root directory of the
// host. Compared with an earlier look, a result has a baselineState.
package sarif

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"seawall/agent/look"
	"seawall/agent/report/sheet"
	"seawall/pkg/finding"
)

const (
	version = "2.1.0"
	schema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	home    = "ROOT" // what locations are relative to
)

type (
	message struct {
		Text string `json:"text"`
	}
	rule struct {
		ID      string         `json:"id"`
		Short   message        `json:"shortDescription"`
		Full    message        `json:"fullDescription"`
		Help    message        `json:"help"`
		Default map[string]any `json:"defaultConfiguration"`
		More    ruleProperties `json:"properties"`
	}
	ruleProperties struct {
		Tags       []string `json:"tags"`
		Severity   string   `json:"security-severity"`
		References []string `json:"references,omitempty"`
	}
	result struct {
		Rule         string            `json:"ruleId"`
		Index        int               `json:"ruleIndex"`
		Kind         string            `json:"kind"`
		Level        string            `json:"level"`
		Message      message           `json:"message"`
		Locations    []location        `json:"locations"`
		Related      []location        `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Baseline     string            `json:"baselineState,omitempty"`
		Suppressions []suppression     `json:"suppressions,omitempty"`
		More         resultProperties  `json:"properties"`
	}
	resultProperties struct {
		Status   string `json:"status"`
		Severity string `json:"severity"`
		Resource string `json:"resource,omitempty"`
		Actual   string `json:"actual"`
		Expected string `json:"expected"`
	}
	suppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
	location struct {
		Physical *physical `json:"physicalLocation,omitempty"`
		Logical  []logical `json:"logicalLocations,omitempty"`
		Message  *message  `json:"message,omitempty"`
	}
	physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   *region  `json:"region,omitempty"`
	}
	artifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	region struct {
		Line    int      `json:"startLine"`
		Snippet *message `json:"snippet,omitempty"`
	}
	logical struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
)

// Write writes the look.
func Write(w io.Writer, s *sheet.Sheet) error {
	rules, index := rulesOf(s)
	results := make([]result, 0, len(s.Results)+len(s.Gone))
	for i := range s.Results {
		results = append(results, resultOf(s, &s.Results[i], index))
	}
	for i := range s.Gone {
		gone := resultOf(s, &s.Gone[i], index)
		gone.Baseline = "absent"
		results = append(results, gone)
	}
	driver := map[string]any{"name": "Seawall", "rules": rules}
	if s.Version != "" {
		driver["version"] = s.Version
	}
	return look.JSON(w, map[string]any{
		"$schema": schema,
		"version": version,
		"runs": []any{map[string]any{
			"tool":               map[string]any{"driver": driver},
			"columnKind":         "unicodeCodePoints",
			"automationDetails":  map[string]string{"id": "seawall/" + s.Profile + "/" + s.Host.Name},
			"originalUriBaseIds": map[string]any{home: artifact{URI: "file:///"}},
			"invocations":        []any{map[string]any{"executionSuccessful": true, "endTimeUtc": s.Time.UTC().Format("2006-01-02T15:04:05Z"), "machine": s.Host.Name}},
			"results":            results,
			"properties":         map[string]any{"host": s.Host, "profile": s.Profile, "score": s.Score},
		}},
	})
}

// rulesOf are the checks of the results, those that are gone included.
func rulesOf(s *sheet.Sheet) ([]rule, map[string]int) {
	list, index := []rule{}, map[string]int{}
	add := func(c finding.CheckInfo) {
		if _, known := index[c.ID]; known {
			return
		}
		index[c.ID] = len(list)
		list = append(list, rule{ID: c.ID, Short: message{cmp.Or(c.Title, c.ID)}, Full: message{cmp.Or(c.Rationale, cmp.Or(c.Title, c.ID))},
			Help: message{cmp.Or(c.Remediation, "no fix is known")}, Default: map[string]any{"level": level(c.Severity)},
			More: ruleProperties{[]string{"security", c.Family}, score(c.Severity), c.References}})
	}
	for _, c := range s.Shown() {
		add(c)
	}
	for _, r := range s.Gone {
		add(s.Info(r.Check))
	}
	return list, index
}

func resultOf(s *sheet.Sheet, r *finding.Result, index map[string]int) result {
	kinds := map[finding.Status]string{finding.StatusPass: "pass", finding.StatusFail: "fail", finding.StatusWaived: "fail",
		finding.StatusNotApplicable: "notApplicable"}
	out := result{Rule: r.Check, Index: index[r.Check], Kind: cmp.Or(kinds[r.Status], "open"), Level: "none", Message: message{words(s, r)},
		Fingerprints: map[string]string{"seawall/v1": fingerprint(s, r)},
		More:         resultProperties{r.Status.String(), r.Severity.String(), r.Resource, r.Actual, r.Expected}}
	if out.Kind == "fail" {
		out.Level = level(r.Severity)
	}
	if r.Status == finding.StatusWaived {
		out.Suppressions = []suppression{{"external", "accepted", waiver(r)}}
	}
	switch before := s.Before(r); {
	case s.Earlier == nil:
	case before == finding.StatusUnspecified:
		out.Baseline = "new"
	default:
		out.Baseline = "updated"
	}
	for i, e := range r.Evidence {
		if e.File != "" && !slices.Contains(r.Evidence[:i], e) { // the standard wants each once
			out.Related = append(out.Related, place(e))
		}
	}
	if len(out.Related) == 0 {
		out.Locations = []location{{Logical: []logical{{cmp.Or(s.Host.Name, "host"), "resource"}}}}
		return out
	}
	out.Locations, out.Related = out.Related[:1], out.Related[1:]
	return out
}

// place is where a piece of evidence stands, as a URI below the host's root.
func place(e finding.Evidence) location {
	p := &physical{Artifact: artifact{URI: (&url.URL{Path: strings.TrimPrefix(e.File, "/")}).EscapedPath(), Base: home}}
	if e.Line > 0 {
		p.Region = &region{Line: e.Line}
		if e.Text != "" {
			p.Region.Snippet = &message{e.Text}
		}
	}
	return location{Physical: p}
}

// words say what was found, in a sentence.
func words(s *sheet.Sheet, r *finding.Result) string {
	what := cmp.Or(s.Info(r.Check).Title, r.Check)
	if r.Resource != "" {
		what += " (" + r.Resource + ")"
	}
	switch r.Status {
	case finding.StatusFail, finding.StatusWaived:
		return what + ": found " + cmp.Or(r.Actual, "nothing") + ", expected " + r.Expected
	case finding.StatusPass, finding.StatusNotApplicable:
		return what + ": " + r.Actual
	}
	return what + ": could not be evaluated: " + r.Actual
}

// waiver is what the waiver says, which is the last piece of evidence.
func waiver(r *finding.Result) string {
	if n := len(r.Evidence); n > 0 {
		return cmp.Or(r.Evidence[n-1].Text, "waived")
	}
	return "waived"
}

// fingerprint is the same for one result of one host over time.
func fingerprint(s *sheet.Sheet, r *finding.Result) string {
	sum := sha256.Sum256([]byte(strconv.Quote(s.Host.Name) + strconv.Quote(r.Check) + strconv.Quote(r.Resource)))
	return hex.EncodeToString(sum[:16])
}

func level(s finding.Severity) string {
	switch {
	case s >= finding.SeverityHigh:
		return "error"
	case s == finding.SeverityMedium:
		return "warning"
	}
	return "note"
}

// score is the severity as code hosts read it, 0.0 to 10.0.
func score(s finding.Severity) string {
	return [...]string{"0.0", "0.0", "3.0", "5.5", "8.0", "9.5"}[min(s, finding.SeverityCritical)]
}
