package format

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// doors are two families of checks.
const doors = `family: door
checks:
  - {id: door-lock, title: t, severity: high, rationale: r, needs: [door], pass: p, actual: a, expected: e, remediation: f,
     escalate: [{if: c, severity: critical}]}
  - {id: door-bell, title: t, severity: low, rationale: r, needs: [door], pass: p, actual: a, expected: e, remediation: f, profiles: [cis-1]}
`

const lamps = `family: lamp
checks:
  - {id: lamp-on, title: t, severity: low, rationale: r, needs: [lamp], pass: p, actual: a, expected: e, remediation: f, profiles: [mine, image]}
`

// settled settles doors, lamps and one more file for a host with tags, and says of
// each check what came of it.
func settled(text string, tags ...string) (string, []error) {
	files := []*File{Parse(Source{Name: "mine.yaml", Data: []byte(text)})}
	for _, s := range []string{doors, lamps} {
		files = append(files, Parse(Source{Name: "x.yaml", Data: []byte(s)}))
	}
	Settle(files, tags)
	var lines []string
	var problems []error
	for _, f := range files {
		problems = append(problems, f.Problems...)
		for _, c := range f.Checks {
			var in []string
			for _, p := range c.Profiles {
				in = append(in, p.Text)
			}
			lines = append(lines, fmt.Sprint(c.Info.ID, " ", c.Info.Severity, len(c.Cases), " ", c.Disabled, in))
		}
	}
	return strings.Join(lines, "\n"), problems
}

func TestOverrides(t *testing.T) {
	const profile = "profile: {name: mine}\n"
	for _, tt := range []struct{ text, tags, want string }{
		{"", "", "door-lock high 1 [baseline]"},
		{"overrides: [{check: door-lock, disable: true, reason: ours is a gate}]", "", "door-lock high 1 mine.yaml:2: ours is a gate"},
		{"overrides: [{check: door-lock, severity: low, reason: r}]", "", "door-lock low 0 [baseline]"},
		{"overrides: [{check: door, severity: medium, reason: r}]", "", "door-bell medium 0 [cis-1 cis-2]"},
		{"overrides: [{check: door, severity: medium, reason: r}, {check: door-bell, severity: high, reason: r}]", "", "door-bell high 0 "},
		{"overrides: [{check: door, severity: medium, reason: r}, {check: door, severity: high, reason: r}]", "", "door-bell medium 0 "},
		{"overrides: [{check: door, severity: medium, hosts: [web, db], reason: r}]", "db", "door-bell medium 0 "},
		{"overrides: [{check: door, severity: medium, hosts: [web, db], reason: r}]", "mail", "door-bell low 0 "},
		{"overrides: [{check: door, severity: medium, hosts: ['!web'], reason: r}]", "web", "door-bell low 0 "},
		{"overrides: [{check: door, severity: medium, hosts: ['!web'], reason: r}]", "", "door-bell medium 0 "},
	} {
		got, problems := settled(profile+tt.text, strings.Fields(tt.tags)...)
		if !strings.Contains(got, tt.want) || problems != nil {
			t.Errorf("%s on %q\ngot  %s\n%v\nwant %s", tt.text, tt.tags, got, problems, tt.want)
		}
	}
}

func TestProfiles(t *testing.T) {
	for text, want := range map[string]string{
		"profile: {name: mine}":                                                         "lamp-on",
		"profile: {name: mine, checks: [door]}":                                         "door-bell door-lock lamp-on",
		"profile: {name: mine, checks: [door-bell]}":                                    "door-bell lamp-on",
		"profile: {name: mine, include: [baseline]}":                                    "door-lock lamp-on",
		"profile: {name: mine, include: [baseline, cis-2], exclude: [door-lock]}":       "door-bell lamp-on",
		"profile: {name: mine, include: [cis-2], exclude: [door], checks: [door-bell]}": "door-bell lamp-on",
	} {
		got, problems := settled(text)
		var in []string
		for line := range strings.Lines(got) {
			if strings.Contains(line, "mine") {
				id, _, _ := strings.Cut(line, " ")
				in = append(in, id)
			}
		}
		slices.Sort(in)
		if strings.Join(in, " ") != want || problems != nil {
			t.Errorf("%s: got %v, %v, want %s", text, in, problems, want)
		}
	}
}

// TestSettleProblems: what is wrong is said where it stands, with what was meant.
func TestSettleProblems(t *testing.T) {
	const profile = "profile: {name: mine}\n"
	for text, want := range map[string]string{
		profile + "overrides: [{check: door-lokc, disable: true, reason: r}]":        `mine.yaml:2:21: no check or family is called "door-lokc"; did you mean "door-lock"?`,
		profile + "overrides: [{check: door, reason: r}]":                            "mine.yaml:2:13: an override has disable: true, or severity",
		profile + "overrides: [{check: door, disable: true}]":                        "reason is missing",
		profile + "overrides: [{check: door, disable: true, reason: ''}]":            "is empty",
		profile + "overrides: [{check: door, severity: none, reason: r}]":            "severity",
		profile + "overrides: [{check: door, disable: true, reason: r, hosts: [A]}]": `"A" is no tag`,
		profile + "overrides: [{chekc: door, disable: true, reason: r}]":             `unknown key "chekc"; did you mean "check"?`,
		"overrides: []":                             `no profile is called "mine"`,
		"profile: {name: cis-1}":                    `profile "cis-1" is built in`,
		"profile: {name: all}":                      `profile "all" is built in`,
		"profile: {name: My own}":                   "is no name of a profile",
		"profile: {checks: [door]}":                 "name is missing",
		"profile: {name: mine, include: [basline]}": `no profile is called "basline"; did you mean "baseline"?`,
		"profile: {name: mine, include: [mine]}":    `profile "mine" includes itself`,
		"profile: {name: mine, checks: [dor]}":      `no check or family is called "dor"; did you mean "door"?`,
		doors + profile:                             "check door-lock stands in mine.yaml:3 already",
	} {
		_, problems := settled(text)
		if !strings.Contains(fmt.Sprint(problems), want) {
			t.Errorf("%s\ngot  %v\nwant %s", text, problems, want)
		}
	}
}

func TestExamples(t *testing.T) {
	text := strings.Replace(sample, "    evidence:", "    examples:\n      - {name: n, facts: {door: {x: 1}}, want: fail, actual: a}\n      - {name: o, want: not_applicable}\n    evidence:", 1)
	f := Parse(Source{Name: "x.yaml", Data: []byte(text)})
	if f.Problems != nil || len(f.Checks[0].Examples) != 2 {
		t.Fatalf("got %+v, %v", f.Checks, f.Problems)
	}
	first, second := f.Checks[0].Examples[0], f.Checks[0].Examples[1]
	if first.Name.Text != "n" || first.Facts == nil || first.Want.String() != "fail" || first.Actual.Text != "a" || second.Facts != nil || second.Actual.Given() {
		t.Errorf("got %+v, %+v", first, second)
	}
	if f := Parse(Source{Name: "x.yaml", Data: []byte(text), Trusted: true}); f.Problems != nil || f.Checks[0].Examples != nil {
		t.Errorf("a trusted source has examples: %v", f.Problems)
	}
	f = Parse(Source{Name: "x.yaml", Data: []byte(strings.Replace(text, "want: fail", "want: waived", 1))})
	if len(f.Problems) != 1 || !strings.Contains(f.Problems[0].Error(), `status "waived" is none of`) {
		t.Errorf("got %v", f.Problems)
	}
}
