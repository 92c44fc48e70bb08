package sarif

import (
	"encoding/json"
	"flag"
	"net/url"
	"slices"
	"strings"
	"testing"

	"seawall/collector/export/item"
	"seawall/collector/export/itemtest"
)

var _ = flag.Bool("update", false, "write the golden files")

// results are the items that are results that stand.
func results(all []item.Item) (out []item.Item) {
	for _, i := range all {
		if i.Result != nil && i.Event == 0 {
			out = append(out, i)
		}
	}
	return out
}

func TestGolden(t *testing.T) {
	line, err := Run("1.2.3", itemtest.Host, itemtest.Labels(), results(itemtest.Items()))
	if err != nil {
		t.Fatal(err)
	}
	itemtest.Golden(t, "run.json", append(line, '\n'))
}

// TestRules holds runs to what SARIF 2.1.0 demands of what is used of it: 3.27.9 and
// 3.27.10 (kinds and levels), 3.49.3 (rules are named once), 3.27.6 (the index is the
// rule's), 3.4.3 (URIs), 3.30.5 (lines from 1), 3.35 (suppressions).
func TestRules(t *testing.T) {
	for name, items := range map[string][]item.Item{"good": results(itemtest.Items()), "hostile": results(itemtest.Hostile()), "none": nil} {
		line, err := Run("1.2.3", itemtest.Host, itemtest.Labels(), items)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(string(line), itemtest.Steers) || strings.Contains(string(line), "\n") {
			t.Errorf("%s: the line steers what shows it", name)
		}
		var r run
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal([]byte(Head+string(line)+",\n"+string(line)+Tail), &doc); err != nil || doc["version"] != "2.1.0" || len(doc["runs"].([]any)) != 2 {
			t.Errorf("%s: no document: %v", name, err)
		}
		var ids []string
		for _, u := range r.Tool.Driver.Rules {
			ids = append(ids, u.ID)
			if !slices.Contains([]string{"error", "warning", "note"}, u.Default.Level) {
				t.Errorf("%s: rule %.20q has the level %q", name, u.ID, u.Default.Level)
			}
		}
		if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Errorf("%s: a rule is there twice", name)
		}
		if len(r.Results) != len(items) || r.Results == nil {
			t.Errorf("%s: %d results of %d", name, len(r.Results), len(items))
		}
		for k, s := range r.Results {
			if !slices.Contains([]string{"pass", "fail", "open", "notApplicable"}, s.Kind) || (s.Kind == "fail") == (s.Level == "none") {
				t.Errorf("%s: kind %q with level %q", name, s.Kind, s.Level)
			}
			if r.Tool.Driver.Rules[s.Index].ID != s.Rule || s.Message.Text == "" || s.Fingerprints["seawallFinding/v1"] != items[k].UID() && name == "good" {
				t.Errorf("%s: result %+v", name, s)
			}
			if waived := items[k].Result.Status.String() == "waived"; waived != (len(s.Suppressions) == 1) {
				t.Errorf("%s: %d suppressions", name, len(s.Suppressions))
			}
			for _, p := range s.Places {
				u, err := url.Parse(p.Physical.Artifact.URI)
				if err != nil || u.Scheme != "file" || !strings.HasPrefix(u.Path, "/") || p.Physical.Region != nil && p.Physical.Region.Line < 1 {
					t.Errorf("%s: place %+v", name, p)
				}
			}
		}
	}
}
