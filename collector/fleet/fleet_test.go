package fleet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/finding"
)

func TestHostID(t *testing.T) {
	good := strings.Repeat("0123456789abcdef", 2)
	tests := []struct {
		id   string
		want bool
	}{
		{good, true},
		{"", false},
		{good[1:], false},
		{good + "0", false},
		{strings.ToUpper(good), false},
		{good[:31] + "g", false},
		{good[:31] + "/", false},
		{good[:30] + "é", false}, // two bytes
	}
	for _, tt := range tests {
		if got := HostID(tt.id).Valid(); got != tt.want {
			t.Errorf("%q: valid %v, want %v", tt.id, got, tt.want)
		}
		if b, err := HostID(tt.id).Bytes(); (err == nil) != tt.want || tt.want && len(b) != 16 {
			t.Errorf("%q: bytes %x, %v", tt.id, b, err)
		}
	}
}

func TestCounts(t *testing.T) {
	var c Counts
	for s := finding.StatusUnspecified; s <= finding.StatusWaived+1; s++ {
		c.Add(s, int(s)) // one that is no status counts nowhere
	}
	c.Add(finding.StatusFail, -1)
	want := Counts{Pass: 1, Fail: 1, NotApplicable: 3, Unknown: 4, Error: 5, Waived: 6}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}
