package rulefile

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/sigma"
)

// maxCondition bounds the text of a condition.
const maxCondition = 4 << 10

// conditions reads the condition, or several of which one must hold.
func (r *reader) conditions(selections []sigma.Selection, n *yaml.Node) sigma.Expr {
	var args []sigma.Expr
	for _, item := range r.items(n, "condition", 2) {
		if item = r.visit(item, 3); item == nil {
			break
		}
		text := r.text(item, "condition", maxCondition)
		c := condition{selections: selections, words: words(text)}
		e, err := c.parse()
		if err != nil {
			r.fail(item, "condition %q: %v", text, err)
			continue
		}
		e.Line = item.Line
		args = append(args, e)
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.fail(n, "condition is empty; name a selection")
	}
	return combine(sigma.Or, args)
}

// words splits a condition: parentheses and bars are words, whether there are blanks
// around them or not.
func words(text string) []string {
	for _, c := range []string{"(", ")", "|"} {
		text = strings.ReplaceAll(text, c, " "+c+" ")
	}
	return strings.Fields(text)
}

// condition is a parser by recursive descent: or is made of ands, and of nots, not of
// terms. Each function takes what it has read from words.
type condition struct {
	selections []sigma.Selection
	words      []string
	depth      int
}

// peek returns the next word in lower case, "" at the end.
func (c *condition) peek() string {
	if len(c.words) == 0 {
		return ""
	}
	return strings.ToLower(c.words[0])
}

// take takes the next word if it is this one.
func (c *condition) take(word string) bool {
	if len(c.words) == 0 || c.peek() != word {
		return false
	}
	c.words = c.words[1:]
	return true
}

// parse reads the whole condition.
func (c *condition) parse() (sigma.Expr, error) {
	if len(c.words) == 0 {
		return sigma.Expr{}, fmt.Errorf("it is empty; name a selection")
	}
	e, err := c.or()
	if err != nil {
		return sigma.Expr{}, err
	}
	if len(c.words) > 0 {
		return sigma.Expr{}, c.unexpected()
	}
	return e, nil
}

// unexpected says what is wrong with the next word.
func (c *condition) unexpected() error {
	switch word := c.peek(); word {
	case "":
		return fmt.Errorf("something is missing at the end")
	case "|":
		if len(c.words) > 1 && strings.EqualFold(c.words[1], "near") {
			return fmt.Errorf("near is not supported; write a correlation rule of type temporal")
		}
		return fmt.Errorf("\"|\" with count() and the like is not supported; write a correlation rule of type event_count or value_count")
	case "near":
		return fmt.Errorf("near is not supported; write a correlation rule of type temporal")
	default:
		return fmt.Errorf("%q is not expected here; use and, or, not, parentheses", c.words[0])
	}
}

func (c *condition) or() (sigma.Expr, error) { return c.chain("or", sigma.Or, c.and) }

func (c *condition) and() (sigma.Expr, error) { return c.chain("and", sigma.And, c.not) }

// chain reads one or more of next with word between them.
func (c *condition) chain(word string, op sigma.Op, next func() (sigma.Expr, error)) (sigma.Expr, error) {
	var args []sigma.Expr
	for {
		e, err := next()
		if err != nil {
			return sigma.Expr{}, err
		}
		args = append(args, e)
		if !c.take(word) {
			return combine(op, args), nil
		}
	}
}

// not reads a negation, what is in parentheses, or a term. All nesting goes through
// here, so that this is where its depth is bounded.
func (c *condition) not() (sigma.Expr, error) {
	if c.depth++; c.depth > maxDepth {
		return sigma.Expr{}, fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	defer func() { c.depth-- }()
	switch {
	case c.take("not"):
		e, err := c.not()
		return sigma.Expr{Op: sigma.Not, Args: []sigma.Expr{e}}, err
	case c.take("("):
		e, err := c.or()
		if err == nil && !c.take(")") {
			err = fmt.Errorf("a parenthesis is not closed")
		}
		return e, err
	}
	return c.term()
}

// term reads a selection, or 1, any or all of some.
func (c *condition) term() (sigma.Expr, error) {
	switch word := c.peek(); word {
	case "1", "any", "all":
		c.words = c.words[1:]
		if !c.take("of") {
			return sigma.Expr{}, fmt.Errorf("%q is followed by \"of\", as in \"1 of selection_*\"", word)
		}
		op := sigma.Or
		if word == "all" {
			op = sigma.And
		}
		return c.of(op)
	case "", "and", "or", "of", "them", "near", "(", ")", "|":
		return sigma.Expr{}, c.unexpected()
	}
	name := c.words[0]
	c.words = c.words[1:]
	if strings.ContainsAny(name, "*?") {
		return sigma.Expr{}, fmt.Errorf("%q is a pattern; write \"1 of %s\" or \"all of %s\"", name, name, name)
	}
	for i := range c.selections {
		if c.selections[i].Name == name {
			return sigma.Expr{Op: sigma.Selected, Selection: i}, nil
		}
	}
	return sigma.Expr{}, fmt.Errorf("there is no selection %q; there are %s", name, c.names())
}

// of reads what is behind "1 of": a name, a pattern of names, or "them", which leaves
// out those that begin with "_". What fits no selection is a slip of the pen, which
// would make a filter hold nothing or a rule hold always.
func (c *condition) of(op sigma.Op) (sigma.Expr, error) {
	if len(c.words) == 0 {
		return sigma.Expr{}, c.unexpected()
	}
	pattern := c.words[0]
	c.words = c.words[1:]
	them := strings.EqualFold(pattern, "them")
	var args []sigma.Expr
	for i := range c.selections {
		name := c.selections[i].Name
		if them && !strings.HasPrefix(name, "_") || !them && stars(pattern, name) {
			args = append(args, sigma.Expr{Op: sigma.Selected, Selection: i})
		}
	}
	if len(args) == 0 {
		return sigma.Expr{}, fmt.Errorf("no selection is called %q; there are %s", pattern, c.names())
	}
	return combine(op, args), nil
}

// names lists the selections, for errors.
func (c *condition) names() string {
	var names []string
	for i := range c.selections {
		names = append(names, c.selections[i].Name)
	}
	return strings.Join(names, ", ")
}

// stars reports whether name fits a pattern whose "*" stands for any text.
func stars(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, part := range parts[1:last] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[last])
}
