package policy

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/pkg/finding"
)

// The facts of these tests: a door with locks, and a lamp.
type (
	doorFacts struct {
		Meta  fact.Meta         `json:"meta"`
		Color string            `json:"color"`
		Left  int               `json:"locks_left"`
		Locks []lock            `json:"locks"`
		Names map[string]string `json:"names"`
	}
	lock struct {
		Name   string   `json:"name"`
		Turns  int      `json:"turns"`
		Broken string   `json:"broken"`
		File   string   `json:"file"`
		Line   int      `json:"line"`
		Raw    string   `json:"raw"`
		Open   fact.Tri `json:"open"`
	}
	lampFacts struct {
		Meta fact.Meta `json:"meta"`
		On   bool      `json:"on"`
	}
	house struct {
		Door doorFacts `json:"door"`
		Lamp lampFacts `json:"lamp"`
	}
)

var known = fact.Meta{State: fact.StateKnown}

// one wraps the keys of one check in a source; what body does not set is set to
// something that loads.
func one(body string) Source {
	var b strings.Builder
	b.WriteString("family: door\nchecks:\n  - id: door-test\n")
	defaults := [][2]string{{"title", "T"}, {"severity", "medium"}, {"rationale", "R"}, {"needs", "[door]"}, {"pass", "true"},
		{"actual", "a"}, {"expected", "e"}, {"remediation", "fix"}}
	for _, d := range defaults {
		if !strings.Contains("\n"+body, "\n"+d[0]+":") {
			fmt.Fprintf(&b, "    %s: %s\n", d[0], d[1])
		}
	}
	for line := range strings.Lines(body) {
		b.WriteString("    " + line)
	}
	return Source{Name: "test.yaml", Data: []byte(b.String())}
}

func evaluate(t *testing.T, body string, h house) []finding.Result {
	t.Helper()
	p, err := Load(house{}, one(body))
	if err != nil {
		t.Fatalf("%s\n%v", body, err)
	}
	return p.Evaluate(&h, time.Time{})
}

// brief is a result in one line.
func brief(results []finding.Result) string {
	var lines []string
	for _, r := range results {
		line := fmt.Sprintf("%s[%s] %v: %s (want %s)", r.Status, r.Resource, r.Severity, r.Actual, r.Expected)
		for _, e := range r.Evidence {
			line += fmt.Sprintf(" @%s:%d %s", e.File, e.Line, e.Text)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestEvaluate(t *testing.T) {
	locks := []lock{
		{Name: "top", Turns: 2, File: "/etc/door", Line: 3, Raw: "turns 2"},
		{Name: "mid", Turns: 0, File: "/etc/door", Line: 9, Raw: "turns 0"},
		{Name: "low", Turns: 1},
	}
	part := fact.Meta{State: fact.StateKnown, Partial: map[string]string{"color_s": "others", "locks": "7 more"}}
	overLocks := "over: door.locks\npass: it.turns > 0\nactual: ${it.name} ${it.turns}\nevidence: [at(it)]\n"
	tests := []struct {
		name, body string
		door       doorFacts
		want       string
	}{
		{"pass", `pass: door.color == "red"`, doorFacts{Meta: known, Color: "red"}, "pass[] medium: a (want e)"},
		{"fail", `pass: door.color == "red"`, doorFacts{Meta: known}, "fail[] medium: a (want e)"},
		{"texts", "actual: it is ${door.color}, ${door.locks.map(l, l.name)}, ${1 + 1}, ${true}, ${'}{'}\nexpected: '${\"x\"}'",
			doorFacts{Meta: known, Color: "red", Locks: locks}, "pass[] medium: it is red, top, mid, low, 2, true, }{ (want x)"},
		{"zero facts", "", doorFacts{}, "unknown[] medium: no door facts were read (want e)"},
		{"absent", "", doorFacts{Meta: fact.Meta{State: fact.StateAbsent, Reason: "no door"}},
			"not_applicable[] medium: no door (want e)"},
		{"unknown", "", doorFacts{Meta: fact.Meta{State: fact.StateUnknown, Reason: "dark"}}, "unknown[] medium: dark (want e)"},
		{"error", "", doorFacts{Meta: fact.Meta{State: fact.StateError, Reason: "jammed",
			Evidence: []finding.Evidence{{File: "/etc/door", Line: 1, Text: "?"}}}}, "error[] medium: jammed (want e) @/etc/door:1 ?"},
		{"accepted state", "accept: [known, absent]\npass: false", doorFacts{Meta: fact.Meta{State: fact.StateAbsent}},
			"fail[] medium: a (want e)"},
		{"does not apply", `applies: {if: door.color == "x", else: "is ${door.color}"}`, doorFacts{Meta: known, Color: "red"},
			"not_applicable[] medium: is red (want e)"},
		{"not known", `known: {if: "false", else: because}`, doorFacts{Meta: known}, "unknown[] medium: because (want e)"},
		{"no such key", `pass: door.names["x"] == ""`, doorFacts{Meta: known}, "error[] medium: pass: no such key: x (want e)"},
		{"error in actual", `actual: ${door.names["x"]}`, doorFacts{Meta: known}, "error[] medium: actual: no such key: x (want e)"},
		{"error in applies", `applies: {if: 1 / 0 == 1, else: x}`, doorFacts{Meta: known},
			"error[] medium: applies: division by zero (want e)"},
		{"empty list", "over: door.locks", doorFacts{Meta: known}, "unknown[] medium: nothing to examine (want e)"},
		{"empty list passes", "over: door.locks\nempty: {status: pass, actual: none}", doorFacts{Meta: known},
			"pass[] medium: none (want e)"},
		{"worst", overLocks, doorFacts{Meta: known, Locks: locks}, "fail[] medium: mid 0 (want e) @/etc/door:9 turns 0"},
		{"worst by rank", overLocks + "rank: 0 - it.turns\n", doorFacts{Meta: known, Locks: []lock{locks[0], locks[2]}},
			"pass[] medium: low 1 (want e)"},
		{"a failure outranks", overLocks + "rank: it.turns\n", doorFacts{Meta: known, Locks: locks},
			"fail[] medium: mid 0 (want e) @/etc/door:9 turns 0"},
		{"first of equals", overLocks, doorFacts{Meta: known, Locks: []lock{locks[0], locks[2]}},
			"pass[] medium: top 2 (want e) @/etc/door:3 turns 2"},
		{"unknown outranks pass", overLocks + `item_known: {if: it.broken == "", else: "${it.broken}"}`,
			doorFacts{Meta: known, Locks: []lock{locks[0], {Broken: "rust"}}}, "unknown[] medium: rust (want e)"},
		{"each", overLocks + "each: true\nresource: ${it.name}\nescalate: [{if: it.turns == 0, severity: high}]",
			doorFacts{Meta: known, Locks: locks}, `pass[low] medium: low 1 (want e)
fail[mid] high: mid 0 (want e) @/etc/door:9 turns 0
pass[top] medium: top 2 (want e) @/etc/door:3 turns 2`},
		{"each of a part", overLocks + "each: true\nresource: ${it.name}\ncomplete: {if: \"false\", else: more}",
			doorFacts{Meta: known, Locks: locks[:1]}, "unknown[] medium: more (want e)\npass[top] medium: top 2 (want e) @/etc/door:3 turns 2"},
		{"a part without elements", overLocks + "each: true\nempty: {status: pass, actual: none}\ncomplete: {if: \"false\", else: more}",
			doorFacts{Meta: known}, "unknown[] medium: more (want e)"},
		{"all of them", overLocks + "each: true\nempty: {status: pass, actual: none}\ncomplete: {if: \"true\", else: more}",
			doorFacts{Meta: known}, "pass[] medium: none (want e)"},
		{"severity of a pass", "pass: true\nescalate: [{if: true, severity: high}]", doorFacts{Meta: known}, "pass[] medium: a (want e)"},
		{"error in a case", "pass: false\nescalate: [{if: 1 / 0 == 1, severity: high}]", doorFacts{Meta: known},
			"error[] medium: escalate: division by zero (want e)"},
		{"each, one resource twice", overLocks + "each: true\nresource: same",
			doorFacts{Meta: known, Locks: locks}, "fail[same] medium: mid 0 (want e) @/etc/door:9 turns 0"},
		{"let", "over: door.locks\nlet: {n: it.turns, m: n + 1}\npass: m > 0\nactual: ${n} ${m}", doorFacts{Meta: known, Locks: locks},
			"pass[] medium: 2 3 (want e)"},
		{"let of the element before", "over: door.locks\neach: true\nlet: {n: it.name}\nresource: ${n}\n" +
			"item_known: {if: it.broken == \"\", else: \"${it.broken}\"}",
			doorFacts{Meta: known, Locks: []lock{{Name: "a"}, {Name: "b", Broken: "rust"}}},
			"unknown[] medium: rust (want e)\npass[a] medium: a (want e)"},
		{"too costly", "pass: door.locks.all(a, door.locks.all(b, door.locks.all(c, a.name + b.name + c.name != 'x')))",
			doorFacts{Meta: known, Locks: make([]lock, 400)},
			"error[] medium: pass: operation cancelled: actual cost limit exceeded (want e)"},
		{"too many", "over: door.locks", doorFacts{Meta: known, Locks: make([]lock, 4097)},
			"unknown[] medium: there are 1 more than are judged (want e)"},
		{"too many, one bad", "over: door.locks\npass: it.turns > 0", doorFacts{Meta: known, Locks: make([]lock, 4097)},
			"fail[] medium: a (want e)"},
		{"part of the list", overLocks, doorFacts{Meta: part, Locks: locks[:1]}, "unknown[] medium: 7 more (want e)"},
		{"part of the list, one bad", overLocks, doorFacts{Meta: part, Locks: locks}, "fail[] medium: mid 0 (want e) @/etc/door:9 turns 0"},
		{"nothing of the list", overLocks + "empty: {status: pass, actual: none}", doorFacts{Meta: part}, "unknown[] medium: 7 more (want e)"},
		{"part of the list, each", overLocks + "each: true\nresource: ${it.name}", doorFacts{Meta: part, Locks: locks[:1]},
			"unknown[] medium: 7 more (want e)\npass[top] medium: top 2 (want e) @/etc/door:3 turns 2"},
		{"part of a list that is not asked for", "pass: door.locks_left == 0 && door.color == ''", doorFacts{Meta: part}, "pass[] medium: a (want e)"},
		{"part of a list in a let", "let: {n: door.locks.size()}\npass: n == 0", doorFacts{Meta: part}, "unknown[] medium: 7 more (want e)"},
		{"part of a list, and wrong", "pass: door.locks.size() == 1", doorFacts{Meta: part}, "fail[] medium: a (want e)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, brief(evaluate(t, tt.body, house{Door: tt.door}))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestEvaluateHostile: text of the host is bounded and valid, evidence is bounded.
func TestEvaluateHostile(t *testing.T) {
	h := house{Door: doorFacts{Meta: known, Color: "\xff" + strings.Repeat("x", 1<<20), Locks: make([]lock, 100)}}
	for i := range h.Door.Locks {
		h.Door.Locks[i].Raw = "\x1b[2J" + strings.Repeat("y", 1<<14)
	}
	got := evaluate(t, "actual: ${door.color}\nresource: ${door.color}\nevidence: ['door.locks.map(l, at(l))']", h)
	if len(got) != 1 || len(got[0].Actual) > 4096 || len(got[0].Resource) > maxResource || !strings.HasPrefix(got[0].Actual, `\xff`) {
		t.Fatalf("got %.200v", got)
	}
	if e := got[0].Evidence; len(e) != maxEvidence || len(e[0].Text) > 1024 || e[maxEvidence-1].Text != "and 85 more" {
		t.Errorf("got %d places, the last %q", len(e), e[len(e)-1].Text)
	}
}

// TestEvaluateMany: of very many results the worst are listed, and that there are more.
func TestEvaluateMany(t *testing.T) {
	h := house{Door: doorFacts{Meta: known, Locks: make([]lock, 3*maxResults)}}
	for i := range h.Door.Locks {
		h.Door.Locks[i] = lock{Name: fmt.Sprint(i), Turns: (i + 1) % 100, File: "/etc/door", Line: i}
	}
	got := evaluate(t, "over: door.locks\neach: true\nresource: ${it.name}\npass: it.turns > 0", h)
	count := map[finding.Status]int{}
	for _, r := range got {
		count[r.Status]++
	}
	want := map[finding.Status]int{finding.StatusFail: 30, finding.StatusUnknown: 1, finding.StatusPass: maxResults - 30}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, r := range got {
		if r.Status == finding.StatusUnknown && (r.Resource != "" || r.Actual != "there are 2000 more than are listed") {
			t.Errorf("got %q of %q", r.Actual, r.Resource)
		}
	}
	h.Door.Locks = append(h.Door.Locks, h.Door.Locks...)
	got = evaluate(t, "evidence: ['door.locks.map(l, at(l))']", h)
	if e := got[0].Evidence; len(e) != maxEvidence || e[maxEvidence-1].Text != "and 5985 more" {
		t.Errorf("got %v", e)
	}
}

// TestEvaluateTakesItsOwnFacts: facts of another type are an error for each
// check, never a pass.
func TestEvaluateTakesItsOwnFacts(t *testing.T) {
	p, err := Load(house{}, one(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, facts := range []any{nil, 7, lampFacts{}, (*house)(nil)} {
		got := p.Evaluate(facts, time.Time{})
		if len(got) != 1 || got[0].Status != finding.StatusError {
			t.Errorf("%T: got %s", facts, brief(got))
		}
	}
}

func TestLoadErrors(t *testing.T) {
	tests := []struct{ body, want string }{
		{"pas: true", `test.yaml:12:5: unknown key "pas"; did you mean "pass"?`},
		{"title: T\ntitle: T", `key "title" stands here twice`},
		{"needs: [dor]", `no facts are called "dor"; did you mean "door"?`},
		{"needs: []", "needs names no facts"},
		{"severity: severe", `severity "severe" is none of`},
		{"pass: door.colour == ''", `test.yaml:11:15: undefined field 'colour'; did you mean "color"?`},
		{"pass: lamp.on", "undeclared reference to 'lamp'; needs does not name it"},
		{"pass: door.color", "is of type string, want bool"},
		{"pass: '  door.x'", "test.yaml:11:18: undefined field 'x'"},
		{"pass: |\n  true &&\n    door.y == 1", "test.yaml:13:13: undefined field 'y'"},
		{"pass: 'true &'", "Syntax error"},
		{"pass: " + strings.Repeat("(", 100) + "1" + strings.Repeat(")", 100), "recursion limit"},
		{"pass: " + strings.Repeat("true || ", 1000) + "true", "longer than 4096 bytes"},
		{"actual: is ${door.colr}", "test.yaml:11:22: undefined field 'colr'"},
		{"actual: is ${door.color", "test.yaml:11:16: ${ without its }"},
		{"actual: ${door.locks}", "want string"},
		{"over: door.color", "is of type string, want a list"},
		{"over: door.locks\npass: it.turn == 1", "undefined field 'turn'"},
		{"each: true", "each means nothing without over"},
		{"over: door.locks\ncomplete: {if: \"true\", else: x}", "complete means nothing without each"},
		{"each: 1", "want true or false"},
		{"rank: 1", "rank means nothing without over"},
		{"pass: it.turns == 1", "undeclared reference to 'it'"},
		{"let: {door: 1 + 1}", `"door" is no name, or taken`},
		{"let: [1]", "names with an expression each"},
		{"evidence: [door.color]", "want finding.Evidence"},
		{"accept: [maybe]", `state "maybe" is none of`},
		{"applies: {if: true}", "else is missing"},
		{"applies: true", "want a mapping with the keys else, if"},
		{"empty: {status: waived, actual: x}", `status "waived" is none of`},
		{"escalate: [{if: true}]", "severity is missing"},
		{"remediation: {rhel: x}", "default is missing"},
		{"remediation: {default: x, plan9: y}", `unknown key "plan9"`},
		{"references: x", "want a list"},
		{"profiles: [cis-3]", `no profile is called "cis-3"; did you mean "cis-1"?`},
		{"profiles: []", "profiles names none"},
		{"profiles: [image, image]", "stands here twice"},
		{"title:", "want a value"},
	}
	for _, tt := range tests {
		_, err := Load(house{}, one(tt.body))
		var place *Error
		if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &place) || place.Line == 0 {
			t.Errorf("%.60s\ngot  %v\nwant %s", tt.body, err, tt.want)
		}
	}
}

func TestLoadErrorsOfFiles(t *testing.T) {
	good := one("")
	tests := []struct {
		text, want string
	}{
		{"", "f.yaml:1:1: empty"},
		{"family: x\n\tchecks: []\n", "f.yaml:2:1: found a tab character"},
		{"[]", "want a mapping"},
		{"family: door\nchecks: []\n---\nfamily: x\n", "more than one document"},
		{"checks: []", "family is missing"},
		{strings.Replace(string(good.Data), "door-test", "lamp-test", 1), `id "lamp-test" does not start with its family "door"`},
		{strings.Replace(string(good.Data), "door-test", "door", 1), "not of the form"},
		{string(good.Data), "door-test stands in test.yaml:3 already"},
		{strings.Repeat("#", 1<<20+1), "larger than"},
		{"family: &a [*a]\nchecks: *a\n", "f.yaml:1"},
	}
	for _, tt := range tests {
		_, err := Load(house{}, good, Source{Name: "f.yaml", Data: []byte(tt.text)})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60q\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

func TestLoadShape(t *testing.T) {
	for _, shape := range []any{nil, 7, struct{ A int }{}, struct {
		A lampFacts
	}{}} {
		if _, err := Load(shape); err == nil {
			t.Errorf("%T was taken for facts", shape)
		}
	}
}

func TestSources(t *testing.T) {
	fsys := fstest.MapFS{"b.yaml": {Data: []byte("2")}, "a.yaml": {Data: []byte("1")}, "c.txt": {}}
	got, err := Sources(fsys, "dir")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Source{{Name: "dir/a.yaml", Data: []byte("1")}, {Name: "dir/b.yaml", Data: []byte("2")}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := Sources(os.DirFS(t.TempDir()+"/none"), ""); err != nil {
		t.Errorf("a missing directory: %v", err)
	}
}

func TestPolicyLists(t *testing.T) {
	lamp := strings.NewReplacer("family: door", "family: lamp", "door-test", "lamp-test", "[door]", "[lamp, door]",
		"remediation: fix", "remediation: {default: d, rhel: r}").Replace(string(one("").Data))
	p, err := Load(house{}, Source{Name: "lamp.yaml", Data: []byte(lamp)}, one("pass: door.color == ''"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.ForGroups("lamp"), p.ForGroups("door"), p.ForGroups(), p.Groups("door-test"), p.Groups()); got !=
		"[lamp-test] [door-test lamp-test] [] [door] [door lamp]" {
		t.Errorf("got %s", got)
	}
	c := p.Checks()
	if len(c) != 2 || c[0].ID != "door-test" || c[0].Rule != "door.color == ''" || c[0].File != "test.yaml" || c[0].Line != 3 {
		t.Errorf("got %+v", c)
	}
	if got, err := p.Choose("", "lamp", "door-test"); err != nil || fmt.Sprint(got) != "[lamp-test door-test]" {
		t.Errorf("chose %v, %v", got, err)
	}
	if _, err := p.Choose("", "door-tset"); err == nil || !strings.Contains(err.Error(), `did you mean "door-test"?`) {
		t.Errorf("got %v", err)
	}
	a, b := p.Pack("debian"), p.Pack("rhel")
	if a.Checks[1].Remediation != "d" || b.Checks[1].Remediation != "r" || p.Pack("").Checks[1].Remediation != "d" {
		t.Errorf("got packs %+v and %+v", a, b)
	}
}

// TestProfile: a check that names none is in the baseline, and all of cis-1 is in cis-2.
func TestProfile(t *testing.T) {
	for body, want := range map[string]string{
		"":                            "[door-test] [] [] [] [door-test]",
		"profiles: [cis-1, image]":    "[] [door-test] [door-test] [door-test] [door-test]",
		"profiles: [baseline, cis-2]": "[door-test] [] [door-test] [] [door-test]",
	} {
		p, err := Load(house{}, one(body))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{"baseline", "cis-1", "cis-2", "image", "all"} {
			ids, err := p.Profile(name)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(ids))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %s, want %s", body, got, want)
		}
		if _, err := p.Profile("basline"); err == nil || !strings.Contains(err.Error(), `did you mean "baseline"?`) {
			t.Errorf("got %v", err)
		}
	}
}

// TestLoadDamaged: a file that is damaged anywhere loads or is refused; what loads
// makes nothing pass on facts that were never read. (Package format has the fuzz
// test of the parser.)
func TestLoadDamaged(t *testing.T) {
	good := one("over: door.locks\nlet: {n: it.turns}\npass: n > 0\nactual: ${n}\nevidence: [at(it)]").Data
	for i := range good {
		for _, damage := range []string{"", "\x00", "}", "'", "&a ", "${"} {
			data := string(good[:i]) + damage + string(good[i+1:])
			p, err := Load(house{}, Source{Name: "f", Data: []byte(data)})
			if err != nil {
				continue
			}
			for _, r := range p.Evaluate(house{}, time.Time{}) {
				if r.Status == finding.StatusPass {
					t.Errorf("byte %d, %q: %s passes on facts that were never read", i, damage, r.Check)
				}
			}
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	p, err := Load(house{}, one("over: door.locks\nlet: {n: it.turns}\npass: n > 0\nactual: ${n}\nevidence: [at(it)]"))
	if err != nil {
		b.Fatal(err)
	}
	h := house{Door: doorFacts{Meta: known, Locks: make([]lock, 8)}}
	for b.Loop() {
		p.Evaluate(&h, time.Time{})
	}
}
