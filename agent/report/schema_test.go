package report

import (
	"bytes"
	"encoding/json"
	"testing"

	"seawall/agent/report/sheet"
	"seawall/agent/report/sheettest"
	"seawall/pkg/finding"
	"seawall/pkg/schematest"
)

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
	s := schematest.Read(t, "../../docs/check.schema.json")
	narrowed := sheettest.Sheet()
	narrowed.Only(finding.SeverityHigh)
	for name, look := range map[string]*sheet.Sheet{"sheet": sheettest.Sheet(), "changes": sheettest.Compared(), "hostile": sheettest.Hostile(),
		"narrowed": narrowed, "nothing": sheet.New(sheet.Sheet{Time: sheettest.At()})} {
		for _, breach := range s.Breaches(name, encode(t, look)) {
			t.Error(breach)
		}
	}
}

// TestSchemaRefuses: the schema is one that can be broken.
func TestSchemaRefuses(t *testing.T) {
	s := schematest.Read(t, "../../docs/check.schema.json")
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
		if bad := s.Breaches("", v); bad != nil {
			t.Fatal(bad)
		}
		change(v)
		if s.Breaches("", v) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
