package sensor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seawall/agent/spool"
	"seawall/agent/witness"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// found is detections that wait, as package sentry has them.
type found struct {
	mu    sync.Mutex
	ready chan struct{}
	waits []finding.Detection
	close []finding.Detection // found at the end
}

func (f *found) add(list ...finding.Detection) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waits = append(f.waits, list...)
	select {
	case f.ready <- struct{}{}:
	default:
	}
}

func (f *found) left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waits)
}

func (f *found) detections() Detections {
	return Detections{
		Ready: f.ready,
		Deliver: func(to func(*finding.Detection) error) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			for len(f.waits) > 0 {
				if err := to(&f.waits[0]); err != nil {
					return err
				}
				f.waits = f.waits[1:]
			}
			return nil
		},
		Close: func() { f.add(f.close...) },
		Count: func(c *finding.Counters) { c.Detections = 7 },
	}
}

func detection(id string) finding.Detection {
	return finding.Detection{ID: id, Rule: "r", Count: 1, First: time.Unix(1, 0), Last: time.Unix(1, 0)}
}

// spooled returns the ids of the detections in the spool.
func spooled(t *testing.T, dir string) (ids []string) {
	t.Helper()
	r, err := spool.OpenReader(dir, laneDetections)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, spool.ErrEmpty) {
			return ids
		}
		if err != nil {
			t.Fatal(err)
		}
		w, err := wire.Decode(rec.Payload)
		if err != nil || w.Detection == nil {
			t.Fatalf("%+v, %v", w, err)
		}
		ids = append(ids, w.Detection.ID)
	}
}

// TestDetectionsAreTold: in their lane, while the sensor runs and those of the end; one
// that cannot be encoded holds up no other; heartbeats have their counters.
func TestDetectionsAreTold(t *testing.T) {
	dir := t.TempDir()
	sp, err := spool.Open(dir, spool.Config{Lanes: map[string]int64{lanePosture: 1 << 20, laneDetections: 1 << 20, laneHealth: 256 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	f := &found{ready: make(chan struct{}, 1), close: []finding.Detection{detection("e")}}
	f.add(detection("a"))
	log := &syncBuffer{}
	ready := make(chan struct{})
	toy := &toyHost{}
	s, err := New(Config{Spool: sp, Host: toy.host(), Log: slog.New(slog.NewTextHandler(log, nil)), Audit: witness.Config{Mode: witness.Off},
		Detections: f.detections(), Coalesce: time.Millisecond, Heartbeat: time.Hour,
		Notify: func(state string) {
			if state == "READY=1" {
				close(ready)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-ready
	bad := detection("NOT HEX")
	f.add(bad, detection("b"))
	until(t, "the detections' delivery", func() bool { return f.left() == 0 })
	cancel()
	if err := errors.Join(<-done, sp.Close()); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(spooled(t, dir)); got != "[a b e]" {
		t.Errorf("%s are in the spool", got)
	}
	if !strings.Contains(log.String(), "a detection cannot be told") {
		t.Errorf("log: %s", log)
	}
	if c := s.counters(time.Now()); c.Detections != 7 {
		t.Errorf("%+v", c)
	}
}

// TestDetectionsWait: what the spool refuses stays, and is told when it takes records.
func TestDetectionsWait(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	f := &found{ready: make(chan struct{}, 1)}
	sp, err := spool.Open(dir, spool.Config{Lanes: map[string]int64{lanePosture: 1 << 20, laneHealth: 256 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	log := &syncBuffer{}
	s, err := New(Config{Spool: sp, Host: (&toyHost{}).host(), Log: slog.New(slog.NewTextHandler(log, nil)), Audit: witness.Config{Mode: witness.Off}, Detections: f.detections()})
	if err != nil {
		t.Fatal(err)
	}
	f.add(detection("a"), detection("b"))
	now := time.Now()
	s.tell(now) // there is no such lane yet
	if f.left() != 2 || s.telling.retry.Sub(now) != minBackoff || strings.Count(log.String(), "trying again") != 1 {
		t.Fatalf("%d wait, %+v, %s", f.left(), s.telling, log)
	}
	s.tell(now.Add(time.Millisecond)) // too early
	s.tell(now.Add(minBackoff))
	if s.telling.backoff != 2*minBackoff || strings.Count(log.String(), "trying again") != 1 {
		t.Errorf("%+v, %s", s.telling, log)
	}
	if err := sp.Close(); err != nil {
		t.Fatal(err)
	}
	if sp, err = spool.Open(dir, spool.Config{Lanes: map[string]int64{lanePosture: 1 << 20, laneDetections: 1 << 20, laneHealth: 256 << 10}}); err != nil {
		t.Fatal(err)
	}
	defer sp.Close()
	s.cfg.Spool = sp
	s.tell(now.Add(time.Minute))
	if got := fmt.Sprint(spooled(t, dir)); got != "[a b]" || s.telling != (telling{}) {
		t.Errorf("%s are in the spool, %+v", got, s.telling)
	}
}
