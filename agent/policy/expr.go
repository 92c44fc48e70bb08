package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/ext"

	"seawall/pkg/finding"
)

// maxCost bounds one evaluation of one expression, in CEL's units: about one per
// step and per ten bytes of text. What it allows takes some tens of milliseconds.
const maxCost = 1_000_000

// maxExpr bounds the text of one expression.
const maxExpr = 4 << 10

// variable is a name that an expression sees.
type variable struct {
	name string
	typ  *cel.Type
}

// compiler compiles expressions. Environments and programs are kept by what they
// are made from, since checks of a family ask for much the same.
type compiler struct {
	base     *cel.Env
	shape    shape
	envs     map[string]*cel.Env
	programs map[string]*program
}

// program is a compiled expression.
type program struct {
	run cel.Program
	typ *cel.Type
}

func newCompiler(s shape) (*compiler, error) {
	var native []any
	native = append(native, ext.ParseStructTag("json"), reflect.TypeFor[finding.Evidence]())
	for _, g := range s.groups {
		native = append(native, g.typ)
	}
	env, err := cel.NewEnv(
		ext.NativeTypes(native...),
		ext.Strings(), ext.Lists(), ext.Sets(), ext.Math(),
		cel.Macros(
			cel.GlobalMacro("at", 1, expandAtValue),
			cel.GlobalMacro("at", 3, expandAt)),
		cel.ParserExpressionSizeLimit(maxExpr),
		cel.ParserRecursionLimit(64),
		cel.RegexProgramSizeLimit(1000),
	)
	if err != nil {
		return nil, fmt.Errorf("CEL environment: %w", err)
	}
	return &compiler{base: env, shape: s, envs: map[string]*cel.Env{}, programs: map[string]*program{}}, nil
}

// expandAt makes at(file, line, text) a finding.Evidence.
func expandAt(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	return f.NewStruct("finding.Evidence",
		f.NewStructField("file", args[0], false),
		f.NewStructField("line", args[1], false),
		f.NewStructField("text", args[2], false)), nil
}

// expandAtValue makes at(x) at(x.file, x.line, x.raw).
func expandAtValue(f cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	x := args[0]
	return expandAt(f, target, []ast.Expr{
		f.NewSelect(x, "file"), f.NewSelect(f.Copy(x), "line"), f.NewSelect(f.Copy(x), "raw"),
	})
}

// env returns the environment with exactly the given variables, and its key.
func (c *compiler) env(vars []variable) (*cel.Env, string, error) {
	var key strings.Builder
	for _, v := range vars {
		fmt.Fprintf(&key, "%s:%s ", v.name, v.typ)
	}
	if env, ok := c.envs[key.String()]; ok {
		return env, key.String(), nil
	}
	var opts []cel.EnvOption
	for _, v := range vars {
		opts = append(opts, cel.Variable(v.name, v.typ))
	}
	env, err := c.base.Extend(opts...)
	if err != nil {
		return nil, "", fmt.Errorf("CEL environment: %w", err)
	}
	c.envs[key.String()] = env
	return env, key.String(), nil
}

// problem is what is wrong with an expression, at a byte offset in it.
type problem struct {
	offset  int
	message string
}

// compile compiles text over vars.
func (c *compiler) compile(text string, vars []variable) (*program, *problem) {
	env, key, err := c.env(vars)
	if err != nil {
		return nil, &problem{0, err.Error()}
	}
	key += "\x00" + text
	if p, ok := c.programs[key]; ok {
		return p, nil
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, &problem{byteOffset(text, first.Location.Line(), first.Location.Column()), first.Message}
	}
	run, err := env.Program(checked, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, &problem{0, err.Error()}
	}
	p := &program{run: run, typ: checked.OutputType()}
	c.programs[key] = p
	return p, nil
}

// byteOffset converts a line from 1 and a column in characters from 0.
func byteOffset(text string, line, column int) int {
	offset := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(text[offset:], '\n')
		if i < 0 {
			break
		}
		offset += i + 1
	}
	for i := range text[offset:] {
		if column == 0 {
			return offset + i
		}
		column--
	}
	return len(text)
}

// shape is the struct of facts: one group per field.
type shape struct {
	typ    reflect.Type
	groups []group
}

type group struct {
	name  string
	typ   reflect.Type
	index int
}

// shapeOf reads the groups from a struct whose fields are groups of facts, each
// a struct with a field Meta of type fact.Meta.
func shapeOf(facts any) (shape, error) {
	t := reflect.TypeOf(facts)
	if t == nil || t.Kind() != reflect.Struct {
		return shape{}, fmt.Errorf("facts of type %v are not a struct", t)
	}
	s := shape{typ: t}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if meta, ok := metaField(f.Type); !ok || meta.Type != metaType() || name == "" {
			return shape{}, fmt.Errorf("field %s of %v is not a group of facts", f.Name, t)
		}
		s.groups = append(s.groups, group{name, f.Type, i})
	}
	return s, nil
}

func (s shape) group(name string) (group, bool) {
	i := slices.IndexFunc(s.groups, func(g group) bool { return g.name == name })
	if i < 0 {
		return group{}, false
	}
	return s.groups[i], true
}

// celType is the CEL type of a group: CEL names a Go struct by its package and
// its own name.
func (g group) celType() *cel.Type { return cel.ObjectType(g.typ.String()) }

// textPart is a piece of a text: literal, or an expression.
type textPart struct {
	literal string
	expr    *program
}

// splitText calls literal and expr for the parts of TEXT with ${CEL} in it, in
// order, expr with the byte offset. It returns where an expression does not end, or -1.
func splitText(text string, literal func(string), expr func(offset int, text string)) int {
	pos := 0
	for {
		i := strings.Index(text[pos:], "${")
		if i < 0 {
			literal(text[pos:])
			return -1
		}
		start := pos + i + 2
		end := closing(text, start)
		if end < 0 {
			return pos + i
		}
		literal(text[pos : pos+i])
		expr(start, text[start:end])
		pos = end + 1
	}
}

// closing finds the brace that ends the expression at start: braces nest, and
// do not count inside quotes.
func closing(text string, start int) int {
	depth := 0
	var quote byte
	for i := start; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}':
			return i
		}
	}
	return -1
}
