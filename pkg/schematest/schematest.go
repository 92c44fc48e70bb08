// Package schematest holds JSON against a JSON Schema, for the tests of what is
// published with one.
//
// It understands as much of JSON Schema as the schemas of docs use. A key of a schema
// that it does not know is an error, so that nothing is taken for checked that is not.
package schematest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Schema is a schema, or the part of one that is for a value in it.
type Schema struct {
	Schema      string             `json:"$schema"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Type        any                `json:"type"`
	Enum        []string           `json:"enum"`
	Pattern     string             `json:"pattern"`
	Minimum     *float64           `json:"minimum"`
	Required    []string           `json:"required"`
	Properties  map[string]*Schema `json:"properties"`
	Additional  *bool              `json:"additionalProperties"`
	Items       *Schema            `json:"items"`
}

// Read reads a schema from a file.
func Read(t testing.TB, file string) *Schema {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parse(b)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return s
}

func parse(b []byte) (*Schema, error) {
	var s Schema
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return &s, dec.Decode(&s)
}

// Breaches returns where v, as json.Unmarshal makes it, is not as the schema has it; path
// names v.
func (s *Schema) Breaches(path string, v any) []string {
	kind := kindOf(v)
	if !strings.Contains(fmt.Sprint(s.Type), kind) || kind == "" {
		return []string{fmt.Sprintf("%s: %T, want %v", path, v, s.Type)}
	}
	var list []string
	switch v := v.(type) {
	case string:
		if !s.allows(v) {
			list = append(list, fmt.Sprintf("%s: %q", path, v))
		}
	case float64:
		if v != float64(int64(v)) || s.Minimum != nil && v < *s.Minimum {
			list = append(list, fmt.Sprintf("%s: %v", path, v))
		}
	case []any:
		for i, item := range v {
			list = append(list, s.Items.Breaches(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
	case map[string]any:
		list = s.object(path, v)
	}
	return list
}

// kindOf is what JSON Schema calls the type of a value.
func kindOf(v any) string {
	return map[string]string{"string": "string", "bool": "boolean", "float64": "integer", "<nil>": "null",
		"map[string]interface {}": "object", "[]interface {}": "array"}[fmt.Sprintf("%T", v)]
}

func (s *Schema) allows(v string) bool {
	return (s.Enum == nil || slices.Contains(s.Enum, v)) && (s.Pattern == "" || regexp.MustCompile(s.Pattern).MatchString(v))
}

// object is Breaches of an object.
func (s *Schema) object(path string, v map[string]any) []string {
	var list []string
	for _, key := range s.Required {
		if _, ok := v[key]; !ok {
			list = append(list, path+"."+key+" is missing")
		}
	}
	for key, inner := range v {
		if known := s.Properties[key]; known != nil {
			list = append(list, known.Breaches(path+"."+key, inner)...)
		} else if s.Additional != nil && !*s.Additional {
			list = append(list, path+"."+key+" is not in the schema")
		}
	}
	return list
}
