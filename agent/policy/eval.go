package policy

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"seawall/agent/facts/fact"
	"seawall/agent/policy/expr"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Limits of one check's results. What goes beyond is cut, and said.
const (
	maxEvidence = 16
	maxResults  = 1000
	maxResource = 512
)

// Evaluate runs the checks with the given ids, all when none is given, over
// facts that were read at the given time. The results are in finding.Compare's
// order, at least one for each check. facts is a value of, or a pointer to, the
// type that the policy was loaded for.
func (p *Policy) Evaluate(facts any, at time.Time, ids ...string) []finding.Result {
	v := reflect.ValueOf(facts)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	var results []finding.Result
	for _, c := range p.named(ids) {
		if !v.IsValid() || v.Type() != p.shape.typ {
			results = append(results, c.result(finding.StatusError, fmt.Sprintf("facts of type %T, want %v", facts, p.shape.typ)))
			continue
		}
		results = append(results, c.evaluate(v)...)
	}
	for i := range results {
		results[i].Time = at
	}
	slices.SortStableFunc(results, finding.Compare)
	return results
}

// result returns a result of the check as a whole.
func (c *check) result(status finding.Status, actual string) finding.Result {
	r := finding.Result{Check: c.info.ID, Status: status, Severity: c.info.Severity, Actual: text.Clean(actual, text.Limit)}
	if expected, ok := c.expected.Literal(); ok {
		r.Expected = text.Clean(expected, text.Limit)
	}
	return r
}

// evaluate runs one check.
func (c *check) evaluate(facts reflect.Value) []finding.Result {
	s := scope{}
	var left string // why what the assertion reads is not all there is
	for _, g := range c.needs {
		f := facts.Field(g.index)
		meta := f.FieldByName("Meta").Interface().(fact.Meta)
		if !slices.Contains(c.accept, meta.State) || meta.State == "" {
			return []finding.Result{c.unread(g.name, meta)}
		}
		s[g.name] = f.Interface()
		left = cmp.Or(left, c.left(g.name, meta.Partial))
	}
	for _, p := range c.parameters {
		s[p.name] = p.value
	}
	for _, must := range []struct {
		key       string
		hold      *condition
		otherwise finding.Status
	}{{"applies", c.applies, finding.StatusNotApplicable}, {"known", c.known, finding.StatusUnknown}, {"sound", c.sound, finding.StatusError}} {
		if ok, why, err := must.hold.holds(s); err != nil {
			return []finding.Result{c.result(finding.StatusError, must.key+": "+err.Error())}
		} else if !ok {
			return []finding.Result{c.result(must.otherwise, why)}
		}
	}
	if c.over != nil {
		return c.overItems(s, left)
	}
	r := c.judge(s).result
	if r.Status == finding.StatusPass && left != "" {
		r = c.result(finding.StatusUnknown, left)
	}
	return []finding.Result{r}
}

// left says what is missing of the lists that the assertion reads.
func (c *check) left(group string, partial map[string]string) string {
	for _, list := range slices.Sorted(maps.Keys(partial)) {
		if c.asserts.mentions(group + "." + list) {
			return partial[list]
		}
	}
	return ""
}

// unread is the result where a group of facts is not in a state to be judged.
func (c *check) unread(name string, meta fact.Meta) finding.Result {
	status := finding.StatusUnknown
	switch meta.State {
	case fact.StateAbsent:
		status = finding.StatusNotApplicable
	case fact.StateError:
		status = finding.StatusError
	}
	r := c.result(status, cmp.Or(meta.Reason, "no "+name+" facts were read"))
	r.Evidence = clip(meta.Evidence, 0)
	return r
}

// verdict is the judgement of one element.
type verdict struct {
	result finding.Result
	rank   int64
}

// order is how bad a status is among the elements of one check.
func order(s finding.Status) int {
	return slices.Index([]finding.Status{finding.StatusPass, finding.StatusUnknown, finding.StatusError, finding.StatusFail}, s)
}

// compare is above 0 where a is the worse.
func compare(a, b verdict) int {
	return cmp.Or(cmp.Compare(order(a.result.Status), order(b.result.Status)), cmp.Compare(a.rank, b.rank))
}

// overItems judges every element of the list and returns the worst verdict, or
// each. A list that is not all there is, since left is missing or it is too long,
// has one more result, or that one alone: who is not in it has not gone. Where the
// worst decides, it takes the place of a pass.
func (c *check) overItems(s scope, left string) []finding.Result {
	v, err := c.over.Eval(s)
	if err != nil {
		return []finding.Result{c.result(finding.StatusError, "over: "+err.Error())}
	}
	list, more, err := expr.Elements(v)
	if err != nil {
		return []finding.Result{c.result(finding.StatusError, "over: "+err.Error())}
	}
	if more > 0 {
		left = fmt.Sprintf("there are %d more than are judged", more)
	}
	whole, why, err := c.complete.holds(s)
	switch {
	case err != nil:
		return []finding.Result{c.result(finding.StatusError, "complete: "+err.Error())}
	case !whole:
		left = why
	}
	if len(list) == 0 && left == "" && whole {
		return []finding.Result{c.none(s)}
	}
	all, rest := c.judgeAll(list, s)
	if over := len(all) - maxResults; over > 0 || rest > 0 {
		slices.SortStableFunc(all, func(a, b verdict) int { return -compare(a, b) })
		all = all[:maxResults]
		left = fmt.Sprintf("there are %d more than are listed", over+rest+more)
	}
	var results []finding.Result
	for _, v := range all {
		results = append(results, v.result)
	}
	if left == "" && whole {
		return results
	}
	unknown := c.result(finding.StatusUnknown, left)
	switch {
	case c.each:
		return append([]finding.Result{unknown}, results...)
	case len(all) == 0 || all[0].result.Status == finding.StatusPass:
		return []finding.Result{unknown}
	}
	return results
}

// none is the result of an empty list.
func (c *check) none(s scope) finding.Result {
	actual, err := c.emptyText.Render(s)
	if err != nil {
		return c.result(finding.StatusError, "empty: "+err.Error())
	}
	r := c.result(c.emptyStatus, actual)
	r.Expected = cmp.Or(c.emptyExpected, r.Expected)
	return r
}

// judgeAll judges every element: the worst verdict, or the worst of each resource.
// When as many fail as are listed, the rest is left.
func (c *check) judgeAll(list []ref.Val, s scope) (all []verdict, rest int) {
	failed := 0
	at := map[string]int{} // resource → index in all
	for n, item := range list {
		if failed == maxResults {
			return all, len(list) - n
		}
		s["it"] = item
		got := c.judgeItem(s)
		key := got.result.Resource
		if !c.each {
			key = ""
		}
		i, seen := at[key]
		switch {
		case !seen:
			at[key] = len(all)
			if all = append(all, got); got.result.Status == finding.StatusFail {
				failed++
			}
		case compare(got, all[i]) > 0:
			all[i] = got
		}
	}
	return all, 0
}

func (c *check) judgeItem(s scope) verdict {
	for _, l := range c.lets {
		delete(s, l.name) // the element before has left it
	}
	ok, why, err := c.itemKnown.holds(s)
	if err == nil && ok {
		return c.judge(s)
	}
	r := c.result(finding.StatusUnknown, why)
	if err != nil {
		r = c.result(finding.StatusError, "item_known: "+err.Error())
	}
	// The resource may rest on a let that cannot be had here; then the result is
	// the host's.
	if resource, err := c.resource.Render(s); err == nil {
		r.Resource = text.Clean(resource, maxResource)
	}
	return verdict{result: r}
}

// judge evaluates the assertion and the texts. An error anywhere makes the
// verdict an error, whatever the assertion said.
func (c *check) judge(s scope) verdict {
	v := verdict{result: c.result(finding.StatusError, "")}
	r := &v.result
	for _, l := range c.lets {
		val, err := l.expr.Eval(s)
		if err != nil {
			r.Actual = text.Clean("let "+l.name+": "+err.Error(), text.Limit)
			return v
		}
		s[l.name] = val
	}
	resource, err := c.resource.Render(s)
	if err == nil {
		r.Resource = text.Clean(resource, maxResource)
		err = c.fill(&v, s)
	}
	if err != nil {
		r.Status = finding.StatusError
		r.Actual = text.Clean(err.Error(), text.Limit)
	}
	return v
}

// fill evaluates everything but the resource.
func (c *check) fill(v *verdict, s scope) error {
	r := &v.result
	pass, err := c.pass.Bool(s)
	if err != nil {
		return fmt.Errorf("pass: %w", err)
	}
	if c.rank != nil {
		val, err := c.rank.Eval(s)
		if err != nil {
			return fmt.Errorf("rank: %w", err)
		}
		v.rank, _ = val.Value().(int64)
	}
	if !pass {
		if r.Severity, err = c.severity(s); err != nil {
			return fmt.Errorf("escalate: %w", err)
		}
	}
	actual, err := c.actual.Render(s)
	if err != nil {
		return fmt.Errorf("actual: %w", err)
	}
	expected, err := c.expected.Render(s)
	if err != nil {
		return fmt.Errorf("expected: %w", err)
	}
	r.Actual, r.Expected = text.Clean(actual, text.Limit), text.Clean(expected, text.Limit)
	if r.Evidence, err = c.places(s); err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	group, err := c.group.Render(s)
	if err != nil {
		return fmt.Errorf("group: %w", err)
	}
	r.Group = text.Clean(group, finding.MaxGroup)
	if r.Since, err = c.sinceWhen(s); err != nil {
		return fmt.Errorf("since: %w", err)
	}
	r.Status = finding.StatusFail
	if pass {
		r.Status = finding.StatusPass
	}
	return nil
}

// severity is the first case's that holds, or the check's own. A pass has the
// check's own: it says how bad a failure would be, and must not change by itself.
func (c *check) severity(s scope) (finding.Severity, error) {
	for _, e := range c.cases {
		ok, err := e.cond.Bool(s)
		if err != nil {
			return c.info.Severity, err
		}
		if ok {
			return e.severity, nil
		}
	}
	return c.info.Severity, nil
}

// sinceWhen is since when it is so, the zero time where that is not said.
func (c *check) sinceWhen(s scope) (time.Time, error) {
	if c.since == nil {
		return time.Time{}, nil
	}
	val, err := c.since.Eval(s)
	if err != nil {
		return time.Time{}, err
	}
	said, _ := val.Value().(string)
	if said == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, said)
	if err != nil {
		return time.Time{}, err
	}
	if t.Unix() < 0 || t.UTC().Year() >= 2200 { // package wire would refuse the result
		return time.Time{}, fmt.Errorf("%s is not within 1970 and 2200", said)
	}
	return t.UTC(), nil
}

// places evaluates the evidence. A place with neither file nor text is left out:
// a setting that no line sets.
func (c *check) places(s scope) ([]finding.Evidence, error) {
	var all []finding.Evidence
	more := 0
	for _, e := range c.evidence {
		val, err := e.Eval(s)
		if err != nil {
			return nil, err
		}
		list := []ref.Val{val}
		if _, ok := val.(traits.Lister); ok {
			var beyond int
			if list, beyond, err = expr.Elements(val); err != nil {
				return nil, err
			}
			more += beyond
		}
		for _, item := range list {
			place, err := item.ConvertToNative(reflect.TypeFor[finding.Evidence]())
			if err != nil {
				return nil, err
			}
			if p := place.(finding.Evidence); p.File != "" || p.Text != "" {
				all = append(all, p)
			}
		}
	}
	return clip(all, more), nil
}

// clip bounds evidence in number and size. There are beyond that much more.
func clip(all []finding.Evidence, beyond int) []finding.Evidence {
	more := len(all) - maxEvidence
	if more > 0 {
		all = all[:maxEvidence-1]
		more += beyond
	}
	out := make([]finding.Evidence, 0, len(all)+1)
	for _, e := range all {
		e.File, e.Text = text.Clean(e.File, text.Limit), text.Clean(e.Text, text.Limit/4)
		out = append(out, e)
	}
	if more > 0 {
		out = append(out, finding.Evidence{Text: fmt.Sprintf("and %d more", more+1)})
	}
	return out
}

// scope holds the values of variables.
type scope = map[string]any

// holds evaluates a condition; where it does not hold it returns why.
func (c *condition) holds(s scope) (ok bool, why string, err error) {
	if c == nil {
		return true, "", nil
	}
	if ok, err = c.cond.Bool(s); err != nil || ok {
		return ok, "", err
	}
	why, err = c.text.Render(s)
	return false, why, err
}
