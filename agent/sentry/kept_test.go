package sentry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/agent/gaps"
	"seawall/pkg/finding"
)

// keeping starts a sentry whose counts are kept.
func keeping(h *host, name string) *Sentry {
	cfg := h.config()
	cfg.Kept = name
	return New(cfg)
}

// storms has s observe n events from a serial and a second on.
func storms(t *testing.T, s *Sentry, serial, second, n int) {
	t.Helper()
	var log strings.Builder
	for i := range n {
		log.WriteString(write(serial+i, second, "/usr/bin/tee", "x"))
	}
	feed(t, s, log.String())
}

// TestKilled: what a killed sensor had counted and not told is told by the next one, as
// the same detection.
func TestKilled(t *testing.T) {
	h := newHost(t)
	h.write("/etc/seawall/detections.d/mine.yaml", ruleText)
	name := filepath.Join(t.TempDir(), KeptFile)
	s := keeping(h, name)
	storms(t, s, 1, t0, 1)
	first := told(t, s)
	storms(t, s, 2, t0+1, 99)
	s.Tick(time.Unix(t0+11, 0))
	if got := told(t, s); len(first) != 1 || len(got) != 0 {
		t.Fatalf("%+v, then %+v", first, got)
	}

	killed := keeping(h, name)
	select {
	case <-killed.Ready():
	default:
		t.Error("nobody is told that there is something")
	}
	got := told(t, killed)
	if len(got) != 1 || got[0].ID != first[0].ID || got[0].Count != 100 || !got[0].Ended || len(got[0].Samples) != 5 || got[0].Last.Unix() != t0+1 {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there after it was told: %v", err)
	}
	if again := told(t, keeping(h, name)); len(again) != 0 {
		t.Errorf("told twice: %+v", again)
	}

	// The first one was not killed after all: what it tells itself is kept no more.
	storms(t, s, 101, t0+12, 1)
	s.Tick(time.Unix(t0+22, 0))
	if len(told(t, s)) != 0 || len(kept1(t, name)) != 1 {
		t.Errorf("not kept: %+v", kept1(t, name))
	}
	s.Tick(time.Unix(t0+31, 0))
	if got := told(t, s); len(got) != 1 || got[0].Count != 101 || got[0].Ended || len(kept1(t, name)) != 0 {
		t.Errorf("%+v; kept %+v", got, kept1(t, name))
	}
	storms(t, s, 102, t0+32, 1)
	s.Close()
	if got := told(t, s); len(got) != 1 || got[0].Count != 102 || len(kept1(t, name)) != 0 {
		t.Errorf("%+v; kept %+v", got, kept1(t, name))
	}
}

// kept1 is what a file keeps.
func kept1(t *testing.T, name string) []finding.Detection {
	t.Helper()
	list, err := readKept(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return list
}

// TestKeptFull: what the spool does not take outlives the sensor too.
func TestKeptFull(t *testing.T) {
	h := newHost(t)
	h.write("/etc/seawall/detections.d/mine.yaml", ruleText)
	name := filepath.Join(t.TempDir(), KeptFile)
	s := keeping(h, name)
	storms(t, s, 1, t0, 3)
	s.Close()
	full := errors.New("full")
	if err := s.Deliver(func(*finding.Detection) error { return full }); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if got := told(t, keeping(h, name)); len(got) != 1 || got[0].Count != 3 {
		t.Errorf("%+v", got)
	}
}

// TestKeptGap: the count of missing events is kept too.
func TestKeptGap(t *testing.T) {
	h := newHost(t)
	name := filepath.Join(t.TempDir(), KeptFile)
	s := keeping(h, name)
	at := time.Unix(t0, 0)
	s.Gap(gaps.Gap{From: 1, To: 2, Missing: 2, Before: at, After: at, Found: at})
	first := told(t, s)
	s.Gap(gaps.Gap{From: 9, To: 13, Missing: 5, Before: at, After: at, Found: at})
	s.Tick(at.Add(time.Second))
	if got := told(t, s); len(first) != 1 || len(got) != 0 {
		t.Fatalf("%+v, then %+v", first, got)
	}
	if got := told(t, keeping(h, name)); len(got) != 1 || got[0].ID != first[0].ID || got[0].Count != 7 || !got[0].Ended {
		t.Errorf("%+v", got)
	}
}

// TestKeptBound: of many detections the first samples are kept.
func TestKeptBound(t *testing.T) {
	name := filepath.Join(t.TempDir(), KeptFile)
	list := make([]finding.Detection, keepWhole+1)
	for i := range list {
		list[i] = finding.Detection{ID: fmt.Sprint(i + 1), Rule: "r", Count: 9, Samples: make([]finding.Sample, 5)}
	}
	if err := writeKept(name, list); err != nil {
		t.Fatal(err)
	}
	got := kept1(t, name)
	if len(got) != len(list) || len(got[keepWhole].Samples) != 1 {
		t.Errorf("%d of %d, the last with %d samples", len(got), len(list), len(got[keepWhole].Samples))
	}
}

// TestKeptForeign: a file of another boot says nothing, and one that is none is said and
// passed over.
func TestKeptForeign(t *testing.T) {
	boot := fmt.Sprintf("%q", gaps.BootID())
	one := `{"id":"1","rule":"r","severity":"low","count":2}`
	for _, tt := range []struct {
		text, said string
		want       int
	}{
		{`{"boot":` + boot + `,"detections":[` + one + `]}`, "", 1},
		{`{"boot":"another","detections":[` + one + `]}`, "", 0},
		{`{"boot":` + boot + `,"detections":[{"id":"1","severity":"low"}]}`, "detection 0 says nothing", 0},
		{`{"boot":` + boot + `,"detections":[` + one, "unexpected end", 0},
		{"", "unexpected end", 0},
		{"fifo", "no file of this program", 0},
	} {
		h := newHost(t)
		name := filepath.Join(t.TempDir(), KeptFile)
		err := os.WriteFile(name, []byte(tt.text), 0o600)
		if tt.text == "fifo" {
			err = errors.Join(os.Remove(name), syscall.Mkfifo(name, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
		got := told(t, keeping(h, name))
		log := h.log.String()
		if len(got) != tt.want || !strings.Contains(log, tt.said) || strings.Contains(log, "counted last is lost") != (tt.said != "") {
			t.Errorf("%s: %+v\n%s", tt.text, got, log)
		}
	}
}

// FuzzKept: no file does more than be refused, and what is taken is written again as it is.
func FuzzKept(f *testing.F) {
	f.Add([]byte(`{"boot":"","detections":[{"id":"1","rule":"r","severity":"low","count":2}]}`))
	f.Add([]byte(`{"detections":[null]}`))
	f.Add([]byte("[]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), KeptFile)
		if err := os.WriteFile(name, bytes.Replace(b, []byte(`"boot":""`), fmt.Appendf(nil, `"boot":%q`, gaps.BootID()), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := readKept(name)
		if err != nil {
			return
		}
		if err := writeKept(name, list); err != nil {
			t.Fatal(err)
		}
		if again := kept1(t, name); len(again) != len(list) {
			t.Errorf("%d, then %d", len(list), len(again))
		}
	})
}
