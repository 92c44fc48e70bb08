package ocsf

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"seawall/collector/export/itemtest"
)

var _ = flag.Bool("update", false, "write the golden files")

func lines(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, i := range itemtest.Items() {
		line, err := Encode("1.2.3", i)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

func TestGolden(t *testing.T) { itemtest.Golden(t, "items.jsonl", []byte(lines(t))) }

// object is one object of the schema, transcribed from its files: each field with its
// type, which is an object's name or a scalar's, with [] for a list; a field that must be
// there ends in "!".
type object map[string]string

func schemaOf(t *testing.T) map[string]object {
	t.Helper()
	data, err := os.ReadFile("testdata/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]object
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// faults returns what of v is not as the schema has it.
func faults(schema map[string]object, where, kind string, v any) []string {
	if inner, ok := strings.CutPrefix(kind, "[]"); ok {
		list, ok := v.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is no list", where)}
		}
		var out []string
		for _, e := range list {
			out = append(out, faults(schema, where, inner, e)...)
		}
		return out
	}
	ok := true
	switch kind {
	case "string":
		_, ok = v.(string)
	case "integer", "timestamp":
		var n float64
		n, ok = v.(float64)
		ok = ok && (n >= 0)
	case "boolean":
		_, ok = v.(bool)
	case "any":
	default:
		return inObject(schema, where, kind, v)
	}
	if !ok {
		return []string{fmt.Sprintf("%s is %v, no %s", where, v, kind)}
	}
	return nil
}

func inObject(schema map[string]object, where, kind string, v any) []string {
	fields, known := schema[kind]
	in, ok := v.(map[string]any)
	if !known || !ok {
		return []string{fmt.Sprintf("%s is no object %s", where, kind)}
	}
	var out []string
	for name, of := range fields {
		if _, has := in[name]; strings.HasSuffix(of, "!") && !has {
			out = append(out, fmt.Sprintf("%s.%s is missing", where, name))
		}
	}
	for name, value := range in {
		of, has := fields[name]
		if !has {
			out = append(out, fmt.Sprintf("%s.%s is not in the schema's %s", where, name, kind))
			continue
		}
		out = append(out, faults(schema, where+"."+name, strings.TrimSuffix(of, "!"), value)...)
	}
	return out
}

// TestSchema holds each event, hostile ones included, against the schema's fields.
func TestSchema(t *testing.T) {
	schema := schemaOf(t)
	classes := map[float64]string{2002: "vulnerability_finding", 2003: "compliance_finding", 2004: "detection_finding"}
	seen := map[string]int{}
	for _, i := range append(itemtest.Items(), itemtest.Hostile()...) {
		line, err := Encode("1.2.3", i)
		if err != nil {
			t.Fatal(err)
		}
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		class := classes[e["class_uid"].(float64)]
		seen[class]++
		for _, f := range faults(schema, class, class, e) {
			t.Error(f)
		}
		if e["type_uid"] != e["class_uid"].(float64)*100+e["activity_id"].(float64) {
			t.Errorf("type %v of class %v, activity %v", e["type_uid"], e["class_uid"], e["activity_id"])
		}
		if !slices.Contains([]string{"New", "Suppressed", "Resolved"}, e["status"].(string)) {
			t.Errorf("status %v", e["status"])
		}
	}
	if seen["vulnerability_finding"] < 2 || seen["compliance_finding"] < 10 || seen["detection_finding"] < 4 {
		t.Errorf("classes: %v", seen)
	}
}

// TestSchemaFinds: the comparison with the schema would see a fault.
func TestSchemaFinds(t *testing.T) {
	schema := schemaOf(t)
	for _, bad := range []string{
		`{}`, `{"uid":"x","title":1}`, `{"uid":"x","title":"t","name":"no field"}`, `{"uid":"x","title":"t","types":"none"}`,
		`{"uid":"x","title":"t","analytic":{"type":"Rule"}}`,
	} {
		var v any
		if err := json.Unmarshal([]byte(bad), &v); err != nil {
			t.Fatal(err)
		}
		if len(faults(schema, "finding_info", "finding_info", v)) == 0 {
			t.Errorf("%s is taken", bad)
		}
	}
}

// TestLife: what a reader makes of activity and status, in the order of the items.
func TestLife(t *testing.T) {
	var got []string
	for line := range strings.Lines(lines(t)) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e.ActivityName+" "+e.StatusName+" "+e.SeverityName)
	}
	want := []string{
		"Create Resolved Informational", "Create New Critical", "Create Resolved Informational", "Create New Critical", "Create New Critical", "Create Suppressed Critical",
		"Create New Critical", "Close Resolved Informational", "Update New Critical", "Update Suppressed Critical", "Close Resolved Informational", "Create New Critical",
		"Create New High", "Create New High", "Create Resolved Informational", "Create New High", "Close New High",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// TestHostile: nothing that a host says steers a terminal, or makes a line.
func TestHostile(t *testing.T) {
	for _, i := range itemtest.Hostile() {
		line, err := Encode("1.2.3", i)
		if err != nil {
			t.Fatal(err)
		}
		if at := strings.IndexAny(string(line), itemtest.Steers+"\n"); at >= 0 {
			t.Errorf("lets %q through", line[max(0, at-20):at+4])
		}
		if len(line) > 300_000 {
			t.Errorf("%d bytes", len(line))
		}
	}
}
