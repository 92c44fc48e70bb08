package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"seawall/agent/report/sheet"
	"seawall/agent/report/sheettest"
	"seawall/pkg/finding"
)

// schema is as much of JSON Schema as docs/check.schema.json uses. An unknown key
// in it is an error, so that nothing there is taken for checked that is not.
type schema struct {
	Schema      string             `json:"$schema"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Type        any                `json:"type"`
	Enum        []string           `json:"enum"`
	Pattern     string             `json:"pattern"`
	Minimum     *float64           `json:"minimum"`
	Required    []string           `json:"required"`
	Properties  map[string]*schema `json:"properties"`
	Additional  *bool              `json:"additionalProperties"`
	Items       *schema            `json:"items"`
}

func published(t *testing.T) *schema {
	t.Helper()
	b, err := os.ReadFile("../../docs/check.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// breaches returns where v is not as the schema has it.
func (s *schema) breaches(path string, v any) []string {
	kind := map[string]string{"string": "string", "bool": "boolean", "float64": "integer", "<nil>": "null",
		"map[string]interface {}": "object", "[]interface {}": "array"}[fmt.Sprintf("%T", v)]
	if !strings.Contains(fmt.Sprint(s.Type), kind) || kind == "" {
		return []string{fmt.Sprintf("%s: %T, want %v", path, v, s.Type)}
	}
	var list []string
	switch v := v.(type) {
	case string:
		if s.Enum != nil && !slices.Contains(s.Enum, v) || s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) {
			list = append(list, fmt.Sprintf("%s: %q", path, v))
		}
	case float64:
		if v != float64(int64(v)) || s.Minimum != nil && v < *s.Minimum {
			list = append(list, fmt.Sprintf("%s: %v", path, v))
		}
	case []any:
		for i, item := range v {
			list = append(list, s.Items.breaches(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
	case map[string]any:
		for _, key := range s.Required {
			if _, ok := v[key]; !ok {
				list = append(list, path+"."+key+" is missing")
			}
		}
		for key, inner := range v {
			if known := s.Properties[key]; known != nil {
				list = append(list, known.breaches(path+"."+key, inner)...)
			} else if s.Additional != nil && !*s.Additional {
				list = append(list, path+"."+key+" is not in the schema")
			}
		}
	}
	return list
}

// encode is a document as a program reads it.
func encode(t *testing.T, s *sheet.Sheet) map[string]any {
	t.Helper()
	var b bytes.Buffer
	if err := Document(&b, s); err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchema holds every kind of look against the schema that is published.
func TestSchema(t *testing.T) {
	s := published(t)
	narrowed := sheettest.Sheet()
	narrowed.Only(finding.SeverityHigh)
	for name, look := range map[string]*sheet.Sheet{"sheet": sheettest.Sheet(), "changes": sheettest.Compared(), "hostile": sheettest.Hostile(),
		"narrowed": narrowed, "nothing": sheet.New(sheet.Sheet{Time: sheettest.At()})} {
		for _, breach := range s.breaches(name, encode(t, look)) {
			t.Error(breach)
		}
	}
}

// TestSchemaRefuses: the schema is one that can be broken.
func TestSchemaRefuses(t *testing.T) {
	s := published(t)
	result := func(v map[string]any) map[string]any { return v["results"].([]any)[0].(map[string]any) }
	for name, change := range map[string]func(map[string]any){
		"status":      func(v map[string]any) { result(v)["status"] = "fine" },
		"no evidence": func(v map[string]any) { result(v)["evidence"] = nil },
		"no cause":    func(v map[string]any) { delete(result(v), "cause") },
		"time":        func(v map[string]any) { v["time"] = "today" },
		"score":       func(v map[string]any) { v["score"].(map[string]any)["points"] = -1.0 },
		"new key":     func(v map[string]any) { v["other"] = 1.0 },
		"no host":     func(v map[string]any) { v["host"] = nil },
		"previous":    func(v map[string]any) { result(v)["previous"] = "" },
	} {
		v := encode(t, sheettest.Compared())
		if bad := s.breaches("", v); bad != nil {
			t.Fatal(bad)
		}
		change(v)
		if s.breaches("", v) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
