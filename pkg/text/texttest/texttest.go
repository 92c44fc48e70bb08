// Package texttest holds what is shown to people against text that means ill.
package texttest

import (
	"strings"
	"testing"

	"seawall/pkg/text"
)

// forged is the line that Evil would add.
const forged = "seawall: all is well"

// Evil steers a terminal, forges a line and is not even text.
const Evil = "x\x1b[2J\x1b]0;t\a\r\n" + forged + "\n\u202e\u009b\u2028\x7f\xff"

// Harmless fails the test unless every line of out is what it seems.
func Harmless(t testing.TB, what, out string) {
	t.Helper()
	if bad := breach(out); bad != "" {
		t.Errorf("%s: %s", what, bad)
	}
}

// breach says what is wrong with the first line that is not what it seems.
func breach(out string) string {
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case text.Terminal(line) != line:
			return "steers the terminal: " + text.Clean(line, 200)
		case strings.HasPrefix(line, forged):
			return "forges a line: " + text.Clean(out, 500)
		}
	}
	return ""
}
