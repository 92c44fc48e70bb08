package export

import (
	"io"
	"strconv"
	"strings"
	"time"

	"seawall/collector/export/ecs"
	"seawall/collector/export/item"
	"seawall/collector/export/ocsf"
	"seawall/collector/export/otlp"
	"seawall/collector/export/rows"
	"seawall/collector/export/sarif"
	"seawall/collector/fleet"
	"seawall/collector/plain"
	"seawall/pkg/finding"
)

// writer writes items in a query's format.
type writer struct {
	w       io.Writer
	version string
	format  string
	limit   int
	lines   int
	runs    int
	table   *rows.CSV
}

func newWriter(w io.Writer, version string, q *Query) (*writer, error) {
	out := &writer{w: w, version: version, format: q.Format, limit: q.Limit}
	var err error
	switch q.Format {
	case SARIF:
		_, err = io.WriteString(w, sarif.Head)
		return out, err
	case CSV:
	default:
		return out, nil
	}
	out.table, err = rows.NewCSV(w, heads(q.What)...)
	return out, err
}

// heads are the columns of a table. Their names are an interface: add at the end.
func heads(what string) []string {
	switch what {
	case Hosts:
		return []string{"host_id", "host", "presence", "standing", "os", "kernel", "arch", "region", "droplet_id", "tags", "agent_version",
			"first_seen", "last_seen", "pass", "fail", "unknown", "error", "waived", "critical", "high", "medium", "low", "updates_pending", "lost_records"}
	case Findings:
		return []string{"host_id", "host", "check", "title", "family", "resource", "group", "status", "severity", "since", "actual", "expected",
			"file", "line", "login_user", "command", "evaluated", "remediation"}
	case Changes:
		return []string{"event", "received", "host_id", "host", "check", "title", "resource", "previous", "status", "removed", "severity", "actual", "expected",
			"login_user", "user", "program", "command", "file", "operation", "time"}
	}
	return []string{"host_id", "host", "id", "rule", "title", "severity", "techniques", "count", "first", "last", "ended", "received", "who", "from", "command", "target"}
}

// end writes what stands at the end.
func (w *writer) end() error {
	if w.format != SARIF {
		return nil
	}
	_, err := io.WriteString(w.w, sarif.Tail)
	return err
}

// run writes a host's results as a run of SARIF, where there are any.
func (w *writer) run(id fleet.HostID, labels finding.Host, items []item.Item) error {
	if len(items) == 0 {
		return nil
	}
	line, err := sarif.Run(w.version, id, labels, items)
	if err != nil {
		return err
	}
	if w.runs++; w.runs > 1 {
		line = append([]byte(",\n"), line...)
	}
	if _, err := w.w.Write(line); err != nil {
		return err
	}
	if w.lines += len(items); w.limit > 0 && w.lines >= w.limit {
		return errEnough
	}
	return nil
}

// done counts a line.
func (w *writer) done(err error) error {
	if err != nil {
		return err
	}
	if w.lines++; w.lines == w.limit {
		return errEnough
	}
	return nil
}

func (w *writer) host(h *fleet.Host) error {
	plain.Host(h)
	if w.table == nil {
		return w.done(rows.Line(w.w, h))
	}
	l, c, standing := &h.Labels, &h.Counts, ""
	if h.Member != nil {
		standing = string(h.Member.Standing)
	}
	return w.done(w.table.Row(string(h.ID), l.Name, string(h.Presence), standing, l.OS, l.Kernel, l.Arch, l.Region, l.DropletID, strings.Join(item.Labels(h).Tags, " "), l.AgentVersion,
		stamp(h.FirstSeen), stamp(h.LastSeen), number(c.Pass), number(c.Fail), number(c.Unknown), number(c.Error), number(c.Waived),
		number(h.BySeverity[finding.SeverityCritical]), number(h.BySeverity[finding.SeverityHigh]), number(h.BySeverity[finding.SeverityMedium]),
		number(h.BySeverity[finding.SeverityLow]), number(h.Pending), strconv.FormatUint(h.Gaps, 10)))
}

// object is a standing finding as a line of JSON: what the API says of it, with the
// check's title and family.
type object struct {
	fleet.State
	Title  string `json:"title"`
	Family string `json:"family"`
}

func (w *writer) state(labels finding.Host, check finding.CheckInfo, s fleet.State) error {
	i := item.State(labels, check, s)
	switch {
	case w.table != nil:
		r := &s.Result
		file, line := place(r)
		login, _, _, command, _, _ := cause(r)
		return w.done(w.table.Row(string(s.Host), i.Labels.Name, r.Check, i.Title(), i.Check.Family, r.Resource, r.Group, r.Status.String(), r.Severity.String(), stamp(s.Since),
			r.Actual, r.Expected, file, line, login, command, stamp(r.Time), i.Check.Remediation))
	case w.format == JSONL:
		one := []fleet.State{s}
		plain.States(one)
		return w.done(rows.Line(w.w, object{one[0], i.Title(), i.Check.Family}))
	}
	return w.item(i)
}

func (w *writer) change(labels finding.Host, check finding.CheckInfo, e fleet.Event) error {
	i := item.Change(labels, check, e)
	switch {
	case w.table != nil:
		r := &e.Change.Result
		login, user, program, command, file, operation := cause(r)
		before := ""
		if e.Change.Previous != finding.StatusUnspecified {
			before = e.Change.Previous.String()
		}
		return w.done(w.table.Row(strconv.FormatInt(e.ID, 10), stamp(e.Received), string(e.Host), i.Labels.Name, r.Check, i.Title(), r.Resource, before, r.Status.String(),
			strconv.FormatBool(e.Change.Removed), r.Severity.String(), r.Actual, r.Expected, login, user, program, command, file, operation, stamp(r.Time)))
	case w.format == JSONL:
		one := []fleet.Event{e}
		plain.Events(one)
		return w.done(rows.Line(w.w, one[0]))
	}
	return w.item(i)
}

func (w *writer) detection(i item.Item, d *fleet.Detection) error {
	switch {
	case w.table != nil:
		t := &d.Detection
		var s finding.Sample
		if len(t.Samples) > 0 {
			s = t.Samples[0]
		}
		return w.done(w.table.Row(string(d.Host), i.Labels.Name, t.ID, t.Rule, t.Title, t.Severity.String(), strings.Join(t.Techniques, " "), strconv.FormatUint(t.Count, 10),
			stamp(t.First), stamp(t.Last), strconv.FormatBool(t.Ended), stamp(d.Received), s.Actor.Text, s.Actor.From, s.Command, s.Target))
	case w.format == JSONL:
		one := []fleet.Detection{*d}
		plain.Detections(one)
		return w.done(rows.Line(w.w, one[0]))
	}
	return w.item(i)
}

// item writes one in a format of others.
func (w *writer) item(i item.Item) error {
	line, err := encode(w.format, w.version, i)
	if err != nil {
		return err
	}
	_, err = w.w.Write(append(line, '\n'))
	return w.done(err)
}

func encode(format, version string, i item.Item) ([]byte, error) {
	switch format {
	case OCSF:
		return ocsf.Encode(version, i)
	case ECS:
		return ecs.Encode(version, i)
	}
	return otlp.Encode(version, i)
}

func place(r *finding.Result) (file, line string) {
	if len(r.Evidence) == 0 {
		return "", ""
	}
	if e := r.Evidence[0]; e.Line > 0 {
		return e.File, strconv.Itoa(e.Line)
	}
	return r.Evidence[0].File, ""
}

// cause returns who did it and how, all empty where it is not known.
func cause(r *finding.Result) (login, user, program, command, file, operation string) {
	c := r.Cause
	if c == nil {
		return
	}
	return who(c.LoginUser, c.AUID), who(c.User, c.UID), c.Exe, c.Command, c.Path, c.Operation
}

func who(name string, id uint32) string {
	if name == "" && id != finding.Unset {
		return strconv.FormatUint(uint64(id), 10)
	}
	return name
}

func number(n int) string { return strconv.Itoa(n) }

// stamp is a time in UTC, empty where there is none.
func stamp(t time.Time) string {
	if t = item.Sane(t); t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
