package sentry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"seawall/agent/gaps"
	"seawall/pkg/finding"
)

// KeptFile is the name of the file in which counts are kept.
const KeptFile = "detections.json"

const (
	keepEvery = 10 * time.Second
	keepWhole = 64       // detections with all their samples; of more, the first of each
	maxKept   = 32 << 20 // bytes
)

// kept is what would be lost with the process, as the file has it.
type kept struct {
	Boot       string              `json:"boot"`
	Detections []finding.Detection `json:"detections"`
}

// grown is what grew since it was told. The reader of events puts it down, whoever
// delivers writes it; the rest belongs to one of the two.
type grown struct {
	list    []finding.Detection // guarded by Sentry.mu, as is changed
	changed bool

	at      time.Time // of the reader: when it looked last
	counted uint64    // what was counted then

	file   []finding.Detection // of the deliverer: what the file has
	stale  bool                // some of that is told
	failed bool                // the last write failed
}

// noteGrown puts down what was counted and not told, every keepEvery while there is
// something new. It waits for nothing.
func (s *Sentry) noteGrown(now time.Time, last bool) {
	g := &s.grown
	if s.cfg.Kept == "" || !last && now.Sub(g.at).Abs() < keepEvery {
		return
	}
	g.at = now
	var list []finding.Detection
	counted := uint64(0)
	if s.detector != nil {
		st := s.detector.Stats()
		counted = st.Matches + st.Reports
	}
	if h := s.hole; h != nil {
		counted += h.d.Count + h.told
	}
	if counted == g.counted && !last {
		return
	}
	g.counted = counted
	if s.detector != nil {
		list = s.detector.Grown()
	}
	if h := s.hole; h != nil && h.d.Count > h.told {
		list = append(list, h.d)
	}
	s.mu.Lock()
	g.list, g.changed = list, true
	s.mu.Unlock()
	s.queue.wake()
}

// told takes note that a detection is told: a file that counts less says nothing.
func (g *grown) told(d *finding.Detection) {
	before := len(g.file)
	g.file = slices.DeleteFunc(g.file, func(k finding.Detection) bool { return k.ID == d.ID && k.Count <= d.Count })
	g.stale = g.stale || len(g.file) < before
}

// keep writes what was put down, and what waits to be delivered, so that the next sensor
// tells it if this one cannot.
func (s *Sentry) keep() {
	g := &s.grown
	s.mu.Lock()
	list, changed := g.list, g.changed
	g.list, g.changed = nil, false
	s.mu.Unlock()
	switch {
	case changed:
		g.file = append(s.queue.waiting(), list...)
	case !g.stale:
		return
	}
	err := writeKept(s.cfg.Kept, g.file)
	if err != nil && !g.failed {
		s.cfg.Log.Warn("counts of detections would be lost with the sensor", "err", err)
	}
	g.failed, g.stale = err != nil, false
}

// writeKept writes detections, and no file where there are none. It is not made durable:
// it is for the next sensor of this boot.
func writeKept(name string, list []finding.Detection) error {
	if len(list) == 0 {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep detections: %w", err)
		}
		return nil
	}
	if len(list) > keepWhole {
		for i := range list {
			list[i].Samples = list[i].Samples[:min(1, len(list[i].Samples))]
		}
	}
	b, err := json.Marshal(kept{string(gaps.BootID()), list})
	if err != nil {
		return fmt.Errorf("keep detections: %w", err)
	}
	next := name + ".new"
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return fmt.Errorf("keep detections: %w", err)
	}
	if err := os.Rename(next, name); err != nil {
		return fmt.Errorf("keep detections: %w", err)
	}
	return nil
}

// restore has told what a sensor before this one kept, for the last time: what goes on
// is another detection, which this one finds.
func (s *Sentry) restore() {
	if s.cfg.Kept == "" {
		return
	}
	list, err := readKept(s.cfg.Kept)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.cfg.Log.Warn("what an earlier sensor counted last is lost", "err", err)
	}
	for _, d := range list {
		d.Ended = true
		s.queue.put(d)
	}
	s.grown.file = list
}

// readKept reads what was kept since the kernel booted.
func readKept(name string) ([]finding.Detection, error) {
	fi, err := os.Lstat(name)
	if err != nil {
		return nil, fmt.Errorf("read kept detections: %w", err)
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxKept {
		return nil, fmt.Errorf("read kept detections: %s is no file of this program", name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read kept detections: %w", err)
	}
	var k kept
	if err := json.Unmarshal(b, &k); err != nil {
		return nil, fmt.Errorf("read kept detections: %s: %w", name, err)
	}
	if k.Boot != string(gaps.BootID()) {
		return nil, nil
	}
	for i := range k.Detections {
		if d := &k.Detections[i]; d.ID == "" || d.Rule == "" || d.Count == 0 {
			return nil, fmt.Errorf("read kept detections: %s: detection %d says nothing", name, i)
		}
	}
	return k.Detections, nil
}
