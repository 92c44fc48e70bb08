package schematest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const schema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "t", "description": "d", "type": "object",
	"required": ["name"], "additionalProperties": false,
	"properties": {
		"name": {"type": "string", "pattern": "^[a-z]+$"}, "kind": {"type": ["string", "null"], "enum": ["a", "b"]}, "on": {"type": "boolean"},
		"list": {"type": "array", "items": {"type": "integer", "minimum": 0}}, "free": {"type": "object"}
	}
}`

// TestBreaches: each rule is one that can be broken, and says where it is.
func TestBreaches(t *testing.T) {
	file := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(file, []byte(schema), 0o600); err != nil {
		t.Fatal(err)
	}
	s := Read(t, file)
	for doc, want := range map[string][]string{
		`{"name": "x", "kind": "a", "on": true, "list": [0, 7], "free": {"any": []}}`: nil,
		`{"name": "x", "kind": null}`:         nil,
		`{}`:                                  {"v.name is missing"},
		`[]`:                                  {"v: []interface {}, want object"},
		`{"name": "X"}`:                       {`v.name: "X"`},
		`{"name": 1}`:                         {"v.name: float64, want string"},
		`{"name": "x", "kind": "c"}`:          {`v.kind: "c"`},
		`{"name": "x", "on": 1}`:              {"v.on: float64, want boolean"},
		`{"name": "x", "list": [0, -1, 1.5]}`: {"v.list[1]: -1", "v.list[2]: 1.5"},
		`{"name": "x", "other": 1}`:           {"v.other is not in the schema"},
	} {
		var v any
		if err := json.Unmarshal([]byte(doc), &v); err != nil {
			t.Fatal(err)
		}
		got := s.Breaches("v", v)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", doc, diff)
		}
	}
}

// TestUnknown: a schema with a key that is not understood checks nothing, so it is none.
func TestUnknown(t *testing.T) {
	if _, err := parse([]byte(`{"type": "array", "maxItems": 3}`)); err == nil || !strings.Contains(err.Error(), "maxItems") {
		t.Errorf("got %v", err)
	}
}
