package taxonomy

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/sigma"
	"seawall/pkg/sigma/event"
	"seawall/pkg/sigma/match"
	"seawall/pkg/sigma/rulefile"
)

const classRules = `title: a file is opened
id: a
logsource: {product: linux, service: auditd}
detection: {s: {type: PATH, syscall: openat, success: 'yes', name|endswith: /shadow}, k: {exe|endswith: /passwd}, condition: s and not k}
---
title: of a key
id: b
logsource: {product: linux, service: auditd}
detection: {s: {key: special, comm: x}, condition: s}
---
title: a rule is loaded
id: c
logsource: {product: linux, service: auditd}
detection: {s: {type: CONFIG_CHANGE, key: special}, condition: s}
---
title: a user
id: d
logsource: {product: linux, service: auditd}
detection: {s: {type: ADD_USER, acct: mallory}, condition: s}
---
title: many
id: e
correlation: {type: event_count, rules: [a], group-by: [auid], timespan: 1m, condition: {gte: 3}}
`

func classReader(tb testing.TB, narrow bool) (*Reader, *match.Matcher, []sigma.Rule) {
	tb.Helper()
	list, err := rulefile.Parse("rules.yaml", []byte(classRules))
	if err != nil {
		tb.Fatal(err)
	}
	list[0].Name = "a"
	x := For(list)
	m, err := match.Compile(list, x.Sources)
	if err != nil {
		tb.Fatal(err)
	}
	cfg := Config{Taxonomy: x}
	if s := m.NewScratch(); narrow {
		cfg.Possible = func(ev *event.Event, known []event.Field) ([]int, func(*event.Event)) {
			return m.Possible(ev, known, s), nil
		}
	}
	return NewReader(cfg), m, list
}

// classEvents are events of a few classes, some of which rules match.
func classEvents() []*audit.Event {
	var list []*audit.Event
	for _, name := range []string{"/etc/shadow", "/etc/hosts"} {
		for _, key := range []string{"", "special", "other\x01special"} {
			for _, exe := range []string{"/usr/bin/passwd", "/usr/bin/cat"} {
				for _, success := range []bool{true, false} {
					for _, call := range []int{257, 59} {
						for _, typ := range []uint16{unix.AUDIT_PATH, unix.AUDIT_CONFIG_CHANGE} {
							list = append(list, &audit.Event{HasSyscall: true, Arch: 0xc000003e, Syscall: call, Success: success, Key: []byte(key), Exe: []byte(exe),
								Comm: []byte("x"), Paths: []audit.Path{{Name: []byte(name), Nametype: audit.NametypeNormal}},
								Records: []audit.Record{{Type: unix.AUDIT_SYSCALL}, {Type: typ, Text: []byte(`op=add_rule key="special" res=1`)}}})
						}
					}
				}
			}
		}
	}
	return append(list, &audit.Event{Records: []audit.Record{{Type: 1114, Text: []byte(`pid=1 msg='acct="mallory"'`)}}})
}

// TestClasses: what is left out changes no verdict, and much is left out.
func TestClasses(t *testing.T) {
	matches := func(narrow bool) (found []string, made int) {
		r, m, list := classReader(t, narrow)
		s := m.NewScratch()
		for i, e := range slices.Concat(classEvents(), classEvents()) {
			r.Read(e, Program{}, func(ev *event.Event) {
				made++
				for _, x := range m.Match(ev, s) {
					if text := fmt.Sprint(i, list[x.Rule].ID); !slices.Contains(found, text) {
						found = append(found, text)
					}
				}
			})
		}
		return found, made
	}
	want, all := matches(false)
	got, some := matches(true)
	if !slices.Equal(got, want) || len(want) < 20 {
		t.Errorf("%d matches, want %d:\n%v\n%v", len(got), len(want), got, want)
	}
	if 3*some > 2*all {
		t.Errorf("%d of %d events are made", some, all)
	}
}

// TestClassesAreBounded: whoever makes system calls of all numbers fills no memory.
func TestClassesAreBounded(t *testing.T) {
	r, _, _ := classReader(t, true)
	e := classEvents()[0]
	for e.Syscall = range 4 * maxClasses {
		r.Read(e, Program{}, func(*event.Event) {})
		if len(r.classes) > maxClasses {
			t.Fatalf("%d classes", len(r.classes))
		}
	}
	e.Key = make([]byte, maxKey+1)
	if r.class(e) != nil {
		t.Error("a long key is part of a class")
	}
	e.Key, e.Records = nil, make([]audit.Record, 2*maxTypes)
	for i := range e.Records {
		e.Records[i].Type = uint16(1300 + i)
	}
	if r.class(e) != nil {
		t.Error("an event of many types has a class")
	}
}
