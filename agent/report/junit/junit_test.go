package junit

import (
	"encoding/xml"
	"strings"
	"testing"

	"seawall/agent/report/sheet"
	"seawall/agent/report/sheettest"
	"seawall/pkg/finding"
)

func write(t *testing.T, s *sheet.Sheet) (string, suites) {
	t.Helper()
	text := sheettest.Written(t, Write, s)
	var back suites
	if err := xml.Unmarshal([]byte(text), &back); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return text, back
}

func TestGolden(t *testing.T) {
	text, _ := write(t, sheettest.Sheet())
	sheettest.Golden(t, "sheet.xml", []byte(text))
}

// TestCounts: what the attributes say is what stands there, and nothing that was not
// seen to be well is a plain case.
func TestCounts(t *testing.T) {
	for name, s := range map[string]*sheet.Sheet{"sheet": sheettest.Sheet(), "changes": sheettest.Compared(), "hostile": sheettest.Hostile(),
		"nothing": sheet.New(sheet.Sheet{})} {
		_, all := write(t, s)
		var tests, failures, errors, skipped int
		for _, u := range all.Suites {
			if u.Tests != len(u.Cases) {
				t.Errorf("%s: %s: %d of %d", name, u.Name, u.Tests, len(u.Cases))
			}
			for _, c := range u.Cases {
				tests++
				if c.Failure != nil {
					failures++
				}
				if c.Error != nil {
					errors++
				}
				if c.Skipped != nil {
					skipped++
				}
			}
		}
		if tests != len(s.Results) || all.Tests != tests || all.Failures != failures || all.Errors != errors || all.Skipped != skipped {
			t.Errorf("%s: %d tests, %d failures, %d errors, %d skipped; said %+v", name, tests, failures, errors, skipped, all)
		}
		passed := 0
		for _, r := range s.Results {
			if r.Status == finding.StatusPass {
				passed++
			}
		}
		if green := tests - failures - errors - skipped; green != passed {
			t.Errorf("%s: %d are green, %d passed", name, green, passed)
		}
	}
}

// TestHostile: nothing that a host says is markup, or steers the terminal.
func TestHostile(t *testing.T) {
	text, _ := write(t, sheettest.Hostile())
	if i := strings.IndexAny(text, sheettest.Steers); i >= 0 {
		t.Errorf("lets %q through", text[max(0, i-20):i+4])
	}
	if strings.Contains(text, "<script") {
		t.Error("markup of the host's")
	}
}
