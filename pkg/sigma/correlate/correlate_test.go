package correlate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/match"
	"seawall/pkg/sigma/rulefile"
)

func testTaxonomy() event.Taxonomy {
	return event.Taxonomy{
		{Logsource: event.Logsource{Product: "p", Service: "login"}, Fields: map[string]event.Field{"what": 0, "user": 1, "from": 2}},
		{Logsource: event.Logsource{Product: "p", Category: "net"}, Fields: map[string]event.Field{"what": 0, "owner": 1, "to": 2}},
	}
}

// base are rules that match by field what: a, b, c of logins, n of connections.
const base = `
title: a
name: a
logsource: {service: login}
detection: {s: {what: a}, condition: s}
---
title: b
name: b
id: the-id-of-b
logsource: {service: login}
detection: {s: {what: b}, condition: s}
---
title: c
name: c
logsource: {service: login}
detection: {s: {what: c}, condition: s}
---
title: n
name: n
logsource: {category: net}
detection: {s: {what: n}, condition: s}
`

// pipeline is a matcher with a correlator behind it.
type pipeline struct {
	rules []sigma.Rule
	m     *match.Matcher
	s     *match.Scratch
	c     *Correlator
	e     event.Event
}

func newPipeline(t testing.TB, correlations string, limits Limits) *pipeline {
	t.Helper()
	rules, err := rulefile.Parse("test.yml", []byte(base+"---\n"+correlations))
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{rules: rules}
	if p.m, err = match.Compile(rules, testTaxonomy()); err != nil {
		t.Fatal(err)
	}
	if p.c, err = New(rules, testTaxonomy(), limits); err != nil {
		t.Fatal(err)
	}
	p.s = p.m.NewScratch()
	return p
}

// observe gives the pipeline's event to its matcher and correlator.
func (p *pipeline) observe(at time.Time, report func(Alert)) {
	for _, r := range p.m.Match(&p.e, p.s) {
		p.c.Observe(r.Rule, &p.e, at, report)
	}
}

func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func seconds(at time.Time) int { return int(at.Sub(start()) / time.Second) }

func (p *pipeline) show(alerts *[]string) func(Alert) {
	return func(a Alert) {
		*alerts = append(*alerts, fmt.Sprintf("%s %s %d %d-%d", p.rules[a.Rule].Title, strings.Join(a.Group, ","), a.Count, seconds(a.First), seconds(a.Last)))
	}
}

// run takes steps such as "7 a x y" (at second 7 rule a matches, user x, from y; "-"
// is a missing field) or "7 now", and returns the alerts.
func (p *pipeline) run(t testing.TB, steps string) []string {
	var alerts []string
	for _, step := range strings.Split(steps, ";") {
		words := strings.Fields(step)
		if len(words) == 0 {
			continue
		}
		n, err := strconv.Atoi(words[0])
		if err != nil {
			t.Fatal(err)
		}
		at := start().Add(time.Duration(n) * time.Second)
		if words[1] == "now" {
			p.c.Advance(at, p.show(&alerts))
			continue
		}
		source := 0
		if words[1] == "n" {
			source = 1
		}
		p.e.Reset(source)
		for f, word := range words[1:] {
			if word != "-" {
				p.e.AddString(event.Field(f), word)
			}
		}
		p.observe(at, p.show(&alerts))
	}
	return alerts
}

func TestCorrelations(t *testing.T) {
	one := func(text string) string {
		return "title: C\nname: C\ncorrelation: {" + text + "}\n"
	}
	count := one("type: event_count, rules: [a], group-by: [user], timespan: 10s, condition: {gte: 3}")
	values := one("type: value_count, rules: [a], group-by: [user], timespan: 10s, condition: {gt: 2, field: from}")
	window := one("type: event_count, rules: [a], group-by: [user], timespan: 10s, condition: {gte: 2, lt: 4}")
	temporal := one("type: temporal, rules: [a, the-id-of-b, c], group-by: [user], timespan: 10s")
	ordered := one("type: temporal_ordered, rules: [a, b, c], group-by: [user], timespan: 10s")
	alias := one("type: temporal, rules: [a, n], group-by: [who], timespan: 10s, aliases: {who: {a: user, n: owner}}")
	chain := one("type: temporal_ordered, rules: [many, b], group-by: [user], timespan: 1m") +
		"---\ntitle: many\nname: many\ncorrelation: {type: event_count, rules: [a], group-by: [user, from], timespan: 10s, condition: {gte: 2}}\n"
	for _, tt := range []struct {
		name, rules, steps string
		want               []string
	}{
		{"count", count, "1 a x; 2 a y; 3 a x; 4 b x; 5 a x", []string{"C x 3 1-5"}},
		{"too slow", count, "1 a x; 6 a x; 12 a x", nil},
		{"just in time", count, "1 a x; 6 a x; 11 a x", []string{"C x 3 1-11"}},
		{"sliding", count, "1 a x; 9 a x; 12 a x; 13 a x", []string{"C x 3 9-13"}},
		{"again", count, "1 a x; 2 a x; 3 a x; 4 a x; 5 a x; 6 a x; 7 a x", []string{"C x 3 1-3", "C x 3 4-6"}},
		{"late", count, "5 a x; 7 a x; 1 a x; 30 a x; 15 a x; 25 a x; 21 a x", []string{"C x 3 1-7", "C x 3 21-30"}},
		{"no user", count, "1 a -; 2 a -; 3 a -", nil},
		{"without groups", one("type: event_count, rules: [a, b], timespan: 1m, condition: {gt: 1}"), "1 a x; 2 b y", []string{"C  2 1-2"}},
		{"values", values, "1 a x p; 2 a x q; 3 a x p; 4 a y r; 5 a x r; 6 a x s", []string{"C x 3 2-5"}},
		{"values again", values, "1 a x p; 2 a x q; 9 a x p; 12 a x r", []string{"C x 3 2-12"}},
		{"values too slow", values, "1 a x p; 2 a x q; 3 a x q; 14 a x r; 15 a x p", nil},
		{"value missing", values, "1 a x p; 2 a x q; 3 a x -", nil},
		{"window", window, "1 a x; 2 a x; 3 a y; 20 now", []string{"C x 2 1-2"}},
		{"window, too many", window, "1 a x; 2 a x; 3 a x; 4 a x; 20 now", nil},
		{"window, closed by the next", window, "1 a x; 2 a x; 12 a x; 13 a x; 14 a x; 90 a y", []string{"C x 2 1-2", "C x 3 12-14"}},
		{"window not over", window, "1 a x; 2 a x; 11 now", nil},
		{"few values", one("type: value_count, rules: [a], group-by: [user], timespan: 10s, condition: {eq: 2, field: from}"),
			"1 a x p; 2 a x p; 3 a x q; 4 a y p; 5 a y q; 6 a y r; 7 a y s; 30 now", []string{"C x 2 1-3"}},
		{"temporal", temporal, "1 c x; 2 a x; 3 b y; 4 b x; 5 a x", []string{"C x 3 1-4"}},
		{"temporal too slow", temporal, "1 c x; 2 a x; 12 b x; 13 c x", []string{}},
		{"temporal late", temporal, "1 c x; 20 a x; 21 b x; 14 c x", []string{"C x 3 14-21"}},
		{"temporal, two of three", one("type: temporal, rules: [a, b, c], group-by: [user], timespan: 10s, condition: {gte: 2}"), "1 a x; 2 a x; 3 c x", []string{"C x 2 2-3"}},
		{"ordered", ordered, "1 a x; 2 b x; 3 c x", []string{"C x 3 1-3"}},
		{"out of order", ordered, "1 b x; 2 a x; 3 c x", nil},
		{"ordered with more", ordered, "1 a x; 2 c x; 3 b x; 4 a x; 5 c x", []string{"C x 3 1-5"}},
		{"ordered but late", ordered, "1 a x; 3 c x; 2 b x", []string{"C x 3 1-3"}},
		{"ordered too slow", ordered, "1 a x; 2 b x; 12 c x", nil},
		{"alias", alias, "1 a x; 2 n y; 3 n x", []string{"C x 2 1-3"}},
		{"chain", chain, "1 a x p; 2 a x q; 3 b x; 4 a x q; 5 b x", []string{"many x,q 2 2-4", "C x 2 4-5"}},
		{"clock set back", count, "1000 a x; 1001 a x; 1 a x; 2 now; 3 a x; 4 a x; 5 a x", []string{"C x 3 3-5"}},
	} {
		p := newPipeline(t, tt.rules, Limits{})
		got := p.run(t, tt.steps)
		if len(got)+len(tt.want) > 0 && !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		p.run(t, "100000 now")
		if s := p.c.Stats(); s.Groups != 0 || s.Bytes != 0 {
			t.Errorf("%s: long after there are %+v", tt.name, s)
		}
	}
}

func TestStats(t *testing.T) {
	p := newPipeline(t, "title: C\ncorrelation: {type: value_count, rules: [a], group-by: [user], timespan: 10s, condition: {gte: 3, field: from}}", Limits{})
	p.run(t, "100 a x p; 101 a - p; 102 a x -; 103 a y p; 50 a x p")
	got := p.c.Stats()
	if got.Bytes < 500 || got.Bytes > 5000 {
		t.Errorf("%d bytes", got.Bytes)
	}
	got.Bytes = 0
	if diff := cmp.Diff(Stats{Groups: 2, Late: 1, Ungrouped: 2}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAlone(t *testing.T) {
	p := newPipeline(t, `title: C
name: C
correlation: {type: event_count, rules: [a], timespan: 10s, condition: {gte: 3}}
---
title: D
correlation: {type: temporal, rules: [b, C], timespan: 10s, generate: true}
`, Limits{})
	for i, want := range []bool{false, true, true, true, true, true} {
		if got := p.c.Alone(i); got != want {
			t.Errorf("%s: %v", p.rules[i].Title, got)
		}
	}
}

func TestErrors(t *testing.T) {
	const count = "timespan: 1m, condition: {gte: 2}}"
	for _, tt := range []struct{ text, want string }{
		{"correlation: {type: event_count, rules: [z], " + count, `there is no rule with id or name "z"`},
		{"correlation: {type: event_count, rules: [a], group-by: [to], " + count, `events of rule "a" have no field "to"`},
		{"correlation: {type: temporal, rules: [a, n], group-by: [u], timespan: 1m, aliases: {u: {a: user}}}", `alias "u" has no field for rule "n"`},
		{"correlation: {type: temporal, rules: [b, the-id-of-b], timespan: 1m}", `rule "the-id-of-b" is named twice`},
		{"correlation: {type: temporal, rules: [a, b], timespan: 1m, condition: {gte: 3}}", "the condition asks for 3 of 2 rules"},
		{"correlation: {type: temporal_ordered, rules: [a, b, c], timespan: 1m, condition: {gte: 2}}", "the condition asks for 2 of 3 rules"},
		{"correlation: {type: temporal, rules: [a, b], timespan: 1m, condition: {lt: 2}}", "temporal with a bound from above is not supported"},
		{"correlation: {type: event_count, rules: [a], timespan: 1m, condition: {gte: 10001}}", "the condition counts to 10001, more than 10000"},
		{"correlation: {type: value_count, rules: [a], timespan: 1m, condition: {lt: 2000, gt: 1, field: from}}", "the condition counts to 2001, more than 2000"},
		{"name: a\ncorrelation: {type: event_count, rules: [a], " + count, `"a" is the name of two rules, test.yml:2 and test.yml:23`},
		{"name: x\ncorrelation: {type: event_count, rules: [x], " + count, "the correlation is about itself"},
		{"name: x\ncorrelation: {type: event_count, rules: [y], " + count + "\n---\ntitle: y\nname: y\ncorrelation: {type: event_count, rules: [x], " + count, "the correlation is about itself"},
		{"correlation: {type: temporal, rules: [a, y], timespan: 1m}\n---\ntitle: y\nname: y\ncorrelation: {type: event_count, rules: [a], timespan: 1m, condition: {lt: 3}}",
			`rule "y" is decided at the end of a timespan`},
	} {
		rules, err := rulefile.Parse("test.yml", []byte(base+"---\ntitle: C\n"+tt.text))
		if err != nil {
			t.Fatalf("%s: %v", tt.text, err)
		}
		if _, err := New(rules, testTaxonomy(), Limits{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.text, err, tt.want)
		}
	}
	// One that is wrong does not disable the others.
	rules, err := rulefile.Parse("test.yml", []byte(base+"---\ntitle: C\ncorrelation: {type: event_count, rules: [z], "+count+"\n---\ntitle: D\ncorrelation: {type: event_count, rules: [a], "+count))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := New(rules, testTaxonomy(), Limits{}); err == nil || len(c.rules) != 1 {
		t.Errorf("%v beside %v", c.rules, err)
	}
}

// TestFlood has more groups and values than may be kept.
func TestFlood(t *testing.T) {
	p := newPipeline(t, `title: C
correlation: {type: event_count, rules: [a], group-by: [user], timespan: 1h, condition: {gte: 3}}
---
title: D
correlation: {type: value_count, rules: [b], group-by: [user], timespan: 1h, condition: {gte: 2000, field: from}}
---
title: E
correlation: {type: temporal, rules: [b, c], group-by: [from], timespan: 1h}
`, Limits{Groups: 1000, Bytes: 2 << 20})
	var alerts []string
	observe := func(i int, values ...string) {
		p.e.Reset(0)
		for f, v := range values {
			p.e.AddString(event.Field(f), v)
		}
		p.observe(start().Add(time.Duration(i)*time.Millisecond), p.show(&alerts))
		if s := p.c.Stats(); s.Bytes > 2<<20 || s.Groups > 3000 {
			t.Fatalf("event %d: %+v", i, s)
		}
	}
	long := strings.Repeat("x", 100_000)
	for i := range 30_000 {
		observe(i, "a", fmt.Sprint(long[:i%500], i))
		observe(i, "b", "one", fmt.Sprint(i))
	}
	if s := p.c.Stats(); s.Evicted < 10_000 || len(p.c.rules[0].groups) != 1000 {
		t.Errorf("after the flood: %+v, %d groups", s, len(p.c.rules[0].groups))
	}
	if len(alerts) < 2 || !strings.HasPrefix(alerts[0], "D one 2000") {
		t.Errorf("alerts %q", alerts)
	}
	alerts = nil
	for range 3 {
		observe(40_000, "a", long+"1")
	}
	if len(alerts) != 1 || len(alerts[0]) > 300 {
		t.Errorf("alerts %.300q", alerts)
	}
	// Long values that differ at their ends only are different groups.
	observe(40_001, "a", long+"1")
	observe(40_002, "a", long+"2")
	observe(40_003, "a", long+"3")
	if len(alerts) != 1 {
		t.Errorf("long values are one: %.300q", alerts)
	}
}

// TestFloodBeside fills all memory by one correlation while another keeps its groups.
func TestFloodBeside(t *testing.T) {
	p := newPipeline(t, `title: C
correlation: {type: event_count, rules: [a], group-by: [user], timespan: 1h, condition: {gte: 3}}
---
title: D
correlation: {type: event_count, rules: [b], group-by: [user], timespan: 1h, condition: {gte: 3}}
`, Limits{Bytes: 20_000})
	got := p.run(t, "1 a alice; 2 a bob")
	for i := range 1000 {
		got = append(got, p.run(t, fmt.Sprintf("3 b user-%d", i))...)
	}
	got = append(got, p.run(t, "4 a alice; 5 a alice; 6 a bob; 7 a bob")...)
	if want := []string{"C alice 3 1-5", "C bob 3 2-7"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if s := p.c.Stats(); s.Bytes > 20_000 || s.Evicted < 900 {
		t.Errorf("%+v", s)
	}
	// What is larger than all that is allowed does not stay either.
	p = newPipeline(t, "title: C\ncorrelation: {type: event_count, rules: [a], group-by: [user], timespan: 1h, condition: {gte: 3}}", Limits{Bytes: 10})
	p.run(t, "1 a alice")
	if s := p.c.Stats(); s.Groups != 0 || s.Bytes != 0 || s.Evicted != 1 {
		t.Errorf("%+v", s)
	}
}

// occurrence is an event for the reference.
type occurrence struct {
	rule, at int
	value    string
}

// holds looks through a group's whole history, the last event of which is new.
func holds(kind string, history []occurrence, span, target, rules int) bool {
	for i := range history {
		var inside []occurrence
		for _, o := range history[i:] {
			if o.at-history[i].at <= span {
				inside = append(inside, o)
			}
		}
		distinct := map[string]bool{}
		next := 0
		for _, o := range inside {
			switch kind {
			case "event_count":
				distinct[fmt.Sprint(len(distinct))] = true
			case "value_count":
				distinct[o.value] = true
			case "temporal":
				distinct[fmt.Sprint(o.rule)] = true
			}
			if kind == "temporal_ordered" && o.rule == next {
				next++
			}
		}
		if kind == "temporal_ordered" && next == rules || kind != "temporal_ordered" && len(distinct) >= target {
			return true
		}
	}
	return false
}

func TestAsReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"event_count", "value_count", "temporal", "temporal_ordered"}).Draw(t, "type")
		span, target := rapid.IntRange(1, 20).Draw(t, "span"), rapid.IntRange(1, 5).Draw(t, "target")
		names := []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "rules")]
		text := fmt.Sprintf("title: C\ncorrelation: {type: %s, rules: [%s], group-by: [user], timespan: %ds", kind, strings.Join(names, ", "), span)
		switch kind {
		case "event_count":
			text += fmt.Sprintf(", condition: {gte: %d}", target)
		case "value_count":
			text += fmt.Sprintf(", condition: {gt: %d, field: from}", target-1)
		default:
			target = len(names)
		}
		rules, err := rulefile.Parse("test.yml", []byte(base+"---\n"+text+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(rules, testTaxonomy(), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		history := map[string][]occurrence{}
		now := 0
		for range 60 {
			now += rapid.IntRange(1, 6).Draw(t, "pause") // of one time are none: their order would be open
			o := occurrence{rapid.IntRange(0, len(names)-1).Draw(t, "rule"), now, rapid.SampledFrom([]string{"p", "q", "r", "s", "t"}).Draw(t, "value")}
			user := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "user")
			var e event.Event
			e.Reset(0)
			e.AddString(1, user)
			e.AddString(2, o.value)
			fired := false
			c.Observe(o.rule, &e, start().Add(time.Duration(now)*time.Second), func(Alert) { fired = true })
			history[user] = append(history[user], o)
			want := holds(kind, history[user], span, target, len(names))
			if fired != want {
				t.Fatalf("%s\n%v: %v, want %v", text, history[user], fired, want)
			}
			if want {
				history[user] = nil
			}
		}
	})
}

// FuzzObserve reads events of three bytes each: rule and value, group, time.
func FuzzObserve(f *testing.F) {
	f.Add([]byte("\x00a\x01\x01b\x02\x02a\x03\x00a\xff"))
	f.Add([]byte("\x10a\x00\x21a\x00\x32a\x00\x03a\x80"))
	p := newPipeline(f, `title: C
correlation: {type: event_count, rules: [a, b], group-by: [user], timespan: 30s, condition: {gte: 3}}
---
title: D
correlation: {type: value_count, rules: [b], group-by: [user], timespan: 30s, condition: {gte: 2, lte: 3, field: from}}
---
title: E
name: E
correlation: {type: temporal, rules: [a, b, c], group-by: [user], timespan: 30s}
---
title: F
correlation: {type: temporal_ordered, rules: [E, a], group-by: [user], timespan: 1m}
`, Limits{})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := New(p.rules, testTaxonomy(), Limits{Groups: 5, Bytes: 4000})
		if err != nil {
			t.Fatal(err)
		}
		report := func(a Alert) {
			if a.Count < 1 || a.First.After(a.Last) || len(a.Group) != 1 {
				t.Errorf("alert %+v", a)
			}
		}
		var e event.Event
		for ; len(data) >= 3; data = data[3:] {
			e.Reset(0)
			e.Add(1, data[1:2])
			e.Add(2, data[:1])
			at := start().Add(time.Duration(data[2]) * time.Second)
			if data[0] == 0xff {
				c.Advance(at, report)
				continue
			}
			c.Observe(int(data[0])%3, &e, at, report)
			if s := c.Stats(); s.Groups > 15 || s.Bytes > 4000 || s.Bytes < 0 {
				t.Fatalf("%+v", s)
			}
		}
		c.Advance(start().Add(time.Hour), report)
		if s := c.Stats(); s.Groups != 0 || s.Bytes != 0 {
			t.Errorf("an hour later there are %+v", s)
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	p := newPipeline(b, "title: C\ncorrelation: {type: event_count, rules: [a], group-by: [user, from], timespan: 10s, condition: {gte: 100}}", Limits{})
	var alerts []string
	at, i := start(), 0
	users := []string{"alice", "bob", "carol", "dave"}
	report := p.show(&alerts)
	b.ReportAllocs()
	for b.Loop() {
		p.e.Reset(0)
		p.e.AddString(1, users[i%4])
		p.e.AddString(2, "203.0.113.7")
		at = at.Add(time.Second)
		p.c.Observe(0, &p.e, at, report)
		i++
	}
}
