// Package otlp writes items as OpenTelemetry log records (OTLP 1.x, data model of logs).
//
// A host is a resource with the attributes of the semantic conventions (host.*, os.*,
// cloud.*, service.name "seawall"); a result, change or detection is one log record with
// an event name, its text as the body, and what else is known as attributes "seawall.*".
// The attribute log.record.uid is the same whenever the same thing is sent, and another for
// each other thing: after an outage a record may come twice, and who must not count it
// twice drops the one whose id it has.
// [Encode] gives the JSON of a whole request on one line, as the collector's file
// exporter writes and its otlpjsonfile receiver reads; [Request] the same as protobuf for
// OTLP over HTTP.
package otlp

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"seawall/collector/export/item"
	"seawall/collector/export/rows"
	"seawall/pkg/finding"
)

// ContentType is what [Request] returns.
const ContentType = "application/x-protobuf"

// Encode returns the items as the JSON of one request, without a line feed. Version is the
// collector's.
func Encode(version string, items ...item.Item) ([]byte, error) {
	r, err := request(version, items)
	if err != nil {
		return nil, fmt.Errorf("encode OTLP: %w", err)
	}
	// The protocol wants numbers for enumerations.
	out, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode OTLP: %w", err)
	}
	var line bytes.Buffer // protojson's blanks differ from one build to another
	if err := json.Compact(&line, out); err != nil {
		return nil, fmt.Errorf("encode OTLP: %w", err)
	}
	return rows.Plain(line.Bytes()), nil
}

// Request returns the items as the protobuf of one request.
func Request(version string, items ...item.Item) ([]byte, error) {
	r, err := request(version, items)
	if err != nil {
		return nil, fmt.Errorf("encode OTLP: %w", err)
	}
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode OTLP: %w", err)
	}
	return out, nil
}

// request puts the records of one host together.
func request(version string, items []item.Item) (*collogs.ExportLogsServiceRequest, error) {
	out := &collogs.ExportLogsServiceRequest{}
	place := map[string]*logs.ScopeLogs{}
	for k := range items {
		i := &items[k]
		scope := place[string(i.Host)]
		if scope == nil {
			scope = &logs.ScopeLogs{Scope: &common.InstrumentationScope{Name: "seawall/collector", Version: version}}
			place[string(i.Host)] = scope
			out.ResourceLogs = append(out.ResourceLogs, &logs.ResourceLogs{
				Resource: &resource.Resource{Attributes: host(i)}, ScopeLogs: []*logs.ScopeLogs{scope}})
		}
		r := record(i)
		id, err := recordID(i, r)
		if err != nil {
			return nil, err
		}
		a := attributes(r.Attributes)
		a.text("log.record.uid", id)
		r.Attributes = a
		scope.LogRecords = append(scope.LogRecords, r)
	}
	return out, nil
}

func host(i *item.Item) []*common.KeyValue {
	l := &i.Labels
	a := attributes{}
	a.text("service.name", "seawall")
	a.text("service.version", l.AgentVersion)
	a.text("host.id", string(i.Host))
	a.text("host.name", l.Name)
	a.text("host.arch", arch(l.Arch))
	a.text("os.type", "linux")
	a.text("os.name", l.OSID)
	a.text("os.version", l.OSVersion)
	a.text("os.description", l.OS)
	if l.DropletID != "" {
		a.text("cloud.provider", "digitalocean")
		a.text("cloud.region", l.Region)
		a.text("cloud.resource_id", l.DropletID)
	}
	a.texts("seawall.host.tags", l.Tags)
	return a
}

// arch is the conventions' name for uname's.
func arch(machine string) string {
	switch machine {
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	}
	return machine
}

func record(i *item.Item) *logs.LogRecord {
	number, word := severity(i.Severity())
	a := attributes{}
	a.text("seawall.finding.uid", i.UID())
	a.text("seawall.severity", i.Severity().String())
	name := "seawall.detection"
	if i.Detection == nil {
		name = "seawall.result"
		if i.Event != 0 {
			name = "seawall.change"
		}
		posture(&a, i)
	} else {
		detection(&a, i)
	}
	return &logs.LogRecord{
		TimeUnixNano: nanos(cmp.Or(i.Time(), i.Received)), ObservedTimeUnixNano: nanos(cmp.Or(i.Received, i.Time())),
		SeverityNumber: number, SeverityText: word, EventName: name,
		Body: text(i.Text()), Attributes: a,
	}
}

// recordID names a record: a change by its event, another by its host and all that it says.
// It is made of the item alone, so that a record that is sent again has it again.
func recordID(i *item.Item, r *logs.LogRecord) (string, error) {
	said := []byte(strconv.FormatInt(i.Event, 10))
	if i.Event == 0 {
		var err error
		if said, err = (proto.MarshalOptions{Deterministic: true}).Marshal(r); err != nil {
			return "", fmt.Errorf("name the record of %s: %w", i.UID(), err)
		}
	}
	sum := sha256.Sum256(slices.Concat([]byte(i.Host), []byte{0}, said))
	return hex.EncodeToString(sum[:16]), nil
}

func posture(a *attributes, i *item.Item) {
	r := i.Result
	a.text("seawall.check.id", r.Check)
	a.text("seawall.check.family", i.Check.Family)
	a.text("seawall.check.title", i.Check.Title)
	a.text("seawall.status", r.Status.String())
	a.text("seawall.resource", r.Resource)
	a.text("seawall.actual", r.Actual)
	a.text("seawall.expected", r.Expected)
	a.text("seawall.remediation", i.Check.Remediation)
	if i.Event != 0 {
		a.number("seawall.event.id", i.Event)
		a.yes("seawall.removed", i.Removed)
		if i.Previous != finding.StatusUnspecified {
			a.text("seawall.previous", i.Previous.String())
		}
	}
	if len(r.Evidence) > 0 {
		a.text("seawall.evidence.file", r.Evidence[0].File)
		a.number("seawall.evidence.line", int64(r.Evidence[0].Line))
		a.text("seawall.evidence.text", r.Evidence[0].Text)
	}
	if c := r.Cause; c != nil {
		a.user("user", c.LoginUser, c.AUID)
		a.user("process.user", c.User, c.UID)
		a.number("process.pid", int64(c.PID))
		a.text("process.executable.path", c.Exe)
		a.text("process.command_line", c.Command)
		a.text("file.path", c.Path)
		a.text("seawall.cause.operation", c.Operation)
		a.text("seawall.cause.audit_serial", strconv.FormatUint(c.Serial, 10))
	}
	if p, ok := i.Patch(); ok {
		a.text("seawall.package.name", p.Name)
		a.text("seawall.package.installed", p.Installed)
		a.text("seawall.package.fixed", p.Fixed)
		a.texts("seawall.package.cves", p.CVEs)
	}
}

func detection(a *attributes, i *item.Item) {
	d := i.Detection
	a.text("seawall.rule.id", d.Rule)
	a.text("seawall.rule.title", d.Title)
	a.text("seawall.rule.description", d.Description)
	a.text("seawall.detection.count", strconv.FormatUint(d.Count, 10))
	a.yes("seawall.detection.ended", d.Ended)
	var techniques []string
	for _, t := range i.Techniques() {
		techniques = append(techniques, cmp.Or(t.Sub, t.ID))
	}
	a.texts("seawall.attack.techniques", techniques)
	if len(d.Samples) == 0 {
		return
	}
	s := &d.Samples[0]
	a.user("user", s.Actor.Login, s.Actor.AUID)
	a.user("process.user", s.Actor.User, s.Actor.UID)
	a.text("process.command_line", s.Command)
	if len(s.Ancestry) > 0 {
		a.number("process.pid", int64(s.Ancestry[0].PID))
		a.text("process.executable.path", s.Ancestry[0].Exe)
	}
	a.text("seawall.target", s.Target)
	a.text("seawall.who", s.Actor.Text)
}

// severity maps OCSF's severities to those of the logs' data model.
func severity(s finding.Severity) (logs.SeverityNumber, string) {
	switch s {
	case finding.SeverityLow:
		return logs.SeverityNumber_SEVERITY_NUMBER_INFO4, "LOW"
	case finding.SeverityMedium:
		return logs.SeverityNumber_SEVERITY_NUMBER_WARN, "MEDIUM"
	case finding.SeverityHigh:
		return logs.SeverityNumber_SEVERITY_NUMBER_ERROR, "HIGH"
	case finding.SeverityCritical:
		return logs.SeverityNumber_SEVERITY_NUMBER_ERROR4, "CRITICAL"
	case finding.SeverityUnknown, finding.SeverityInformational:
	}
	return logs.SeverityNumber_SEVERITY_NUMBER_INFO, "INFO"
}

func nanos(t time.Time) uint64 {
	if t = item.Sane(t); t.IsZero() || t.Year() > 2261 { // beyond it nanoseconds have no number
		return 0
	}
	return uint64(t.UnixNano())
}

// attributes are what is known, in the order in which it was said. What is empty is not.
type attributes []*common.KeyValue

func (a *attributes) put(key string, v *common.AnyValue) {
	*a = append(*a, &common.KeyValue{Key: key, Value: v})
}

func (a *attributes) text(key, value string) {
	if value != "" {
		a.put(key, text(value))
	}
}

func (a *attributes) texts(key string, values []string) {
	if len(values) == 0 {
		return
	}
	var all []*common.AnyValue
	for _, v := range values {
		all = append(all, text(v))
	}
	a.put(key, &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: all}}})
}

func (a *attributes) number(key string, n int64) {
	if n != 0 {
		a.put(key, &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: n}})
	}
}

func (a *attributes) yes(key string, is bool) {
	a.put(key, &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: is}})
}

func (a *attributes) user(prefix, name string, id uint32) {
	if id == finding.Unset {
		return
	}
	a.text(prefix+".id", strconv.FormatUint(uint64(id), 10))
	a.text(prefix+".name", name)
}

// text is a string as protobuf takes it: it refuses one that is not UTF-8.
func text(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: strings.ToValidUTF8(s, "\ufffd")}}
}
