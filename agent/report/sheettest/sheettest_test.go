package sheettest

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"seawall/agent/report/sheet"
	"seawall/pkg/finding"
)

// TestSheet: the looks have what the tests of formats rely on.
func TestSheet(t *testing.T) {
	seen := map[finding.Status]bool{}
	for _, r := range Sheet().Results {
		seen[r.Status] = true
		if Sheet().Info(r.Check).Title == "" {
			t.Errorf("%s has no text", r.Check)
		}
	}
	for _, s := range []finding.Status{finding.StatusPass, finding.StatusFail, finding.StatusUnknown, finding.StatusNotApplicable,
		finding.StatusError, finding.StatusWaived} {
		if !seen[s] {
			t.Errorf("no result is %s", s)
		}
	}
	if s := Compared(); len(s.Gone) == 0 || len(s.Results) == len(Sheet().Results) {
		t.Errorf("%d results and %d that are gone: nothing changed", len(s.Results), len(s.Gone))
	}
}

// TestHostile: whatever Evil may bring about is looked for, and every text of the look has it.
func TestHostile(t *testing.T) {
	for _, c := range Steers {
		if !strings.ContainsRune(Evil, c) {
			t.Errorf("Evil has no %q", c)
		}
	}
	s := Hostile()
	for _, text := range []string{s.Host.Name, s.Results[0].Actual, s.Results[0].Evidence[0].File, s.Results[0].Cause.Command} {
		if !strings.Contains(text, Evil) {
			t.Errorf("%q is harmless", text)
		}
	}
	got := Written(t, func(w io.Writer, s *sheet.Sheet) error {
		_, err := io.Copy(w, bytes.NewReader([]byte(s.Host.Name)))
		return err
	}, s)
	if got != Evil {
		t.Errorf("written is %q", got)
	}
}
