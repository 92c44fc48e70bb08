package policy

import (
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"seawall/agent/facts/fact"
	"seawall/agent/near"
	"seawall/agent/policy/expr"
	"seawall/agent/policy/format"
	"seawall/pkg/finding"
)

// condition is {if: CEL, else: TEXT}; nil holds always.
type condition struct {
	cond *expr.Expr
	text expr.Text
}

type let struct {
	name string
	expr *expr.Expr
}

type severityCase struct {
	cond     *expr.Expr
	severity finding.Severity
}

// parameter is a number that all expressions of a check see.
type parameter struct {
	name  string
	value int64
}

// check is a check that can be evaluated.
type check struct {
	info          finding.CheckInfo
	remediation   map[string]string
	profiles      []string
	file          string
	line          int
	rule, list    string // pass and over, as written
	asserts       assertion
	needs         []group
	accept        []fact.State
	applies       *condition
	known         *condition
	sound         *condition
	parameters    []parameter
	complete      *condition
	itemKnown     *condition
	over          *expr.Expr
	each          bool
	emptyStatus   finding.Status
	emptyText     expr.Text
	emptyExpected string
	lets          []let
	pass, rank    *expr.Expr
	cases         []severityCase
	resource      expr.Text
	group         expr.Text
	since         *expr.Expr
	actual        expr.Text
	expected      expr.Text
	evidence      []*expr.Expr
}

// piece is an expression or a text and where it is written.
type piece struct {
	at      format.Scalar
	compile func() []*expr.Problem
}

// builder makes one check of what is written.
type builder struct {
	file   *format.File
	shape  shape
	scope  *expr.Scope
	pieces []piece
}

// build makes a check of c and compiles its expressions, unless they are known to
// compile. Problems are the file's.
func build(lang *expr.Language, s shape, file *format.File, c *format.Check) *check {
	b := &builder{file: file, shape: s, scope: lang.Scope(file.Trusted)}
	out := &check{info: c.Info, remediation: c.Remediation, profiles: texts(c.Profiles), file: file.Name, line: c.At.Line,
		rule: c.Pass.Text, list: c.Over.Text, each: c.Each, emptyStatus: c.Empty.Status, emptyExpected: c.Empty.Expected}
	for _, s := range c.Accept {
		out.accept = append(out.accept, fact.State(s))
	}
	if !b.declareFacts(out, c) {
		return nil
	}
	out.applies, out.known, out.sound = b.condition(c.Applies), b.condition(c.Known), b.condition(c.Sound)
	if c.Over.Given() {
		out.emptyText = b.text(c.Empty.Actual)
		out.over = b.expr(c.Over, expr.List(nil))
		b.scope = b.scope.WithElement("it", out.over)
		out.complete, out.itemKnown = b.condition(c.Complete), b.condition(c.ItemKnown)
	}
	for _, l := range c.Lets {
		value := b.expr(l.Expr)
		if value == nil || !b.named(l.Name) {
			return nil
		}
		b.scope = b.scope.WithValue(l.Name.Text, value)
		out.lets = append(out.lets, let{l.Name.Text, value})
	}
	out.asserts = append(out.asserts, c.Over.Text, c.Pass.Text)
	for _, l := range out.lets {
		out.asserts = append(out.asserts, l.expr.String())
	}
	b.judgement(out, c)
	if !file.Trusted && !b.compile() {
		return nil
	}
	return out
}

// assertion is what a check's verdict rests on, as written: over, let and pass.
type assertion []string

// mentions reports whether a path of facts stands in it.
func (a assertion) mentions(path string) bool {
	word := func(s string) bool {
		return s != "" && (s[0] == '_' || s[0] >= '0' && s[0] <= '9' || s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z')
	}
	for _, text := range a {
		for found := true; found; {
			if _, text, found = strings.Cut(text, path); found && !word(text) {
				return true
			}
		}
	}
	return false
}

// judgement makes what one element is judged by.
func (b *builder) judgement(out *check, c *format.Check) {
	out.pass, out.rank = b.expr(c.Pass, cel.BoolType), b.expr(c.Rank, cel.IntType)
	for _, s := range c.Cases {
		out.cases = append(out.cases, severityCase{b.expr(s.If, cel.BoolType), s.Severity})
	}
	out.resource, out.group = b.text(c.Resource), b.text(c.Group)
	out.since = b.expr(c.Since, cel.StringType)
	out.actual, out.expected = b.text(c.Actual), b.text(c.Expected)
	for _, e := range c.Evidence {
		out.evidence = append(out.evidence, b.expr(e, expr.Place(), expr.List(expr.Place())))
	}
}

// declareFacts makes variables of the groups and the parameters.
func (b *builder) declareFacts(out *check, c *format.Check) bool {
	for _, need := range c.Needs {
		g, ok := b.shape.group(need.Text)
		if !ok {
			b.file.Problem(need, 0, "needs: no facts are called %q%s", need.Text, near.Hint(need.Text, b.shape.names()))
			return false
		}
		out.needs = append(out.needs, g)
		b.scope = b.scope.With(g.name, expr.TypeOf(g.typ))
	}
	if len(out.needs) == 0 {
		b.file.Problem(c.At, 0, "needs names no facts")
		return false
	}
	for _, p := range c.Parameters {
		if !b.named(p.Name) {
			return false
		}
		b.scope = b.scope.With(p.Name.Text, cel.IntType)
		out.parameters = append(out.parameters, parameter{p.Name.Text, p.Value})
	}
	return true
}

// compile compiles every piece, and reports what is wrong where it stands.
func (b *builder) compile() bool {
	for _, p := range b.pieces {
		for _, bad := range p.compile() {
			b.file.Problem(p.at, bad.Offset, "%s%s", bad.Message, b.missing(bad.Message))
		}
		if len(b.file.Problems) > 0 && len(p.compile()) > 0 {
			return false // what follows may rest on it
		}
	}
	return true
}

var undeclared = regexp.MustCompile(`^undeclared reference to '(\w+)'`)

// missing says that an unknown name is one of facts that the check does not need.
func (b *builder) missing(message string) string {
	if m := undeclared.FindStringSubmatch(message); m != nil {
		if _, ok := b.shape.group(m[1]); ok {
			return "; needs does not name it"
		}
	}
	return ""
}

// expr makes an expression of s, which must have one of the given types. It is nil
// where s is not given: it is not needed, or its absence has been reported.
func (b *builder) expr(s format.Scalar, types ...*cel.Type) *expr.Expr {
	if !s.Given() {
		return nil
	}
	e := b.scope.Expr(s.Text, types...)
	b.pieces = append(b.pieces, piece{s, func() []*expr.Problem {
		if bad := e.Compile(); bad != nil {
			return []*expr.Problem{bad}
		}
		return nil
	}})
	return e
}

var letName = regexp.MustCompile(`^[a-z][a-z_0-9]*$`)

// named reports whether name can be a variable of what is compiled afterwards.
func (b *builder) named(name format.Scalar) bool {
	if !letName.MatchString(name.Text) || b.scope.Has(name.Text) {
		b.file.Problem(name, 0, "%q is no name, or taken", name.Text)
		return false
	}
	return true
}

func (b *builder) condition(c format.Condition) *condition {
	if !c.If.Given() {
		return nil
	}
	return &condition{b.expr(c.If, cel.BoolType), b.text(c.Else)}
}

// text makes literal text with ${CEL} in it.
func (b *builder) text(s format.Scalar) expr.Text {
	if !s.Given() {
		return expr.Text{}
	}
	t, bad := b.scope.Text(s.Text)
	if bad != nil {
		b.file.Problem(s, bad.Offset, "%s", bad.Message)
	}
	b.pieces = append(b.pieces, piece{s, t.Compile})
	return t
}

// describe says in one line how the check is decided, for people.
func (c *check) describe() string {
	rule := strings.Join(strings.Fields(c.rule), " ")
	switch {
	case c.over == nil:
		return rule
	case c.each && c.rule == "false":
		return strings.Join(strings.Fields(c.list), " ") + " is empty"
	case c.each:
		return "for each: " + rule
	}
	return "the worst decides: " + rule
}

// reads are the expressions of the assertion, in which the names that stand for facts
// ("it", and those of let) are replaced by them; "[]" is each item of a list.
func (c *check) reads() []string {
	path := regexp.MustCompile(`^\w+(\.\w+|\[["'][^"']*["']\]|\[\])*$`)
	rule := c.rule
	put := func(name, fact string) bool {
		if !path.MatchString(fact) {
			return false
		}
		alone := regexp.MustCompile(`(^|[^.\w"'])` + name + `\b`)
		rule = alone.ReplaceAllString(rule, "${1}"+strings.ReplaceAll(fact, "$", "$$$$"))
		return true
	}
	var list []string
	for _, l := range slices.Backward(c.lets) {
		if text := strings.TrimSpace(l.expr.String()); !put(l.name, text) {
			list = append(list, text)
		}
	}
	over, _, _ := strings.Cut(strings.TrimSpace(c.list), ".filter(")
	if before := rule; !put("it", over+"[]") || rule == before {
		list = append(list, c.list)
	}
	return append(list, rule)
}

func texts(list []format.Scalar) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.Text)
	}
	return out
}
