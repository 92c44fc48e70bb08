package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// houseOf loads two checks of the door and one of the lamp, with what text says of them.
func houseOf(t *testing.T, text string, tags ...string) *Policy {
	t.Helper()
	more := func(id, family, profiles string) Source {
		s := strings.NewReplacer("door-test", id, "family: door", "family: "+family, "pass: true", "pass: true\n    profiles: "+profiles)
		return Source{Name: id + ".yaml", Data: []byte(s.Replace(string(one("").Data)))}
	}
	p, err := LoadFor(tags, house{}, more("door-lock", "door", "[baseline]"), more("door-bell", "door", "[cis-1]"), more("lamp-on", "lamp", "[image]"),
		Source{Name: "mine.yaml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestChoose(t *testing.T) {
	const web = "profile: {name: web, include: [baseline], checks: [lamp]}\n"
	for _, tt := range []struct{ text, profile, names, want string }{
		{web, "baseline", "", "door-lock"},
		{web, "cis-2", "", "door-bell"},
		{web, "web", "", "door-lock lamp-on"},
		{web, "all", "", "door-bell door-lock lamp-on"},
		{web, "", "door", "door-bell door-lock"},
		{web, "baseline", "door", "door-lock"},
		{web, "baseline", "door-bell", "door-bell"}, // who asks for a check gets it
		{web, "baseline", "door door-bell", "door-lock door-bell"},
		{web, "baseline", "lamp", "error: no check of the family lamp is in the profile baseline"},
		{web, "baseline", "lmap", `error: no check is called "lmap"; did you mean "lamp"?`},
		{web, "bsaeline", "", `error: no profile is called "bsaeline"; did you mean "baseline"?`},
		{web + "overrides: [{check: lamp, disable: true, reason: it is day}]", "image", "", "error: profile image has no checks"},
		{web + "overrides: [{check: lamp, disable: true, reason: it is day}]", "web", "", "door-lock"},
		{web + "overrides: [{check: lamp, disable: true, reason: it is day}]", "web", "lamp-on", "error: check lamp-on is switched off by mine.yaml:2: it is day"},
		{web + "overrides: [{check: lamp, disable: true, hosts: [night], reason: it is day}]", "web", "lamp-on", "lamp-on"},
	} {
		ids, err := houseOf(t, tt.text).Choose(tt.profile, strings.Fields(tt.names)...)
		got := strings.Join(ids, " ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tt.want {
			t.Errorf("%s of %s: got %s, want %s", tt.names, tt.profile, got, tt.want)
		}
	}
}

// TestSwitchedOff: a check that is switched off gives no result and no text, and is
// known all the same.
func TestSwitchedOff(t *testing.T) {
	p := houseOf(t, "overrides: [{check: door, disable: true, hosts: [gate], reason: r}]", "gate")
	known := p.Known()
	slices.Sort(known)
	if got := fmt.Sprint(len(p.Checks()), len(p.Pack("").Checks), p.ForGroups("door"), known); got != "1 1 [lamp-on] [door-bell door-lock lamp-on]" {
		t.Errorf("got %s", got)
	}
	if got := p.Evaluate(&house{}, time.Time{}); len(got) != 1 || got[0].Check != "lamp-on" {
		t.Errorf("got %s", brief(got))
	}
}

// TestTrustedLoadsLate: of a trusted source the text is read and the expressions are
// not: one that is wrong shows when its check is evaluated, and there alone.
func TestTrustedLoadsLate(t *testing.T) {
	wrong := one("pass: door.colour == ''")
	wrong.Trusted = true
	p, err := Load(house{}, wrong)
	if err != nil {
		t.Fatal(err)
	}
	got := brief(p.Evaluate(&house{Door: doorFacts{Meta: known}}, time.Time{}))
	if !strings.HasPrefix(got, "error[] medium: pass: no such field: colour") {
		t.Errorf("got %s", got)
	}
}
