package rulefile

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/pattern"
)

func TestRule(t *testing.T) {
	rules, err := Parse("x.yml", []byte(`---
title: Shell from a web server
id: 0d1f1f62-3d3f-4a2b-9c37-5ad1b8d0f1aa
name: web_shell
status: test
description: |
    A web server starts a shell.
references: [https://example.org/a]
author: Somebody
date: 2024-08-08
modified: 2025/01/02
license: Apache-2.0
taxonomy: sigma
tags:
    - attack.execution
    - attack.t1059.004
    - attack.T1505
    - attack.t
    - cve.2024-1234
fields: [Image]
falsepositives:
    - Control panels
    - ~
level: high
scope: server
related: [{id: x, type: similar}]
examples: {positive: []}
logsource:
    category: process_creation
    product: linux
    definition: ignored
detection:
    selection: {Image|endswith: /sh}
    condition: selection
---
`))
	if err != nil {
		t.Fatal(err)
	}
	got := rules[0]
	if len(got.Custom) != 2 || got.Custom["related"] == nil || got.Custom["examples"].Content[0].Value != "positive" {
		t.Errorf("custom fields: %v", got.Custom)
	}
	got.Custom = nil
	want := sigma.Rule{
		File: "x.yml", Line: 2, Title: "Shell from a web server", ID: "0d1f1f62-3d3f-4a2b-9c37-5ad1b8d0f1aa", Name: "web_shell", Status: "test",
		Description: "A web server starts a shell.\n", Author: "Somebody", Date: "2024-08-08", Modified: "2025/01/02", License: "Apache-2.0", Taxonomy: "sigma",
		References: []string{"https://example.org/a"}, Fields: []string{"Image"}, FalsePositives: []string{"Control panels"}, Scope: []string{"server"},
		Tags: []string{"attack.execution", "attack.t1059.004", "attack.T1505", "attack.t", "cve.2024-1234"}, Level: 4,
		Logsource: event.Logsource{Category: "process_creation", Product: "linux"}, LogsourceLine: 29,
		Selections: []sigma.Selection{{Name: "selection", Line: 33, Expr: sigma.Expr{Op: sigma.Like, Field: "Image", Line: 33, Pattern: []pattern.Piece{{Wild: '*'}, {Text: "/sh"}}}}},
		Condition:  sigma.Expr{Op: sigma.Selected, Line: 34},
	}
	if diff := cmp.Diff([]sigma.Rule{want}, []sigma.Rule{got}, cmpopts.EquateComparable(netip.Prefix{})); len(rules) != 1 || diff != "" {
		t.Error(diff)
	}
}

func TestCorrelation(t *testing.T) {
	rules, err := Parse("x.yml", []byte(`
title: Guessing from many addresses
correlation:
  type: value_count
  rules: [failed_login]
  group-by: [user, host]
  timespan: 90m
  condition: {field: from, gt: 3, lte: 100}
  aliases:
    user: {failed_login: TargetUser}
  generate: true
level: high
---
title: base
name: failed_login
logsource: {service: sshd}
detection:
  words: [Failed password]
  condition: words
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &sigma.Correlation{Type: "value_count", Rules: []string{"failed_login"}, Lines: []int{5}, GroupBy: []string{"user", "host"}, Timespan: 90 * time.Minute,
		Field: "from", Bounds: []sigma.Bound{{Sign: ">", Count: 3}, {Sign: "<=", Count: 100}}, Aliases: map[string]map[string]string{"user": {"failed_login": "TargetUser"}}, Generate: true, Line: 4}
	if diff := cmp.Diff(want, rules[0].Correlation); diff != "" || len(rules) != 2 {
		t.Error(diff)
	}
}

func TestStars(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		yes, no string
	}{
		{"x", "x", "xx y"},
		{"x*", "x xy x*", "yx"},
		{"*x", "x yx", "xy"},
		{"*x*", "x axb", "y"},
		{"a*b*c", "abc a-b-c abbc", "ab ac acb bc"},
		{"a*a", "aa aba", "a"},
		{"**", "a abc", ""},
		{"s?", "s?", "sx"},
	} {
		for _, name := range strings.Fields(tt.yes) {
			if !stars(tt.pattern, name) {
				t.Errorf("%s is not %s", name, tt.pattern)
			}
		}
		for _, name := range strings.Fields(tt.no) {
			if stars(tt.pattern, name) {
				t.Errorf("%s is %s", name, tt.pattern)
			}
		}
	}
}

// TestAliases reads rules that repeat themselves by reference.
func TestAliases(t *testing.T) {
	rules, err := Parse("x.yml", []byte(`
title: t
logsource: {product: p}
detection:
    one: &one
        a: &list [x, y]
    two: {b: *list}
    three: [*one, {c: &word z}]
    four: {d|contains: *word}
    condition: all of them
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range rules[0].Selections {
		got = append(got, written(&rules[0], &s.Expr))
	}
	want := []string{`(a like "x" or a like "y")`, `(b like "x" or b like "y")`, `((a like "x" or a like "y") or c like "z")`, `d like "[*]z[*]"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestErrors has a fault per case, and where it is and how it is told.
func TestErrors(t *testing.T) {
	const head, source = "title: t\n", "title: t\nlogsource: {product: p}\n"
	field := func(text string) string { return source + "detection:\n  s:\n    " + text + "\n  condition: s\n" }
	condition := func(text string) string {
		return source + "detection:\n  s1: {a: x}\n  s2: {a: y}\n  condition: " + text + "\n"
	}
	correlation := func(text string) string {
		return head + "correlation:\n  type: event_count\n  rules: [r]\n  group-by: [a]\n" + text
	}
	for _, tt := range []struct{ text, want string }{
		{"a: [", "1: this is not YAML: did not find expected node content"},
		{"title: t\n  b: c: d", "2: this is not YAML: mapping values are not allowed in this context"},
		{"- a", "1: a rule must be a map"},
		{"{? [a] : b}", "1: a rule: a key must be a word"},
		{"a: &x {b: c}\n<<: *x", "2: a rule: merging maps by << is not supported"},
		{"title: a\nlevel: low\ntitle: b", `3: a rule: "title" is there twice, first on line 1`},
		{source, "1: the rule has neither detection nor correlation"},
		{"logsource: {product: p}\ndetection: {s: {a: b}, condition: s}", "1: the rule has no title"},
		{head + "detection: {s: {a: b}, condition: s}", "1: the rule has no logsource"},
		{head + "correlation: {}\ndetection: {}", "2: a rule has a detection or a correlation, not both"},
		{head + "logsource: {}\ndetection: {s: {a: b}, condition: s}", "2: logsource names neither"},
		{head + "logsource: x\ndetection: {s: {a: b}, condition: s}", "2: logsource must be a map"},
		{head + "action: global", "2: action is of version 1"},
		{head + "logsource: {product: p}\nfilter:\n  rules: [x]", "4: filters for other rules are not supported"},
		{condition("[]"), "6: condition is empty; name a selection"},
		{source + "title2: x\ndetection: {s: {a: b}}", "4: detection has no condition"},
		{source + "detection: {condition: s}", "3: detection has no selection"},
		{source + "detection: {s: {a: b}, condition: s}\nlevel: severe", `4: level "severe" is none; use informational`},
		{source + "detection: {s: {a: b}, condition: s}\nstatus: old", `4: status "old" is none`},
		{source + "detection: {s: {a: b}, condition: s}\ntaxonomy: ecs", `4: taxonomy "ecs" is not known`},
		{source + "detection: {s: {a: b}, condition: s}\nid: a b", `4: id "a b" has blanks`},
		{source + "detection: {s: {a: b}, condition: s}\ntags: {a: b}", "4: tags must be a list"},
		{source + "detection: {s: {a: b}, condition: s}\nauthor: [a]", "4: author must be one text"},
		{source + "detection: {s: {a: b}, condition: s}\nauthor: " + strings.Repeat("x", 1025), "4: author is longer than 1024 bytes"},
		{source + "detection:\n  s: {a: b}\n  timeframe: 5m\n  condition: s", "5: timeframe belongs to the old"},
		{source + "detection:\n  and: {a: b}\n  condition: s", `4: selection "and": use letters`},
		{source + "detection:\n  s: {}\n  condition: s", "4: selection s is empty"},
		{source + "detection:\n  s: []\n  condition: s", "4: selection s is empty"},
		{source + "detection:\n  s: [[a]]\n  condition: s", "4: selection s: a list in a list"},
		{source + "detection:\n  s: [~]\n  condition: s", "4: selection s: null is a field that is not there"},
		{field("a|foo: x"), `5: selection s, field a: modifier "foo" is not known; use contains`},
		{field("a|expand: '%servers%'"), "5: selection s, field a: modifier expand: there is nothing here to fill placeholders"},
		{field("a|hour: 3"), "5: selection s, field a: modifier hour is not supported"},
		{field("a|i: x"), "5: selection s, field a: modifier i goes after re only"},
		{field("a|re|cidr: x"), "5: selection s, field a: modifiers re and cidr exclude each other"},
		{field("a|re|contains: x"), "5: selection s, field a: modifiers re and contains exclude each other"},
		{field("a|contains|endswith: x"), "5: selection s, field a: modifiers contains and endswith exclude each other"},
		{field("a|cidr|cased: x"), "5: selection s, field a: modifier cased is for text, not for cidr"},
		{field("a|base64|re: x"), "5: selection s, field a: modifiers re and base64 exclude each other"},
		{field("a|contains|base64: x"), "5: selection s, field a: modifier base64 goes before contains, as in a|base64|contains"},
		{field("a|wide: x"), "5: selection s, field a: wide goes before base64"},
		{field("'|cidr': 10.0.0.0/8"), "5: selection s: modifier cidr needs a field"},
		{field("'|startswith': x"), "5: selection s: keywords are found anywhere"},
		{field("a: {b: c}"), "5: selection s, field a must be a list"},
		{field("a: [{b: c}]"), "5: selection s, field a: a value must be text"},
		{field("a: []"), "5: selection s, field a has no values"},
		{field("a: " + strings.Repeat("x", 5000)), "5: selection s, field a: a value is longer than 4096 bytes"},
		{field("a: 0x10"), "5: selection s, field a: the number 0x10 can be written in several ways"},
		{field("a: 010"), "5: selection s, field a: the number 010 can be"},
		{field("a: 1e3"), "5: selection s, field a: the number 1e3 can be"},
		{field("a: !!binary aGk="), "5: selection s, field a: !!binary is not supported"},
		{field("a|contains: ~"), "5: selection s, field a: null is a field that is not there"},
		{field("a|re: ~"), "5: selection s, field a: null is a field that is not there"},
		{field("a|exists: maybe"), `5: selection s, field a: exists takes true or false, not "maybe"`},
		{field("a|fieldref: ''"), "5: selection s, field a: fieldref takes the name"},
		{field("a|lt: many"), `5: selection s, field a: "many" is no decimal number`},
		{field("a|cidr: 10.0.0.0/33"), `5: selection s, field a: "10.0.0.0/33" is no network`},
		{field("a|cidr: 10.0.0"), `5: selection s, field a: "10.0.0" is no network`},
		{field("a|cidr: '::ffff:10.0.0.0/104'"), `5: selection s, field a: "::ffff:10.0.0.0/104": write the network of IPv4`},
		{field("a|base64: 'x*'"), "5: selection s, field a: base64 takes a text that is not empty and has no wildcards"},
		{field("a|base64offset: x"), "5: selection s, field a: base64offset: the text is too short"},
		{field("a|windash: ' -a -b -c -d'"), "5: selection s, field a: windash: more than 3 dashes"},
		{field("a|re: '('"), "5: selection s, field a: regular expression: error parsing regexp: missing closing )"},
		{field("a|re: 'x(?!y)'"), `5: selection s, field a: regular expression: "(?!" looks ahead or behind`},
		{field("a|re: '" + strings.Repeat("x", 3000) + "'"), "5: selection s, field a: the regular expression is longer than 2048 bytes"},
		{field("a|re: '(x{100}y){10}'"), "5: selection s, field a: the regular expression has 1032 steps, more than 1000"},
		{field("a: *nowhere"), "5: this is not YAML: unknown anchor 'nowhere' referenced"},
		{condition("s3"), `6: condition "s3": there is no selection "s3"; there are s1, s2`},
		{condition("''"), `6: condition "": it is empty`},
		{condition("s1 and"), `6: condition "s1 and": something is missing at the end`},
		{condition("s1 s2"), `6: condition "s1 s2": "s2" is not expected here`},
		{condition("(s1"), `6: condition "(s1": a parenthesis is not closed`},
		{condition("s1)"), `6: condition "s1)": ")" is not expected here`},
		{condition("s*"), `6: condition "s*": "s*" is a pattern; write "1 of s*"`},
		{condition("1 s*"), `6: condition "1 s*": "1" is followed by "of"`},
		{condition("1 of"), `6: condition "1 of": something is missing`},
		{condition("1 of f*"), `6: condition "1 of f*": no selection is called "f*"; there are s1, s2`},
		{condition("s1 | count() by a > 5"), "write a correlation rule of type event_count"},
		{condition("s1 | near s2"), "near is not supported; write a correlation rule of type temporal"},
		{condition("s1 near s2"), "near is not supported; write a correlation rule of type temporal"},
		{condition("near s2"), "near is not supported"},
		{condition(strings.Repeat("(", 40) + "s1" + strings.Repeat(")", 40)), "it is nested more than 32 deep"},
		{condition("{a: b}"), "6: condition must be a list"},
		{correlation(""), "3: correlation has no timespan"},
		{correlation("  timespan: 5m"), "3: correlation has no condition"},
		{correlation("  timespan: 5 m"), `6: timespan "5 m" is a number with s, m, h or d`},
		{correlation("  timespan: 0s"), `6: timespan "0s" is`},
		{correlation("  timespan: 32d"), "6: timespan 32d is longer than 31 days"},
		{correlation("  timespan: 5m\n  condition: {ge: 1}"), `7: condition has no "ge"; there are gt`},
		{correlation("  timespan: 5m\n  condition: {gte: x}"), "7: gte takes a whole number"},
		{correlation("  timespan: 5m\n  condition: r and q"), "7: a condition in words is not supported for correlations"},
		{correlation("  timespan: 5m\n  condition: {gte: 1, field: a}"), "3: condition has a field, which only value_count counts"},
		{correlation("  timespan: 5m\n  window: 5m"), `7: correlation has no field "window"`},
		{correlation("  timespan: 5m\n  generate: perhaps"), "7: generate takes true or false"},
		{correlation("  timespan: 5m\n  condition: {gte: 1}\n  aliases: {b: {r: x}}"), `3: alias "b" is used neither`},
		{head + "correlation: {type: value_avg, rules: [r], timespan: 5m}", `2: correlation type "value_avg" is not supported; use event_count`},
		{head + "correlation: {type: temporal, timespan: 5m}", "2: correlation has no rules"},
		{head + "correlation: {type: value_count, rules: [r], timespan: 5m, condition: {gte: 2}}", "2: value_count has no field"},
		{head + "correlation: {type: temporal, rules: [a, " + strings.Repeat("b, ", 40) + "], timespan: 5m}", "2: correlation has more than 32 rules"},
		{head + "correlation: {type: temporal, rules: [a], group-by: [a, b, c, d, e, f, g, h, i], timespan: 5m}", "2: group-by has more than 8 fields"},
	} {
		rules, err := Parse("x.yml", []byte(tt.text))
		if err == nil || len(rules) > 0 {
			t.Errorf("%s\nno error, want %s", tt.text, tt.want)
			continue
		}
		want := tt.want
		if want[0] >= '0' && want[0] <= '9' {
			want = "x.yml:" + want
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%.300s\nerror %v\n want %s", tt.text, err, want)
		}
		var fault *sigma.Error
		if !errors.As(err, &fault) || fault.File != "x.yml" {
			t.Errorf("%v is no *Error", err)
		}
	}
}

func TestGoodBesideBad(t *testing.T) {
	const good = "title: good %d\nlogsource: {product: p}\ndetection: {s: {a: b}, condition: s}\n---\n"
	text := fmt.Sprintf(good, 1) + "title: bad\n---\n" + fmt.Sprintf(good, 2) + "a: ]\n---\n" + fmt.Sprintf(good, 3)
	rules, err := Parse("x.yml", []byte(text))
	if len(rules) != 2 || rules[0].Title != "good 1" || rules[1].Title != "good 2" || rules[1].Line != 7 {
		t.Errorf("rules: %+v", rules)
	}
	want := "x.yml:5: the rule has neither detection nor correlation; add one\nx.yml:11: this is not YAML: did not find expected node content"
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}

func TestBounds(t *testing.T) {
	bomb := "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("x%d: &x%d [%s*x%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*x%d, ", i), 9), i)
	}
	const head = "title: t\nlogsource: {product: p}\n"
	var selections, values strings.Builder
	for i := range 65 {
		fmt.Fprintf(&selections, "  s%d: {a: b}\n", i)
	}
	for i := range 5000 {
		fmt.Fprintf(&values, "- %d\n", i)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"file", strings.Repeat("#", maxFile+1), "the file is larger than 262144 bytes"},
		{"aliases", bomb + head + "detection: {s: *x9, condition: s}", "a list in a list"},
		{"tags", bomb + head + "tags: *x9\ndetection: {s: {a: b}, condition: s}", "tags must be one text"},
		{"visits", head + "x: &x [" + strings.Repeat("{a: b}, ", 500) + "]\ndetection:\n" + strings.ReplaceAll(strings.Repeat("  sX: *x\n", 64), "X", "") + "  condition: s", "is there twice"},
		{"selections", head + "detection:\n" + selections.String() + "  condition: s1", "more than 64 selections"},
		{"values", head + "detection:\n  s:\n    a:\n" + values.String() + "  condition: s", "did not find"},
		{"tests", head + "detection: {s: {a: [" + strings.Repeat("x, ", 5000) + "]}, condition: s}", "more than 4096 values in a rule"},
		{"rules", strings.Repeat("title: t\nlogsource: {product: p}\ndetection: {s: {a: b}, condition: s}\n---\n", 2001), "more than 2000 rules in a file"},
		{"itself", head + "detection: {s: &s [*s], condition: s}", "a list in a list"},
		{"its own field", head + "detection: {s: {a: &s [*s]}, condition: s}", "a value must be text"},
		{"its own rule", "&r {title: t, logsource: *r, detection: *r}", "logsource names neither"},
		{"its own map", head + "detection: &d {s: *d, condition: s}", "a list"},
		{"depth", strings.Repeat("[", 20_000), "not YAML"},
		{"nested", head + "detection: {s: {a: b}, condition: " + strings.Repeat("[", 100) + "s" + strings.Repeat("]", 100) + "}", "condition must be one text"},
	} {
		start := time.Now()
		_, err := Parse("x.yml", []byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %.300v, want %s", tt.name, err, tt.want)
		}
		if lines := strings.Count(fmt.Sprint(err), "\n"); lines >= maxErrors {
			t.Errorf("%s: %d errors", tt.name, lines+1)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s: took %v", tt.name, took)
		}
	}
	// What aliases repeat counts each time.
	var docs strings.Builder
	for range 20 {
		docs.WriteString("title: t\nlogsource: {product: p}\nx: &x [" + strings.Repeat("{a: b}, ", 200) + "]\ndetection:\n")
		for i := range 20 {
			fmt.Fprintf(&docs, "  s%d: *x\n", i)
		}
		docs.WriteString("  condition: s1\n---\n")
	}
	if _, err := Parse("x.yml", []byte(docs.String())); err == nil || !strings.Contains(err.Error(), "more than 200000 values with aliases followed") {
		t.Errorf("visits: %.200v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("title: t\nlogsource: {product: p}\ndetection: {s: {a|contains|all: ['x*', \"y\\\\\"]}, k: [a, b], condition: 1 of s* and not k}\nlevel: low\n"))
	f.Add([]byte("title: t\nlogsource: {product: p}\ndetection: {s: [{a|re|i: '^x'}, {b|cidr: 10.0.0.0/8, c: ~}], condition: [s, not s]}\n"))
	f.Add([]byte("title: t\nlogsource: &l {product: p}\ndetection: {s: {a|windash|contains: ' -x'}, condition: s}\n---\ntitle: u\nlogsource: *l\n"))
	f.Add([]byte("title: t\ncorrelation: {type: temporal, rules: [a, b], group-by: [c], timespan: 5m, aliases: {c: {a: d}}}\n"))
	f.Add([]byte("title: t\nlogsource: {product: p}\ndetection: {s: {a|utf16le|base64offset|contains: x, b|fieldref|endswith: c, d|lt: -1.5}, condition: all of them}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rules, err := Parse("f.yml", text)
		for _, r := range rules {
			if r.Title == "" || len(r.Selections) > maxNamed || (r.Correlation == nil) == (len(r.Selections) == 0) {
				t.Errorf("rule %+v", r)
			}
			for _, s := range r.Selections {
				sound(t, &s.Expr, 0)
			}
			if r.Correlation == nil {
				sound(t, &r.Condition, len(r.Selections))
			}
		}
		if err == nil {
			return
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			if strings.HasPrefix(line, "f.yml:0:") {
				t.Errorf("an error without place: %s", line)
			}
		}
	})
}

// sound checks what every expression promises.
func sound(t *testing.T, e *sigma.Expr, selections int) {
	switch e.Op {
	case sigma.And, sigma.Or:
		if len(e.Args) < 2 {
			t.Errorf("%d arguments of %d", len(e.Args), e.Op)
		}
	case sigma.Not:
		if len(e.Args) != 1 {
			t.Errorf("%d arguments of not", len(e.Args))
		}
	case sigma.Selected:
		if e.Selection < 0 || e.Selection >= selections {
			t.Errorf("selection %d of %d", e.Selection, selections)
		}
	case sigma.Like:
		for i, p := range e.Pattern {
			if (p.Wild == 0) == (p.Text == "") || i > 0 && p.Wild != '?' && p.Wild == e.Pattern[i-1].Wild {
				t.Errorf("pattern %+v", e.Pattern)
			}
		}
	}
	for i := range e.Args {
		sound(t, &e.Args[i], selections)
	}
}
