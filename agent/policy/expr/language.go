package expr

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/parser"

	"seawall/agent/near"
	"seawall/pkg/finding"
)

// Limits of one expression. A cost is in CEL's units: about one per step and per
// ten bytes of text; what maxCost allows takes some tens of milliseconds.
const (
	maxCost  = 1_000_000
	maxExpr  = 4 << 10
	maxDepth = 64
	maxRegex = 1000
)

// Language compiles expressions. It may be used from any goroutine.
type Language struct {
	facts  reflect.Type
	env    *cel.Env
	parser *parser.Parser
	fields *fields
	base   *checker.Env // the functions, and no variables

	mu       sync.Mutex
	programs map[string]*program // by scope and text
}

// program is what an expression compiles to, or what is wrong with it.
type program struct {
	run     cel.Program
	typ     *cel.Type
	problem *Problem
}

// New returns the language over the given struct and whatever it holds. Fields are
// named by their json tags.
func New(facts reflect.Type) (*Language, error) {
	env, err := cel.NewEnv(
		ext.NativeTypes(ext.ParseStructTag("json"), reflect.TypeFor[finding.Evidence](), facts),
		ext.Strings(), ext.Lists(), ext.Sets(), ext.Math(),
		cel.Macros(
			cel.GlobalMacro("at", 1, expandAtValue),
			cel.GlobalMacro("at", 3, expandAt)),
		cel.RegexProgramSizeLimit(maxRegex),
	)
	if err != nil {
		return nil, fmt.Errorf("CEL environment: %w", err)
	}
	p, err := parser.NewParser(
		parser.Macros(env.Macros()...),
		parser.EnablePrattParser(true),
		parser.ExpressionSizeCodePointLimit(maxExpr),
		parser.MaxRecursionDepth(maxDepth),
	)
	if err != nil {
		return nil, fmt.Errorf("CEL parser: %w", err)
	}
	fields := &fields{Provider: env.CELTypeProvider(), found: map[[2]string]*types.FieldType{}}
	base, err := checker.NewEnv(env.Container, fields, checker.CrossTypeNumericComparisons(false))
	if err != nil {
		return nil, fmt.Errorf("CEL functions: %w", err)
	}
	if err := base.AddIdents(env.Variables()...); err != nil {
		return nil, fmt.Errorf("CEL types: %w", err)
	}
	for _, f := range env.Functions() {
		if f.IsDeclarationDisabled() {
			continue
		}
		if err := base.AddFunctions(f); err != nil {
			return nil, fmt.Errorf("CEL functions: %w", err)
		}
	}
	return &Language{facts: facts, env: env, parser: p, fields: fields, base: base, programs: map[string]*program{}}, nil
}

// fields remembers the types of fields, which cel-go finds by reflection each time.
type fields struct {
	types.Provider
	mu    sync.Mutex
	found map[[2]string]*types.FieldType
}

// FindStructFieldType is the checker's question.
func (f *fields) FindStructFieldType(structType, name string) (*types.FieldType, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := [2]string{structType, name}
	t, ok := f.found[key]
	if !ok {
		t, _ = f.Provider.FindStructFieldType(structType, name)
		f.found[key] = t
	}
	return t, t != nil
}

// TypeOf returns the type of a struct that the language was made with: CEL names it
// by its package and its own name.
func TypeOf(t reflect.Type) *cel.Type { return cel.ObjectType(t.String()) }

// Place is the type of what at makes.
func Place() *cel.Type { return cel.ObjectType("finding.Evidence") }

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

// Problem is what is wrong with an expression, at a byte offset in it.
type Problem struct {
	Offset  int
	Message string
}

// Error is the message.
func (p *Problem) Error() string { return p.Message }

// variable is a name that an expression sees.
type variable struct {
	name string
	typ  *cel.Type
}

// names is what an expression sees, ready for the checker.
type names struct {
	key string
	env *checker.Env
}

// declare makes vars names.
func (l *Language) declare(vars []variable) (names, error) {
	env, err := checker.NewEnv(l.env.Container, l.fields, checker.CrossTypeNumericComparisons(false),
		checker.ValidatedDeclarations(l.base))
	if err != nil {
		return names{}, fmt.Errorf("CEL environment: %w", err)
	}
	var key strings.Builder
	for _, v := range vars {
		if err := env.AddIdents(decls.NewVariable(v.name, v.typ)); err != nil {
			return names{}, fmt.Errorf("CEL environment: %w", err)
		}
		key.WriteString(v.name)
		key.WriteByte(':')
		key.WriteString(v.typ.String())
		key.WriteByte(' ')
	}
	return names{key.String(), env}, nil
}

// compile compiles text; without an environment of its names it is not typed. A
// program is kept by what it is made from, since checks ask for much the same.
func (l *Language) compile(text string, n names) *program {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := n.key + "\x00" + text
	p, ok := l.programs[key]
	if !ok {
		p = l.build(text, n.env)
		l.programs[key] = p
	}
	return p
}

func (l *Language) build(text string, env *checker.Env) *program {
	source := common.NewTextSource(text)
	tree, errs := l.parser.Parse(source)
	if len(errs.GetErrors()) > 0 {
		return &program{problem: first(text, errs)}
	}
	typ := cel.DynType
	if env != nil {
		if tree, errs = checker.Check(tree, source, env); len(errs.GetErrors()) > 0 {
			return &program{problem: l.hint(first(text, errs))}
		}
		typ = tree.GetType(tree.Expr().ID())
	}
	run, err := l.env.PlanProgram(tree, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return &program{problem: &Problem{0, err.Error()}}
	}
	return &program{run: run, typ: typ}
}

// first is the first thing that is wrong with text.
func first(text string, errs *common.Errors) *Problem {
	e := errs.GetErrors()[0]
	return &Problem{byteOffset(text, e.Location.Line(), e.Location.Column()), e.Message}
}

// hint adds the field that was probably meant.
func (l *Language) hint(p *Problem) *Problem {
	if m := undefined.FindStringSubmatch(p.Message); m != nil {
		p.Message += near.Hint(m[1], fieldNames(l.facts, map[reflect.Type]bool{}))
	}
	return p
}

var undefined = regexp.MustCompile(`^undefined field '(\w+)'$`)

// fieldNames lists the names of fields of a struct and of all that it holds.
func fieldNames(t reflect.Type, seen map[reflect.Type]bool) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	var list []string
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); f.IsExported() && name != "" {
			list = append(list, name)
			list = append(list, fieldNames(f.Type, seen)...)
		}
	}
	return list
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
