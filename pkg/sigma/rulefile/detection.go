package rulefile

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/sigma"
)

// detection reads selections, then the condition over them, wherever it stands. Where
// a selection is wrong the condition is not read: its errors would mislead.
func (r *reader) detection(rule *sigma.Rule, n *yaml.Node) {
	var condition *yaml.Node
	before := len(r.errs)
	for _, p := range r.pairs(n, "detection", 1) {
		switch name := p.key.Value; {
		case name == "condition":
			condition = p.value
		case name == "timeframe":
			r.fail(p.key, "timeframe belongs to the old \"| count()\"; write a correlation rule with timespan")
		case !isName(name):
			r.fail(p.key, "selection %q: use letters, digits, \"_\", \"-\" and \".\", and no word that conditions know", name)
		case len(rule.Selections) == maxNamed:
			r.fail(p.key, "more than %d selections in a rule", maxNamed)
		default:
			rule.Selections = append(rule.Selections, sigma.Selection{Name: name, Line: p.key.Line, Expr: r.selection(name, p.value)})
		}
	}
	switch {
	case len(r.errs) > before:
	case condition == nil:
		r.fail(n, "detection has no condition; add \"condition: selection\"")
	case len(rule.Selections) == 0:
		r.fail(n, "detection has no selection; add one, as in \"selection: {CommandLine|contains: TEXT}\"")
	default:
		rule.Condition = r.conditions(rule.Selections, condition)
	}
}

// isName reports whether a selection can be called so: a condition must be able to
// name it.
func isName(name string) bool {
	switch strings.ToLower(name) {
	case "", "and", "or", "not", "of", "all", "any", "1", "them", "near", "by", "count":
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == ""
}

// selection reads a map, a list of maps, or keywords.
func (r *reader) selection(name string, n *yaml.Node) sigma.Expr {
	what := "selection " + name
	if n.Kind == yaml.MappingNode {
		return r.all(what, n)
	}
	var args []sigma.Expr
	for _, item := range r.items(n, what, 2) {
		if item = r.visit(item, 3); item == nil {
			break
		}
		switch item.Kind {
		case yaml.MappingNode:
			args = append(args, r.all(what, item))
		case yaml.ScalarNode:
			args = append(args, r.field(what, "", item, item))
		default:
			r.fail(item, "%s: a list in a list; write one list of maps or of keywords", what)
		}
	}
	if len(args) == 0 {
		r.fail(n, "%s is empty; give it a field or a keyword", what)
	}
	return combine(sigma.Or, args)
}

// all reads a map: all of its fields must pass.
func (r *reader) all(what string, n *yaml.Node) sigma.Expr {
	var args []sigma.Expr
	pairs := r.pairs(n, what, 4)
	for _, p := range pairs {
		args = append(args, r.field(what, p.key.Value, p.key, p.value))
	}
	if len(pairs) == 0 {
		r.fail(n, "%s is empty; give it a field", what)
	}
	return combine(sigma.And, args)
}

// field reads a field with its modifiers and values. Each value becomes one or, by its
// encodings, several tests of which one must pass; of the values one must pass, or
// with the modifier all each.
func (r *reader) field(what, key string, at, n *yaml.Node) sigma.Expr {
	names := strings.Split(key, "|")
	m := modifiers{r: r, at: at, what: what, field: names[0]}
	if m.field != "" {
		m.what += ", field " + m.field
	}
	for _, name := range names[1:] {
		if !m.add(name) {
			return sigma.Expr{}
		}
	}
	if !m.fit() {
		return sigma.Expr{}
	}
	var args []sigma.Expr
	for _, item := range r.items(n, m.what, 5) {
		if item = r.visit(item, 6); item == nil {
			break
		}
		if r.tests >= maxTests {
			r.fail(item, "more than %d values in a rule", maxTests)
			break
		}
		forms := m.value(item)
		r.tests += len(forms)
		if len(forms) > 0 {
			args = append(args, combine(sigma.Or, forms))
		}
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.fail(at, "%s has no values", m.what)
	}
	op := sigma.Or
	if m.all {
		op = sigma.And
	}
	if e := combine(op, args); m.neq {
		return sigma.Expr{Op: sigma.Not, Line: at.Line, Args: []sigma.Expr{e}}
	} else {
		return e
	}
}

// combine joins expressions; one alone stays as it is.
func combine(op sigma.Op, args []sigma.Expr) sigma.Expr {
	if len(args) == 1 {
		return args[0]
	}
	e := sigma.Expr{Op: op, Args: args}
	if len(args) > 0 {
		e.Line = args[0].Line
	}
	return e
}
