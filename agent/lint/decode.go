package lint

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/agent/near"
	"seawall/agent/policy"
	"seawall/pkg/text"
)

// decoder puts YAML into facts, strictly: a name that no field has is a problem.
type decoder struct {
	file     string
	problems []error
}

func (d *decoder) errorAt(n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, &policy.Error{File: d.file, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)})
}

// decode sets v, which can be set, to what n says.
func (d *decoder) decode(v reflect.Value, n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		d.errorAt(n, "an alias: an example says all of itself")
		return
	}
	if _, text := v.Addr().Interface().(encoding.TextUnmarshaler); text {
		d.scalar(v, n)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(v.Elem(), n)
	case reflect.Struct:
		d.object(v, n)
	case reflect.Map:
		d.dictionary(v, n)
	case reflect.Slice, reflect.Array:
		d.list(v, n)
	default:
		d.scalar(v, n)
	}
}

func (d *decoder) object(v reflect.Value, n *yaml.Node) {
	fields := members(v.Type())
	d.pairs(n, func(key, value *yaml.Node) {
		index, ok := fields[key.Value]
		if !ok {
			d.errorAt(key, "%s have no field %q%s", v.Type(), text.Clean(key.Value, 100), near.Hint(key.Value, slices.Sorted(maps.Keys(fields))))
			return
		}
		d.decode(v.FieldByIndex(index), value)
	})
}

func (d *decoder) dictionary(v reflect.Value, n *yaml.Node) {
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(n, func(key, value *yaml.Node) {
		k, element := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		d.decode(k, key)
		d.decode(element, value)
		v.SetMapIndex(k, element)
	})
}

// pairs calls each for the keys and values of a mapping.
func (d *decoder) pairs(n *yaml.Node, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.errorAt(n, "want fields as {name: value}")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		each(n.Content[i], n.Content[i+1])
	}
}

func (d *decoder) list(v reflect.Value, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		d.errorAt(n, "want a list")
		return
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	}
	if len(n.Content) > v.Len() {
		d.errorAt(n, "more than %d elements", v.Len())
		return
	}
	for i, item := range n.Content {
		d.decode(v.Index(i), item)
	}
}

// scalar leaves numbers, texts, durations and times to the YAML package.
func (d *decoder) scalar(v reflect.Value, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.errorAt(n, "want a value")
		return
	}
	// The YAML package cuts a fraction off.
	if err := n.Decode(v.Addr().Interface()); err != nil || v.CanInt() && n.ShortTag() == "!!float" {
		d.errorAt(n, "%q is no %s", text.Clean(n.Value, 100), v.Type())
	}
}

// members are the fields of a struct by the names that JSON has for them, those of
// embedded structs among them.
func members(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && name != "" && name != "-" {
			fields[name] = f.Index
		}
	}
	return fields
}
