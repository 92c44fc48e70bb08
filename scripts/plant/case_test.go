package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	cases, err := parse("x.yaml", []byte("# one\n- check: a-b\n  break: rm x\n- {check: c-d, break: y, where: vm, needs: [b, a], with: {USER: ann}}\n"))
	if err != nil || len(cases) != 2 {
		t.Fatalf("%v, %v", cases, err)
	}
	if c := cases[0]; c.Where != container || c.place() != "x.yaml:2" || c.Break != "rm x" {
		t.Errorf("%+v", c)
	}
	if c := cases[1]; c.Where != machine || c.place() != "x.yaml:4" || c.With["USER"] != "ann" {
		t.Errorf("%+v", c)
	}
	if got := packages(cases); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("packages %q", got)
	}
	for _, bad := range []string{"- check: a-b\n", "- {check: a, break: b, when: c}\n", "- {check: a, break: b, where: moon}\n", "check: a\n", "- [\n"} {
		if cases, err := parse("x.yaml", []byte(bad)); err == nil {
			t.Errorf("%q: %v", bad, cases)
		}
	}
}

func TestChoose(t *testing.T) {
	all := []Case{{Check: "a", Where: machine}, {Check: "b", Where: container, Needs: []string{"x"}}, {Check: "c", Where: container}}
	names := func(cases []Case) string {
		var list []string
		for _, c := range cases {
			list = append(list, c.Check)
		}
		return strings.Join(list, " ")
	}
	if got := names(choose(all, container, nil)); got != "c b" {
		t.Errorf("got %s", got)
	}
	all[2].file = "f.yaml"
	if got := names(choose(all, container, []string{"f"})); got != "c" {
		t.Errorf("of a file: %s", got)
	}
	if got := names(choose(all, container, []string{"b", "a"})); got != "b" {
		t.Errorf("got %s", got)
	}
	for n := 1; n <= 4; n++ {
		var parts []string
		for k := range n {
			for _, r := range part(rounds(slices.Clone(all)), k+1, n) {
				parts = append(parts, strings.Join(r.checks(), " "))
			}
		}
		if got := strings.Join(parts, " "); got != "a b c" {
			t.Errorf("%d parts: %q", n, parts)
		}
	}
	beside := []Case{{Check: "a", Where: container, Together: "x"}, {Check: "b", Where: container, Together: "x"}, {Check: "c", Where: container}}
	if got := names(choose(beside, container, []string{"b"})); got != "a b" {
		t.Errorf("got %s", got)
	}
	if got := names(choose(all, machine, nil)); got != "a" || all[0].Check != "a" || all[1].Check != "b" {
		t.Errorf("got %s, %v", got, all)
	}
}

// TestAll: the cases are of the form that they should have, one at least for every
// built-in check, and none for one that there is not.
func TestAll(t *testing.T) {
	cases, err := Load("cases")
	if err != nil {
		t.Fatal(err)
	}
	checks := builtin(t)
	planted := map[string]bool{}
	for _, c := range cases {
		planted[c.Check] = true
		for _, name := range append(c.Also, c.Check) {
			if !slices.ContainsFunc(checks, func(check string) bool { return matches([]string{name}, check) }) {
				t.Errorf("%s: no check is called %q", c.place(), name)
			}
		}
	}
	for _, name := range checks {
		if !planted[name] {
			t.Errorf("no fault is planted for %s", name)
		}
	}
	if len(cases) < 220 {
		t.Errorf("%d cases", len(cases))
	}
}
