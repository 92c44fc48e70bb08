package match

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/literals"
	"seawall/pkg/sigma/rulefile"
)

// kinds of events in these tests: two that "product: p" covers, the second of which
// lacks field c, and one of another product.
func testTaxonomy() event.Taxonomy {
	return event.Taxonomy{
		{Logsource: event.Logsource{Product: "p", Category: "one"}, Fields: map[string]event.Field{"a": 0, "b": 1, "c": 2, "image": 3}},
		{Logsource: event.Logsource{Product: "p", Category: "two"}, Fields: map[string]event.Field{"a": 0, "b": 1}},
		{Logsource: event.Logsource{Product: "q", Service: "s"}, Fields: map[string]event.Field{"a": 0}},
	}
}

// parse reads rules of which nothing may be wrong.
func parse(t testing.TB, text string) []sigma.Rule {
	t.Helper()
	rules, err := rulefile.Parse("test.yml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return rules
}

func compile(t testing.TB, rules []sigma.Rule) *Matcher {
	t.Helper()
	m, err := Compile(rules, testTaxonomy())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rule makes a rule of a detection in one line of YAML.
func rule(detection string) string {
	return "title: t\nlogsource: {product: p, category: one}\ndetection: " + detection + "\n"
}

// values reads "a=text&b=text"; "a" alone is no value.
func values(text string) fields {
	e := fields{}
	for _, part := range strings.Split(text, "&") {
		if name, value, ok := strings.Cut(part, "="); ok {
			e[name] = append(e[name], value)
		}
	}
	return e
}

func (f fields) fill(e *event.Event, source int) *event.Event {
	e.Reset(source)
	for name, field := range testTaxonomy()[source].Fields {
		for _, v := range f[name] {
			e.AddString(field, v)
		}
	}
	return e
}

func TestModifiers(t *testing.T) {
	long := strings.Repeat("0123456789", 5)
	for _, tt := range []struct {
		selection string
		yes, no   []string
	}{
		{`{a: Foo}`, []string{"a=foo", "a=FOO", "a=x&a=foo"}, []string{"a=foo ", "a=", "b=foo", ""}},
		{`{a: [x, y]}`, []string{"a=x", "a=Y"}, []string{"a=xy", "a=z"}},
		{`{a: x, b: y}`, []string{"a=x&b=y"}, []string{"a=x", "b=y", "a=y&b=x"}},
		{`[{a: x}, {b: y}]`, []string{"a=x", "b=y", "a=x&b=y"}, []string{"a=y&b=x"}},
		{`[foo, 'b?r', 7]`, []string{"a=some foo here", "c=BAR", "b=x7x"}, []string{"a=fo&b=o", ""}},
		{`{'|all': [foo, bar]}`, []string{"a=foo&b=bar", "a=barfoo"}, []string{"a=foo", "b=bar"}},
		{`{'|re': '^x[0-9]$'}`, []string{"a=q&b=x1"}, []string{"b=x12"}},
		{`{'|cased': Foo}`, []string{"b=aFoob"}, []string{"b=foo"}},
		{`{a: null}`, []string{"", "b=x"}, []string{"a=", "a=x"}},
		{`{a: ''}`, []string{"a="}, []string{"", "a=x", "a= "}},
		{`{a: [null, '']}`, []string{"", "a="}, []string{"a=x"}},
		{`{a: '*'}`, []string{"a=", "a=x"}, []string{"", "b=x"}},
		{`{a: '?*'}`, []string{"a=x", "a=xy", "a=é"}, []string{"", "a="}},
		{`{a: '?'}`, []string{"a=x", "a=é", "a=\xff"}, []string{"a=", "a=xy", "a=\xff\xff"}},
		{`{a: 'x*y*z'}`, []string{"a=xyz", "a=x--Y-yz"}, []string{"a=xzy", "a=xyzz ", "a=xz"}},
		{`{a: 'xx*xx'}`, []string{"a=xxxx", "a=xx-xx"}, []string{"a=xxx", "a=xx"}},
		{`{a: '*a?c*a?d'}`, []string{"a=-abcabd", "a=abcaacaad"}, []string{"a=abd", "a=abca-"}},
		{`{a: 'a\*b'}`, []string{"a=a*b"}, []string{"a=axb", `a=a\*b`}},
		{`{a: 'a\?'}`, []string{"a=a?"}, []string{"a=ax"}},
		{`{a: 'a\\*'}`, []string{`a=a\`, `a=a\b`}, []string{"a=a*"}},
		{`{a: 'a\\\*'}`, []string{`a=a\*`}, []string{`a=a\b`}},
		{`{a: '\\\\x'}`, []string{`a=\\x`}, []string{`a=\x`}},
		{`{a: '\x\\y'}`, []string{`a=\x\y`}, []string{`a=\x\\y`}},
		{`{a: 12}`, []string{"a=12"}, []string{"a=012", "a=1"}},
		{`{a: -1.5}`, []string{"a=-1.5"}, []string{"a=-1.50"}},
		{`{a: true}`, []string{"a=true", "a=True"}, []string{"a=1"}},
		{`{a|contains: oo}`, []string{"a=foo", "a=OOps"}, []string{"a=o", "b=oo"}},
		{`{a|contains: ''}`, []string{"a=", "a=x"}, []string{""}},
		{`{a|contains: 'a*b'}`, []string{"a=-a-b-", "a=ab"}, []string{"a=ba"}},
		{`{a|startswith: fo}`, []string{"a=foo"}, []string{"a=ofo"}},
		{`{a|endswith: /sh}`, []string{"a=/bin/sh", "a=/SH"}, []string{"a=/sh ", "a=sh"}},
		{`{a|contains|all: [x, y]}`, []string{"a=xy", "a=yx", "a=x&a=y"}, []string{"a=x", "b=xy"}},
		{`{a|all: [x]}`, []string{"a=x"}, []string{"a=y"}},
		{`{a|contains: ` + long + `}`, []string{"a=-" + long + "-"}, []string{"a=" + long[:40]}},
		{`{a: ` + long + `x}`, []string{"a=" + long + "X"}, []string{"a=" + long, "a=" + long + "xx"}},
		{`{a|startswith: ` + long + `x}`, []string{"a=" + long + "x-"}, []string{"a=" + long + "-x", "a=-" + long + "x"}},
		{`{a|endswith: x` + long + `}`, []string{"a=x" + long}, []string{"a=-" + long, "a=x" + long + "-"}},
		{`{a|cased: Foo}`, []string{"a=Foo"}, []string{"a=foo", "a=FOO"}},
		{`{a|contains|cased: Foo}`, []string{"a=-Foo-"}, []string{"a=-foo-"}},
		{`{a: straßE}`, []string{"a=STRAßE"}, []string{"a=STRASSE"}},
		{`{a|contains: ÉK}`, []string{"a=-ék-", "a=é\u212a"}, []string{"a=ek"}},
		{`{a|neq: x}`, []string{"a=y", ""}, []string{"a=x", "a=X", "a=y&a=x"}},
		{`{a|neq: [x, y]}`, []string{"a=z"}, []string{"a=x", "a=y"}},
		{`{a|contains|all|neq: [x, y]}`, []string{"a=x", "a=y"}, []string{"a=xy"}},
		{`{a|re: '^/tmp/[a-z]+$'}`, []string{"a=/tmp/x"}, []string{"a=/TMP/X", "a=/tmp/"}},
		{`{a|re|i: 'ba(sh|r)'}`, []string{"a=BASH", "a=xbar"}, []string{"a=ba"}},
		{`{a|re|i: 'sk'}`, []string{"a=SK", "a=\u017f\u212a"}, []string{"a=s"}},
		{`{a|re|m: '^x$'}`, []string{"a=y\nx\ny"}, []string{"a=yx"}},
		{`{a|re|s: 'x.y'}`, []string{"a=x\ny"}, []string{"a=xy"}},
		{`{a|re: 'x.y'}`, []string{"a=x-y"}, []string{"a=x\ny"}},
		{`{a|re: '(^|\/)\.[^.\/]'}`, []string{"a=.x", "a=/.x"}, []string{"a=x.y", "a=.."}},
		{`{a|re: '[;&|] *(id|w)'}`, []string{"a=x; id", "a=x|w"}, []string{"a=id"}},
		{`{a|re: ['x+y', 'z{2,}']}`, []string{"a=xxy", "a=zz"}, []string{"a=y", "a=z"}},
		{`{a|cidr: 10.0.0.0/8}`, []string{"a=10.1.2.3", "a=::ffff:10.0.0.1"}, []string{"a=11.0.0.1", "a=x", "a=10.1", "a=10.0.0.1 ", "a="}},
		{`{a|cidr: ['fe80::/10', '::1/128', 192.0.2.7]}`, []string{"a=fe80::1%eth0", "a=::1", "a=0:0:0:0:0:0:0:1", "a=192.0.2.7"}, []string{"a=fec0::1", "a=::2", "a=:::1"}},
		{`{a|lt: 10}`, []string{"a=9", "a=-11", "a=9.999"}, []string{"a=10", "a=x", "a=", "", "a=9x"}},
		{`{a|lte: 10.5}`, []string{"a=10.5", "a=10.50", "a=1"}, []string{"a=10.500000001"}},
		{`{a|gt: 9007199254740992}`, []string{"a=9007199254740993"}, []string{"a=9007199254740992"}},
		{`{a|gte: -1.5}`, []string{"a=-1.5", "a=0"}, []string{"a=-1.6", "a=-2"}},
		{`{a|exists: true}`, []string{"a=", "a=x"}, []string{"", "b=x"}},
		{`{a|exists: false}`, []string{"", "b=x"}, []string{"a="}},
		{`{a|fieldref: b}`, []string{"a=x&b=X", "a=x&a=y&b=y", "a=&b="}, []string{"a=x&b=y", "a=x", "b=x", ""}},
		{`{a|fieldref|cased: b}`, []string{"a=x&b=x"}, []string{"a=x&b=X"}},
		{`{a|fieldref|startswith: b}`, []string{"a=xy&b=X"}, []string{"a=yx&b=x", "a=é&b=\xc3"}},
		{`{a|fieldref|endswith: b}`, []string{"a=xy&b=Y"}, []string{"a=yx&b=y", "a=é&b=\x89"}},
		{`{a|fieldref|contains: b}`, []string{"a=xyz&b=y", "a=é\xc3&b=\xc3"}, []string{"a=xz&b=y", "a=é&b=\xc3", "a=ééé&b=\x89\xc3"}},
		{`{a|fieldref|neq: b}`, []string{"a=x&b=y", "a=x"}, []string{"a=x&b=x"}},
		{`{a|base64: foo}`, []string{"a=Zm9v"}, []string{"a=foo"}},
		{`{a|base64offset|contains: /bin/bash}`,
			[]string{"a=L2Jpbi9iYXNo", "a=eC9iaW4vYmFzaA==", "a=eHgvYmluL2Jhc2g=", "a=eHh4L2Jpbi9iYXNo"}, []string{"a=/bin/bash", "a=L2Jpbi9iYX"}},
		{`{a|wide|base64offset|contains: ping}`, []string{"a=cABpAG4AZwA=", "a=eABwAGkAbgBnAA=="}, []string{"a=cGluZw=="}},
		{`{a|utf16|base64: hi}`, []string{"a=//5oAGkA"}, []string{"a=aABpAA=="}},
		{`{a|utf16be|base64: hi}`, []string{"a=AGgAaQ=="}, nil},
		{`{a|windash|contains: ' -x /y'}`, []string{"a=q -x -y", "a=q /x –y", "a=q ―x /y"}, []string{"a=q x y", "a=q -x y"}},
		{`{a|contains|all|windash: [' -x', y]}`, []string{"a=y /x"}, []string{"a= -x", "a=y x"}},
		{`{a|windash|contains: 'a-b -'}`, []string{"a=a-b -"}, []string{"a=a/b -"}},
		{`{image|endswith: [/sh, /bash], a|contains: ' -c '}`, []string{"image=/bin/bash&a=bash -c id"}, []string{"image=/bin/bash&a=bash", "image=x&a=bash -c id"}},
	} {
		rules := parse(t, rule("{s: "+tt.selection+", condition: s}"))
		m := compile(t, rules)
		s, e := m.NewScratch(), new(event.Event)
		check := func(text string, want bool) {
			f := values(text)
			if got, _ := reference(&rules[0], f); got != want {
				t.Errorf("%s: reference says %v of %q", tt.selection, got, text)
			}
			if got := len(m.Match(f.fill(e, 0), s)) > 0; got != want {
				t.Errorf("%s: matcher says %v of %q", tt.selection, got, text)
			}
		}
		for _, text := range tt.yes {
			check(text, true)
		}
		for _, text := range tt.no {
			check(text, false)
		}
	}
}

func TestConditions(t *testing.T) {
	// Selections x, y, z and _w hold where field a has that letter.
	const selections = "{x: {a|contains: x}, y: {a|contains: y}, z1: {a|contains: z}, z2: {a|contains: Z, b: null}, _w: {a|contains: w}, condition: "
	for _, tt := range []struct{ condition, yes, no string }{
		{"x", "x xy", "y ,"},
		{"not x", "y ,", "x"},
		{"not not x", "x", "y"},
		{"x and y", "xy", "x y"},
		{"x AND NOT y", "x", "xy y"},
		{"x or y and z1", "x yz", "y z"},
		{"(x or y) and z1", "xz yz", "x z xy"},
		{"not x or y", "y xy ,", "x"},
		{"not (x or y)", "z ,", "x y xy"},
		{"1 of z*", "z", "x"},
		{"any of z*", "z", "x"},
		{"all of z*", "z", "x"},
		{"not 1 of z*", "x ,", "z"},
		{"x and not 1 of *1", "x", "xz z"},
		{"1 of them", "x y z", "w ,"},
		{"all of them", "xyz", "xy xyw"},
		{"1 of _*", "w", "xyz"},
		{"all of x", "x", "y"},
		{"[x, y]", "x y", "z"},
	} {
		condition := fmt.Sprintf("%q}", tt.condition)
		if tt.condition[0] == '[' {
			condition = tt.condition + "}"
		}
		rules := parse(t, rule(selections+condition))
		m := compile(t, rules)
		s, e := m.NewScratch(), new(event.Event)
		for want, list := range map[bool]string{true: tt.yes, false: tt.no} {
			for _, a := range strings.Fields(list) {
				f := fields{"a": {strings.Trim(a, ",")}}
				got := m.Match(f.fill(e, 0), s)
				verdict, selected := reference(&rules[0], f)
				if (len(got) > 0) != want || verdict != want {
					t.Errorf("%q with a=%q: matcher says %v, reference %v", tt.condition, a, len(got) > 0, verdict)
				}
				if len(got) > 0 && got[0].Selections != selected {
					t.Errorf("%q with a=%q: selections %b, want %b", tt.condition, a, got[0].Selections, selected)
				}
			}
		}
	}
}

func TestSources(t *testing.T) {
	rules := parse(t, `
title: everywhere
logsource: {product: p}
detection: {s: {a: x}, condition: s}
---
title: one, for the other has no c
logsource: {product: p}
detection: {s: {a: x}, n: {c: null}, condition: s and n}
---
title: another
logsource: {service: s}
detection: {s: {a: x}, condition: s}
---
title: a correlation
correlation: {type: event_count, rules: [r], timespan: 1m, condition: {gte: 2}}
---
title: two
logsource: {product: p, category: two}
detection: {s: {a: x}, condition: s}
`)
	m := compile(t, rules)
	s, e := m.NewScratch(), new(event.Event)
	for source, want := range [][]int{{0, 1}, {0, 1, 4}, {2}} {
		var got []int
		for _, r := range m.Match(fields{"a": {"x"}}.fill(e, source), s) {
			got = append(got, r.Rule)
		}
		if !slices.Equal(got, want) {
			t.Errorf("source %d: rules %v, want %v", source, got, want)
		}
	}
	e.Reset(99)
	if got := m.Match(e, s); got != nil {
		t.Errorf("source 99: %v", got)
	}
}

func TestCompileErrors(t *testing.T) {
	rules := parse(t, `
title: good
id: first
logsource: {product: p}
detection: {s: {a: x}, condition: s}
---
title: no such events
logsource:
  product: windows
detection: {s: {a: x}, condition: s}
---
title: no such field
logsource: {product: p, category: two}
detection:
  s:
    a: x
    c: y
  condition: s
---
title: no such other field
logsource: {product: q}
detection: {s: {a|fieldref: b}, condition: s}
---
title: the same id
id: first
logsource: {product: p}
detection: {s: {a: x}, condition: s}
`)
	m, err := Compile(rules, testTaxonomy())
	want := `test.yml:9: logsource product windows: there are no such events here; there are product p, category one; product p, category two; product q, service s
test.yml:17: field "c" is none of product p, category two; there are a, b
test.yml:22: field "b" is none of product q, service s; there are a
test.yml:24: id first is that of test.yml:2 already; give each rule its own`
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
	if got := m.Match(fields{"a": {"x"}}.fill(new(event.Event), 0), m.NewScratch()); len(got) != 1 || got[0].Rule != 0 {
		t.Errorf("the good rule: %v", got)
	}
}

// TestTooLarge has more text than an automaton may be made of.
func TestTooLarge(t *testing.T) {
	var text strings.Builder
	for i := range 4 {
		text.WriteString("title: t\nlogsource: {product: p, category: one}\ndetection:\n  s:\n    a|contains:\n")
		for j := range 4000 {
			sum := sha256.Sum256([]byte{byte(i), byte(j), byte(j >> 8)})
			fmt.Fprintf(&text, "    - x%x\n", sum[:14])
		}
		text.WriteString("  condition: s\n---\n")
	}
	var rules []sigma.Rule
	for i, doc := range strings.Split(text.String(), "---\n")[:4] {
		rules = append(rules, parse(t, doc)...)
		_, err := Compile(rules, testTaxonomy())
		if want := i == 3; errors.Is(err, literals.ErrTooMany) != want {
			t.Errorf("%d rules: %v", i+1, err)
		}
	}
}

// TestScratch goes through the end of the marks, and many values.
func TestScratch(t *testing.T) {
	m := compile(t, parse(t, rule("{s: {a|contains|cased: é, b: y}, n: {b: n}, condition: s or not n}")))
	s, e := m.NewScratch(), new(event.Event)
	s.mark = 1<<31 - 3
	for i := range 6 {
		if got := m.Match(fields{"a": {"xé"}, "b": {"n", "y"}}.fill(e, 0), s); len(got) != 1 || got[0].Selections != 3 {
			t.Fatalf("event %d: %v", i, got)
		}
		if got := m.Match(fields{"b": {"n"}}.fill(e, 0), s); len(got) != 0 {
			t.Fatalf("event %d: %v", i, got)
		}
	}
	// What is remembered of the first event does not count for the one with the same mark.
	m = compile(t, parse(t, rule("{s: {a|contains: x}, n: {b|lt: 5}, condition: s and n}")))
	s = m.NewScratch()
	if got := m.Match(fields{"a": {"x"}, "b": {"1"}}.fill(e, 0), s); len(got) != 1 {
		t.Errorf("first event: %v", got)
	}
	s.mark = 1<<31 - 1
	if got := m.Match(fields{"a": {"x"}, "b": {"7"}}.fill(e, 0), s); len(got) != 0 {
		t.Errorf("event with the mark of the first: %v", got)
	}
	m = compile(t, parse(t, rule("{s: {a|contains|cased: é, b: y}, n: {b: n}, condition: s or not n}")))
	s = m.NewScratch()
	e.Reset(0)
	for range 50_000 {
		e.AddString(1, "É")
	}
	if got := m.Match(e, s); len(got) != 1 {
		t.Errorf("many values: %v", got)
	}
	e.AddString(1, strings.Repeat("é", maxKept))
	m.Match(e, s)
	if e.Reset(0); len(m.Match(e, s)) != 1 || cap(s.text) > maxKept {
		t.Errorf("%d bytes kept", cap(s.text))
	}
	if v, ok := e.Value(1); ok || v != nil {
		t.Errorf("value of nothing: %q", v)
	}
}

// TestRegexpBounds has expressions and values that would keep other engines busy.
func TestRegexpBounds(t *testing.T) {
	m := compile(t, parse(t, rule("{s: {a|re: '(a+)+$b|x$'}, l: {a|re: '(a?){200}b'}, condition: 1 of them}")))
	s, e := m.NewScratch(), new(event.Event)
	e.Reset(0)
	e.AddString(0, strings.Repeat("a", 1<<20)+"b")
	before := time.Now()
	if got := m.Match(e, s); len(got) > 0 {
		t.Errorf("beyond the bound: %v", got)
	}
	if took := time.Since(before); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	for size, want := range map[int]int{4000: 1, maxScan - 1: 0} {
		e.Reset(0)
		e.AddString(0, strings.Repeat("a", size)+"b")
		if got := m.Match(e, s); len(got) != want {
			t.Errorf("%d bytes: %v", size, got)
		}
	}
	e.Reset(0)
	e.AddString(0, strings.Repeat("a", maxScan-1)+"x")
	if got := m.Match(e, s); len(got) != 1 {
		t.Errorf("within the bound: %v", got)
	}
}

// same compares the matcher with the reference for all rules and an event.
func same(t interface {
	Helper()
	Fatalf(string, ...any)
}, m *Matcher, s *Scratch, rules []sigma.Rule, f fields) {
	t.Helper()
	got := slices.Clone(m.Match(f.fill(new(event.Event), 0), s))
	var want []Result
	for i := range rules {
		if rules[i].Correlation != nil || !rules[i].Logsource.Covers(testTaxonomy()[0].Logsource) {
			continue
		}
		if verdict, selections := reference(&rules[i], f); verdict {
			want = append(want, Result{i, selections})
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("event %q: matcher says %v, reference %v", f, got, want)
	}
}

// words are what generated rules and events are made of.
func words() *rapid.Generator[string] {
	word := rapid.SampledFrom([]string{"a", "A", "b", "ab", "aba", "/sh", "sh", "é", "É", "k", "\u212a", "s", "ſ", "ⱥ", " -", "x", "1", "10", ".", "0123456789012345678901234567890", "10.0.0.1", "\ufffd"})
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(word, 0, 4).Draw(t, "words"), "")
	})
}

func drawTest(t *rapid.T) (key string, values any) {
	field := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "field")
	text := func() string {
		w := words().Draw(t, "value")
		if rapid.Bool().Draw(t, "wild") {
			w += rapid.SampledFrom([]string{"*", "?", `\*`, `\\`, "**", "*?"}).Draw(t, "wildcard") + words().Draw(t, "more")
		}
		return w
	}
	list := func() (list []any) {
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			list = append(list, text())
		}
		return list
	}
	switch mod := rapid.SampledFrom([]string{"", "|contains", "|startswith", "|endswith", "|contains|all", "|cased", "|contains|cased", "|neq", "|windash|contains",
		"|re", "|re|i", "|cidr", "|lt", "|gte", "|exists", "|fieldref", "|fieldref|contains", "|base64offset|contains", "null"}).Draw(t, "modifier"); mod {
	case "|re", "|re|i":
		return field + mod, rapid.SampledFrom([]string{"a+b", "^é", "(sh|x)$", "[ab]{2}", "k", "(a|b)k", "s.?h", "x*", "[^a]b", "\ufffd", "(?:ab)+"}).Draw(t, "regexp")
	case "|cidr":
		return field + mod, rapid.SampledFrom([]string{"10.0.0.0/8", "::1"}).Draw(t, "network")
	case "|lt", "|gte":
		return field + mod, rapid.IntRange(-1, 20).Draw(t, "number")
	case "|exists":
		return field + mod, rapid.Bool().Draw(t, "exists")
	case "|fieldref", "|fieldref|contains":
		return field + mod, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "other")
	case "|base64offset|contains":
		return field + mod, "longer " + rapid.SampledFrom([]string{"a", "b"}).Draw(t, "plain")
	case "null":
		return field, nil
	default:
		return field + mod, list()
	}
}

// drawRule draws a rule as YAML, which JSON is.
func drawRule(t *rapid.T) string {
	detection := map[string]any{}
	names := []string{"s1", "s2", "f1"}
	for _, name := range names {
		var maps []any
		for range rapid.IntRange(1, 2).Draw(t, "maps") {
			fields := map[string]any{}
			for range rapid.IntRange(1, 2).Draw(t, "fields") {
				key, value := drawTest(t)
				fields[key] = value
			}
			maps = append(maps, fields)
		}
		if detection[name] = maps; rapid.IntRange(0, 9).Draw(t, "keywords") == 0 {
			detection[name] = []string{words().Draw(t, "keyword"), words().Draw(t, "keyword")}
		}
	}
	detection["condition"] = rapid.SampledFrom([]string{"s1", "s1 and s2", "s1 or s2", "s1 and not f1", "1 of s*", "all of them", "not (s1 and s2) or f1", "s1 and (s2 or f1)"}).Draw(t, "condition")
	text, err := json.Marshal(detection)
	if err != nil {
		t.Fatal(err)
	}
	return rule(string(text))
}

func TestSameAsReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var texts []string
		for range rapid.IntRange(1, 6).Draw(t, "rules") {
			texts = append(texts, drawRule(t))
		}
		rules, err := rulefile.Parse("test.yml", []byte(strings.Join(texts, "---\n")))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Compile(rules, testTaxonomy())
		if err != nil {
			t.Fatal(err)
		}
		s := m.NewScratch()
		for range 20 {
			f := fields{}
			for _, name := range []string{"a", "b", "c"} {
				for range rapid.IntRange(0, 2).Draw(t, name) {
					v := words().Draw(t, "text")
					if rapid.IntRange(0, 9).Draw(t, "broken") == 0 {
						v += rapid.SampledFrom([]string{"\xff", "\xc3", "\xe2\x82", "\x00"}).Draw(t, "bytes")
					}
					f[name] = append(f[name], v)
				}
			}
			same(t, m, s, rules, f)
		}
	})
}

// FuzzMatch takes rules and an event as in TestModifiers.
func FuzzMatch(f *testing.F) {
	f.Add(rule("{s: {a|contains: [foo, 'b*r']}, f: {b|re: '^x+$'}, condition: s and not f}"), "a=xfoo&b=xx")
	f.Add(rule("{s: [{a|cidr: 10.0.0.0/8}, {b|fieldref: a}], condition: s}"), "a=10.1.1.1&b=::1")
	f.Add(rule("{s: [é, 'K?'], n: {c|lt: 7.5}, condition: 1 of them}"), "a=É\xff&c=7.4")
	f.Add(rule("{s: {a|windash|endswith: ' -x', b|base64offset|contains: abcd}, condition: not s}"), "a=q /x&b=YWJjZA==")
	f.Fuzz(func(t *testing.T, text, values string) {
		rules, _ := rulefile.Parse("fuzz.yml", []byte(text))
		m, err := Compile(rules, testTaxonomy())
		if err != nil || len(values) > 4096 {
			return
		}
		e := fields{}
		for _, part := range strings.Split(values, "&") {
			if name, value, ok := strings.Cut(part, "="); ok && len(name) == 1 && strings.Contains("abc", name) {
				e[name] = append(e[name], value)
			}
		}
		same(t, m, m.NewScratch(), rules, e)
	})
}
