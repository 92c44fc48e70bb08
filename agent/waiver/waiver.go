package waiver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"seawall/agent/near"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Limits of waivers.
const (
	maxWaivers = 4096 // of one file
	maxText    = 512  // bytes of owner, reason and resource each
	longest    = 366 * 24 * time.Hour
)

// Waiver is one decision to live with a failure.
type Waiver struct {
	Check, Resource string // Resource is a pattern
	Owner, Reason   string
	Expires         time.Time // when its last day ends
	File            string
	Line            int
}

// parser is the reading of one file.
type parser struct {
	name     string
	checks   []string
	now      time.Time
	problems []error
}

func (p *parser) errorAt(n *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("%s:%d:%d: %s", p.name, n.Line, n.Column, fmt.Sprintf(format, args...)))
}

// Parse reads one file.
func Parse(name string, data []byte, checks []string, now time.Time) ([]Waiver, error) {
	p := &parser{name: name, checks: checks, now: now}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil // empty, or comments alone
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		p.errorAt(&doc, "more than one document")
	}
	var list []Waiver
	p.mapping(doc.Content[0], map[string]func(*yaml.Node){"waivers": func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode || len(n.Content) > maxWaivers {
			p.errorAt(n, "want a list of at most %d waivers", maxWaivers)
			return
		}
		for _, item := range n.Content {
			list = append(list, p.waiver(item))
		}
	}}, "waivers")
	if err := errors.Join(p.problems...); err != nil {
		return nil, err
	}
	return list, nil
}

// mapping calls the function of each key of n; what is not there, there twice or
// unknown is a problem.
func (p *parser) mapping(n *yaml.Node, fields map[string]func(*yaml.Node), required ...string) {
	if n.Kind != yaml.MappingNode {
		p.errorAt(n, "want a mapping")
		return
	}
	var keys, seen []string
	for key := range fields {
		keys = append(keys, key)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch read := fields[key.Value]; {
		case read == nil:
			p.errorAt(key, "unknown key %q%s", key.Value, near.Hint(key.Value, keys))
		case slices.Contains(seen, key.Value):
			p.errorAt(key, "key %q stands here twice", key.Value)
		default:
			read(n.Content[i+1])
		}
		seen = append(seen, key.Value)
	}
	for _, key := range required {
		if !slices.Contains(seen, key) {
			p.errorAt(n, "%s is missing", key)
		}
	}
}

func (p *parser) waiver(n *yaml.Node) Waiver {
	w := Waiver{File: p.name, Line: n.Line, Resource: "*"}
	set := func(to *string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" || len(n.Value) > maxText {
				p.errorAt(n, "want a text of at most %d bytes", maxText)
			}
			*to = strings.TrimSpace(n.Value)
		}
	}
	p.mapping(n, map[string]func(*yaml.Node){
		"check": func(n *yaml.Node) {
			if set(&w.Check)(n); !slices.Contains(p.checks, w.Check) {
				p.errorAt(n, "no check is called %q%s", text.Clean(w.Check, maxText), near.Hint(w.Check, p.checks))
			}
		},
		"resource": set(&w.Resource),
		"owner":    set(&w.Owner),
		"reason":   set(&w.Reason),
		"expires":  func(n *yaml.Node) { w.Expires = p.day(n) },
	}, "check", "owner", "reason", "expires")
	return w
}

// day returns when the day in n ends.
func (p *parser) day(n *yaml.Node) time.Time {
	day, err := time.ParseInLocation(time.DateOnly, n.Value, time.UTC)
	if err != nil {
		p.errorAt(n, "%q is no day such as 2027-03-31", text.Clean(n.Value, maxText))
		return time.Time{}
	}
	end := day.AddDate(0, 0, 1)
	if end.Sub(p.now) > longest {
		p.errorAt(n, "%s is more than a year ahead: a waiver is looked at again once a year", n.Value)
	}
	return end
}

// Apply marks the failures that a waiver covers, and those that one did. Results are
// changed in place; at is when they were found.
func Apply(results []finding.Result, waivers []Waiver, at time.Time) {
	for i := range results {
		r := &results[i]
		if r.Status != finding.StatusFail {
			continue
		}
		var past *Waiver
		for j := range waivers {
			w := &waivers[j]
			switch {
			case !w.covers(r):
			case at.Before(w.Expires):
				r.Status = finding.StatusWaived
				w.note(r, "waived by %s until %s: %s")
			case past == nil || past.Expires.Before(w.Expires):
				past = w
			}
			if r.Status == finding.StatusWaived {
				break
			}
		}
		if past != nil && r.Status == finding.StatusFail {
			past.note(r, "the waiver of %s ended on %s: %s")
		}
	}
}

func (w *Waiver) covers(r *finding.Result) bool {
	return w.Check == r.Check && matches(w.Resource, r.Resource)
}

// note adds the waiver to the evidence. The slice may be shared with other results.
func (w *Waiver) note(r *finding.Result, format string) {
	last := w.Expires.AddDate(0, 0, -1).Format(time.DateOnly)
	said := text.Clean(fmt.Sprintf(format, w.Owner, last, w.Reason), text.Limit/4)
	r.Evidence = append(slices.Clip(r.Evidence), finding.Evidence{File: w.File, Line: w.Line, Text: said})
}

// matches reports whether name is of the pattern's form. It goes back to the last *
// only, which is enough and takes no more than len(pattern)×len(name) steps.
func matches(pattern, name string) bool {
	star, from := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
