package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/finding"
)

// Limits of a source. They bound what loading can cost.
const (
	maxSource = 1 << 20
	maxChecks = 2000
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

// Scalar is a piece of text in a source and where it stands.
type Scalar struct {
	Text         string
	Line, Column int // 0 where the source does not have it
	style        yaml.Style
}

// at is the text of a node.
func at(n *yaml.Node, text string) Scalar { return Scalar{text, n.Line, n.Column, n.Style} }

// Given reports whether the source has it.
func (s Scalar) Given() bool { return s.Line > 0 }

// Condition is {if: CEL, else: TEXT}. Where If is not given there is none.
type Condition struct{ If, Else Scalar }

// Let is a name for an expression.
type Let struct{ Name, Expr Scalar }

// Parameter is a number under a name.
type Parameter struct {
	Name  Scalar
	Value int64
}

// Setting gives parameters of a check other values.
type Setting struct {
	Check      Scalar
	Parameters []Parameter
}

// Case is a severity under a condition.
type Case struct {
	If       Scalar
	Severity finding.Severity
}

// Check is a check as it is written: expressions and texts are not compiled yet.
// The fields are the format's keys.
type Check struct {
	At          Scalar // the check itself
	Info        finding.CheckInfo
	Remediation map[string]string // by family of distribution
	Profiles    []Scalar          // that it is in
	Needs       []Scalar
	Accept      []string // states of facts
	Applies     Condition
	Known       Condition
	Sound       Condition
	Parameters  []Parameter
	Complete    Condition
	ItemKnown   Condition
	Over        Scalar
	Each        bool
	Empty       Empty
	Lets        []Let
	Pass, Rank  Scalar
	Cases       []Case
	Resource    Scalar
	Group       Scalar
	Since       Scalar
	Actual      Scalar
	Expected    Scalar
	Evidence    []Scalar
	Examples    []Example
	Disabled    string // by Settle: where and why the check was switched off; "" for one that is not
}

// Empty is the result of an empty list.
type Empty struct {
	Status   finding.Status
	Actual   Scalar
	Expected string
}

// Source is one policy file.
type Source struct {
	Name string // for messages
	Data []byte
	// Trusted says that the expressions are known to compile: they are compiled
	// when they are first needed.
	Trusted bool
}

// File is a source that was read, and every problem found in it.
type File struct {
	Name      string
	Trusted   bool
	Family    string
	Checks    []*Check
	Settings  []Setting
	Overrides []Override
	Profile   *Profile // nil: the file has none
	Problems  []error
	data      []byte
	lines     []string // for columns in literal blocks
}

// maxProblems bounds what is said of a file: it is not one of checks.
const maxProblems = 100

func (p *File) errorAt(n *yaml.Node, format string, args ...any) {
	if len(p.Problems) == maxProblems {
		return
	}
	p.Problems = append(p.Problems, &Error{p.Name, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// Parse reads a source.
func Parse(src Source) *File {
	p := &File{Name: src.Name, Trusted: src.Trusted, data: src.Data}
	p.Checks = p.parse()
	return p
}

// Problem reports what is wrong at a byte offset in s.
func (p *File) Problem(s Scalar, offset int, format string, args ...any) {
	line, column := p.Place(s, offset)
	p.errorAt(&yaml.Node{Line: line, Column: column}, format, args...)
}

func (p *File) parse() []*Check {
	if len(p.data) > maxSource {
		p.errorAt(&yaml.Node{Line: 1, Column: 1}, "larger than %d bytes", maxSource)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(p.data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		p.syntax(err)
		return nil
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		p.errorAt(&doc, "more than one document")
		return nil
	}
	top := doc.Content[0]
	var list *yaml.Node
	fields := map[string]func(*yaml.Node){
		"family":     func(n *yaml.Node) { p.Family = p.string(n) },
		"checks":     func(n *yaml.Node) { list = n },
		"parameters": func(n *yaml.Node) { p.Settings = p.settings(n) },
		"overrides":  func(n *yaml.Node) { p.Overrides = p.overrides(n) },
		"profile":    func(n *yaml.Node) { p.Profile = p.profile(n) },
	}
	required := []string{"family", "checks"}
	if !has(top, required...) && has(top, "parameters", "overrides", "profile") {
		required = nil // nothing but what is said of the checks of other files
	}
	p.mapping(top, fields, required...)
	if list == nil {
		return nil
	}
	var checks []*Check
	of := checkFields()
	for _, n := range p.sequence(list, maxChecks) {
		checks = append(checks, p.check(p.Family, n, of))
	}
	return checks
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// syntax reports an error of the YAML package, which knows the line at most.
func (p *File) syntax(err error) {
	n := &yaml.Node{Line: 1, Column: 1}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		n.Line, _ = strconv.Atoi(m[1]) // digits, by the expression
		message = strings.TrimPrefix(err.Error(), m[0])
	}
	if errors.Is(err, io.EOF) {
		message = "empty"
	}
	p.errorAt(n, "%s", message)
}

var checkID = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`)

// checkFields reads the keys of a check.
func checkFields() map[string]func(*File, *Check, *yaml.Node) {
	return map[string]func(*File, *Check, *yaml.Node){
		"id":          func(p *File, c *Check, n *yaml.Node) { c.Info.ID = p.id(c.Info.Family, n) },
		"title":       func(p *File, c *Check, n *yaml.Node) { c.Info.Title = p.string(n) },
		"severity":    func(p *File, c *Check, n *yaml.Node) { c.Info.Severity = p.severity(n) },
		"rationale":   func(p *File, c *Check, n *yaml.Node) { c.Info.Rationale = strings.TrimSpace(p.string(n)) },
		"references":  func(p *File, c *Check, n *yaml.Node) { c.Info.References = p.strings(n, maxRefs) },
		"profiles":    func(p *File, c *Check, n *yaml.Node) { c.Profiles = p.profiles(n) },
		"needs":       func(p *File, c *Check, n *yaml.Node) { c.Needs = p.scalars(n, maxLets) },
		"accept":      func(p *File, c *Check, n *yaml.Node) { c.Accept = p.states(n) },
		"applies":     func(p *File, c *Check, n *yaml.Node) { c.Applies = p.condition(n) },
		"known":       func(p *File, c *Check, n *yaml.Node) { c.Known = p.condition(n) },
		"sound":       func(p *File, c *Check, n *yaml.Node) { c.Sound = p.condition(n) },
		"parameters":  func(p *File, c *Check, n *yaml.Node) { c.Parameters = p.parameters(n) },
		"complete":    func(p *File, c *Check, n *yaml.Node) { c.Complete = p.condition(n) },
		"item_known":  func(p *File, c *Check, n *yaml.Node) { c.ItemKnown = p.condition(n) },
		"over":        func(p *File, c *Check, n *yaml.Node) { c.Over = p.scalar(n) },
		"each":        func(p *File, c *Check, n *yaml.Node) { c.Each = p.bool(n) },
		"empty":       func(p *File, c *Check, n *yaml.Node) { p.empty(c, n) },
		"let":         func(p *File, c *Check, n *yaml.Node) { c.Lets = p.lets(n) },
		"pass":        func(p *File, c *Check, n *yaml.Node) { c.Pass = p.scalar(n) },
		"rank":        func(p *File, c *Check, n *yaml.Node) { c.Rank = p.scalar(n) },
		"escalate":    func(p *File, c *Check, n *yaml.Node) { c.Cases = p.cases(n) },
		"resource":    func(p *File, c *Check, n *yaml.Node) { c.Resource = p.scalar(n) },
		"group":       func(p *File, c *Check, n *yaml.Node) { c.Group = p.scalar(n) },
		"since":       func(p *File, c *Check, n *yaml.Node) { c.Since = p.scalar(n) },
		"actual":      func(p *File, c *Check, n *yaml.Node) { c.Actual = p.scalar(n) },
		"expected":    func(p *File, c *Check, n *yaml.Node) { c.Expected = p.scalar(n) },
		"examples":    func(p *File, c *Check, n *yaml.Node) { c.Examples = p.examples(n) },
		"evidence":    func(p *File, c *Check, n *yaml.Node) { c.Evidence = p.scalars(n, maxLets) },
		"remediation": func(p *File, c *Check, n *yaml.Node) { c.Remediation = p.remediation(n) },
	}
}

// check reads one check.
func (p *File) check(family string, n *yaml.Node, fields map[string]func(*File, *Check, *yaml.Node)) *Check {
	c := &Check{At: at(n, ""), Accept: []string{"known"}, Profiles: []Scalar{at(n, Baseline)},
		Empty: Empty{Status: finding.StatusUnknown, Actual: at(n, "nothing to examine")}}
	c.Info.Family = family
	p.entries(n, func() []string { return slices.Collect(maps.Keys(fields)) }, func(key string, value *yaml.Node) bool {
		read, ok := fields[key]
		if ok {
			read(p, c, value)
		}
		return ok
	}, "id", "title", "severity", "rationale", "needs", "pass", "actual", "expected", "remediation")
	if !c.Over.Given() {
		for key, s := range map[string]Scalar{"rank": c.Rank, "item_known": c.ItemKnown.If} {
			if s.Given() {
				p.Problem(s, 0, "%s means nothing without over", key)
			}
		}
		if c.Each {
			p.errorAt(n, "each means nothing without over")
		}
	}
	if c.Complete.If.Given() && !c.Each {
		p.Problem(c.Complete.If, 0, "complete means nothing without each")
	}
	return c
}

func (p *File) id(family string, n *yaml.Node) string {
	id := p.string(n)
	if !checkID.MatchString(id) || len(id) > maxID {
		p.errorAt(n, "id %q is not of the form family-setting in lower case", id)
	} else if !strings.HasPrefix(id, family+"-") {
		p.errorAt(n, "id %q does not start with its family %q", id, family)
	}
	return id
}

func (p *File) severity(n *yaml.Node) finding.Severity {
	var s finding.Severity
	if err := s.UnmarshalText([]byte(p.string(n))); err != nil || s == finding.SeverityUnknown {
		p.errorAt(n, "severity %q is none of informational, low, medium, high, critical", n.Value)
	}
	return s
}

func (p *File) states(n *yaml.Node) []string {
	all := []string{"known", "absent", "unknown", "error"} // as package fact has them
	var got []string
	for _, s := range p.scalars(n, maxLets) {
		if !slices.Contains(all, s.Text) {
			p.Problem(s, 0, "state %q is none of %s", s.Text, strings.Join(all, ", "))
		}
		got = append(got, s.Text)
	}
	return got
}

func (p *File) condition(n *yaml.Node) Condition {
	var c Condition
	p.mapping(n, map[string]func(*yaml.Node){
		"if":   func(n *yaml.Node) { c.If = p.scalar(n) },
		"else": func(n *yaml.Node) { c.Else = p.scalar(n) },
	}, "if", "else")
	return c
}

func (p *File) empty(c *Check, n *yaml.Node) {
	p.mapping(n, map[string]func(*yaml.Node){
		"status": func(n *yaml.Node) {
			err := c.Empty.Status.UnmarshalText([]byte(p.string(n)))
			ok := []finding.Status{finding.StatusPass, finding.StatusFail, finding.StatusNotApplicable, finding.StatusUnknown}
			if err != nil || !slices.Contains(ok, c.Empty.Status) {
				p.errorAt(n, "status %q is none of pass, fail, not_applicable, unknown", n.Value)
			}
		},
		"actual":   func(n *yaml.Node) { c.Empty.Actual = p.scalar(n) },
		"expected": func(n *yaml.Node) { c.Empty.Expected = p.string(n) },
	}, "status", "actual")
}

func (p *File) lets(n *yaml.Node) []Let {
	if n.Kind != yaml.MappingNode || len(n.Content) > 2*maxLets {
		p.errorAt(n, "want at most %d names with an expression each", maxLets)
		return nil
	}
	var lets []Let
	for i := 0; i+1 < len(n.Content); i += 2 {
		lets = append(lets, Let{p.scalar(n.Content[i]), p.scalar(n.Content[i+1])})
	}
	return lets
}

func (p *File) cases(n *yaml.Node) []Case {
	var cases []Case
	for _, item := range p.sequence(n, maxLets) {
		var c Case
		p.mapping(item, map[string]func(*yaml.Node){
			"if":       func(n *yaml.Node) { c.If = p.scalar(n) },
			"severity": func(n *yaml.Node) { c.Severity = p.severity(n) },
		}, "if", "severity")
		cases = append(cases, c)
	}
	return cases
}

func (p *File) remediation(n *yaml.Node) map[string]string {
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
