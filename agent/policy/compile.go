package policy

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"go.yaml.in/yaml/v3"

	"seawall/agent/facts/fact"
	"seawall/pkg/finding"
)

// condition is a compiled {if: CEL, else: TEXT}; nil holds always.
type condition struct {
	cond *program
	text []textPart
}

type let struct {
	name string
	expr *program
}

type severityCase struct {
	cond     *program
	severity finding.Severity
}

// check is a compiled check.
type check struct {
	info          finding.CheckInfo
	remediation   map[string]string
	file          string
	line          int
	rule          string // pass, as written
	needs         []group
	accept        []fact.State
	applies       *condition
	known         *condition
	itemKnown     *condition
	over          *program
	each          bool
	emptyStatus   finding.Status
	emptyText     []textPart
	emptyExpected string
	lets          []let
	pass, rank    *program
	cases         []severityCase
	resource      []textPart
	actual        []textPart
	expected      []textPart
	evidence      []*program
}

// builder compiles the expressions of one check.
type builder struct {
	parser   *parser
	compiler *compiler
	vars     []variable
}

// build compiles c. Problems are the parser's.
func (p *parser) build(comp *compiler, c *rawCheck) *check {
	b := &builder{parser: p, compiler: comp}
	out := &check{info: c.info, remediation: c.remediation, file: p.source.Name, line: c.node.Line, rule: c.pass.text,
		accept: c.accept, each: c.each, emptyStatus: c.emptyStatus, emptyExpected: c.emptyExpected}
	for _, need := range c.needs {
		g, ok := comp.shape.group(need.text)
		if !ok {
			p.errorAt(need.node, "needs: no facts are called %q", need.text)
			return nil
		}
		out.needs = append(out.needs, g)
		b.vars = append(b.vars, variable{g.name, g.celType()})
	}
	if len(out.needs) == 0 {
		p.errorAt(c.node, "needs names no facts")
		return nil
	}
	out.applies = b.condition(c.applies)
	out.known = b.condition(c.known)
	if c.over.node != nil {
		out.emptyText = b.text(c.emptyText)
		if out.over = b.over(c.over); out.over == nil {
			return nil // what follows could not be checked without the type of `it`
		}
		out.itemKnown = b.condition(c.itemKnown)
	}
	for _, l := range c.lets {
		compiled, ok := b.let(l)
		if !ok {
			return nil
		}
		out.lets = append(out.lets, compiled)
	}
	out.pass = b.expr(c.pass, cel.BoolType)
	if c.rank.node != nil {
		out.rank = b.expr(c.rank, cel.IntType)
	}
	for _, s := range c.cases {
		out.cases = append(out.cases, severityCase{b.expr(s.cond, cel.BoolType), s.severity})
	}
	out.resource = b.text(c.resource)
	out.actual = b.text(c.actual)
	out.expected = b.text(c.expected)
	place := cel.ObjectType("finding.Evidence")
	for _, e := range c.evidence {
		out.evidence = append(out.evidence, b.expr(e, place, cel.ListType(place)))
	}
	return out
}

func (b *builder) errorAt(s scalar, offset int, format string, args ...any) {
	line, column := b.parser.place(s, offset)
	b.parser.errorAt(&yaml.Node{Line: line, Column: column}, format, args...)
}

// expr compiles s, which must have one of the given types. It returns nil after
// reporting what is wrong.
func (b *builder) expr(s scalar, types ...*cel.Type) *program {
	if s.node == nil {
		return nil // its absence has been reported
	}
	return b.exprAt(s, 0, s.text, types...)
}

// exprAt compiles text, which stands at offset in s.
func (b *builder) exprAt(s scalar, offset int, text string, types ...*cel.Type) *program {
	p, bad := b.compiler.compile(text, b.vars)
	if bad != nil {
		b.errorAt(s, offset+bad.offset, "%s", bad.message)
		return nil
	}
	if len(types) > 0 && !slices.ContainsFunc(types, p.typ.IsExactType) {
		b.errorAt(s, offset, "is of type %s, want %s", p.typ, types[0])
		return nil
	}
	return p
}

func (b *builder) over(s scalar) *program {
	p := b.expr(s)
	if p == nil {
		return nil
	}
	if p.typ.Kind() != cel.ListKind {
		b.errorAt(s, 0, "is of type %s, want a list", p.typ)
		return nil
	}
	b.vars = append(b.vars, variable{"it", p.typ.Parameters()[0]})
	return p
}

var letName = regexp.MustCompile(`^[a-z][a-z_0-9]*$`)

func (b *builder) let(l rawLet) (let, bool) {
	name := l.name.text
	taken := slices.ContainsFunc(b.vars, func(v variable) bool { return v.name == name })
	if !letName.MatchString(name) || taken {
		b.errorAt(l.name, 0, "%q is no name, or taken", name)
		return let{}, false
	}
	p := b.expr(l.expr)
	if p == nil {
		return let{}, false
	}
	b.vars = append(b.vars, variable{name, p.typ})
	return let{name, p}, true
}

func (b *builder) condition(c rawCondition) *condition {
	if !c.set {
		return nil
	}
	return &condition{b.expr(c.cond, cel.BoolType), b.text(c.text)}
}

// text compiles literal text with ${CEL} in it.
func (b *builder) text(s scalar) []textPart {
	if s.node == nil {
		return nil
	}
	var parts []textPart
	bad := splitText(s.text,
		func(literal string) {
			if literal != "" {
				parts = append(parts, textPart{literal: literal})
			}
		},
		func(offset int, text string) {
			parts = append(parts, textPart{expr: b.exprAt(s, offset, text,
				cel.StringType, cel.IntType, cel.BoolType, cel.ListType(cel.StringType))})
		})
	if bad >= 0 {
		b.errorAt(s, bad, "${ without its }")
	}
	return parts
}

// metaField finds the field that says how the reading of a group went.
func metaField(group reflect.Type) (reflect.StructField, bool) {
	if group.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	return group.FieldByName("Meta")
}

func metaType() reflect.Type { return reflect.TypeFor[fact.Meta]() }

// describe says in one line how the check is decided, for people.
func (c *check) describe() string {
	var b strings.Builder
	switch {
	case c.over == nil:
	case c.each:
		b.WriteString("for each: ")
	default:
		b.WriteString("the worst decides: ")
	}
	fmt.Fprint(&b, strings.Join(strings.Fields(c.rule), " "))
	return b.String()
}
