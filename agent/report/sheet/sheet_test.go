package sheet_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/report/sheet"
	"seawall/agent/report/sheettest"
	"seawall/pkg/finding"
)

func TestGroup(t *testing.T) {
	var got []string
	for _, f := range sheettest.Sheet().Group() {
		for _, s := range f.Sections {
			got = append(got, fmt.Sprint(f.Name, " ", s.Check, " ", s.Status, " ", len(s.Results)))
		}
	}
	want := []string{"patch patch-updates fail 4", "ssh ssh-root fail 1", "ssh ssh-tries unknown 1", "ssh ssh-waived waived 1",
		"ssh ssh-ok pass 1", "ssh ssh-none not_applicable 1", "audit audit-a error 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestWhole: no result is lost or doubled by putting them in order.
func TestWhole(t *testing.T) {
	s := sheettest.Sheet()
	var all []finding.Result
	for _, f := range s.Group() {
		all = append(all, f.Results()...)
	}
	slices.SortFunc(all, finding.Compare)
	want := slices.SortedFunc(slices.Values(s.Results), finding.Compare)
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := len(s.Sections(finding.StatusFail)); n != 2 {
		t.Errorf("%d checks failed", n)
	}
	if shown := s.Shown(); len(shown) != 7 || shown[0].ID != "audit-a" {
		t.Errorf("shown: %+v", shown)
	}
}

func TestCompare(t *testing.T) {
	s := sheettest.Compared()
	var got []string
	for i := range s.Results {
		r := &s.Results[i]
		got = append(got, fmt.Sprint(r.Check, " ", r.Resource, " ", r.Status, " ", s.Was(r)))
	}
	for _, r := range s.Gone {
		got = append(got, fmt.Sprint("gone ", r.Check, " ", r.Resource))
	}
	want := []string{"patch-updates dash:amd64 fail new", "ssh-ok  pass was unknown", "ssh-root  fail was pass", "gone patch-updates gone:amd64"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if s.Score != sheettest.Sheet().Score {
		t.Error("the score is not that of the whole look")
	}
	if got := s.Compared(); got != "only what changed since old.json of 2026-11-21 09:00 UTC; gone: 1" {
		t.Errorf("got %s", got)
	}
	s.Only(finding.SeverityHigh)
	if len(s.Results) != 2 || len(s.Gone) != 0 || !strings.HasSuffix(s.Compared(), "; only severity high and above") {
		t.Errorf("%d results, %d gone, %s", len(s.Results), len(s.Gone), s.Compared())
	}
}

// TestExitNarrowed: nothing is well where nothing is what was asked for, and only there.
func TestExitNarrowed(t *testing.T) {
	s := sheettest.Sheet()
	s.Only(finding.SeverityCritical + 1)
	if len(s.Results) != 0 || s.Exit() != 0 {
		t.Errorf("%d results, exit %d", len(s.Results), s.Exit())
	}
	if got := sheet.New(sheet.Sheet{}).Exit(); got != 2 {
		t.Errorf("nothing checked: exit %d", got)
	}
	if got := sheettest.Sheet().Exit(); got != 1 {
		t.Errorf("failures: exit %d", got)
	}
}

// TestExit: the exit status that results call for.
func TestExit(t *testing.T) {
	const pass, fail, na, unknown, broken, waived = finding.StatusPass, finding.StatusFail, finding.StatusNotApplicable,
		finding.StatusUnknown, finding.StatusError, finding.StatusWaived
	for _, tt := range []struct {
		statuses []finding.Status
		want     int
	}{
		{nil, 2},
		{[]finding.Status{pass, pass}, 0},
		{[]finding.Status{pass, na, waived}, 0},
		{[]finding.Status{pass, fail}, 1},
		{[]finding.Status{unknown, fail, broken}, 1},
		{[]finding.Status{pass, unknown}, 2},
		{[]finding.Status{broken}, 2},
		{[]finding.Status{finding.StatusUnspecified}, 2},
	} {
		var list []finding.Result
		for _, s := range tt.statuses {
			list = append(list, finding.Result{Status: s})
		}
		if got := sheet.New(sheet.Sheet{Results: list}).Exit(); got != tt.want {
			t.Errorf("%v: exit %d, want %d", tt.statuses, got, tt.want)
		}
	}
}

// TestRead: what is written is what is read, and what was narrowed is refused.
func TestRead(t *testing.T) {
	s := sheettest.Sheet()
	b, err := json.Marshal(s.Document())
	if err != nil {
		t.Fatal(err)
	}
	e, err := sheet.Read(bytes.NewReader(b), "f.json")
	if err != nil {
		t.Fatal(err)
	}
	s.Compare(e)
	if len(s.Results) != 0 || len(s.Gone) != 0 || !e.Time.Equal(sheettest.At()) {
		t.Errorf("differs from itself: %+v, %+v", s.Results, s.Gone)
	}
	narrowed := sheettest.Sheet()
	narrowed.Only(finding.SeverityHigh)
	for name, tt := range map[string]struct {
		doc  any
		want string
	}{
		"changes":  {sheettest.Compared().Document(), "it has only what changed since old.json"},
		"narrowed": {narrowed.Document(), "it has only results of severity high and above"},
		"else":     {map[string]int{"a": 1}, "it has no results"},
		"no json":  {"x", "not a report of --format json"},
	} {
		b, err := json.Marshal(tt.doc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sheet.Read(bytes.NewReader(b), "f.json"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	b, err := json.Marshal(sheettest.Hostile().Document())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"results":[{"check":"a","status":"fail"},{}]}`))
	f.Add([]byte(`{"results":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := sheet.Read(bytes.NewReader(b), "f")
		if err != nil {
			return
		}
		s := sheettest.Sheet()
		s.Compare(e)
		for i := range s.Results {
			if s.Before(&s.Results[i]) == s.Results[i].Status {
				t.Errorf("%+v did not change", s.Results[i])
			}
		}
	})
}
