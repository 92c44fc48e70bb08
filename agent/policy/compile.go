package policy

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"seawall/agent/facts/fact"
	"seawall/agent/policy/format"
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
	profiles      []string
	file          string
	line          int
	rule, list    string // pass and over, as written
	needs         []group
	accept        []fact.State
	applies       *condition
	known         *condition
	sound         *condition
	parameters    []parameter
	complete      *condition
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
	group         []textPart
	since         *program
	actual        []textPart
	expected      []textPart
	evidence      []*program
}

// builder compiles the expressions of one check.
type builder struct {
	file     *format.File
	compiler *compiler
	vars     []variable
}

// build compiles c. Problems are the file's.
func build(comp *compiler, file *format.File, c *format.Check) *check {
	b := &builder{file: file, compiler: comp}
	out := &check{info: c.Info, remediation: c.Remediation, profiles: c.Profiles, file: file.Name, line: c.At.Node.Line, rule: c.Pass.Text, list: c.Over.Text,
		accept: c.Accept, each: c.Each, emptyStatus: c.Empty.Status, emptyExpected: c.Empty.Expected}
	for _, need := range c.Needs {
		g, ok := comp.shape.group(need.Text)
		if !ok {
			file.Problem(need, 0, "needs: no facts are called %q", need.Text)
			return nil
		}
		out.needs = append(out.needs, g)
		b.vars = append(b.vars, variable{g.name, g.celType()})
	}
	if len(out.needs) == 0 {
		file.Problem(c.At, 0, "needs names no facts")
		return nil
	}
	var ok bool
	if out.parameters, ok = b.parameters(c); !ok {
		return nil
	}
	out.applies, out.known, out.sound = b.condition(c.Applies), b.condition(c.Known), b.condition(c.Sound)
	if c.Over.Given() {
		out.emptyText = b.text(c.Empty.Actual)
		if out.over = b.over(c.Over); out.over == nil {
			return nil // what follows could not be checked without the type of `it`
		}
		out.complete, out.itemKnown = b.condition(c.Complete), b.condition(c.ItemKnown)
	}
	for _, l := range c.Lets {
		compiled, ok := b.let(l)
		if !ok {
			return nil
		}
		out.lets = append(out.lets, compiled)
	}
	out.pass = b.expr(c.Pass, cel.BoolType)
	if c.Rank.Given() {
		out.rank = b.expr(c.Rank, cel.IntType)
	}
	for _, s := range c.Cases {
		out.cases = append(out.cases, severityCase{b.expr(s.If, cel.BoolType), s.Severity})
	}
	out.resource, out.group = b.text(c.Resource), b.text(c.Group)
	out.since = b.expr(c.Since, cel.StringType)
	out.actual = b.text(c.Actual)
	out.expected = b.text(c.Expected)
	place := cel.ObjectType("finding.Evidence")
	for _, e := range c.Evidence {
		out.evidence = append(out.evidence, b.expr(e, place, cel.ListType(place)))
	}
	return out
}

// expr compiles s, which must have one of the given types. It returns nil after
// reporting what is wrong.
func (b *builder) expr(s format.Scalar, types ...*cel.Type) *program {
	if !s.Given() {
		return nil // not needed, or its absence has been reported
	}
	return b.exprAt(s, 0, s.Text, types...)
}

// exprAt compiles text, which stands at offset in s.
func (b *builder) exprAt(s format.Scalar, offset int, text string, types ...*cel.Type) *program {
	p, bad := b.compiler.compile(text, b.vars)
	if bad != nil {
		b.file.Problem(s, offset+bad.offset, "%s", bad.message)
		return nil
	}
	if len(types) > 0 && !slices.ContainsFunc(types, p.typ.IsExactType) {
		b.file.Problem(s, offset, "is of type %s, want %s", p.typ, types[0])
		return nil
	}
	return p
}

func (b *builder) over(s format.Scalar) *program {
	p := b.expr(s)
	if p == nil {
		return nil
	}
	if p.typ.Kind() != cel.ListKind {
		b.file.Problem(s, 0, "is of type %s, want a list", p.typ)
		return nil
	}
	b.vars = append(b.vars, variable{"it", p.typ.Parameters()[0]})
	return p
}

var letName = regexp.MustCompile(`^[a-z][a-z_0-9]*$`)

func (b *builder) let(l format.Let) (let, bool) {
	p := b.expr(l.Expr)
	if p == nil || !b.declare(l.Name, p.typ) {
		return let{}, false
	}
	return let{l.Name.Text, p}, true
}

// declare makes name a variable of what is compiled afterwards.
func (b *builder) declare(name format.Scalar, typ *cel.Type) bool {
	taken := slices.ContainsFunc(b.vars, func(v variable) bool { return v.name == name.Text })
	if !letName.MatchString(name.Text) || taken {
		b.file.Problem(name, 0, "%q is no name, or taken", name.Text)
		return false
	}
	b.vars = append(b.vars, variable{name.Text, typ})
	return true
}

func (b *builder) condition(c format.Condition) *condition {
	if !c.If.Given() {
		return nil
	}
	return &condition{b.expr(c.If, cel.BoolType), b.text(c.Else)}
}

// text compiles literal text with ${CEL} in it.
func (b *builder) text(s format.Scalar) []textPart {
	if !s.Given() {
		return nil
	}
	var parts []textPart
	bad := splitText(s.Text,
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
		b.file.Problem(s, bad, "${ without its }")
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
	case c.each && c.rule == "false":
		return strings.Join(strings.Fields(c.list), " ") + " is empty"
	case c.each:
		b.WriteString("for each: ")
	default:
		b.WriteString("the worst decides: ")
	}
	fmt.Fprint(&b, strings.Join(strings.Fields(c.rule), " "))
	return b.String()
}
