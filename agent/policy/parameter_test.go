package policy

import (
	"strings"
	"testing"
	"time"

	"seawall/pkg/finding"
)

// TestGroupSince: what belongs together, and since when it is so, come from the
// facts; what is no time is an error and never a time.
func TestGroupSince(t *testing.T) {
	h := house{Door: doorFacts{Meta: known, Color: "openssl", Names: map[string]string{
		"zulu": "2026-11-10T04:05:06Z", "east": "2026-11-10T04:05:06+02:00", "none": "", "odd": "yesterday", "old": "1969-12-31T23:59:59Z"}}}
	for name, want := range map[string]string{
		"zulu": "pass openssl 2026-11-10T04:05:06Z", "east": "pass openssl 2026-11-10T02:05:06Z", "none": "pass openssl 0001-01-01T00:00:00Z",
		"odd":  `error openssl 0001-01-01T00:00:00Z since: parsing time "yesterday"`,
		"old":  "error openssl 0001-01-01T00:00:00Z since: 1969-12-31T23:59:59Z is not within 1970 and 2200",
		"gone": "error openssl 0001-01-01T00:00:00Z since: no such key",
	} {
		r := evaluate(t, `group: ${door.color}`+"\n"+`since: door.names["`+name+`"]`, h)[0]
		got := r.Status.String() + " " + r.Group + " " + r.Since.Format(time.RFC3339)
		if r.Status == finding.StatusError {
			got += " " + r.Actual
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: got  %s\nwant %s", name, got, want)
		}
	}
	h.Door.Color = strings.Repeat("ä", finding.MaxGroup)
	if r := evaluate(t, "group: ${door.color}", h)[0]; len(r.Group) > finding.MaxGroup || r.Group == "" {
		t.Errorf("a group of %d bytes", len(r.Group))
	}
}

func TestSound(t *testing.T) {
	body := `sound: {if: door.color == "red", else: "jammed: ${door.color}"}` + "\npass: 'true'\nexpected: red"
	for color, want := range map[string]string{"red": "pass[] medium: a (want red)", "blue": "error[] medium: jammed: blue (want red)"} {
		if got := brief(evaluate(t, body, house{Door: doorFacts{Meta: known, Color: color}})); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// turns is a check with a parameter, which every kind of expression sees.
const turns = `parameters: {least: 2}
known: {if: least > 0, else: "${least}"}
over: door.locks
let: {short: least - it.turns}
pass: short <= 0
actual: ${it.turns}
expected: ${least} or more
evidence: ['at("", 0, string(least))']
`

func TestParameters(t *testing.T) {
	h := house{Door: doorFacts{Meta: known, Locks: []lock{{Turns: 3}, {Turns: 2}}}}
	set := func(text string) []Source {
		return []Source{{Name: "mine.yaml", Data: []byte(text)}, one(turns)}
	}
	for _, tt := range []struct{ text, want string }{
		{"parameters: {}", "pass[] medium: 3 (want 2 or more) @:0 2"},
		{"parameters: {door-test: {least: 3}}", "fail[] medium: 2 (want 3 or more) @:0 3"},
		{"parameters: {door-test: {least: 0}}", "unknown[] medium: 0 (want )"}, // its expected text is no literal
	} {
		p, err := Load(house{}, set(tt.text)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := brief(p.Evaluate(&h, time.Time{})); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.text, got, tt.want)
		}
	}
	p, err := Load(house{}, set("parameters: {door-test: {least: 3}}")...)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Checks()[0].Parameters; len(got) != 1 || got[0] != "least: 3" {
		t.Errorf("got %q", got)
	}
	for _, tt := range []struct{ text, want string }{
		{"parameters: {door-tset: {least: 3}}", `mine.yaml:1:14: no check is called "door-tset"; did you mean "door-test"?`},
		{"parameters: {door-test: {most: 3}}", `mine.yaml:1:26: door-test has no parameter "most"`},
		{"parameters: {door-test: {least: 3, least: 4}}", "least of door-test is set already"},
		{"parameters: {door-test: {least: -1}}", "is not a whole number up to 1000000000"},
		{"parameters: {door-test: {least: 2.5}}", "is not a whole number"},
		{"parameters: {door-test: {least: [1]}}", "want a value"},
		{"parameters: {door-test: 1}", "want a mapping of at most"},
		{"parameters: 1", "want a mapping of at most"},
		{"parameters: {}\nfamily: door", "checks is missing"},
	} {
		if _, err := Load(house{}, set(tt.text)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
	for _, tt := range []struct{ body, want string }{
		{"parameters: {door: 1}", `"door" is no name, or taken`},
		{"parameters: {A: 1}", `"A" is no name, or taken`},
		{"parameters: {n: 1}\nlet: {n: 1 + 1}", `"n" is no name, or taken`},
		{"parameters: {n: x}", "is not a whole number"},
		{"since: 1 + 1", "is of type int, want string"},
		{"group: ${door.locks}", "want string"},
		{"sound: true", "want a mapping"},
	} {
		if _, err := Load(house{}, one(tt.body)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\ngot  %v\nwant %s", tt.body, err, tt.want)
		}
	}
}
