package listen

import (
	"fmt"
	"testing"
)

// TestParseFound: what was found counts in its own boot only.
func TestParseFound(t *testing.T) {
	for text, want := range map[string]found{
		"15000 64 b1\n": {15000, 64}, "0 64 b1": {0, 64}, "15000 64 b2": {}, "15000 64": {}, "": {}, "x 64 b1": {}, "-1 64 b1": {},
	} {
		if got := parseFound(text, "b1\n"); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if got := parseFound("15000 64 ", ""); got != (found{}) {
		t.Errorf("without a boot: %v", got)
	}
}

func FuzzParseFound(f *testing.F) {
	f.Add("15000 64 b1")
	f.Add("-1 99999999999 b1")
	f.Fuzz(func(t *testing.T, text string) {
		got := parseFound(text, "b1")
		if again := parseFound(fmt.Sprintf("%d %d b1\n", got.wait, got.limit), "b1"); again != got {
			t.Errorf("%q: %v, then %v", text, got, again)
		}
	})
}
