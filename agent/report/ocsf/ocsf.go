// Package ocsf writes a look at a host as events of the Open Cybersecurity Schema
// Framework, version 1.3.0, class Compliance Finding (2003): one JSON object to a line,
// each a result, with the profile "host" for whose it is.
//
// The compliance status is Pass, Fail, or Warning, the schema's word for a check that
// "did not yield a result due to missing information": unknown and error. What is not
// applicable is Other. A waived failure stays a Fail whose finding is Suppressed.
// Times are milliseconds since 1970, as the schema has them.
package ocsf

import (
	"cmp"
	"io"
	"strings"
	"time"

	"seawall/agent/look"
	"seawall/agent/report/sheet"
	"seawall/pkg/finding"
)

// Of the schema.
const (
	schema   = "1.3.0"
	category = 2    // Findings
	class    = 2003 // Compliance Finding
	create   = 1    // a finding is made
	update   = 2    // it changed since the earlier look
	closed   = 3    // it is gone
)

type (
	event struct {
		Activity     int          `json:"activity_id"`
		ActivityName string       `json:"activity_name"`
		Category     int          `json:"category_uid"`
		CategoryName string       `json:"category_name"`
		Class        int          `json:"class_uid"`
		ClassName    string       `json:"class_name"`
		Type         int          `json:"type_uid"`
		Time         int64        `json:"time"`
		Severity     int          `json:"severity_id"`
		SeverityName string       `json:"severity"`
		Status       int          `json:"status_id"`
		StatusName   string       `json:"status"`
		Message      string       `json:"message"`
		Metadata     metadata     `json:"metadata"`
		Finding      info         `json:"finding_info"`
		Compliance   compliance   `json:"compliance"`
		Remediation  *remediation `json:"remediation,omitempty"`
		Resources    []resource   `json:"resources"`
		Device       device       `json:"device"`
		Unmapped     unmapped     `json:"unmapped"`
	}
	metadata struct {
		Version  string   `json:"version"`
		Profiles []string `json:"profiles"`
		Product  product  `json:"product"`
	}
	product struct {
		Name    string `json:"name"`
		Vendor  string `json:"vendor_name"`
		Version string `json:"version,omitempty"`
	}
	info struct {
		UID       string   `json:"uid"`
		Title     string   `json:"title"`
		Desc      string   `json:"desc,omitempty"`
		Types     []string `json:"types"`
		FirstSeen int64    `json:"first_seen_time,omitempty"`
		LastSeen  int64    `json:"last_seen_time,omitempty"`
	}
	compliance struct {
		Standards    []string `json:"standards"`
		Requirements []string `json:"requirements,omitempty"`
		Control      string   `json:"control"`
		StatusID     int      `json:"status_id"`
		Status       string   `json:"status"`
		Detail       string   `json:"status_detail"`
	}
	remediation struct {
		Desc       string   `json:"desc"`
		References []string `json:"references,omitempty"`
	}
	resource struct {
		UID  string `json:"uid"`
		Name string `json:"name"`
		Type string `json:"type"`
	}
	device struct {
		Type     int    `json:"type_id"`
		TypeName string `json:"type"`
		Hostname string `json:"hostname"`
		OS       system `json:"os"`
	}
	system struct {
		Name     string `json:"name"`
		Type     int    `json:"type_id"`
		TypeName string `json:"type"`
		Version  string `json:"version,omitempty"`
	}
	unmapped struct {
		Status   string             `json:"status"`
		Actual   string             `json:"actual"`
		Expected string             `json:"expected"`
		Kernel   string             `json:"kernel,omitempty"`
		Evidence []finding.Evidence `json:"evidence,omitempty"`
		Cause    *finding.Cause     `json:"cause,omitempty"`
	}
)

// Write writes the look.
func Write(w io.Writer, s *sheet.Sheet) error {
	for i := range s.Results {
		e := eventOf(s, &s.Results[i])
		if s.Before(&s.Results[i]) != finding.StatusUnspecified {
			e.act(update, "Update")
		}
		if err := look.Line(w, e); err != nil {
			return err
		}
	}
	for i := range s.Gone {
		e := eventOf(s, &s.Gone[i])
		e.act(closed, "Close")
		e.Status, e.StatusName = 4, "Resolved"
		if err := look.Line(w, e); err != nil {
			return err
		}
	}
	return nil
}

// act says what happened to the finding.
func (e *event) act(id int, name string) {
	e.Activity, e.ActivityName, e.Type = id, name, class*100+id
}

func eventOf(s *sheet.Sheet, r *finding.Result) event {
	check := s.Info(r.Check)
	severity := min(r.Severity, finding.SeverityCritical)
	e := event{
		Category: category, CategoryName: "Findings", Class: class, ClassName: "Compliance Finding",
		Time: millis(cmp.Or(r.Time, s.Time)), Severity: int(severity), SeverityName: caption(severity.String()),
		Status: 1, StatusName: "New", Message: cmp.Or(check.Title, r.Check),
		Metadata: metadata{schema, []string{"host"}, product{"Seawall", "Seawall", s.Version}},
		Finding: info{UID: strings.TrimSuffix(r.Check+"/"+r.Resource, "/"), Title: cmp.Or(check.Title, r.Check), Desc: check.Rationale,
			Types: []string{check.Family}, FirstSeen: millis(r.Since), LastSeen: millis(r.Time)},
		Compliance: complianceOf(s, r, check),
		Resources:  []resource{{cmp.Or(r.Resource, s.Host.Name, "host"), cmp.Or(r.Resource, s.Host.Name, "host"), kind(r)}},
		Device:     device{1, "Server", s.Host.Name, system{cmp.Or(s.Host.OS, s.Host.OSID, "Linux"), 200, "Linux", s.Host.OSVersion}},
		Unmapped:   unmapped{r.Status.String(), r.Actual, r.Expected, s.Host.Kernel, r.Evidence, r.Cause},
	}
	e.act(create, "Create")
	if r.Status == finding.StatusWaived {
		e.Status, e.StatusName = 3, "Suppressed"
	}
	if r.Status == finding.StatusFail && check.Remediation != "" {
		e.Remediation = &remediation{check.Remediation, check.References}
	}
	return e
}

func complianceOf(s *sheet.Sheet, r *finding.Result, check finding.CheckInfo) compliance {
	c := compliance{Standards: []string{"Seawall " + cmp.Or(s.Profile, "all")}, Requirements: check.References, Control: r.Check,
		StatusID: 2, Status: "Warning", Detail: r.Actual}
	switch r.Status {
	case finding.StatusPass:
		c.StatusID, c.Status = 1, "Pass"
	case finding.StatusFail, finding.StatusWaived:
		c.StatusID, c.Status = 3, "Fail"
		c.Detail = "found " + r.Actual + ", expected " + r.Expected
	case finding.StatusNotApplicable:
		c.StatusID, c.Status = 99, "Not Applicable"
	}
	return c
}

// kind is what the resource is: the host itself, or what the check names.
func kind(r *finding.Result) string {
	if r.Resource == "" {
		return "host"
	}
	return "item of the host"
}

// millis is a time as the schema has it, 0 where there is none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// caption writes a word as the schema's captions are.
func caption(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
