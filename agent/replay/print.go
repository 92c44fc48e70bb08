package replay

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"seawall/agent/look"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Add puts another file's result behind r's.
func (r *Result) Add(o *Result) {
	room := maxDetections - len(r.Detections)
	if len(o.Detections) > room {
		r.Dropped += len(o.Detections) - room
		o.Detections = o.Detections[:room]
	}
	r.Detections = append(r.Detections, o.Detections...)
	r.Dropped += o.Dropped
	r.Lines += o.Lines
	r.Audit.Records += o.Audit.Records
	r.Audit.Events += o.Audit.Events
	r.Audit.Gaps += o.Audit.Gaps
	r.Audit.Malformed += o.Audit.Malformed
	r.Detect.Suppressed += o.Detect.Suppressed
	if r.First.IsZero() || !o.First.IsZero() && o.First.Before(r.First) {
		r.First = o.First
	}
	if o.Last.After(r.Last) {
		r.Last = o.Last
	}
}

// document is a result as JSON.
type document struct {
	Detections []finding.Detection `json:"detections"`
	Summary    summary             `json:"summary"`
}

type summary struct {
	Records    uint64    `json:"records"`
	Events     uint64    `json:"events"`
	Missing    uint64    `json:"missing"` // serials between that are not there
	Skipped    uint64    `json:"skipped"` // lines that are no record
	Suppressed uint64    `json:"suppressed"`
	Dropped    int       `json:"dropped"`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
}

func (r *Result) summary() summary {
	return summary{Records: r.Audit.Records, Events: r.Audit.Events, Missing: r.Audit.Gaps, Skipped: uint64(r.Lines) + r.Audit.Malformed,
		Suppressed: r.Detect.Suppressed, Dropped: r.Dropped, First: r.First.UTC(), Last: r.Last.UTC()}
}

// Print writes a result as table, json (one object) or jsonl (a detection on each line).
func (r *Result) Print(w io.Writer, format string, opt look.Options) error {
	switch format {
	case "json":
		list := r.Detections
		if list == nil {
			list = []finding.Detection{}
		}
		return look.JSON(w, document{list, r.summary()})
	case "jsonl":
		for i := range r.Detections {
			if err := look.Line(w, &r.Detections[i]); err != nil {
				return err
			}
		}
		return nil
	}
	out := bufio.NewWriter(w)
	for i := range r.Detections {
		table(out, &r.Detections[i], opt)
	}
	s := r.summary()
	fmt.Fprintf(out, "detections: %d, events: %d, records: %d", len(r.Detections), s.Events, s.Records)
	for _, more := range []struct {
		count uint64
		what  string
	}{{s.Suppressed, "allowed"}, {s.Missing, "serials missing between"}, {s.Skipped, "lines are no records"}, {uint64(s.Dropped), "more detections"}} {
		if more.count > 0 {
			fmt.Fprintf(out, ", %d %s", more.count, more.what)
		}
	}
	fmt.Fprintln(out)
	return out.Flush()
}

// table writes one detection: what, who, by which command, on what.
func table(out io.Writer, d *finding.Detection, opt look.Options) {
	fmt.Fprintf(out, "%s  %s  %s", d.First.UTC().Format("2006-01-02 15:04:05 MST"), opt.Paint(color(d.Severity), fmt.Sprintf("%-8s", d.Severity)), shown(d.Title))
	if d.Count > 1 {
		fmt.Fprintf(out, "  (%d times until %s)", d.Count, d.Last.UTC().Format("15:04:05"))
	}
	fmt.Fprintln(out)
	const indent = 11
	line := func(name, value string) {
		if value == "" {
			return
		}
		for _, part := range opt.Fit(shown(value), indent) {
			fmt.Fprintf(out, "  %-8s %s\n", name, part)
			name = ""
		}
	}
	line("rule", d.Rule+" "+strings.Join(d.Techniques, " "))
	line("group", strings.Join(d.Group, " "))
	if len(d.Samples) == 0 {
		return
	}
	s := &d.Samples[0]
	line("who", s.Actor.Text)
	line("command", s.Command)
	line("target", s.Target)
	var by []string
	for i, p := range s.Ancestry {
		if i > 0 && p.Exe != "" {
			by = append(by, p.Exe)
		}
	}
	line("by", strings.Join(by, " < "))
	line("serial", fmt.Sprint(s.Serial))
}

const widest = 500 // bytes of a value in a table

func shown(s string) string { return text.Terminal(text.Clean(s, widest)) }

func color(s finding.Severity) look.Color {
	switch s {
	case finding.SeverityCritical, finding.SeverityHigh:
		return look.Red
	case finding.SeverityMedium:
		return look.Yellow
	}
	return look.Dim
}
