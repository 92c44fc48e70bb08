package expr

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Scope is the variables that an expression sees. It does not change: With and its
// kin return a larger one.
type Scope struct {
	language *Language
	trusted  bool
	parent   *Scope // nil: no variables
	name     string
	typ      *cel.Type
	of       *Expr // where typ is nil: the type is this expression's
	element  bool  // or that of its elements

	once  sync.Once
	names names
	err   error
}

// Scope returns one without variables. The expressions of a trusted one are known to
// be of the right types, and are not typed again.
func (l *Language) Scope(trusted bool) *Scope { return &Scope{language: l, trusted: trusted} }

// With adds a variable.
func (s *Scope) With(name string, typ *cel.Type) *Scope {
	return &Scope{language: s.language, trusted: s.trusted, parent: s, name: name, typ: typ}
}

// WithValue adds a variable for the value of an expression.
func (s *Scope) WithValue(name string, of *Expr) *Scope {
	return &Scope{language: s.language, trusted: s.trusted, parent: s, name: name, of: of}
}

// WithElement adds a variable for an element of the list that an expression gives.
func (s *Scope) WithElement(name string, of *Expr) *Scope {
	return &Scope{language: s.language, trusted: s.trusted, parent: s, name: name, of: of, element: true}
}

// Has reports whether there is a variable of that name.
func (s *Scope) Has(name string) bool {
	return s.parent != nil && (s.name == name || s.parent.Has(name))
}

// variables lists them, the oldest first. It compiles what their types depend on.
func (s *Scope) variables() ([]variable, error) {
	if s.parent == nil {
		return nil, nil
	}
	vars, err := s.parent.variables()
	if err != nil {
		return nil, err
	}
	typ := s.typ
	if typ == nil {
		p := s.of.program()
		if p.problem != nil {
			return nil, fmt.Errorf("%s: %w", s.name, p.problem)
		}
		typ = p.typ
		if s.element {
			typ = typ.Parameters()[0]
		}
	}
	return append(vars, variable{s.name, typ}), nil
}

func (s *Scope) declared() (names, error) {
	if s.trusted {
		return names{}, nil
	}
	s.once.Do(func() {
		var vars []variable
		if vars, s.err = s.variables(); s.err == nil {
			s.names, s.err = s.language.declare(vars)
		}
	})
	return s.names, s.err
}

// Expr is an expression. It may be evaluated from any goroutine.
type Expr struct {
	scope *Scope
	text  string
	want  []*cel.Type

	once sync.Once
	got  *program
}

// String is the expression as written.
func (e *Expr) String() string { return e.text }

// Expr returns an expression, which must have one of the given types, of any where
// none is given. List(nil) is a list of anything.
func (s *Scope) Expr(text string, want ...*cel.Type) *Expr {
	return &Expr{scope: s, text: text, want: want}
}

// List is the type of a list, of anything where of is nil.
func List(of *cel.Type) *cel.Type {
	if of == nil {
		of = cel.DynType
	}
	return cel.ListType(of)
}

// Compile says what is wrong with the expression, nil where nothing is.
func (e *Expr) Compile() *Problem { return e.program().problem }

func (e *Expr) program() *program {
	e.once.Do(func() {
		names, err := e.scope.declared()
		if err != nil {
			e.got = &program{problem: &Problem{0, err.Error()}}
			return
		}
		e.got = e.scope.language.compile(e.text, names)
		if e.got.problem == nil && !e.scope.trusted && !e.isWanted(e.got.typ) {
			e.got = &program{problem: &Problem{0, fmt.Sprintf("is of type %s, want %s", e.got.typ, title(e.want[0]))}}
		}
	})
	return e.got
}

func (e *Expr) isWanted(typ *cel.Type) bool {
	return len(e.want) == 0 || slices.ContainsFunc(e.want, func(want *cel.Type) bool {
		return typ.IsExactType(want) || isAnyList(want) && typ.Kind() == cel.ListKind
	})
}

func isAnyList(t *cel.Type) bool {
	return t.Kind() == cel.ListKind && t.Parameters()[0].Kind() == cel.DynKind
}

func title(t *cel.Type) string {
	if isAnyList(t) {
		return "a list"
	}
	return t.String()
}

var errUnknownValue = errors.New("value is not known")

// Eval evaluates the expression over the values of its scope's variables.
func (e *Expr) Eval(vars map[string]any) (ref.Val, error) {
	p := e.program()
	if p.problem != nil {
		return nil, p.problem
	}
	v, _, err := p.run.Eval(vars)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, errUnknownValue
	}
	return v, nil
}

// Bool evaluates an expression of type bool.
func (e *Expr) Bool(vars map[string]any) (bool, error) {
	v, err := e.Eval(vars)
	if err != nil {
		return false, err
	}
	b, ok := v.Value().(bool)
	if !ok {
		return false, errUnknownValue
	}
	return b, nil
}

// maxElements bounds the lists that are gone through.
const maxElements = 4096

// Elements returns the values of a list, at most 4096, and how many there are more.
func Elements(v ref.Val) (list []ref.Val, more int, err error) {
	l, ok := v.(traits.Lister)
	if !ok {
		return nil, 0, fmt.Errorf("%s in place of a list", v.Type().TypeName())
	}
	for it := l.Iterator(); it.HasNext().Value() == true; {
		if len(list) == maxElements {
			size, _ := l.Size().Value().(int64)
			return list, int(size) - maxElements, nil
		}
		list = append(list, it.Next())
	}
	return list, 0, nil
}
