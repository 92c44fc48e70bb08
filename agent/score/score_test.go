package score

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"seawall/pkg/finding"
)

// parse makes results of lines such as "a fail high".
func parse(t *testing.T, text string) []finding.Result {
	t.Helper()
	var list []finding.Result
	for line := range strings.SplitSeq(text, ";") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var r finding.Result
		r.Check = f[0]
		if err := r.Status.UnmarshalText([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
		if err := r.Severity.UnmarshalText([]byte(f[2])); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Score
	}{
		{"", Score{}},
		{"a pass high; b fail high", Score{Known: true, Points: 50, Passed: Count{1, 8}, Failed: Count{1, 8}}},
		{"a pass high; b fail low", Score{Known: true, Points: 80, Passed: Count{1, 8}, Failed: Count{1, 2}}},
		{"a pass high; a fail high; a fail high; b pass high", Score{Known: true, Points: 50, Passed: Count{1, 8}, Failed: Count{1, 8}}},
		{"a fail low; a fail critical; b pass critical", Score{Known: true, Points: 50, Passed: Count{1, 16}, Failed: Count{1, 16}}},
		{"a pass high; a fail low; b pass low", Score{Known: true, Points: 50, Passed: Count{1, 2}, Failed: Count{1, 2}}},
		{"a fail low; a pass high; b pass low", Score{Known: true, Points: 50, Passed: Count{1, 2}, Failed: Count{1, 2}}},
		{"a error medium", Score{Known: true, Failed: Count{1, 4}}},
		{"a pass medium; a unknown medium", Score{NotEvaluated: Count{1, 4}}},
		{"a fail medium; a unknown medium", Score{Known: true, Failed: Count{1, 4}}},
		{"a waived medium; a pass medium", Score{Known: true, Points: 100, Passed: Count{1, 4}}},
		{"a waived medium; b not_applicable high", Score{Waived: Count{1, 4}, NotApplicable: Count{1, 8}}},
		{"a fail informational; b pass low", Score{Known: true, Points: 100, Passed: Count{1, 2}, Failed: Count{1, 0}}},
		{"a pass informational", Score{Passed: Count{1, 0}}},
	} {
		if diff := cmp.Diff(tt.want, Of(parse(t, tt.text))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.text, diff)
		}
	}
}

func TestString(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "no score: nothing that weighs was evaluated",
		"a pass low":                "score 100 of 100",
		"a pass low; b waived high": "score 100 of 100; waived: 1",
		"a pass low; b fail low; c unknown medium": "score 50 of 100, of 50 % of what applies; not evaluated: 1",
	} {
		if got := Of(parse(t, text)).String(); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// TestProperties: the order of results is nothing to the score; 100 means that
// nothing that weighs failed; a failure more never raises it.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		results := rapid.SliceOf(rapid.Custom(func(t *rapid.T) finding.Result {
			return finding.Result{
				Check:    rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "check"),
				Status:   finding.Status(rapid.IntRange(0, 6).Draw(t, "status")),
				Severity: finding.Severity(rapid.IntRange(0, 6).Draw(t, "severity")),
			}
		})).Draw(t, "results")
		s := Of(results)
		if s.Points < 0 || s.Points > 100 || s.Known && (s.Points == 100) != (s.Failed.Weight == 0) {
			t.Fatalf("%+v", s)
		}
		turned := slices.Clone(results)
		slices.Reverse(turned)
		if diff := cmp.Diff(s, Of(turned)); diff != "" {
			t.Fatal(diff)
		}
		worse := Of(append(slices.Clip(results), finding.Result{Check: "new", Status: finding.StatusFail, Severity: finding.SeverityHigh}))
		if s.Known && worse.Points > s.Points {
			t.Fatalf("%d, with one failure more %d", s.Points, worse.Points)
		}
	})
}
