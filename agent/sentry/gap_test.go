package sentry

import (
	"strings"
	"testing"
	"time"

	"seawall/agent/gaps"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// TestGaps: what is missing within a while is one detection, with detections switched
// off too.
func TestGaps(t *testing.T) {
	h := newHost(t)
	s := h.start(t.Name())
	s.cfg.Off = true
	at := time.Unix(t0, 0)
	gap := func(from, n uint32, after time.Duration) {
		s.Gap(gaps.Gap{From: from, To: from + n - 1, Missing: uint64(n), Before: at.Add(after), After: at.Add(after + time.Second), Found: at.Add(after)})
	}
	gap(10, 5, 0)
	for i := range uint32(100) {
		gap(100+20*i, 10, time.Duration(i)*time.Second)
	}
	s.Tick(at.Add(2 * time.Minute))
	s.Tick(at.Add(6 * time.Minute))
	gap(9000, 1, 30*time.Minute)
	gap(9100, 1, 30*time.Minute)
	got := told(t, s)
	if len(got) != 2 || got[0].Count != 1005 || got[0].Severity != finding.SeverityHigh || got[1].Count != 1 || got[1].Severity != finding.SeverityMedium || got[0].ID == got[1].ID {
		t.Fatalf("%+v", got)
	}
	if !got[0].First.Equal(at) || !got[0].Last.Equal(at.Add(100*time.Second)) || strings.Count(got[0].Description, " missing (serials ") != gapWords {
		t.Errorf("%+v", got[0])
	}
	s.Close()
	rest := told(t, s)
	if len(rest) != 1 || rest[0].Count != 2 || !rest[0].Ended || rest[0].ID != got[1].ID {
		t.Errorf("%+v", rest)
	}
	for _, d := range append(got, rest...) {
		if _, err := wire.Encode(wire.Record{Time: at, Detection: &d}); err != nil {
			t.Error(err)
		}
	}
}
