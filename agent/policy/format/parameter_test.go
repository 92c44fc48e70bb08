package format

import (
	"strings"
	"testing"
)

// TestSettle: a value takes the place of the check's own, whichever file comes first;
// what it cannot is a problem of its file, and changes nothing.
func TestSettle(t *testing.T) {
	for text, want := range map[string]string{
		"parameters: {door-lock: {days: 14}}":                           "",
		"parameters: {door-lokc: {days: 14}}":                           `mine.yaml:1:14: no check is called "door-lokc"; did you mean "door-lock"?`,
		"parameters: {door-lock: {weeks: 2}}":                           `mine.yaml:1:26: door-lock has no parameter "weeks"`,
		"parameters:\n  door-lock: {days: 14}\n  door-lock: {days: 15}": "days of door-lock is set already",
	} {
		for _, first := range []bool{true, false} {
			mine, theirs := Parse(Source{Name: "mine.yaml", Data: []byte(text)}), Parse(Source{Name: "x.yaml", Data: []byte(sample)})
			files := []*File{theirs, mine}
			if first {
				files = []*File{mine, theirs}
			}
			Settle(files, nil)
			got := theirs.Checks[0].Parameters[0].Value
			if want == "" && (got != 14 || mine.Problems != nil) {
				t.Errorf("%s: got %d, %v", text, got, mine.Problems)
			}
			if want != "" && (len(mine.Problems) != 1 || !strings.Contains(mine.Problems[0].Error(), want)) {
				t.Errorf("%s: got %v, want %s", text, mine.Problems, want)
			}
			if strings.HasPrefix(want, "mine") && got != 7 || theirs.Problems != nil {
				t.Errorf("%s: %d days, %v", text, got, theirs.Problems)
			}
		}
	}
}
