package match

import (
	"slices"
	"testing"

	"seawall/pkg/sigma/event"
)

func TestPossible(t *testing.T) {
	rules := parse(t, `title: type alone
id: a
logsource: {product: linux, service: auditd}
detection: {s: {type: SYSCALL}, condition: s}
---
title: another type
id: b
logsource: {product: linux, service: auditd}
detection: {s: {type: ADD_USER}, condition: s}
---
title: the type and what is not known
id: c
logsource: {product: linux, service: auditd}
detection: {s: {type: SYSCALL, exe|endswith: /tcpdump}, condition: s}
---
title: another type and what is not known
id: d
logsource: {product: linux, service: auditd}
detection: {s: {type: ADD_USER, exe: x}, condition: s}
---
title: either
id: e
logsource: {product: linux, service: auditd}
detection: {s: {type: ADD_USER}, o: {name: x}, condition: s or o}
---
title: not the type
id: f
logsource: {product: linux, service: auditd}
detection: {o: {name: x}, s: {type: SYSCALL}, condition: o and not s}
---
title: all but what is not known
id: g
logsource: {product: linux, service: auditd}
detection: {s: {type|re: 'SYS.*'}, o: {name: x}, condition: s and not o}
---
title: a word anywhere
id: h
logsource: {product: linux, service: auditd}
detection: {s: [word], condition: s}
---
title: a missing type
id: i
logsource: {product: linux, service: auditd}
detection: {s: {type: null}, o: {name: x}, condition: s and o}
---
title: two fields
id: j
logsource: {product: linux, service: auditd}
detection: {s: {type|fieldref: comm}, condition: s}
---
title: other events
id: k
logsource: {product: linux, category: process_creation}
detection: {s: {Image: x}, condition: s}
`)
	m, err := Compile(rules, benchTaxonomy())
	if err != nil {
		t.Fatal(err)
	}
	var e event.Event
	e.Reset(1)
	e.AddString(0, "SYSCALL")
	e.AddString(0, "PATH")
	s := m.NewScratch()
	if got, want := m.Possible(&e, []event.Field{0}, s), []int{0, 2, 4, 6, 7, 9}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	e.Reset(9)
	if got := m.Possible(&e, nil, s); got != nil {
		t.Errorf("of no source: %v", got)
	}
}
