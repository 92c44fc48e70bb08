package sigma

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTechniques(t *testing.T) {
	r := Rule{Tags: []string{"attack.execution", "attack.t1059.004", "attack.T1505", "attack.t", "attack.tool", "cve.2024-1234"}}
	if diff := cmp.Diff([]string{"T1059.004", "T1505"}, r.Techniques()); diff != "" {
		t.Error(diff)
	}
}

func TestLevel(t *testing.T) {
	for level, want := range map[Level]string{0: "", 1: "informational", 2: "low", 3: "medium", 4: "high", 5: "critical", 9: "level(9)"} {
		if got := level.String(); got != want {
			t.Errorf("%d: %q, want %q", level, got, want)
		}
	}
}

func TestBound(t *testing.T) {
	for count, want := range map[int]string{2: "<,<=,", 3: "<=,>=,==,", 4: ">,>=,"} {
		got := ""
		for _, sign := range []string{"<", "<=", ">", ">=", "=="} {
			if (Bound{Sign: sign, Count: 3}).Holds(count) {
				got += sign + ","
			}
		}
		if got != want {
			t.Errorf("%d and 3: %s, want %s", count, got, want)
		}
	}
}

func TestError(t *testing.T) {
	if got := (&Error{File: "x.yml", Line: 7, What: "wrong"}).Error(); got != "x.yml:7: wrong" {
		t.Error(got)
	}
}
