// Package answertest writes verdicts down for the tests of those who find them.
package answertest

import (
	"fmt"
	"strings"

	"seawall/agent/facts/servers/answer"
)

// Show writes verdicts, each in one line: "named: open: recursion yes @/etc/x:1".
func Show(all ...answer.Answer) string {
	var lines []string
	for _, a := range all {
		verdict := "unknown"
		if a.Known {
			verdict = map[bool]string{true: "open", false: "closed"}[a.Allowed]
		}
		line := fmt.Sprintf("%s: %s: %s", a.Name, verdict, a.Reason)
		for _, p := range a.Places {
			line += fmt.Sprintf(" @%s:%d", p.File, p.Line)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
