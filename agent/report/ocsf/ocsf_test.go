package ocsf

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"seawall/agent/report/sheet"
	"seawall/agent/report/sheettest"
)

func TestGolden(t *testing.T) {
	sheettest.Golden(t, "sheet.jsonl", []byte(sheettest.Written(t, Write, sheettest.Sheet())))
	sheettest.Golden(t, "changes.jsonl", []byte(sheettest.Written(t, Write, sheettest.Compared())))
}

// TestRequired: each event has what version 1.3.0 of the schema requires of class 2003,
// of the objects in it and of the profile host, with numbers that belong together.
func TestRequired(t *testing.T) {
	required := map[string][]string{
		"": {"activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "metadata", "finding_info", "compliance",
			"device", "message", "status_id", "resources"},
		"metadata": {"version", "product", "profiles"}, "finding_info": {"uid", "title"}, "compliance": {"standards", "status_id", "control"},
		"device": {"type_id", "hostname", "os"},
	}
	for name, s := range map[string]*sheet.Sheet{"sheet": sheettest.Sheet(), "changes": sheettest.Compared(), "hostile": sheettest.Hostile()} {
		n := 0
		for line := range strings.Lines(sheettest.Written(t, Write, s)) {
			n++
			var e map[string]any
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			for object, keys := range required {
				in, _ := e[object].(map[string]any)
				if object == "" {
					in = e
				}
				for _, key := range keys {
					if v, ok := in[key]; !ok || v == nil {
						t.Errorf("%s: line %d: %s.%s is missing", name, n, object, key)
					}
				}
			}
			if e["class_uid"] != 2003.0 || e["category_uid"] != 2.0 || e["type_uid"] != 200300+e["activity_id"].(float64) {
				t.Errorf("%s: line %d: class %v, type %v, activity %v", name, n, e["class_uid"], e["type_uid"], e["activity_id"])
			}
			if e["time"].(float64) != float64(sheettest.At().UnixMilli()) {
				t.Errorf("%s: line %d: time %v", name, n, e["time"])
			}
			status := e["compliance"].(map[string]any)["status_id"].(float64)
			if !slices.Contains([]float64{1, 2, 3, 99}, status) {
				t.Errorf("%s: line %d: compliance %v", name, n, status)
			}
			os := e["device"].(map[string]any)["os"].(map[string]any)
			if os["name"] == "" || os["type_id"] != 200.0 {
				t.Errorf("%s: line %d: %v", name, n, os)
			}
		}
		if n != len(s.Results)+len(s.Gone) {
			t.Errorf("%s: %d lines", name, n)
		}
	}
}

// TestHostile: nothing that a host says steers the terminal, or makes a line.
func TestHostile(t *testing.T) {
	text := sheettest.Written(t, Write, sheettest.Hostile())
	if i := strings.IndexAny(text, sheettest.Steers); i >= 0 {
		t.Errorf("lets %q through", text[max(0, i-20):i+4])
	}
}
