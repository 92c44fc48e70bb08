package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"seawall/agent/look"
)

// sawLimit is how many facts of a group an explanation shows.
const sawLimit = 12

// Saw returns what expressions name of a group's facts as they are on this host, a
// line for each value, in the words of Facts. "[]" in an expression stands for each
// item of a list. Of what is long it has the beginning.
func Saw(group string, facts any, expressions ...string) ([]string, error) {
	tree, err := treeOf(facts)
	if err != nil {
		return nil, err
	}
	path := regexp.MustCompile(`(?:^|[^.\w])` + regexp.QuoteMeta(group) + `((?:\.\w+|\[["'][^"']*["']\]|\[\])+)`)
	step := regexp.MustCompile(`\.\w+|\[["'][^"']*["']\]|\[\]`)
	var seen, lines []string
	for _, found := range path.FindAllStringSubmatch(strings.Join(expressions, "\n"), -1) {
		if slices.Contains(seen, found[1]) {
			continue
		}
		seen = append(seen, found[1])
		var b bytes.Buffer
		f := newFactWriter(&b, look.Options{})
		f.named(group, tree, step.FindAllString(found[1], -1))
		if err := f.out.Flush(); err != nil {
			return nil, err
		}
		all := slices.Collect(strings.Lines(b.String()))
		for _, line := range all[:min(sawLimit, len(all))] {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
		if more := len(all) - sawLimit; more > 0 {
			lines = append(lines, fmt.Sprintf("… %d more: seawall facts %s", more, group))
		}
	}
	return lines, nil
}

// named writes what steps lead to from v. What is no field of v is taken for a method
// of it, which says nothing of one item more than of another; a key that this host has
// not leads nowhere.
func (f *factWriter) named(path string, v any, steps []string) {
	if len(steps) == 0 {
		f.value(path, v)
		return
	}
	fields, _ := v.(map[string]any)
	key, quoted := strings.Trim(steps[0], `.["']`), strings.HasPrefix(steps[0], "[")
	inner, known := fields[key]
	_, isSet := fields["set"]
	_, hasValue := fields["value"]
	switch {
	case steps[0] == "[]":
		list, _ := v.([]any)
		for i, item := range list {
			f.named(fmt.Sprintf("%s[%d]", path, i), item, steps[1:])
		}
	case isSet && hasValue:
		f.value(path, v)
	case !known && !quoted && strings.Contains(path, "."):
		if list, ok := v.([]any); ok && len(list) > sawLimit {
			f.line(path, fmt.Sprintf("(%d items)", len(list)), "")
			return
		}
		f.value(path, v)
	case known:
		f.named(path+"."+key, inner, steps[1:])
	}
}

// treeOf is v as JSON has it. Numbers stay as they are written, since a float would
// lose the last digits of a large one.
func treeOf(v any) (any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode facts: %w", err)
	}
	var tree any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("encode facts: %w", err)
	}
	return tree, nil
}
