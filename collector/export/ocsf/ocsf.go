package ocsf

import (
	"cmp"
	"path"
	"strconv"
	"strings"
	"time"

	"seawall/collector/export/item"
	"seawall/collector/export/rows"
	"seawall/pkg/finding"
)

// Of the schema.
const (
	schema     = "1.3.0"
	category   = 2    // Findings
	vulnerable = 2002 // Vulnerability Finding
	compliant  = 2003 // Compliance Finding
	detected   = 2004 // Detection Finding
	linux      = 200  // os.type_id
	server     = 1    // device.type_id
	regular    = 1    // file.type_id
	rule       = 1    // analytic.type_id

	maxAncestry = 16 // processes told of one sample
)

// Encode returns the item as an event, on one line without a line feed. Version is the
// collector's.
func Encode(version string, i item.Item) ([]byte, error) {
	e := event{
		Category: category, CategoryName: "Findings",
		Time: millis(i.Time()), Severity: int(i.Severity()), SeverityName: caption(i.Severity().String()), Message: i.Text(),
		Metadata: metadata{Version: schema, Profiles: []string{"host"}, Product: product{"Seawall", "Seawall", version}, Logged: millis(i.Received)},
		Finding:  info{UID: i.UID(), Title: i.Title()},
		Device:   deviceOf(&i),
	}
	if i.Event != 0 {
		e.Metadata.UID = strconv.FormatInt(i.Event, 10)
	}
	switch patch, ok := i.Patch(); {
	case i.Detection != nil:
		e.detection(&i)
	case ok && len(patch.CVEs) > 0 && patch.Name != "" && patch.Installed != "":
		e.posture(&i)
		e.vulnerability(&i, patch)
	default:
		e.posture(&i)
		e.compliance(&i)
	}
	return rows.JSON(e)
}

// act says what happened to the finding, and how it stands.
func (e *event) act(id int, status int) {
	e.Activity, e.ActivityName = id, [...]string{1: "Create", 2: "Update", 3: "Close"}[id]
	e.Type = e.Class*100 + id
	e.Status, e.StatusName = status, [...]string{1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved"}[status]
}

// posture fills in what is the same for all results.
func (e *event) posture(i *item.Item) {
	r := i.Result
	e.Class, e.ClassName = compliant, "Compliance Finding"
	e.Finding.Desc, e.Finding.LastSeen = i.Check.Rationale, millis(r.Time)
	e.Finding.FirstSeen = millis(cmp.Or(item.Sane(r.Since), i.Since))
	if i.Check.Family != "" {
		e.Finding.Types = []string{i.Check.Family}
	}
	e.Resources = []resource{resourceOf(i)}
	e.Unmapped = map[string]any{"status": r.Status, "actual": r.Actual, "expected": r.Expected}
	if i.Labels.Kernel != "" {
		e.Unmapped["kernel"] = i.Labels.Kernel
	}
	if len(r.Evidence) > 0 {
		e.Unmapped["evidence"] = places(r.Evidence)
	}
	if c := r.Cause; c != nil {
		e.Actor = actorOf(c)
		e.Unmapped["cause"] = map[string]any{"audit_serial": c.Serial, "path": c.Path, "operation": c.Operation}
	}
	if r.Status.Bad() && i.Check.Remediation != "" {
		e.Remediation = &remediation{i.Check.Remediation, i.Check.References}
	}
}

// life is what happened to the finding that a result is of.
func (e *event) life(i *item.Item) {
	switch s := i.Result.Status; {
	case i.Removed || i.Event != 0 && !item.Open(s) && item.Open(i.Previous):
		e.act(3, 4)
	case s == finding.StatusWaived:
		e.act(1+b(item.Open(i.Previous)), 3)
	case !item.Open(s):
		e.act(1, 4)
	default:
		e.act(1+b(item.Open(i.Previous)), 1)
	}
}

func b(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (e *event) compliance(i *item.Item) {
	r := i.Result
	c := compliance{Standards: []string{"Seawall"}, Requirements: i.Check.References, Control: r.Check, StatusID: 2, Status: "Warning", Detail: r.Actual}
	switch r.Status {
	case finding.StatusPass:
		c.StatusID, c.Status = 1, "Pass"
	case finding.StatusFail, finding.StatusWaived:
		c.StatusID, c.Status = 3, "Fail"
		c.Detail = "found " + r.Actual + ", expected " + r.Expected
	case finding.StatusNotApplicable:
		c.StatusID, c.Status = 99, "Not Applicable"
	case finding.StatusUnknown, finding.StatusError, finding.StatusUnspecified:
	}
	e.Compliance = &c
	e.life(i)
}

func (e *event) vulnerability(i *item.Item, p item.Patch) {
	e.Class, e.ClassName = vulnerable, "Vulnerability Finding"
	for _, id := range p.CVEs {
		e.Vulnerabilities = append(e.Vulnerabilities, vulnerability{
			CVE: cve{id}, Title: p.Name, Severity: e.SeverityName, Fix: p.Fixed != "",
			Packages:  []affected{{Name: p.Name, Version: p.Installed, Arch: p.Arch, Fixed: p.Fixed}},
			FirstSeen: e.Finding.FirstSeen, LastSeen: e.Finding.LastSeen, Remedy: e.Remediation,
		})
	}
	e.Remediation = nil // each vulnerability has it: the class has no such field
	e.life(i)
}

func (e *event) detection(i *item.Item) {
	d := i.Detection
	e.Class, e.ClassName = detected, "Detection Finding"
	e.Finding.Desc = d.Description
	e.Finding.FirstSeen, e.Finding.LastSeen = millis(d.First), millis(d.Last)
	e.Finding.Analytic = &analytic{rule, "Rule", d.Rule, d.Title}
	for _, t := range i.Techniques() {
		a := attack{Technique: technique{t.ID}}
		if t.Sub != "" {
			a.Sub = &technique{t.Sub}
		}
		e.Finding.Attacks = append(e.Finding.Attacks, a)
	}
	e.Start, e.End, e.Count = millis(d.First), millis(d.Last), d.Count
	for k := range d.Samples {
		e.Evidences = append(e.Evidences, evidenceOf(&d.Samples[k]))
	}
	if len(d.FalsePositives) > 0 || len(d.Group) > 0 {
		e.Unmapped = map[string]any{"false_positives": d.FalsePositives, "group": d.Group}
	}
	e.Resources = []resource{{string(i.Host), cmp.Or(i.Labels.Name, string(i.Host)), "host"}}
	if d.Ended {
		e.act(3, 1) // over, and nobody has looked at it
		return
	}
	e.act(1, 1)
}

func evidenceOf(s *finding.Sample) evidence {
	a := actor{User: person(s.Actor.Login, s.Actor.AUID), Session: sessionOf(s.Actor.Session, "")}
	out := evidence{Data: map[string]any{"audit_serial": s.Serial, "syscall": s.Syscall, "target": s.Target, "from": s.Actor.From,
		"via": s.Actor.Via, "who": s.Actor.Text, "claimed": s.Claimed, "time": millis(s.Time)}}
	for _, p := range cut(s.Ancestry) { // the process that acted is first, its parents follow
		out.Process = under(out.Process, &process{PID: p.PID, Name: base(p.Exe), Command: p.Command, File: fileOf(p.Exe)})
	}
	if out.Process != nil {
		out.Process.Command = cmp.Or(out.Process.Command, s.Command)
		out.Process.User = person(s.Actor.User, s.Actor.UID)
	} else {
		out.Data["command"], out.Data["program"] = s.Command, s.Actor.Program
	}
	if a != (actor{}) {
		out.Actor = &a
	}
	return out
}

// cut bounds how many processes are told.
func cut(all []finding.Process) []finding.Process { return all[:min(len(all), maxAncestry)] }

// under puts parent at the end of the line that begins with p.
func under(p, parent *process) *process {
	if p == nil {
		return parent
	}
	last := p
	for last.Parent != nil {
		last = last.Parent
	}
	last.Parent = parent
	return p
}

func actorOf(c *finding.Cause) *actor {
	return &actor{
		User: person(c.LoginUser, c.AUID), Session: sessionOf(c.Session, c.TTY),
		Process: &process{PID: c.PID, Name: base(c.Exe), Command: c.Command, File: fileOf(c.Exe), User: person(c.User, c.UID)},
	}
}

func person(name string, id uint32) *user {
	if id == finding.Unset {
		return nil
	}
	return &user{name, strconv.FormatUint(uint64(id), 10)}
}

func sessionOf(id uint32, tty string) *session {
	if id == finding.Unset {
		return nil
	}
	return &session{strconv.FormatUint(uint64(id), 10), tty}
}

func fileOf(exe string) *file {
	if exe == "" {
		return nil
	}
	return &file{base(exe), exe, regular}
}

func base(exe string) string {
	if exe == "" {
		return ""
	}
	return path.Base(exe)
}

func deviceOf(i *item.Item) device {
	l := &i.Labels
	return device{Type: server, TypeName: "Server", UID: string(i.Host), Hostname: l.Name, Name: l.Name, Instance: l.DropletID, Region: l.Region,
		OS: system{cmp.Or(l.OS, l.OSID, "Linux"), linux, "Linux", l.OSVersion}}
}

func resourceOf(i *item.Item) resource {
	if i.Result.Resource == "" {
		return resource{string(i.Host), cmp.Or(i.Labels.Name, string(i.Host)), "host"}
	}
	return resource{string(i.Host) + "/" + i.Result.Resource, i.Result.Resource, "item of the host"}
}

// millis is a time as the schema has it, 0 where there is none.
func millis(t time.Time) int64 {
	if t = item.Sane(t); t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// caption writes a word as the schema's captions are.
func caption(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
