package auditcmd

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/console"
	"seawall/agent/detect"
	"seawall/agent/detect/rules"
	"seawall/agent/meaning"
	"seawall/agent/refill"
	"seawall/agent/spool"
	"seawall/agent/spool/inspect"
	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/effect"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
	"seawall/pkg/names"
	"seawall/pkg/redact"
	"seawall/pkg/wire"
)

// explanation is what is known of one event.
type explanation struct {
	Serial  uint32    `json:"serial"`
	Time    time.Time `json:"time"`
	Source  string    `json:"source"` // file that it was read from
	Who     string    `json:"who"`
	Program string    `json:"program"`
	Command string    `json:"command"`
	Did     string    `json:"did"`
	Files   []string  `json:"files"`
	Keys    []string  `json:"keys"`
	Rules   []string  `json:"rules"` // in the kernel, with the keys
	Partial bool      `json:"partial"`
	Records []record  `json:"records"`
	// Detections are what the detections say of the event by itself; Told what was
	// appended to the spool of it.
	Detections []string `json:"detections"`
	Told       []string `json:"told"`
}

// record is one record, field by field.
type record struct {
	Type   string          `json:"type"`
	Fields []meaning.Field `json:"fields"`
}

func detectRules() string { return rules.Profile() }

// explain finds the event with a serial. What cannot be looked at is an error only when
// the event was not found elsewhere.
func (p *program) explain(serial uint32, dir, detections, log string) (*explanation, error) {
	x := &explanation{Serial: serial}
	problems := errors.Join(x.readSpool(dir), p.readLog(x, log, detections))
	if len(x.Records) == 0 && len(x.Told) == 0 {
		none := fmt.Errorf("no event with serial %d was found in auditd's log or in the spool", serial)
		if problems != nil {
			return nil, errors.Join(none, problems)
		}
		return nil, &console.ExitError{Code: console.Findings, Err: none}
	}
	return x, nil
}

// readLog decodes the event from the audit daemon's log.
func (p *program) readLog(x *explanation, log, detections string) error {
	root := p.root
	name, err := "", error(nil)
	if log == "" {
		name, err = refill.LogFile(root)
	} else {
		root = hostfs.Root{}
		name, err = filepath.Abs(log)
	}
	if err != nil {
		return err
	}
	lines, _, err := refill.Find(root, name, x.Serial)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; use sudo", err)
	case errors.Is(err, fs.ErrNotExist) && log == "":
		return fmt.Errorf("auditd keeps no log in %s", name)
	case err != nil:
		return err
	case lines == nil:
		return nil
	}
	x.Source = name
	known, _ := names.Read(p.root)
	n := &meaning.Namer{Known: known}
	detector, err := p.detector(x, detections, n)
	if err != nil {
		return err
	}
	asm := audit.NewAssembler(time.Hour, func(e *audit.Event) {
		x.event(e, n)
		detector.Observe(e)
	})
	for _, l := range lines {
		asm.Push(l.Type, []byte(l.Text), p.now())
	}
	if !slices.ContainsFunc(lines, func(l refill.Line) bool { return l.Type == unix.AUDIT_EOE }) {
		head, _, _ := strings.Cut(lines[0].Text, ")")
		asm.Push(unix.AUDIT_EOE, []byte(head+"): "), p.now())
	}
	asm.Close()
	detector.Close()
	p.findRules(x)
	return nil
}

// detector says what the detections, ours and the owners', think of the event alone.
func (p *program) detector(x *explanation, dir string, n *meaning.Namer) (*detect.Detector, error) {
	list, err := rules.Load(p.root, dir)
	if err != nil && list == nil {
		return nil, err
	}
	return detect.New(detect.Config{
		Rules: list,
		User:  func(uid uint32) string { return n.User(uid) },
		Report: func(d finding.Detection) {
			said := fmt.Sprintf("%s (%s, %s)", d.Title, d.Severity, strings.Join(append([]string{d.Rule}, d.Techniques...), ", "))
			if !slices.Contains(x.Detections, said) {
				x.Detections = append(x.Detections, said)
			}
		},
	})
}

// event takes what a decoded event says. An event that came in parts adds to itself.
func (x *explanation) event(e *audit.Event, n *meaning.Namer) {
	if len(e.Records) == 0 {
		return // an end without an event
	}
	x.Time, x.Partial = e.Time, x.Partial || e.Partial
	if e.HasSyscall || e.PID != 0 {
		x.Who, x.Program = n.Who(e), n.Program(e)
		if command := e.AppendCommand(nil); len(command) > 0 {
			x.Command = redact.Command(command)
		}
	}
	if e.HasSyscall {
		x.Did = meaning.Did(e)
	}
	for _, ch := range effect.Changes(e) {
		x.Files = append(x.Files, ch.Operation+" "+ch.Path)
	}
	for key := range strings.SplitSeq(string(e.Key), "\x01") {
		if key != "" && !slices.Contains(x.Keys, key) {
			x.Keys = append(x.Keys, key)
		}
	}
	for _, r := range e.Records {
		x.Records = append(x.Records, record{auditlog.Name(r.Type), n.Fields(e, r)})
	}
}

// findRules looks which rules in the kernel have the event's keys, if it may be asked.
func (p *program) findRules(x *explanation) {
	if len(x.Keys) == 0 {
		return
	}
	_ = p.kernel(func(c *kaudit.Control) error {
		have, err := c.Rules()
		for _, r := range have {
			if slices.Equal(r.Keys(), x.Keys) {
				x.Rules = append(x.Rules, r.Text)
			}
		}
		return err
	})
}

// readSpool looks for the serial in what the sensor appended.
func (x *explanation) readSpool(dir string) error {
	lanes, err := spool.Lanes(dir)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w; root, and members of the group seawall-spool, may read it", err)
		}
		return err
	}
	for _, lane := range lanes {
		err := inspect.Walk(dir, lane, func(rec inspect.Record) error {
			w, err := wire.Decode(rec.Payload)
			if err != nil {
				return nil //nolint:nilerr // what cannot be read is not about this event
			}
			x.told(w)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// told notes what a record of the spool says of the event.
func (x *explanation) told(w wire.Record) {
	add := func(format string, args ...any) {
		if s := fmt.Sprintf(format, args...); !slices.Contains(x.Told, s) {
			x.Told = append(x.Told, s)
		}
	}
	if c := w.Change; c != nil && c.Result.Cause != nil && c.Result.Cause.Serial == uint64(x.Serial) {
		add("check %s: %s, because of %s", c.Result.Check, c.Result.Status, c.Result.Cause.Path)
		x.fromCause(c.Result.Cause)
	}
	if d := w.Detection; d != nil {
		for _, s := range d.Samples {
			if s.Serial == uint64(x.Serial) {
				add("detection %s: %s (%s)", d.Rule, d.Title, d.Severity)
				x.fromSample(&s)
			}
		}
	}
}

func (x *explanation) fromCause(c *finding.Cause) {
	if x.Who == "" {
		x.Time, x.Source = c.Time, "the spool"
		x.Who = fmt.Sprintf("%s, logged in as %s", meaning.Account(c.User, c.UID), meaning.Account(c.LoginUser, c.AUID))
		x.Program, x.Command = fmt.Sprintf("%s (process %d)", c.Exe, c.PID), c.Command
		x.Files = append(x.Files, c.Operation+" "+c.Path)
	}
}

func (x *explanation) fromSample(s *finding.Sample) {
	if x.Who == "" {
		x.Time, x.Source = s.Time, "the spool"
		x.Who, x.Program, x.Command, x.Did = s.Actor.Text, s.Actor.Program, s.Command, s.Syscall
		if s.Target != "" {
			x.Files = append(x.Files, s.Target)
		}
		for _, text := range s.Records {
			if typ, payload, ok := auditlog.Line([]byte(text)); ok {
				_, body, _ := strings.Cut(string(payload), "): ")
				n := &meaning.Namer{}
				x.Records = append(x.Records, record{auditlog.Name(typ), n.Fields(&audit.Event{}, audit.Record{Type: typ, Text: []byte(body)})})
			}
		}
	}
}

func (x *explanation) print(p *page) {
	p.line("Event %d of %s", x.Serial, x.Time.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	p.line("")
	for _, r := range [][2]string{{"who", x.Who}, {"program", x.Program}, {"command", x.Command}, {"call", x.Did}} {
		if r[1] != "" {
			p.row(r[0], "%s", r[1])
		}
	}
	p.list("files", x.Files)
	if x.Partial {
		p.row("incomplete", "records of this event are missing")
	}
	p.list("key", x.Keys)
	var texts []string
	for _, r := range x.Rules {
		texts = append(texts, short(r))
	}
	p.list("by rule", texts)
	p.list("detections", x.Detections)
	if x.Detections == nil && x.Told == nil {
		p.row("detections", "say nothing of this event by itself")
	}
	p.list("told", x.Told)
	if x.Source != "" {
		p.row("found in", "%s", x.Source)
	}
	for _, r := range x.Records {
		p.line("")
		p.line("%s  %s", r.Type, meaning.Type(r.Type))
		for _, f := range r.Fields {
			said := f.Value
			if f.Meaning != "" {
				said += "  – " + f.Meaning
			}
			p.row("  "+f.Name, "%s", said)
		}
	}
}

// list is a row with several lines.
func (p *page) list(name string, items []string) {
	for i, item := range items {
		if i > 0 {
			name = ""
		}
		p.row(name, "%s", item)
	}
}
