package uplink

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/spool"
)

// reopen has the sensor restart, which begins an epoch.
func (l *link) reopen() {
	l.t.Helper()
	if err := l.spool.Close(); err != nil {
		l.t.Fatal(err)
	}
	s, err := spool.Open(l.cfg.Spool, spool.Config{})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { s.Close() })
	l.spool = s
}

// TestDiverged has a collector that was told other records under the same names:
// this machine runs on from a snapshot. Nothing more of that epoch is sent; the
// next one is, with the range that is missing.
func TestDiverged(t *testing.T) {
	c := newCollector(t)
	l := newLink(t, c.start())
	l.cfg.Collector = c.addr
	for i := range 5 {
		l.append("posture", fmt.Sprint("after the snapshot ", i))
	}
	epoch := l.spool.Epoch()
	c.have["posture"] = spool.Position{Epoch: epoch, Seq: 3}
	c.digests["posture"] = digestOf([]byte("before the snapshot 2"))
	u := l.start()
	s := l.waitState("divergence", func(s State) bool { return len(s.Behind) > 0 })
	if !s.Connected || s.Behind[0] != "posture" {
		t.Errorf("state %+v", s)
	}
	l.append("posture", "still the same epoch")
	l.append("health", "beat") // other lanes are as they were
	c.waitFor("health", []string{"beat"})
	l.reopen()
	l.append("posture", "next epoch")
	c.waitFor("posture", []string{"next epoch"})
	if diff := cmp.Diff([]string{"posture 4–6 GAP_REASON_DIVERGED"}, c.gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if !strings.Contains(l.log.String(), "level=ERROR") {
		t.Error("no error in the log")
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(u.State().Behind) > 0 { // until it is acknowledged
		select {
		case <-tick.C:
		case <-t.Context().Done():
		}
	}
}

// TestSetBack has a collector with more of an epoch than the spool: this machine's
// disk was set back. It waits for the next epoch.
func TestSetBack(t *testing.T) {
	c := newCollector(t)
	l := newLink(t, c.start())
	for i := range 5 {
		l.append("posture", fmt.Sprint(i))
	}
	c.have["posture"] = spool.Position{Epoch: l.spool.Epoch(), Seq: 9}
	c.digests["posture"] = 7
	l.start()
	l.waitState("the lane to be behind", func(s State) bool { return len(s.Behind) > 0 })
	l.append("posture", "5")
	l.reopen()
	l.append("posture", "next epoch")
	c.waitFor("posture", []string{"next epoch"})
	if len(c.gaps) > 0 {
		t.Errorf("gaps %v", c.gaps)
	}
}

// TestResumeStandings compares positions with a spool of two epochs of five records
// each.
func TestResumeStandings(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	var epochs []uint64
	for range 2 {
		s, err := spool.Open(dir, spool.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if _, err := s.AppendSync("posture", []byte(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		epochs = append(epochs, s.Epoch())
		s.Close()
	}
	one, two := epochs[0], epochs[1]
	good := digestOf([]byte("2"))
	for name, tt := range map[string]struct {
		pos    spool.Position
		digest uint64
		want   standing
		next   uint64 // sequence, 0 for none
	}{
		"nothing yet":          {spool.Position{}, 0, agrees, 1},
		"the same":             {spool.Position{Epoch: one, Seq: 3}, good, agrees, 4},
		"no digest":            {spool.Position{Epoch: one, Seq: 3}, 0, agrees, 4},
		"another":              {spool.Position{Epoch: one, Seq: 3}, good + 1, diverged, 4},
		"end of an epoch":      {spool.Position{Epoch: one, Seq: 5}, digestOf([]byte("4")), agrees, 6},
		"beyond an epoch":      {spool.Position{Epoch: one, Seq: 7}, good, diverged, 6},
		"the newest":           {spool.Position{Epoch: two, Seq: 10}, digestOf([]byte("4")), agrees, 0},
		"the newest, another":  {spool.Position{Epoch: two, Seq: 10}, good, diverged, 0},
		"beyond the newest":    {spool.Position{Epoch: two, Seq: 11}, good, behind, 0},
		"far beyond":           {spool.Position{Epoch: two, Seq: 1 << 62}, good, behind, 0},
		"another spool":        {spool.Position{Epoch: 1, Seq: 3}, good, unknown, 1},
		"a lie about sequence": {spool.Position{Epoch: two, Seq: 0}, 0, agrees, 6},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := spool.OpenReader(dir, "posture")
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := resume(r, tt.pos, tt.digest)
			if err != nil || got != tt.want {
				t.Errorf("standing %d, %v; want %d", got, err, tt.want)
			}
			rec, _ := r.Next()
			if rec.Seq != tt.next {
				t.Errorf("next is %d, want %d", rec.Seq, tt.next)
			}
		})
	}
}

// TestGapsAreTold, those before the first record of a stream, too.
func TestGapsAreTold(t *testing.T) {
	c := newCollector(t)
	l := newLink(t, c)
	l.spool.Close()
	s, err := spool.Open(l.cfg.Spool, spool.Config{Lanes: map[string]int64{"posture": 256 << 10}, SegmentBytes: 16 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l.spool = s
	var last spool.Position
	fill := func() {
		for range 1000 {
			if last, err = s.Append("posture", []byte(strings.Repeat("p", 1000))); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	fill() // most are evicted before the uplink begins
	c.start()
	l.cfg.Collector = c.addr
	l.start()
	c.wait("the newest record", func() bool { return c.have["posture"] == last })
	l.stop()
	c.mu.Lock()
	first := int(last.Seq) - len(c.got["posture"])
	want := []string{fmt.Sprintf("posture 1–%d GAP_REASON_EVICTED", first)}
	if diff := cmp.Diff(want, c.gaps); diff != "" || first < 500 {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	c.gaps, c.got["posture"] = nil, nil
	c.mu.Unlock()

	fill() // and again between two streams
	l.start()
	c.wait("the newest record", func() bool { return c.have["posture"] == last })
	c.mu.Lock()
	defer c.mu.Unlock()
	want = []string{fmt.Sprintf("posture %d–%d GAP_REASON_EVICTED", last.Seq-999, int(last.Seq)-len(c.got["posture"]))}
	if diff := cmp.Diff(want, c.gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}
