package sarif

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"seawall/agent/report/sheet"
	"seawall/agent/report/sheettest"
)

// document is what SARIF's schema demands of a file, and what readers of it use.
type document struct {
	Schema  string `json:"$schema"`
	Version string
	Runs    []struct {
		Tool struct {
			Driver struct {
				Name  string
				Rules []rule
			}
		}
		Results []result
	}
}

func write(t *testing.T, s *sheet.Sheet) (string, document) {
	t.Helper()
	text := sheettest.Written(t, Write, s)
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return text, d
}

func TestGolden(t *testing.T) {
	for name, s := range map[string]*sheet.Sheet{"sheet.sarif": sheettest.Sheet(), "changes.sarif": sheettest.Compared()} {
		text, _ := write(t, s)
		sheettest.Golden(t, name, []byte(text))
	}
}

// TestValid holds every look against the rules of the standard that no golden file
// shows: indices that fit, levels only of failures, words that the standard knows.
func TestValid(t *testing.T) {
	for name, s := range map[string]*sheet.Sheet{"sheet": sheettest.Sheet(), "changes": sheettest.Compared(), "hostile": sheettest.Hostile(),
		"nothing": sheet.New(sheet.Sheet{})} {
		_, d := write(t, s)
		if d.Version != "2.1.0" || d.Schema == "" || len(d.Runs) != 1 || d.Runs[0].Tool.Driver.Name == "" || d.Runs[0].Results == nil ||
			d.Runs[0].Tool.Driver.Rules == nil {
			t.Errorf("%s: %+v", name, d)
		}
		rules := d.Runs[0].Tool.Driver.Rules
		if got, want := len(d.Runs[0].Results), len(s.Results)+len(s.Gone); got != want {
			t.Errorf("%s: %d results of %d", name, got, want)
		}
		for _, r := range d.Runs[0].Results {
			if r.Index >= len(rules) || rules[r.Index].ID != r.Rule {
				t.Errorf("%s: %s is not rule %d", name, r.Rule, r.Index)
			}
			if !slices.Contains([]string{"pass", "fail", "open", "notApplicable"}, r.Kind) || (r.Level != "none") != (r.Kind == "fail") {
				t.Errorf("%s: %s is %s, level %s", name, r.Rule, r.Kind, r.Level)
			}
			if r.Message.Text == "" || len(r.Locations) != 1 {
				t.Errorf("%s: %+v", name, r)
			}
			if p := r.Locations[0].Physical; p != nil {
				if u, err := url.Parse(p.Artifact.URI); err != nil || strings.HasPrefix(u.Path, "/") || strings.ContainsAny(p.Artifact.URI, " \n<>\"") {
					t.Errorf("%s: URI %q: %v", name, p.Artifact.URI, err)
				}
			}
		}
	}
}

// TestHostile: nothing that a host says steers the terminal.
func TestHostile(t *testing.T) {
	text, _ := write(t, sheettest.Hostile())
	if i := strings.IndexAny(text, sheettest.Steers); i >= 0 {
		t.Errorf("lets %q through", text[max(0, i-20):i+4])
	}
}
