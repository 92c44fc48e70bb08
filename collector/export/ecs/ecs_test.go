package ecs

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"seawall/collector/export/itemtest"
)

var _ = flag.Bool("update", false, "write the golden files")

func TestGolden(t *testing.T) {
	var b strings.Builder
	for _, i := range itemtest.Items() {
		line, err := Encode("1.2.3", i)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	itemtest.Golden(t, "items.jsonl", []byte(b.String()))
}

// flat returns the dotted names of what v has, without what is below "seawall".
func flat(prefix string, v map[string]any, into map[string]any) map[string]any {
	for k, x := range v {
		if inner, ok := x.(map[string]any); ok {
			if prefix+k != "seawall" {
				flat(prefix+k+".", inner, into)
			}
			continue
		}
		into[prefix+k] = x
	}
	return into
}

// TestFields: each field outside of "seawall" is one of ECS, and what must be there is.
func TestFields(t *testing.T) {
	data, err := os.ReadFile("testdata/fields.txt") // the field reference, those that we may use
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Fields(string(data))
	used := map[string]bool{}
	for _, i := range append(itemtest.Items(), itemtest.Hostile()...) {
		line, err := Encode("1.2.3", i)
		if err != nil {
			t.Fatal(err)
		}
		var d map[string]any
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		all := flat("", d, map[string]any{})
		for name := range all {
			used[name] = true
			if !slices.Contains(known, name) {
				t.Errorf("%s is no field of ECS", name)
			}
		}
		for _, name := range []string{"ecs.version", "event.kind", "event.category", "event.type", "event.dataset", "message"} {
			if all[name] == nil {
				t.Errorf("%s is missing in %s", name, line)
			}
		}
		for _, name := range []string{"event.category", "event.type", "related.hosts"} {
			if _, list := all[name].([]any); !list && all[name] != nil {
				t.Errorf("%s is no list", name)
			}
		}
	}
	for _, name := range known {
		if !used[name] {
			t.Errorf("%s is in the list and never written; written are %q", name, slices.Sorted(maps.Keys(used)))
		}
	}
}

// TestKinds: the words by which dashboards select.
func TestKinds(t *testing.T) {
	var got []string
	for _, i := range itemtest.Items() {
		line, err := Encode("1.2.3", i)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Event struct {
				Kind, Outcome, ID string
				Category          []string
			}
		}
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(d.Event.Kind+" "+d.Event.Category[0]+" "+d.Event.Outcome))
	}
	c, v := " configuration ", " vulnerability "
	want := []string{"state" + c + "success", "state" + c + "failure", "state" + c + "unknown", "state" + c + "unknown", "state" + c + "unknown", "state" + c + "failure",
		"event" + c + "failure", "event" + c + "success", "event" + c + "unknown", "event" + c + "failure", "event" + c + "success", "event" + c + "failure",
		"state" + v + "failure", "state" + v + "failure", "state" + v + "success", "alert intrusion_detection", "alert intrusion_detection"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestHostile(t *testing.T) {
	for _, i := range itemtest.Hostile() {
		line, err := Encode("1.2.3", i)
		if err != nil {
			t.Fatal(err)
		}
		if at := strings.IndexAny(string(line), itemtest.Steers+"\n"); at >= 0 {
			t.Errorf("lets %q through", line[max(0, at-20):at+4])
		}
	}
}
