package watch

import (
	"strings"
	"testing"
	"time"

	"seawall/agent/console"
	"seawall/agent/history"
	"seawall/agent/spool"
	"seawall/pkg/finding"
	"seawall/pkg/text"
	"seawall/pkg/text/texttest"
	"seawall/pkg/wire"
)

// TestHostileRecords: nor does a record, if the spool holds one that the sensor
// would not write.
func TestHostileRecords(t *testing.T) {
	r := finding.Result{Check: "ssh-x", Resource: texttest.Evil, Status: finding.StatusFail, Actual: texttest.Evil, Expected: texttest.Evil,
		Evidence: []finding.Evidence{{File: texttest.Evil, Line: 1, Text: texttest.Evil}}, Cause: &finding.Cause{Command: texttest.Evil, Exe: texttest.Evil, Path: texttest.Evil, TTY: texttest.Evil}}
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
		p := program{&console.Console{Stdout: &out, Stderr: &out}, reading()}
		for _, b := range [][]byte{payload, []byte(texttest.Evil)} {
			if err := p.record(history.Posture, spool.Record{Payload: b}, format); err != nil {
				t.Error(err)
			}
		}
		texttest.Harmless(t, format, out.String())
		if out.Len() == 0 {
			t.Errorf("%s: nothing was said", format)
		}
	}
}
