package rulefile

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"seawall/pkg/sigma"
)

// Bounds of a correlation.
const (
	maxCorrelated = 32
	maxGroupBy    = 8
	maxTimespan   = 31 * 24 * time.Hour
)

// correlation reads a correlation. Unlike in a rule a field that is not known is an
// error: it would change what the correlation means.
func (r *reader) correlation(n *yaml.Node) *sigma.Correlation {
	c := &sigma.Correlation{Line: n.Line}
	before := len(r.errs)
	for _, p := range r.pairs(n, "correlation", 1) {
		switch p.key.Value {
		case "type":
			c.Type = r.text(p.value, "type", 64)
		case "rules":
			r.related(c, p.value)
		case "group-by":
			c.GroupBy = r.list(p.value, "group-by", 2)
		case "timespan":
			c.Timespan = r.timespan(p.value)
		case "condition":
			r.bounds(c, p.value)
		case "aliases":
			c.Aliases = r.aliases(p.value)
		case "generate":
			switch p.value.Value {
			case "true", "false":
				c.Generate = p.value.Value == "true"
			default:
				r.fail(p.value, "generate takes true or false")
			}
		default:
			r.fail(p.key, "correlation has no field %q; there are type, rules, group-by, timespan, condition, aliases and generate", p.key.Value)
		}
	}
	if len(r.errs) == before {
		r.sound(c, n)
	}
	return c
}

// sound reports what is missing or does not fit.
func (r *reader) sound(c *sigma.Correlation, n *yaml.Node) {
	types := []string{"event_count", "value_count", "temporal", "temporal_ordered"}
	switch {
	case !slices.Contains(types, c.Type):
		r.fail(n, "correlation type %q is not supported; use %s", c.Type, strings.Join(types, ", "))
	case len(c.Rules) == 0 || slices.Contains(c.Rules, ""):
		r.fail(n, "correlation has no rules; list the ids or names of those that it is about")
	case len(c.Rules) > maxCorrelated:
		r.fail(n, "correlation has more than %d rules", maxCorrelated)
	case len(c.GroupBy) > maxGroupBy:
		r.fail(n, "group-by has more than %d fields", maxGroupBy)
	case c.Timespan == 0:
		r.fail(n, "correlation has no timespan; add one, such as 5m")
	}
	r.soundCount(c, n)
	for alias := range c.Aliases {
		if !slices.Contains(c.GroupBy, alias) && alias != c.Field {
			r.fail(n, "alias %q is used neither in group-by nor as field", alias)
		}
	}
}

// soundCount reports what is missing of a count, or of no use without one.
func (r *reader) soundCount(c *sigma.Correlation, n *yaml.Node) {
	switch {
	case c.Type == "value_count" && c.Field == "":
		r.fail(n, "value_count has no field; add the one whose values are counted to condition")
	case c.Type != "value_count" && c.Field != "":
		r.fail(n, "condition has a field, which only value_count counts")
	case len(c.Bounds) == 0 && strings.HasSuffix(c.Type, "_count"):
		r.fail(n, "correlation has no condition; add one, such as \"gte: 10\"")
	}
}

// related reads the ids and names of rules, with their places.
func (r *reader) related(c *sigma.Correlation, n *yaml.Node) {
	for _, item := range r.items(n, "rules", 2) {
		if item = r.visit(item, 3); item == nil {
			return
		}
		c.Rules = append(c.Rules, r.text(item, "rules", 256))
		c.Lines = append(c.Lines, item.Line)
	}
}

// timespan reads a number and a unit, such as "90m"; units cannot be combined.
func (r *reader) timespan(n *yaml.Node) time.Duration {
	units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
	text := r.text(n, "timespan", 64)
	digits := strings.TrimRight(text, "smhd")
	count, err := strconv.ParseUint(digits, 10, 31)
	unit, ok := units[strings.TrimPrefix(text, digits)]
	if err != nil || !ok || count == 0 {
		r.fail(n, "timespan %q is a number with s, m, h or d, such as 90m", text)
		return 0
	}
	if count > uint64(maxTimespan/unit) {
		r.fail(n, "timespan %s is longer than 31 days", text)
		return 0
	}
	return time.Duration(count) * unit
}

// bounds reads the condition: limits of the count, all of which must hold, and the
// field that value_count counts.
func (r *reader) bounds(c *sigma.Correlation, n *yaml.Node) {
	signs := map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=="}
	if n.Kind == yaml.ScalarNode {
		r.fail(n, "a condition in words is not supported for correlations; write a map, such as \"gte: 2\"")
		return
	}
	for _, p := range r.pairs(n, "condition", 2) {
		if p.key.Value == "field" {
			c.Field = r.text(p.value, "field", 256)
			continue
		}
		sign := signs[p.key.Value]
		count, err := strconv.ParseUint(p.value.Value, 10, 31)
		switch {
		case sign == "":
			r.fail(p.key, "condition has no %q; there are gt, gte, lt, lte, eq and, for value_count, field", p.key.Value)
		case err != nil || p.value.Kind != yaml.ScalarNode:
			r.fail(p.value, "%s takes a whole number", p.key.Value)
		default:
			c.Bounds = append(c.Bounds, sigma.Bound{Sign: sign, Count: int(count)})
		}
	}
}

// aliases reads, for each alias, the field of each rule.
func (r *reader) aliases(n *yaml.Node) map[string]map[string]string {
	aliases := make(map[string]map[string]string)
	for _, p := range r.pairs(n, "aliases", 2) {
		fields := make(map[string]string)
		for _, q := range r.pairs(p.value, "alias "+p.key.Value, 3) {
			fields[q.key.Value] = r.text(q.value, "alias "+p.key.Value, 256)
		}
		aliases[p.key.Value] = fields
	}
	return aliases
}
