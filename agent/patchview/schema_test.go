package patchview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"seawall/agent/facts/patch"
)

// schema is as much of JSON Schema as docs/patch.schema.json uses. An unknown key
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
	b, err := os.ReadFile("../../docs/patch.schema.json")
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

// TestSchema holds every screen's JSON against the schema that is published.
func TestSchema(t *testing.T) {
	s := published(t)
	for name, f := range screens() {
		if name == "deb" {
			f.Patch.Packages = f.Patch.Packages[:len(f.Patch.Packages)-1] // a label that no reader gives
		}
		for _, breach := range s.breaches(name, encode(t, New(f))) {
			t.Error(breach)
		}
	}
}

// TestSchemaRefuses: the schema is one that can be broken.
func TestSchemaRefuses(t *testing.T) {
	s := published(t)
	for name, change := range map[string]func(map[string]any){
		"status":     func(v map[string]any) { v["status"] = "fine" },
		"no reason":  func(v map[string]any) { delete(v, "reason") },
		"age":        func(v map[string]any) { v["metadata_age_seconds"] = -1.0 },
		"other":      func(v map[string]any) { v["other_pending"] = "54" },
		"new key":    func(v map[string]any) { v["severity"] = "high" },
		"no list":    func(v map[string]any) { v["packages"] = nil },
		"label":      func(v map[string]any) { v["packages"].([]any)[0].(map[string]any)["label"] = "ready" },
		"first seen": func(v map[string]any) { v["packages"].([]any)[0].(map[string]any)["first_seen"] = "today" },
		"cves":       func(v map[string]any) { v["packages"].([]any)[0].(map[string]any)["cves"] = nil },
	} {
		v := encode(t, New(rpmHost()))
		if bad := s.breaches("", v); bad != nil {
			t.Fatal(bad)
		}
		change(v)
		if s.breaches("", v) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestLabels: each label has words and commands of its own, and the schema knows it.
func TestLabels(t *testing.T) {
	labels := []string{patch.LabelAvailable, patch.LabelHeld, patch.LabelPinned, patch.LabelMasked, patch.LabelDeferred, patch.LabelESM,
		patch.LabelExcluded, patch.LabelNotAvailable, patch.LabelNotRunning}
	known := published(t).Properties["packages"].Items.Properties["label"].Enum
	if !slices.Equal(slices.Sorted(slices.Values(known)), slices.Sorted(slices.Values(labels))) {
		t.Errorf("the schema has %v, the facts %v", known, labels)
	}
	for _, s := range states() {
		if !slices.Contains(labels, s.label) || s.words == "" || s.deb == "" || s.rpm == "" {
			t.Errorf("%+v", s)
		}
	}
	if len(states()) != len(labels) {
		t.Errorf("%d states of %d labels", len(states()), len(labels))
	}
}
