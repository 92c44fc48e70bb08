package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The walk through the dashboard shows each picture that there is, and no other.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/dashboard.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, m := range regexp.MustCompile(`\]\(pictures/([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
		shown = append(shown, m[1])
	}
	slices.Sort(shown)
	var there []string
	files, err := filepath.Glob("../../docs/pictures/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		there = append(there, filepath.Base(f))
	}
	if d := cmp.Diff(there, shown); d != "" {
		t.Errorf("pictures (-there +shown):\n%s", d)
	}
}
