package main

import (
	"bytes"
	"os"
	"testing"

	"seawall/scripts/auditfields/compare"
)

// TestLive records some events with auditd and compares them. scripts/auditfields live
// does it with as many as one likes.
func TestLive(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("needs root, to record events")
	}
	c := compare.New()
	var out bytes.Buffer
	if err := live(t.Context(), &out, c, extent{chunks: 1, calls: 2500, events: 1e6}); err != nil {
		t.Fatal(err)
	}
	if c.Report(&out) != 0 || c.Events() < 2000 {
		t.Error(out.String())
	}
}
