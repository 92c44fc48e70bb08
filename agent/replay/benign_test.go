package replay

import (
	"bytes"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/finding"
)

// expected are the rules that fire in a week that nothing is wrong with, and by what;
// docs/detections.md says more.
func expected() map[string]string {
	return map[string]string{
		"Account added":                 "medium: the package of PostgreSQL brings its user",
		"Many questions about the host": "low: an administrator looks around",
		"SSH key allowed to log in":     "high: a person adds a key of one's own, as it was told to",
	}
}

// TestBenign: the shortened records of scripts/benign make no other rule fire.
func TestBenign(t *testing.T) {
	packed, err := os.ReadFile("testdata/benign.gz")
	if err != nil {
		t.Fatal(err)
	}
	in, err := plainText(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	records, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := runCapture(records, detector(t, own(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Audit.Events < 3000 || r.Lines > 0 {
		t.Errorf("%d events, %d lines are no records", r.Audit.Events, r.Lines)
	}
	got := map[string]finding.Severity{}
	for i := range r.Detections {
		got[r.Detections[i].Title] = r.Detections[i].Severity
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(expected())), slices.Sorted(maps.Keys(got))); diff != "" || len(r.Detections) != len(got) {
		t.Errorf("%d detections: %s", len(r.Detections), diff)
	}
	for title, why := range expected() {
		if severity, _, _ := strings.Cut(why, ":"); got[title].String() != severity {
			t.Errorf("%s is %v, want %s", title, got[title], severity)
		}
	}
}
