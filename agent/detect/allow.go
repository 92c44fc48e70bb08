package detect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/match"
	"seawall/pkg/sigma/rulefile"
	"seawall/pkg/text"
)

// Limits of allow lists.
const (
	maxAllow = 1024
	maxWord  = 512 // bytes of owner and reason
	longest  = 366 * 24 * time.Hour
)

// Allowance is what somebody decided not to be told of.
type Allowance struct {
	Rule          string // id
	Owner, Reason string
	Expires       time.Time // when its last day ends
	File          string
	Line          int

	where *yaml.Node
}

// ParseAllow reads an allow list. Of one with a fault nothing is loaded.
func ParseAllow(name string, data []byte, now time.Time) ([]Allowance, error) {
	p := &allowParser{name: name, now: now}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		p.errorAt(&doc, "more than one document")
	}
	list := p.document(doc.Content[0])
	if len(p.problems) > 0 {
		return nil, errors.Join(p.problems...)
	}
	return list, nil
}

// allowParser is the reading of one list.
type allowParser struct {
	name     string
	now      time.Time
	problems []error
}

func (p *allowParser) errorAt(n *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("%s:%d:%d: %s", p.name, n.Line, n.Column, fmt.Sprintf(format, args...)))
}

func (p *allowParser) document(n *yaml.Node) []Allowance {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || n.Content[0].Value != "allow" || n.Content[1].Kind != yaml.SequenceNode {
		p.errorAt(n, "want allow: and a list")
		return nil
	}
	items := n.Content[1].Content
	if len(items) > maxAllow {
		p.errorAt(n, "more than %d allowances", maxAllow)
		return nil
	}
	var list []Allowance
	for _, item := range items {
		list = append(list, p.item(item))
	}
	return list
}

func (p *allowParser) item(n *yaml.Node) Allowance {
	a := Allowance{File: p.name, Line: n.Line}
	if n.Kind != yaml.MappingNode {
		p.errorAt(n, "want rule, owner, reason and expires")
		return a
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch key.Value {
		case "rule":
			a.Rule = p.word(value)
		case "owner":
			a.Owner = p.word(value)
		case "reason":
			a.Reason = p.word(value)
		case "expires":
			a.Expires = p.day(value)
		case "where":
			if value.Kind != yaml.MappingNode && value.Kind != yaml.SequenceNode || len(value.Content) == 0 {
				p.errorAt(value, "where wants fields as {name: value}, as a selection of Sigma")
			}
			a.where = value
		default:
			p.errorAt(key, "no key %q: an allowance has rule, where, owner, reason and expires", text.Clean(key.Value, maxWord))
		}
	}
	for _, must := range []struct{ name, value string }{{"rule", a.Rule}, {"owner", a.Owner}, {"reason", a.Reason}} {
		if must.value == "" {
			p.errorAt(n, "%s is missing", must.name)
		}
	}
	if a.Expires.IsZero() {
		p.errorAt(n, "expires is missing: the last day, such as 2027-03-31")
	}
	return a
}

func (p *allowParser) word(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || len(n.Value) > maxWord {
		p.errorAt(n, "want a text of at most %d bytes", maxWord)
		return "?"
	}
	return strings.TrimSpace(n.Value)
}

func (p *allowParser) day(n *yaml.Node) time.Time {
	day, err := time.Parse(time.DateOnly, n.Value)
	if err != nil {
		p.errorAt(n, "%q is no day, such as 2027-03-31", text.Clean(n.Value, maxWord))
		return p.now
	}
	if day.After(p.now.Add(longest)) {
		p.errorAt(n, "expires is more than a year ahead")
	}
	return day.AddDate(0, 0, 1)
}

// allowances are the allow list as the detector has it.
type allowances struct {
	list []Allowance
	of   [][]int // by rule: of list
	rule []int   // by index into list: of its own among the extra rules, or -1
}

// rules finds the rules that list is about, and makes of each where a rule, which then
// is matched with all others.
func (a *allowances) rules(rules []sigma.Rule, list []Allowance) ([]sigma.Rule, error) {
	var (
		extra    []sigma.Rule
		problems []error
	)
	a.of = make([][]int, len(rules))
	for _, x := range list {
		place := func(what string) error { return &sigma.Error{File: x.File, Line: x.Line, What: what} }
		target := slices.IndexFunc(rules, func(r sigma.Rule) bool { return r.ID == x.Rule })
		if target < 0 {
			problems = append(problems, place(fmt.Sprintf("allow: no rule has the id %q", text.Clean(x.Rule, maxWord))))
			continue
		}
		own := -1
		if x.where != nil {
			r, err := selection(&rules[target], x)
			if err != nil {
				problems = append(problems, place(err.Error()))
				continue
			}
			own = len(extra)
			extra = append(extra, r)
		}
		a.of[target] = append(a.of[target], len(a.list))
		a.list, a.rule = append(a.list, x), append(a.rule, own)
	}
	return extra, errors.Join(problems...)
}

// selection makes a rule of where, for the events that r is about.
func selection(r *sigma.Rule, x Allowance) (sigma.Rule, error) {
	if r.Correlation != nil {
		return sigma.Rule{}, errors.New("allow: a correlation has no fields: leave out where, or allow the rules that it counts")
	}
	doc, err := yaml.Marshal(map[string]any{
		"title":     "allowance",
		"logsource": map[string]string{"product": r.Logsource.Product, "category": r.Logsource.Category, "service": r.Logsource.Service},
		"detection": map[string]any{"where": x.where, "condition": "where"},
	})
	if err != nil {
		return sigma.Rule{}, fmt.Errorf("allow: where: %w", err)
	}
	parsed, err := rulefile.Parse(x.File, doc)
	var e *sigma.Error
	switch {
	case errors.As(err, &e):
		return sigma.Rule{}, errors.New("allow: where: " + e.What)
	case err != nil:
		return sigma.Rule{}, fmt.Errorf("allow: where: %w", err)
	case len(parsed) != 1:
		return sigma.Rule{}, errors.New("allow: where: no selection")
	}
	parsed[0].Line = x.Line
	return parsed[0], nil
}

// covers reports whether one of a rule's allowances holds for what matched; own are
// those behind base.
func (a *allowances) covers(rule int, results []match.Result, base int, at time.Time) bool {
	for _, i := range a.of[rule] {
		if !at.Before(a.list[i].Expires) {
			continue
		}
		if a.rule[i] < 0 || slices.ContainsFunc(results, func(r match.Result) bool { return r.Rule == base+a.rule[i] }) {
			return true
		}
	}
	return false
}

// whole reports whether a rule is silent altogether.
func (a *allowances) whole(rule int, at time.Time) bool { return a.covers(rule, nil, 0, at) }

func (a *allowances) expired(now time.Time) []Allowance {
	var list []Allowance
	for _, x := range a.list {
		if !now.Before(x.Expires) {
			list = append(list, x)
		}
	}
	return list
}
