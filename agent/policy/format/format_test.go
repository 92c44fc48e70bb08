package format

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/finding"
)

const sample = `family: door
checks:
  - id: door-lock
    title: It is locked
    severity: high
    rationale: |
      Because.
    references: [a, b]
    needs: [door]
    accept: [known, absent]
    applies: {if: a, else: b}
    sound: {if: k, else: l}
    parameters: {days: 7}
    over: x
    each: true
    empty: {status: pass, actual: none, expected: some}
    let:
      n: one
    pass: |
      first &&
        second
    escalate: [{if: c, severity: low}]
    actual: 'is "it" ${n}'
    expected: plain ${m}
    group: g ${o}
    since: p
    evidence: ["quoted"]
    remediation: {default: lock, rhel: bolt}
`

func TestParse(t *testing.T) {
	f := Parse(Source{Name: "x.yaml", Data: []byte(sample)})
	if f.Problems != nil || len(f.Checks) != 1 {
		t.Fatalf("%d checks, %v", len(f.Checks), f.Problems)
	}
	c := f.Checks[0]
	want := finding.CheckInfo{ID: "door-lock", Family: "door", Title: "It is locked", Severity: finding.SeverityHigh,
		Rationale: "Because.", References: []string{"a", "b"}}
	if diff := cmp.Diff(want, c.Info); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"default": "lock", "rhel": "bolt"}, c.Remediation); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"known", "absent"}, c.Accept); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	texts := map[string][2]string{
		"needs": {c.Needs[0].Text, "door"}, "if": {c.Applies.If.Text, "a"}, "else": {c.Applies.Else.Text, "b"}, "over": {c.Over.Text, "x"},
		"empty": {c.Empty.Actual.Text, "none"}, "expected": {c.Empty.Expected, "some"}, "let": {c.Lets[0].Name.Text + c.Lets[0].Expr.Text, "none"},
		"pass": {c.Pass.Text, "first &&\n  second\n"}, "case": {c.Cases[0].If.Text, "c"}, "evidence": {c.Evidence[0].Text, "quoted"},
		"sound": {c.Sound.If.Text + c.Sound.Else.Text, "kl"}, "group": {c.Group.Text, "g ${o}"}, "since": {c.Since.Text, "p"},
		"parameters": {fmt.Sprint(c.Parameters[0].Name.Text, c.Parameters[0].Value), "days7"},
	}
	for name, pair := range texts {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", name, pair[0], pair[1])
		}
	}
	if !c.Each || c.Empty.Status != finding.StatusPass || c.Cases[0].Severity != finding.SeverityLow {
		t.Errorf("each %v, empty %v, case %v", c.Each, c.Empty.Status, c.Cases[0].Severity)
	}
	if c.Known.If.Given() || c.Rank.Given() || !c.Over.Given() {
		t.Error("what is given and what is not are mixed up")
	}
}

// TestProblem: the place of a byte in a text is its place in the source, whatever
// the style of the scalar.
func TestProblem(t *testing.T) {
	f := Parse(Source{Name: "x.yaml", Data: []byte(sample)})
	c := f.Checks[0]
	lines := strings.Split(sample, "\n")
	for _, tt := range []struct {
		s    Scalar
		word string
	}{{c.Pass, "first"}, {c.Pass, "second"}, {c.Actual, "${n}"}, {c.Expected, "${m}"}, {c.Evidence[0], "quoted"}, {c.Applies.Else, "b"}} {
		f.Problems = nil
		f.Problem(tt.s, strings.Index(tt.s.Text, tt.word), "here")
		e := f.Problems[0].(*Error)
		if e.Line < 1 || e.Line > len(lines) || !strings.HasPrefix(lines[e.Line-1][e.Column-1:], tt.word) {
			t.Errorf("%q: %v", tt.word, e)
		}
	}
	folded := Parse(Source{Name: "x.yaml", Data: []byte(strings.Replace(sample, "pass: |", "pass: >-", 1))})
	folded.Problem(folded.Checks[0].Pass, 10, "here")
	if got, want := folded.Problems[0].Error(), "x.yaml:19:11: here"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseLimits(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"id":     {strings.Replace(sample, "door-lock", "door-"+strings.Repeat("x", maxID), 1), "not of the form"},
		"text":   {strings.Replace(sample, "It is locked", strings.Repeat("x", 5000), 1), "longer than 4096 bytes"},
		"lets":   {strings.Replace(sample, "n: one", "n: {}", 1), "want a value"},
		"refs":   {strings.Replace(sample, "[a, b]", "["+strings.Repeat("a, ", maxRefs)+"a]", 1), "more than 32 entries"},
		"alias":  {strings.Replace(strings.Replace(sample, "title: It", "title: &a It", 1), "over: x", "over: *a", 1), "want a value"},
		"merge":  {strings.Replace(sample, "over: x", "<<: {over: x}", 1), `unknown key "<<"`},
		"checks": {"family: a\nchecks: [" + strings.Repeat("{}, ", maxChecks) + "{}]", "more than 2000 entries"},
	} {
		f := Parse(Source{Name: "x.yaml", Data: []byte(tt.text)})
		if len(f.Problems) == 0 || !strings.Contains(f.Problems[0].Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, f.Problems, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{sample, "family: |\n x\nchecks:\n - pass: >\n    a\n", "a: &a [*a]", "? [a]\n: b", "\xef\xbb\xbffamily: x", "parameters: {door-lock: {days: 7, 1: {}}}", "parameters:\n- 1\nchecks: []",
		"profile: {name: a, include: [a, baseline], exclude: [door], checks: [door-lock]}\noverrides: [{check: door, disable: true, hosts: ['!web'], reason: r}]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := Parse(Source{Name: "f", Data: data})
		for _, c := range file.Checks {
			for _, s := range []Scalar{c.Pass, c.Actual, c.Expected, c.Over} {
				if s.Given() {
					file.Problem(s, len(s.Text)/2, "place")
				}
			}
		}
		Settle([]*File{file, Parse(Source{Name: "x.yaml", Data: []byte(doors)})}, []string{"web"})
		for _, err := range file.Problems {
			if e, ok := err.(*Error); !ok || e.Line < 1 || e.Column < 1 {
				t.Fatalf("problem without a place: %v", err)
			}
		}
	})
}
