package history

import (
	"strings"
	"testing"
	"time"

	"seawall/agent/console"
	"seawall/agent/report"
	"seawall/agent/spool"
	"seawall/pkg/finding"
	"seawall/pkg/text"
	"seawall/pkg/wire"
)

// evil steers a terminal, forges lines and is not even text.
const evil = "x\x1b[2J\x1b]0;t\a\r\nseawall: all is well\n\u202e\u009b\u2028\x7f\xff"

// harmless fails the test unless every line of out is what it seems.
func harmless(t *testing.T, what, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if text.Terminal(line) != line {
			t.Errorf("%s: steers the terminal: %.200q", what, line)
		}
		if strings.HasPrefix(line, "seawall: all is well") {
			t.Errorf("%s: forges a line:\n%.500s", what, out)
		}
	}
}

// TestHostileRecords: nor does a record, if the spool holds one that the sensor
// would not write.
func TestHostileRecords(t *testing.T) {
	r := finding.Result{Check: "ssh-x", Resource: evil, Status: finding.StatusFail, Actual: evil, Expected: evil,
		Evidence: []finding.Evidence{{File: evil, Line: 1, Text: evil}}, Cause: &finding.Cause{Command: evil, Exe: evil, Path: evil, TTY: evil}}
	clean := func(s string) string { return text.Clean(s, text.Limit) }
	for _, s := range []*string{&r.Resource, &r.Actual, &r.Expected, &r.Evidence[0].File, &r.Evidence[0].Text,
		&r.Cause.Command, &r.Cause.Exe, &r.Cause.Path, &r.Cause.TTY} {
		*s = clean(*s)
	}
	payload, err := wire.Encode(wire.Record{Time: time.Now(), Change: &finding.Change{Result: r}})
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "json"} {
		var out strings.Builder
		p := program{&console.Console{Stdout: &out, Stderr: &out}, Print{report.Line, report.Change}}
		for _, b := range [][]byte{payload, []byte(evil)} {
			if err := p.watched(spool.Record{Payload: b}, format); err != nil {
				t.Error(err)
			}
		}
		harmless(t, format, out.String())
		if out.Len() == 0 {
			t.Errorf("%s: nothing was said", format)
		}
	}
}
