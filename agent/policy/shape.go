package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"seawall/agent/facts/fact"
)

// shape is the struct of facts: one group per field.
type shape struct {
	typ    reflect.Type
	groups []group
}

type group struct {
	name  string
	typ   reflect.Type
	index int
}

// shapeOf reads the groups from a struct whose fields are groups of facts, each
// a struct with a field Meta of type fact.Meta.
func shapeOf(facts any) (shape, error) {
	t := reflect.TypeOf(facts)
	if t == nil || t.Kind() != reflect.Struct {
		return shape{}, fmt.Errorf("facts of type %v are not a struct", t)
	}
	s := shape{typ: t}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !hasMeta(f.Type) || name == "" {
			return shape{}, fmt.Errorf("field %s of %v is not a group of facts", f.Name, t)
		}
		s.groups = append(s.groups, group{name, f.Type, i})
	}
	return s, nil
}

func (s shape) group(name string) (group, bool) {
	i := slices.IndexFunc(s.groups, func(g group) bool { return g.name == name })
	if i < 0 {
		return group{}, false
	}
	return s.groups[i], true
}

// names lists the groups.
func (s shape) names() []string {
	list := make([]string, len(s.groups))
	for i, g := range s.groups {
		list[i] = g.name
	}
	return list
}

// hasMeta reports whether a group says how its reading went.
func hasMeta(group reflect.Type) bool {
	if group.Kind() != reflect.Struct {
		return false
	}
	meta, ok := group.FieldByName("Meta")
	return ok && meta.Type == reflect.TypeFor[fact.Meta]()
}
