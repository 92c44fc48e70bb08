package texttest

import (
	"strings"
	"testing"

	"seawall/pkg/text"
)

// TestBreach: each way of Evil is found, and nothing else.
func TestBreach(t *testing.T) {
	for out, want := range map[string]string{
		Evil: "steers the terminal: ", "a\n" + forged + "\n": "forges a line: ", "a\x1b[2J\n": "steers the terminal: ", "said: " + forged + "\n": "", "": "",
		text.Terminal(Evil) + "\n": "",
	} {
		if got := breach(out); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%q: got %q", out, got)
		}
	}
	Harmless(t, "plain words", "plain words\n")
}
