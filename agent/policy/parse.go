package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/agent/facts/fact"
	"seawall/pkg/finding"
)

// Limits of a source. They bound what loading can cost.
const (
	maxSource = 1 << 20
	maxChecks = 2000
	maxExpr   = 4 << 10
	maxLets   = 16
	maxID     = 64
	maxRefs   = 32
)

// Error is a problem in a policy at its place.
type Error struct {
	File         string
	Line, Column int
	Message      string
}

// Error is "file:line:column: message".
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// scalar is a piece of text in a source and where it stands.
type scalar struct {
	text string
	node *yaml.Node
}

// rawCondition is {if: CEL, else: TEXT}.
type rawCondition struct {
	cond scalar
	text scalar
	set  bool
}

type rawLet struct {
	name scalar
	expr scalar
}

type rawCase struct {
	cond     scalar
	severity finding.Severity
}

// rawCheck is a check as it is written.
type rawCheck struct {
	node          *yaml.Node
	info          finding.CheckInfo
	remediation   map[string]string
	needs         []scalar
	accept        []fact.State
	applies       rawCondition
	known         rawCondition
	itemKnown     rawCondition
	over          scalar
	each          bool
	emptyStatus   finding.Status
	emptyText     scalar
	emptyExpected string
	lets          []rawLet
	pass, rank    scalar
	cases         []rawCase
	resource      scalar
	actual        scalar
	expected      scalar
	evidence      []scalar
}

// parser reads one source.
type parser struct {
	source   Source
	lines    []string // of the source, for columns in literal blocks
	problems []error
}

func (p *parser) errorAt(n *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, &Error{p.source.Name, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// parse returns the checks of a source as they are written.
func (p *parser) parse() []*rawCheck {
	if len(p.source.Data) > maxSource {
		p.errorAt(&yaml.Node{Line: 1, Column: 1}, "larger than %d bytes", maxSource)
		return nil
	}
	p.lines = strings.Split(string(p.source.Data), "\n")
	dec := yaml.NewDecoder(bytes.NewReader(p.source.Data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		p.syntax(err)
		return nil
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		p.errorAt(&doc, "more than one document")
		return nil
	}
	var family string
	var list *yaml.Node
	p.mapping(doc.Content[0], map[string]func(*yaml.Node){
		"family": func(n *yaml.Node) { family = p.string(n) },
		"checks": func(n *yaml.Node) { list = n },
	}, "family", "checks")
	if list == nil {
		return nil
	}
	var checks []*rawCheck
	for _, n := range p.sequence(list, maxChecks) {
		checks = append(checks, p.check(family, n))
	}
	return checks
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// syntax reports an error of the YAML package, which knows the line at most.
func (p *parser) syntax(err error) {
	n := &yaml.Node{Line: 1, Column: 1}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		fmt.Sscan(m[1], &n.Line)
		message = strings.TrimPrefix(err.Error(), m[0])
	}
	if errors.Is(err, io.EOF) {
		message = "empty"
	}
	p.errorAt(n, "%s", message)
}

var checkID = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`)

// check reads one check. Keys are looked up in tables so that an unknown one is
// an error.
func (p *parser) check(family string, n *yaml.Node) *rawCheck {
	c := &rawCheck{node: n, accept: []fact.State{fact.StateKnown}, emptyStatus: finding.StatusUnknown,
		emptyText: scalar{text: "nothing to examine", node: n}}
	c.info.Family = family
	fields := map[string]func(*yaml.Node){
		"id":          func(n *yaml.Node) { c.info.ID = p.id(family, n) },
		"title":       func(n *yaml.Node) { c.info.Title = p.string(n) },
		"severity":    func(n *yaml.Node) { c.info.Severity = p.severity(n) },
		"rationale":   func(n *yaml.Node) { c.info.Rationale = strings.TrimSpace(p.string(n)) },
		"references":  func(n *yaml.Node) { c.info.References = texts(p.scalars(n, maxRefs)) },
		"needs":       func(n *yaml.Node) { c.needs = p.scalars(n, maxLets) },
		"accept":      func(n *yaml.Node) { c.accept = p.states(n) },
		"applies":     func(n *yaml.Node) { c.applies = p.condition(n) },
		"known":       func(n *yaml.Node) { c.known = p.condition(n) },
		"item_known":  func(n *yaml.Node) { c.itemKnown = p.condition(n) },
		"over":        func(n *yaml.Node) { c.over = p.scalar(n) },
		"each":        func(n *yaml.Node) { c.each = p.bool(n) },
		"empty":       func(n *yaml.Node) { p.empty(c, n) },
		"let":         func(n *yaml.Node) { c.lets = p.lets(n) },
		"pass":        func(n *yaml.Node) { c.pass = p.scalar(n) },
		"rank":        func(n *yaml.Node) { c.rank = p.scalar(n) },
		"escalate":    func(n *yaml.Node) { c.cases = p.cases(n) },
		"resource":    func(n *yaml.Node) { c.resource = p.scalar(n) },
		"actual":      func(n *yaml.Node) { c.actual = p.scalar(n) },
		"expected":    func(n *yaml.Node) { c.expected = p.scalar(n) },
		"evidence":    func(n *yaml.Node) { c.evidence = p.scalars(n, maxLets) },
		"remediation": func(n *yaml.Node) { c.remediation = p.remediation(n) },
	}
	p.mapping(n, fields, "id", "title", "severity", "rationale", "needs", "pass", "actual", "expected", "remediation")
	if c.over.node == nil {
		for key, s := range map[string]*yaml.Node{"rank": c.rank.node, "item_known": c.itemKnown.cond.node} {
			if s != nil {
				p.errorAt(s, "%s means nothing without over", key)
			}
		}
		if c.each {
			p.errorAt(n, "each means nothing without over")
		}
	}
	return c
}

func (p *parser) id(family string, n *yaml.Node) string {
	id := p.string(n)
	if !checkID.MatchString(id) || len(id) > maxID {
		p.errorAt(n, "id %q is not of the form family-setting in lower case", id)
	} else if !strings.HasPrefix(id, family+"-") {
		p.errorAt(n, "id %q does not start with its family %q", id, family)
	}
	return id
}

func (p *parser) severity(n *yaml.Node) finding.Severity {
	var s finding.Severity
	if err := s.UnmarshalText([]byte(p.string(n))); err != nil || s == finding.SeverityUnknown {
		p.errorAt(n, "severity %q is none of informational, low, medium, high, critical", n.Value)
	}
	return s
}

func (p *parser) states(n *yaml.Node) []fact.State {
	all := []fact.State{fact.StateKnown, fact.StateAbsent, fact.StateUnknown, fact.StateError}
	var got []fact.State
	for _, s := range p.scalars(n, maxLets) {
		if !slices.Contains(all, fact.State(s.text)) {
			p.errorAt(s.node, "state %q is none of known, absent, unknown, error", s.text)
		}
		got = append(got, fact.State(s.text))
	}
	return got
}

func (p *parser) condition(n *yaml.Node) rawCondition {
	c := rawCondition{set: true}
	p.mapping(n, map[string]func(*yaml.Node){
		"if":   func(n *yaml.Node) { c.cond = p.scalar(n) },
		"else": func(n *yaml.Node) { c.text = p.scalar(n) },
	}, "if", "else")
	return c
}

func (p *parser) empty(c *rawCheck, n *yaml.Node) {
	p.mapping(n, map[string]func(*yaml.Node){
		"status": func(n *yaml.Node) {
			err := c.emptyStatus.UnmarshalText([]byte(p.string(n)))
			ok := []finding.Status{finding.StatusPass, finding.StatusFail, finding.StatusNotApplicable, finding.StatusUnknown}
			if err != nil || !slices.Contains(ok, c.emptyStatus) {
				p.errorAt(n, "status %q is none of pass, fail, not_applicable, unknown", n.Value)
			}
		},
		"actual":   func(n *yaml.Node) { c.emptyText = p.scalar(n) },
		"expected": func(n *yaml.Node) { c.emptyExpected = p.string(n) },
	}, "status", "actual")
}

func (p *parser) lets(n *yaml.Node) []rawLet {
	if n.Kind != yaml.MappingNode || len(n.Content) > 2*maxLets {
		p.errorAt(n, "want at most %d names with an expression each", maxLets)
		return nil
	}
	var lets []rawLet
	for i := 0; i+1 < len(n.Content); i += 2 {
		lets = append(lets, rawLet{p.scalar(n.Content[i]), p.scalar(n.Content[i+1])})
	}
	return lets
}

func (p *parser) cases(n *yaml.Node) []rawCase {
	var cases []rawCase
	for _, item := range p.sequence(n, maxLets) {
		var c rawCase
		p.mapping(item, map[string]func(*yaml.Node){
			"if":       func(n *yaml.Node) { c.cond = p.scalar(n) },
			"severity": func(n *yaml.Node) { c.severity = p.severity(n) },
		}, "if", "severity")
		cases = append(cases, c)
	}
	return cases
}

func (p *parser) remediation(n *yaml.Node) map[string]string {
	texts := map[string]string{}
	if n.Kind == yaml.ScalarNode {
		texts["default"] = strings.TrimSpace(p.string(n))
		return texts
	}
	fields := map[string]func(*yaml.Node){}
	for _, family := range []string{"default", "debian", "rhel", "fedora", "suse", "arch", "alpine"} {
		fields[family] = func(n *yaml.Node) { texts[family] = strings.TrimSpace(p.string(n)) }
	}
	p.mapping(n, fields, "default")
	return texts
}
