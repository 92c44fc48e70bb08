// Package ecs writes items as documents of the Elastic Common Schema, version 8.17: what
// a data stream of Elasticsearch or OpenSearch takes as it is. A result that stands is
// event.kind "state", a change "event", a detection "alert".
//
// What ECS has no field for stands below "seawall", a name of its own as ECS asks of
// those who add fields. Empty fields are left out.
package ecs

import (
	"cmp"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"time"

	"seawall/collector/export/item"
	"seawall/collector/export/rows"
	"seawall/pkg/finding"
)

const version = "8.17.0" // of the schema

// doc is a document, or an object in it.
type doc map[string]any

// Encode returns the item as a document, on one line without a line feed. Version is
// the collector's.
func Encode(collector string, i item.Item) ([]byte, error) {
	d := doc{
		"@timestamp": stamp(cmp.Or(i.Time(), i.Received)),
		"ecs":        doc{"version": version},
		"message":    i.Text(),
		"host":       host(&i),
		"observer":   doc{"vendor": "Seawall", "product": "Seawall", "type": "collector", "version": collector},
		"agent":      doc{"type": "seawall", "id": string(i.Host), "version": i.Labels.AgentVersion},
		"related":    doc{"hosts": []string{cmp.Or(i.Labels.Name, string(i.Host))}},
		"tags":       slices.Clone(i.Labels.Tags),
	}
	if l := i.Labels; l.DropletID != "" {
		d["cloud"] = doc{"provider": "digitalocean", "region": l.Region, "instance": doc{"id": l.DropletID}}
	}
	if i.Detection != nil {
		detection(d, &i)
	} else {
		posture(d, &i)
	}
	return rows.JSON(trim(d))
}

func host(i *item.Item) doc {
	l := &i.Labels
	return doc{"id": string(i.Host), "name": l.Name, "hostname": l.Name, "architecture": l.Arch,
		"os": doc{"type": "linux", "platform": l.OSID, "full": l.OS, "version": l.OSVersion, "kernel": l.Kernel}}
}

func posture(d doc, i *item.Item) {
	r := i.Result
	kind, types, action := "state", []string{"info"}, "check-evaluated"
	if i.Event != 0 {
		kind, types, action = "event", []string{"change"}, "check-changed"
	}
	category := "configuration"
	if _, ok := i.Patch(); ok {
		category = "vulnerability"
	}
	d["event"] = doc{
		"kind": kind, "category": []string{category}, "type": types, "action": action, "module": "seawall", "provider": "seawall",
		"dataset": "seawall.posture", "outcome": outcome(r.Status), "severity": int(i.Severity()), "reason": r.Actual,
		"id": eventID(i), "start": stamp(cmp.Or(item.Sane(r.Since), i.Since)), "ingested": stamp(i.Received),
	}
	d["rule"] = doc{"id": r.Check, "name": i.Title(), "category": i.Check.Family, "description": i.Check.Rationale, "ruleset": "seawall"}
	s := doc{"finding": doc{"uid": i.UID(), "status": r.Status.String(), "severity": i.Severity().String(), "resource": r.Resource, "group": r.Group,
		"actual": r.Actual, "expected": r.Expected, "remediation": i.Check.Remediation, "references": i.Check.References}}
	if i.Event != 0 {
		s["finding"].(doc)["previous"] = previous(i.Previous)
		s["finding"].(doc)["removed"] = i.Removed
	}
	if len(r.Evidence) > 0 {
		s["evidence"] = r.Evidence
		if f := r.Evidence[0].File; f != "" {
			d["file"] = doc{"path": f, "name": path.Base(f)}
		}
	}
	if c := r.Cause; c != nil {
		cause(d, s, c)
	}
	if p, ok := i.Patch(); ok {
		d["package"] = doc{"name": p.Name, "version": p.Installed, "architecture": p.Arch}
		s["fixed_version"] = p.Fixed
		v := doc{"severity": i.Severity().String(), "scanner": doc{"vendor": "Seawall"}, "category": []string{"package"}}
		if len(p.CVEs) > 0 {
			v["id"], v["enumeration"] = p.CVEs, "CVE"
		}
		d["vulnerability"] = v
	}
	d["seawall"] = s
}

func cause(d, s doc, c *finding.Cause) {
	u := doc{}
	if c.AUID != finding.Unset {
		u["id"], u["name"] = number(c.AUID), c.LoginUser
	}
	u["effective"] = doc{"id": number(c.EUID)}
	d["user"] = u
	d["process"] = doc{"pid": c.PID, "executable": c.Exe, "command_line": c.Command, "user": doc{"id": number(c.UID), "name": c.User}}
	d["file"] = doc{"path": c.Path, "name": path.Base(c.Path)}
	about := doc{"audit_serial": c.Serial, "operation": c.Operation, "time": stamp(c.Time), "tty": c.TTY}
	if c.Session != finding.Unset {
		about["session"] = c.Session
	}
	s["cause"] = about
	related(d, c.LoginUser, c.User)
}

func detection(d doc, i *item.Item) {
	t := i.Detection
	types := []string{"info"}
	if t.Ended {
		types = append(types, "end")
	}
	d["event"] = doc{
		"kind": "alert", "category": []string{"intrusion_detection"}, "type": types, "action": "detection", "module": "seawall", "provider": "seawall",
		"dataset": "seawall.detection", "severity": int(i.Severity()), "id": i.UID(),
		"start": stamp(t.First), "end": stamp(t.Last), "ingested": stamp(i.Received),
	}
	d["rule"] = doc{"id": t.Rule, "name": i.Title(), "description": t.Description, "ruleset": "sigma"}
	s := doc{"detection": doc{"uid": i.UID(), "count": t.Count, "ended": t.Ended, "severity": i.Severity().String(),
		"false_positives": t.FalsePositives, "group": t.Group}}
	if all := i.Techniques(); len(all) > 0 {
		var ids, subs []string
		for _, x := range all {
			ids = append(ids, x.ID)
			if x.Sub != "" {
				subs = append(subs, x.Sub)
			}
		}
		d["threat"] = doc{"framework": "MITRE ATT&CK", "technique": doc{"id": slices.Compact(ids), "subtechnique": doc{"id": subs}}}
	}
	if len(t.Samples) > 0 {
		sample(d, s, &t.Samples[0])
	}
	d["seawall"] = s
}

// sample tells of the first event of a detection.
func sample(d, s doc, x *finding.Sample) {
	u := doc{"effective": doc{"id": number(x.Actor.UID), "name": x.Actor.User}}
	if x.Actor.AUID != finding.Unset {
		u["id"], u["name"] = number(x.Actor.AUID), x.Actor.Login
	}
	d["user"] = u
	related(d, x.Actor.Login, x.Actor.User)
	p := doc{"command_line": x.Command, "executable": x.Actor.Program}
	if len(x.Ancestry) > 0 {
		p["pid"], p["executable"] = x.Ancestry[0].PID, x.Ancestry[0].Exe
	}
	if len(x.Ancestry) > 1 {
		a := x.Ancestry[1]
		p["parent"] = doc{"pid": a.PID, "executable": a.Exe, "command_line": a.Command}
	}
	d["process"] = p
	if from, err := netip.ParseAddr(x.Actor.From); err == nil {
		d["source"] = doc{"ip": from.WithZone("").String()}
		d["related"].(doc)["ip"] = []string{from.WithZone("").String()}
	}
	s["sample"] = doc{"audit_serial": x.Serial, "syscall": x.Syscall, "target": x.Target, "via": x.Actor.Via, "from": x.Actor.From, "who": x.Actor.Text, "claimed": x.Claimed}
}

func related(d doc, names ...string) {
	var users []string
	for _, n := range names {
		if n != "" && !slices.Contains(users, n) {
			users = append(users, n)
		}
	}
	d["related"].(doc)["user"] = users
}

// eventID is different for each document: a result that stands has that of its finding.
func eventID(i *item.Item) string {
	if i.Event != 0 {
		return string(i.Host) + "/" + strconv.FormatInt(i.Event, 10)
	}
	return i.UID()
}

func outcome(s finding.Status) string {
	switch s {
	case finding.StatusPass:
		return "success"
	case finding.StatusFail, finding.StatusWaived:
		return "failure"
	case finding.StatusUnspecified, finding.StatusNotApplicable, finding.StatusUnknown, finding.StatusError:
	}
	return "unknown"
}

func previous(s finding.Status) string {
	if s == finding.StatusUnspecified {
		return ""
	}
	return s.String()
}

func number(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

// stamp is a time as ECS has it, "" where there is none.
func stamp(t time.Time) string {
	if t = item.Sane(t); t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05.000Z07:00")
}

// trim takes out what is empty.
func trim(d doc) doc {
	for k, v := range d {
		switch v := v.(type) {
		case string:
			if v == "" {
				delete(d, k)
			}
		case []string:
			if len(v) == 0 {
				delete(d, k)
			}
		case doc:
			if len(trim(v)) == 0 {
				delete(d, k)
			}
		}
	}
	return d
}
