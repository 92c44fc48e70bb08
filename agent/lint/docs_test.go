package lint

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"seawall/agent/facts"
	"seawall/agent/policy"
	"seawall/agent/policy/checks"
	"seawall/agent/waiver"
)

// TestDocs: what the guide shows loads, and its examples hold.
func TestDocs(t *testing.T) {
	guide, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	pol, err := checks.Load(facts.Facts{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	examples := 0
	for _, b := range blocks {
		text := b[1]
		if strings.HasPrefix(text, "waivers:") {
			if _, err := waiver.Parse("guide", []byte(text), pol.Known(), time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
			continue
		}
		r, err := Files(facts.Facts{}, policy.Source{Name: "guide", Data: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range append(r.Problems, r.Failures...) {
			t.Errorf("%s\n%v", text, err)
		}
		examples += r.Examples
	}
	if len(blocks) < 5 || examples < 5 {
		t.Errorf("%d blocks, %d examples: the guide was not found", len(blocks), examples)
	}
}
