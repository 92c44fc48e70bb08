package report

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"seawall/agent/look"
	"seawall/pkg/text"
)

// Facts writes v, anything that JSON can express, for people: one line for each
// value, with the path to it, and with file and line where it has them.
func Facts(w io.Writer, name string, v any, opt Options) error {
	tree, err := treeOf(v)
	if err != nil {
		return err
	}
	f := newFactWriter(w, opt)
	f.value(name, tree)
	return f.out.Flush()
}

func newFactWriter(w io.Writer, opt Options) *factWriter {
	return &factWriter{out: bufio.NewWriter(w), paint: opt.Paint}
}

// factWriter walks a tree of facts, depth first, keys in order.
type factWriter struct {
	out   *bufio.Writer
	paint func(look.Color, string) string
}

// value writes everything below path. Numbers are as JSON has them (json.Number),
// since a float would lose the last digits of a large one.
func (f *factWriter) value(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if f.setting(path, v) {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			// What facts depend on, and how long reading took, is for programs.
			if inner := path + "." + key; !strings.HasSuffix(inner, ".meta.depends") && !strings.HasSuffix(inner, ".meta.took") {
				f.value(inner, v[key])
			}
		}
	case []any:
		if words, ok := scalars(v); ok {
			f.line(path, strings.Join(words, ", "), "")
			return
		}
		for i, item := range v {
			f.value(fmt.Sprintf("%s[%d]", path, i), item)
		}
	case nil:
		f.line(path, "", "")
	default:
		f.line(path, fmt.Sprint(v), "")
	}
}

// setting writes a value that knows where it stands, on one line.
func (f *factWriter) setting(path string, v map[string]any) bool {
	value, hasValue := v["value"].(string)
	set, hasSet := v["set"].(bool)
	if !hasValue || !hasSet {
		return false
	}
	where := "default"
	if file, _ := v["file"].(string); set && file != "" {
		where = fmt.Sprintf("%s:%v", file, v["line"])
	}
	f.line(path, value, where)
	return true
}

// scalars returns a list's items as words, or false when one has parts itself.
func scalars(list []any) ([]string, bool) {
	var words []string
	for _, item := range list {
		switch item.(type) {
		case map[string]any, []any:
			return nil, false
		}
		words = append(words, fmt.Sprint(item))
	}
	return words, true
}

// line writes one fact. Keys come from the host too (settings of a file), so the
// path is escaped as the value is.
func (f *factWriter) line(path, value, where string) {
	fmt.Fprintf(f.out, "%s = %s", text.Terminal(path), text.Terminal(value))
	if where != "" {
		fmt.Fprintf(f.out, "  %s", f.paint(look.Dim, "# "+text.Terminal(where)))
	}
	fmt.Fprintln(f.out)
}
