package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"seawall/agent/look"
	"seawall/agent/report/words"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// lines writes a table and returns its lines.
func lines(t testing.TB, results []finding.Result, checks []finding.CheckInfo, opt Options) []string {
	t.Helper()
	var b bytes.Buffer
	if err := Table(&b, of(results, checks), opt); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// long has in every field more than a line holds.
func long() ([]finding.Result, []finding.CheckInfo) {
	words := strings.TrimSpace(strings.Repeat("words that go on ", 20))
	command := "echo '" + strings.Repeat("x", 150) + "' > /etc/f"
	checks := []finding.CheckInfo{
		{ID: "a-fail", Family: "a", Title: "T", Remediation: "# " + words + "\n" + command},
		{ID: "a-one", Family: "a", Title: words}, {ID: "a-two", Family: "a", Title: words},
		{ID: "a-pass", Family: "a", Title: "T"},
	}
	return []finding.Result{
		{Check: "a-fail", Status: finding.StatusFail, Severity: finding.SeverityHigh, Resource: words, Actual: words, Expected: words,
			Cause: cause(), Evidence: []finding.Evidence{{Text: words}, {File: "/etc/" + strings.Repeat("d/", 60), Line: 7, Text: words}}},
		{Check: "a-one", Status: finding.StatusUnknown, Actual: words},
		{Check: "a-two", Status: finding.StatusUnknown, Actual: words},
		{Check: "a-pass", Status: finding.StatusPass, Actual: words},
	}, checks
}

// TestWidth: all but commands and places fits the terminal, coloured or not, and
// nothing of it is lost.
func TestWidth(t *testing.T) {
	results, checks := long()
	for _, width := range []int{60, 80, 120, 200} {
		for _, color := range []bool{false, true} {
			all := lines(t, results, checks, Options{Width: width, Color: color})
			for _, line := range all {
				plain := line
				for _, c := range []string{"0", string(look.Bold), string(look.Dim), string(look.Red), string(look.Green), string(look.Yellow), string(look.Cyan)} {
					plain = strings.ReplaceAll(plain, "\x1b["+c+"m", "")
				}
				free := strings.Contains(plain, "xxxx") || strings.Contains(plain, "d/d/d/")
				if n := utf8.RuneCountInString(plain); n > width && !free {
					t.Errorf("%d columns: line of %d: %s", width, n, plain)
				}
			}
		}
		joined := strings.Join(strings.Fields(strings.Join(lines(t, results, checks, Options{Width: width}), " ")), " ")
		for _, want := range []string{results[0].Actual, results[1].Actual} {
			if !strings.Contains(joined, want) {
				t.Errorf("%d columns: a value is not whole", width)
			}
		}
	}
	// A file or a pipe gets each value on one line.
	want := "        actual   " + results[0].Actual
	if all := strings.Join(lines(t, results, checks, Options{}), "\n"); !strings.Contains(all, want+"\n") || strings.Contains(all, "…") {
		t.Errorf("without a width:\n%s", all)
	}
}

// TestChangeWidth: a change that does not fit its line goes on below it.
func TestChangeWidth(t *testing.T) {
	results, _ := long()
	results[0].Check, results[0].Resource, results[0].Evidence = "a-fail", "", nil
	for _, width := range []int{60, 80, 120} {
		var b bytes.Buffer
		if err := Change(&b, time.Now(), finding.Change{Result: results[0]}, Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
			if n := utf8.RuneCountInString(line); n > width || i > 0 && !strings.HasPrefix(line, "          ") {
				t.Errorf("%d columns: line %d of %d: %q", width, i, n, line)
			}
		}
		whole := strings.Join(strings.Fields(b.String()), " ")
		for _, want := range []string{results[0].Actual, results[0].Expected, words.Cause(results[0].Cause)} {
			if !strings.Contains(whole, want) {
				t.Errorf("%d columns: lacks %q:\n%s", width, want, b.String())
			}
		}
	}
}

// TestNarrow: no width makes it fail.
func TestNarrow(t *testing.T) {
	results, checks := long()
	for width := -1; width < 45; width++ {
		if got := lines(t, results, checks, Options{Width: width}); len(got) < 10 {
			t.Errorf("%d columns: %q", width, got)
		}
	}
}

// TestComments: a comment that is broken stays one.
func TestComments(t *testing.T) {
	results, checks := long()
	inFix, comments := false, 0
	for _, line := range lines(t, results, checks, Options{Width: 60}) {
		inFix = (inFix || strings.HasPrefix(line, "        fix")) && line != ""
		if inFix && len(line) > 17 && !strings.HasPrefix(line[17:], "# ") && !strings.HasPrefix(line[17:], "echo '") {
			t.Errorf("neither comment nor command: %q", line)
		}
		if inFix && strings.Contains(line, "# ") {
			comments++
		}
	}
	if comments < 5 {
		t.Errorf("%d lines of comment", comments)
	}
}

func TestSummary(t *testing.T) {
	r := func(check string, s finding.Status, severity finding.Severity) finding.Result {
		return finding.Result{Check: check, Status: s, Severity: severity}
	}
	fail, high, low := finding.StatusFail, finding.SeverityHigh, finding.SeverityLow
	for want, list := range map[string][]finding.Result{
		"0 checks: nothing was checked":                   nil,
		"1 check: 1 passed":                               {r("a", finding.StatusPass, high)},
		"1 check, 2 results: 2 failed (1 high, 1 low)":    {r("a", fail, high), r("a", fail, low)},
		"2 checks: 1 failed (1 low), 1 unknown":           {r("a", fail, low), r("b", finding.StatusUnknown, high)},
		"3 checks: 1 error, 1 waived, 1 not applicable":   {r("a", finding.StatusError, 0), r("b", finding.StatusWaived, 0), r("c", finding.StatusNotApplicable, 0)},
		"1 check: 1 failed (1 critical)":                  {r("a", fail, finding.SeverityCritical)},
		"2 checks: 2 failed (1 informational, 1 unknown)": {r("a", fail, 0), r("b", fail, finding.SeverityInformational)},
	} {
		if got := of(list, nil).Summary(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestOrder: the worst comes first, in whatever order results come.
func TestOrder(t *testing.T) {
	results, checks := sample()
	want := strings.Join(lines(t, results, checks, Options{}), "\n")
	for i := range results {
		turned := append(append([]finding.Result(nil), results[i:]...), results[:i]...)
		if got := strings.Join(lines(t, turned, checks, Options{}), "\n"); got != want {
			t.Errorf("turned by %d:\n%s", i, got)
		}
	}
	at := 0
	for _, heading := range []string{"patch  ", "ssh  ", "audit  "} {
		i := strings.Index("\n"+want, "\n"+heading)
		if i < at {
			t.Errorf("%q stands at %d, after %d", heading, i, at)
		}
		at = i
	}
}

// TestUnknownCheck: a result whose check has no text is shown as well.
func TestUnknownCheck(t *testing.T) {
	all := strings.Join(lines(t, []finding.Result{{Check: "own-thing", Status: finding.StatusFail, Actual: "a"}, {Check: "own-other", Status: 99}}, nil, Options{}), "\n")
	for _, want := range []string{"own  ", "FAIL unknown  own-thing", "STATUS(99)  own-other"} {
		if !strings.Contains(all, want) {
			t.Errorf("lacks %q:\n%s", want, all)
		}
	}
}

func hostileSeeds() []string {
	return []string{"", "a\nFAIL high  x", "\x1b[2J\a", "\u202e\u009b2J", "\xff\xfe", "a\tb\r\n\n", "\n\n1 check: 1 passed", strings.Repeat("w ", 300)}
}

// FuzzTable: whatever a host says stands inside its finding: no line of it begins
// where headings and the summary do, and nothing steers the terminal.
func FuzzTable(f *testing.F) {
	for i, s := range hostileSeeds() {
		f.Add(s, s, i*20, byte(i))
	}
	f.Fuzz(func(t *testing.T, a, b string, width int, status byte) {
		r := finding.Result{Check: "ssh-x", Resource: a, Status: finding.Status(status % 7), Actual: b, Expected: a,
			Evidence: []finding.Evidence{{File: a, Line: 3, Text: b}, {Text: a}}, Cause: &finding.Cause{Command: a, Path: b}}
		two := r
		two.Resource += "x"
		for _, list := range [][]finding.Result{{r}, {r, two}} {
			all := lines(t, list, []finding.CheckInfo{{ID: "ssh-x", Family: "ssh", Remediation: "fix"}}, Options{Width: width % 300})
			for i, line := range all {
				if text.Terminal(line) != line {
					t.Errorf("line %d steers: %q", i, line)
				}
				if i > 0 && i < len(all)-1 && line != "" && !strings.HasPrefix(line, "  ") {
					t.Errorf("line %d is forged: %q", i, line)
				}
			}
		}
	})
}

// FuzzJSON: JSON says what it was given, and steers no terminal.
func FuzzJSON(f *testing.F) {
	for _, s := range hostileSeeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := Line(&b, map[string]string{"v": s}); err != nil {
			t.Fatal(err)
		}
		line := strings.TrimSuffix(b.String(), "\n")
		if text.Terminal(line) != line {
			t.Errorf("%q steers", line)
		}
		var back map[string]string
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back["v"] != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("%q came back as %q, %v", s, back["v"], err)
		}
	})
}

// TestSeeds: the fuzz targets begin with what would forge and steer.
func TestSeeds(t *testing.T) {
	all := strings.Join(hostileSeeds(), "")
	for _, want := range []string{"\n", "\x1b", "\u202e", "\xff", "\r", "\t"} {
		if !strings.Contains(all, want) {
			t.Errorf("no seed has %q", want)
		}
	}
}
