package rest

import (
	"encoding"
	"reflect"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// schemas makes JSON Schemas of Go types, as package encoding/json writes them. Structs
// become components, each once.
type schemas struct{ made m }

// of returns the schema of a type, or a reference to it.
func (s *schemas) of(t reflect.Type) m {
	if words := enumerated(t); words != nil {
		return m{"type": "string", "enum": words}
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return m{"type": "string", "format": "date-time"}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return m{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Slice:
		return m{"type": "array", "items": s.of(t.Elem())}
	case reflect.Array:
		return m{"type": "array", "items": s.of(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map:
		if t.Elem().Kind() == reflect.Interface {
			return m{"type": "object"}
		}
		return m{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Pointer:
		return m{"anyOf": []any{s.of(t.Elem()), m{"type": "null"}}}
	case reflect.Struct:
		return s.object(t)
	}
	return scalar(t.Kind())
}

// scalar returns the schema of what holds nothing else.
func scalar(k reflect.Kind) m {
	switch k {
	case reflect.Bool:
		return m{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return m{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return m{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return m{"type": "number"}
	}
	return m{"type": "string"}
}

// object returns a reference to the component of a struct, or its schema if it has no
// name.
func (s *schemas) object(t reflect.Type) m {
	name := named(t)
	if _, done := s.made[name]; done && name != "" {
		return m{"$ref": "#/components/schemas/" + name}
	}
	if name != "" {
		s.made[name] = nil // taken: a type may hold itself
	}
	properties, required := m{}, []string{}
	s.fields(t, properties, &required)
	schema := m{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	if name == "" {
		return schema
	}
	s.made[name] = schema
	return m{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) fields(t reflect.Type, properties m, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-" || !f.IsExported():
			continue
		case f.Anonymous && tag == "":
			s.fields(f.Type, properties, required)
			continue
		case tag == "":
			tag = f.Name
		}
		kind := f.Type
		if optional := strings.Contains(options, "omit"); !optional {
			*required = append(*required, tag)
		} else if kind.Kind() == reflect.Pointer {
			kind = kind.Elem() // left out rather than null
		}
		properties[tag] = s.of(kind)
	}
}

// named is a struct's name in the document: that of its type, led by its package where
// that is not the collector's own vocabulary.
func named(t reflect.Type) string {
	pkg := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
	switch {
	case t.Name() == "":
		return ""
	case pkg == "fleet" || pkg == "api":
		return strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + t.Name()
}

// enumerated returns the words of a type that has a few, nil for others.
func enumerated(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[finding.Severity]():
		return severities()
	case reflect.TypeFor[finding.Status]():
		return statuses()
	case reflect.TypeFor[fleet.Presence]():
		return []string{string(fleet.Online), string(fleet.Silent), string(fleet.Offline), string(fleet.Archived)}
	case reflect.TypeFor[fleet.Standing]():
		return []string{string(fleet.Active), string(fleet.Quarantined), string(fleet.Revoked)}
	case reflect.TypeFor[fleet.Decision]():
		return []string{string(fleet.Waiting), string(fleet.Approved), string(fleet.Rejected)}
	}
	return nil
}

func statuses() []string {
	var words []string
	for s := finding.StatusUnspecified; s <= finding.StatusWaived; s++ {
		words = append(words, s.String())
	}
	return words
}

func severities() []string {
	var words []string
	for s := finding.SeverityUnknown; s <= finding.SeverityCritical; s++ {
		words = append(words, s.String())
	}
	return words
}
