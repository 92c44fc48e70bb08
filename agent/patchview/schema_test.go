package patchview

import (
	"slices"
	"testing"

	"seawall/agent/facts/patch"
	"seawall/pkg/schematest"
)

const schema = "../../docs/patch.schema.json"

// TestSchema holds every screen's JSON against the schema that is published.
func TestSchema(t *testing.T) {
	s := schematest.Read(t, schema)
	for name, f := range screens() {
		if name == "deb" {
			f.Patch.Packages = f.Patch.Packages[:len(f.Patch.Packages)-1] // a label that no reader gives
		}
		for _, breach := range s.Breaches(name, encode(t, New(f))) {
			t.Error(breach)
		}
	}
}

// TestSchemaRefuses: the schema is one that can be broken.
func TestSchemaRefuses(t *testing.T) {
	s := schematest.Read(t, schema)
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
		if bad := s.Breaches("", v); bad != nil {
			t.Fatal(bad)
		}
		change(v)
		if s.Breaches("", v) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestLabels: each label has words and commands of its own, and the schema knows it.
func TestLabels(t *testing.T) {
	labels := []string{patch.LabelAvailable, patch.LabelHeld, patch.LabelPinned, patch.LabelMasked, patch.LabelDeferred, patch.LabelESM,
		patch.LabelExcluded, patch.LabelNotAvailable, patch.LabelNotRunning}
	known := schematest.Read(t, schema).Properties["packages"].Items.Properties["label"].Enum
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
