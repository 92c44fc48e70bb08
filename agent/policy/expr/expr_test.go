package expr

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"
)

// The facts of these tests.
type (
	house struct {
		Door door `json:"door"`
	}
	door struct {
		Color string            `json:"color"`
		Locks []lock            `json:"locks"`
		Names map[string]string `json:"names"`
	}
	lock struct {
		Turns int    `json:"turns"`
		File  string `json:"file"`
		Line  int    `json:"line"`
		Raw   string `json:"raw"`
	}
)

func language(t testing.TB) *Language {
	t.Helper()
	l, err := New(reflect.TypeFor[house]())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// doors is a scope with a door, its value, and a number.
func doors(t testing.TB) (*Scope, map[string]any) {
	s := language(t).Scope(false).With("door", TypeOf(reflect.TypeFor[door]())).With("n", cel.IntType)
	d := door{Color: "red", Locks: []lock{{Turns: 2, File: "/f", Line: 3, Raw: "turns 2"}, {}}, Names: map[string]string{"a": "b"}}
	return s, map[string]any{"door": d, "n": int64(7)}
}

func TestEval(t *testing.T) {
	s, vars := doors(t)
	for text, want := range map[string]string{
		`door.color == "red" && n > 6`:              "true",
		`door.locks.map(l, l.turns).join(",", [1])`: "error: found no matching overload",
		`door.locks.exists(l, l.turns == 2)`:        "true",
		`door.locks[0].turns + n`:                   "9",
		`door.names["b"]`:                           "error: no such key: b",
		`1 / 0`:                                     "error: division by zero",
		`1 < 2.0`:                                   "error: found no matching overload",
		`door.colour`:                               `error: undefined field 'colour'; did you mean "color"?`,
		`doro`:                                      "error: undeclared reference to 'doro'",
		`at(door.locks[0]).text`:                    "turns 2",
		`at("f", n, "x").line`:                      "7",
		`sets.contains([1, 2], [1]) && math.greatest(1, 2) == 2 && "a-b".split("-").size() == 2`: "true",
		`"x".matches("^(a|b)+$")`:                             "false",
		`"x".matches("` + strings.Repeat("(a|b)", 400) + `")`: "error: ",
		`[1, 2`: "error: Syntax error",
		strings.Repeat("(", 80) + "1" + strings.Repeat(")", 80): "error: ",
		strings.Repeat("1 + ", 2000) + "1":                      "error: ",
	} {
		v, err := s.Expr(text).Eval(vars)
		got := fmt.Sprint("error: ", err)
		if err == nil {
			got = fmt.Sprint(v.Value())
		}
		if !strings.HasPrefix(got, want) || len(want) > 7 && strings.HasPrefix(want, "error") != (err != nil) {
			t.Errorf("%.60s: got %s, want %s", text, got, want)
		}
	}
}

// TestTypes: an expression must be of a type that is wanted.
func TestTypes(t *testing.T) {
	s, _ := doors(t)
	for _, tt := range []struct {
		text string
		want []*cel.Type
		bad  string
	}{
		{"n", nil, ""}, {"n", []*cel.Type{cel.BoolType, cel.IntType}, ""}, {"n", []*cel.Type{cel.BoolType}, "is of type int, want bool"},
		{"door.locks", []*cel.Type{List(nil)}, ""}, {"door", []*cel.Type{List(nil)}, "is of type expr.door, want a list"},
		{"door.locks", []*cel.Type{List(cel.StringType)}, "is of type list(expr.lock), want list(string)"},
		{"door.locks.map(l, at(l))", []*cel.Type{Place(), List(Place())}, ""},
		{"door.locks.map(l, n)", []*cel.Type{List(cel.StringType), List(cel.IntType)}, ""},
	} {
		got := ""
		if bad := s.Expr(tt.text, tt.want...).Compile(); bad != nil {
			got = bad.Error()
		}
		if got != tt.bad {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.bad)
		}
	}
}

// TestScope: a variable may have the type of another expression, which need not have
// been compiled before; where that is wrong, so is what rests on it.
func TestScope(t *testing.T) {
	s, vars := doors(t)
	list := s.Expr("door.locks", List(nil))
	item := s.WithElement("it", list).WithValue("twice", s.WithElement("it", list).Expr("it.turns * 2"))
	if !item.Has("twice") || !item.Has("door") || item.Has("thrice") || s.Has("it") {
		t.Error("scopes are mixed up")
	}
	vars["it"], vars["twice"] = lock{Turns: 5}, int64(10)
	if ok, err := item.Expr("twice == it.turns + 5", cel.BoolType).Bool(vars); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	if bad := item.Expr("twice.x").Compile(); bad == nil {
		t.Error("a number has a field")
	}
	broken := s.WithValue("x", s.Expr("door.lokcs"))
	if bad := broken.Expr("x == 1").Compile(); bad == nil || !strings.Contains(bad.Message, "x: undefined field 'lokcs'") {
		t.Errorf("got %v", bad)
	}
}

// TestShared: one text in scopes of the same variables is one program.
func TestShared(t *testing.T) {
	l := language(t)
	scope := func() *Scope { return l.Scope(false).With("n", cel.IntType) }
	a, b := scope().Expr("n > 1"), scope().Expr("n > 1", cel.BoolType)
	c := l.Scope(false).With("n", cel.DoubleType).Expr("n > 1.0")
	if a.Compile() != nil || b.Compile() != nil || c.Compile() != nil {
		t.Fatal("they do not compile")
	}
	if a.program() != b.program() || a.program() == c.program() || len(l.programs) != 2 {
		t.Errorf("%d programs", len(l.programs))
	}
}

// TestTrusted: what is trusted is not typed, and a wrong name shows when it is
// evaluated.
func TestTrusted(t *testing.T) {
	typed, vars := doors(t)
	s := typed.language.Scope(true).With("door", cel.IntType)
	v, err := s.WithElement("it", s.Expr("door.locks")).Expr("door.locks[0].turns + it").Eval(map[string]any{"door": vars["door"], "it": int64(1)})
	if err != nil || v.Value() != int64(3) {
		t.Errorf("got %v, %v", v, err)
	}
	e := s.Expr("door.colour == 1", cel.StringType)
	if bad := e.Compile(); bad != nil {
		t.Errorf("it was typed: %v", bad)
	}
	if _, err := e.Bool(vars); err == nil {
		t.Error("a field that does not exist has a value")
	}
	if _, err := s.Expr("door.color").Bool(vars); err == nil {
		t.Error("a text is a bool")
	}
}

func TestEverywhereAtOnce(t *testing.T) {
	s, vars := doors(t)
	list := s.Expr("door.locks", List(nil))
	e := s.WithElement("it", list).Expr("it.turns == 2")
	vars["it"] = lock{Turns: 2}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if ok, err := e.Bool(vars); !ok || err != nil {
				t.Errorf("got %v, %v", ok, err)
			}
		})
	}
	wg.Wait()
}

func TestText(t *testing.T) {
	s, vars := doors(t)
	for text, want := range map[string]string{
		"":                              "",
		"plain":                         "plain",
		"${n} and ${door.color}":        "7 and red",
		"${door.locks.map(l, l.file)}!": "/f, !",
		"${ {'a': 'x}'}['a'] }${true}":  "x}true",
		"$n {n} $":                      "$n {n} $",
		"${door.names['z']}":            "error: no such key: z",
		"${door}":                       "error: is of type expr.door, want string",
		"${n":                           "problem 0: ${ without its }",
		"ab ${'}":                       "problem 3: ${ without its }",
	} {
		got := ""
		parts, bad := s.Text(text)
		if bad != nil {
			got = fmt.Sprintf("problem %d: %s", bad.Offset, bad)
		} else if out, err := parts.Render(vars); err != nil {
			got = "error: " + err.Error()
		} else {
			got = out
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	parts, _ := s.Text("a ${door.colr} ${n.x}")
	if bad := parts.Compile(); len(bad) != 2 || bad[0].Offset != 8 {
		t.Errorf("got %v", bad)
	}
	for text, want := range map[string]bool{"": true, "x": true, "${n}": false, "x ${n}": false} {
		parts, _ := s.Text(text)
		if got, ok := parts.Literal(); ok != want || ok && got != text {
			t.Errorf("%q: got %q, %v", text, got, ok)
		}
	}
}

func TestElements(t *testing.T) {
	s, vars := doors(t)
	v, err := s.Expr("door.locks").Eval(vars)
	if err != nil {
		t.Fatal(err)
	}
	if list, more, err := Elements(v); err != nil || len(list) != 2 || more != 0 {
		t.Errorf("got %d and %d more, %v", len(list), more, err)
	}
	vars["door"] = door{Locks: make([]lock, maxElements+7)}
	if v, err = s.Expr("door.locks").Eval(vars); err != nil {
		t.Fatal(err)
	}
	if list, more, err := Elements(v); err != nil || len(list) != maxElements || more != 7 {
		t.Errorf("got %d and %d more, %v", len(list), more, err)
	}
	if v, err = s.Expr("n").Eval(vars); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Elements(v); err == nil {
		t.Error("a number is a list")
	}
}

// same reports whether two evaluations came out alike.
func same(a ref.Val, errA error, b ref.Val, errB error) bool {
	if errA != nil || errB != nil {
		return errA != nil && errB != nil
	}
	return a.Type() == b.Type() && (a.Equal(b) == types.True || fmt.Sprint(a.Value()) == fmt.Sprint(b.Value()))
}

// FuzzCompile: what the parser that is used takes, cel-go's other parser takes, and
// both understand the same by it; what is typed right comes to the same untyped.
// Nothing of foreign text stops the program.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{`door.color == "red" && n > 6 ? -1 : 2`, `[1, 2, 3].map(x, x * 2).exists(x, x == 4)`, `at(door.locks[0])`, `at("a", 1, r'\x')`,
		`{"a": 1}["a"]`, `!true || 1 in [1]`, `"\u00e4\x41\101"`, `b"x"`, `has(door.color)`, `-5 - -5`, `finding.Evidence{file: "x"}`, `1.5e3 + 2u`, "a\n.b", `.x`, `"""q"""`} {
		f.Add(s)
	}
	s, vars := doors(f)
	l := s.language
	trusted := l.Scope(true).With("door", TypeOf(reflect.TypeFor[door]())).With("n", cel.IntType)
	other, err := parser.NewParser(parser.Macros(l.env.Macros()...), parser.ExpressionSizeCodePointLimit(maxExpr), parser.MaxRecursionDepth(250))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if bad := s.Expr(text).Compile(); bad != nil && (bad.Offset < 0 || bad.Offset > len(text)) {
			t.Fatalf("%q: a problem at %d", text, bad.Offset)
		} else if bad == nil {
			a, errA := s.Expr(text).Eval(vars)
			b, errB := trusted.Expr(text).Eval(vars)
			if !same(a, errA, b, errB) {
				t.Fatalf("%q is %v, %v; untyped %v, %v", text, a, errA, b, errB)
			}
		}
		_, _ = trusted.Expr(text).Eval(vars)
		if parts, bad := s.Text(text); bad == nil {
			parts.Compile()
		}
		mine, errs := l.parser.Parse(common.NewTextSource(text))
		if len(errs.GetErrors()) > 0 {
			return
		}
		theirs, errs := other.Parse(common.NewTextSource(text))
		if len(errs.GetErrors()) > 0 {
			return // the generated parser is the stricter one here
		}
		a, errA := parser.Unparse(mine.Expr(), mine.SourceInfo())
		b, errB := parser.Unparse(theirs.Expr(), theirs.SourceInfo())
		if a != b || (errA == nil) != (errB == nil) {
			t.Fatalf("%q means\n%s\nand\n%s", text, a, b)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	s, _ := doors(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if bad := s.Expr(fmt.Sprintf(`door.locks.exists(l, l.turns == %d) && door.color != "blue"`, i)).Compile(); bad != nil {
			b.Fatal(bad)
		}
	}
}
