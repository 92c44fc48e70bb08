package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"

	"seawall/agent/facts"
	"seawall/agent/policy"
	"seawall/agent/policy/checks"
	"seawall/pkg/finding"
)

// kind has a field of each sort that facts have.
type kind struct {
	Name   string            `json:"name"`
	Number int               `json:"number"`
	Mode   uint32            `json:"mode"`
	Yes    bool              `json:"yes"`
	At     time.Time         `json:"at"`
	Took   time.Duration     `json:"took"`
	Level  finding.Severity  `json:"level"`
	List   []part            `json:"list"`
	Pair   [2]int            `json:"pair"`
	Table  map[string]part   `json:"table"`
	Words  map[string]string `json:"words"`
	Far    *part             `json:"far"`
	inner                    // its fields are kind's
	hidden int
}

type (
	part  struct{ A, B int }
	inner struct {
		Deep string `json:"deep"`
	}
)

func read(t *testing.T, text string) (kind, []error) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	k := kind{hidden: 1}
	d := &decoder{file: "f"}
	d.decode(reflect.ValueOf(&k).Elem(), doc.Content[0])
	return k, d.problems
}

func TestDecode(t *testing.T) {
	got, problems := read(t, `{name: n, number: -3, mode: 0o640, yes: true, at: 2026-11-22T12:00:00Z, took: 90s, level: high, pair: [1, 2],
  words: {a: b}, deep: d, list: [], table: {x: {}}, far: {}}`)
	want := kind{Name: "n", Number: -3, Mode: 0o640, Yes: true, At: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Took: 90 * time.Second,
		Level: finding.SeverityHigh, Pair: [2]int{1, 2}, Words: map[string]string{"a": "b"}, inner: inner{"d"}, List: []part{},
		Table: map[string]part{"x": {}}, Far: &part{}, hidden: 1}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(kind{})); diff != "" || problems != nil {
		t.Errorf("(-want +got)\n%s%v", diff, problems)
	}
}

func TestDecodeProblems(t *testing.T) {
	for text, want := range map[string]string{
		"{nmae: x}":                      `f:1:2: lint.kind have no field "nmae"; did you mean "name"?`,
		"{hidden: 1}":                    `no field "hidden"`,
		"{number: many}":                 `f:1:10: "many" is no int`,
		"{number: 1.5}":                  "is no int",
		"{number: 99999999999999999999}": "is no int",
		"{mode: -1}":                     "is no uint32",
		"{yes: 1}":                       "is no bool",
		"{level: worst}":                 "is no finding.Severity",
		"{took: soon}":                   "is no time.Duration",
		"{name: [a]}":                    "want a value",
		"{name: null}":                   "want a value",
		"{list: a}":                      "want a list",
		"{pair: [1, 2, 3]}":              "more than 2 elements",
		"{words: [a]}":                   "want fields as",
		"{table: {x: 1}}":                "want fields as",
		"a":                              "want fields as",
		"{name: &a x, deep: *a}":         "an alias",
	} {
		if _, problems := read(t, text); len(problems) != 1 || !strings.Contains(problems[0].Error(), want) {
			t.Errorf("%s: got %v, want %s", text, problems, want)
		}
	}
}

// TestBaseline: what is built in lints as it stands, each file in place of itself.
func TestBaseline(t *testing.T) {
	sources, err := checks.Sources()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Files(facts.Facts{}, policy.Source{Name: "ssh.yaml", Data: sources[len(sources)-1].Data})
	if err != nil || r.Rules == 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, p := range r.Problems {
		t.Error(p)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yaml", "a.yaml", ".c.yaml", "d.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(dir, filepath.Join(dir, "d.txt"))
	var names []string
	for _, s := range got {
		names = append(names, filepath.Base(s.Name)+"="+string(s.Data))
	}
	if fmt.Sprint(names) != "[a.yaml=a.yaml b.yaml=b.yaml d.txt=d.txt]" || err != nil {
		t.Errorf("got %v, %v", names, err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "e.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "e.yaml") {
		t.Errorf("got %v", err)
	}
}

func FuzzFacts(f *testing.F) {
	for _, s := range []string{"{system: {id: x, meta: {state: absent}}}", "{sshd: {connections: [{settings: {a: {values: [1]}}}]}}", "{patch: 1}", "[*a]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) == 0 {
			return
		}
		var got facts.Facts
		d := &decoder{file: "f"}
		d.decode(reflect.ValueOf(&got).Elem(), doc.Content[0])
		for _, err := range d.problems {
			if e, ok := err.(*policy.Error); !ok || e.Line < 1 {
				t.Fatalf("problem without a place: %v", err)
			}
		}
	})
}
