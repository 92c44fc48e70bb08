package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"seawall/scripts/load/collector"
)

// TestLoad runs every scenario, small, against the real collector: what is
// acknowledged is in its database once, whatever happens. Figures are not judged.
func TestLoad(t *testing.T) {
	var out bytes.Buffer
	folder := t.TempDir()
	args := []string{"-folder", folder, "-hosts", "100", "-at-once", "50", "-span", "1s", "-stall", "2s", "-window", "2000", "-rate", "500"}
	err := run(t.Context(), append(args, "enrol", "idle", "rate", "live", "restart", "stall"), &out)
	t.Logf("figures:\n%s", &out)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(folder, "collector.log"))
		t.Fatalf("%v\nthe end of the collector's log:\n%s", err, log[max(0, len(log)-4000):])
	}
	for _, want := range []string{
		`enrol    100 hosts by one token`, `refuses the second: .*the token is used up`, `idle     100 streams`, `rate     100 streams`, `live     \d+ findings on an open page`, `live     overview loaded`,
		`restart  terminated: .* all 100 back`, `restart  killed: .* all 100 back`, `stall    .* each once in the database`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("no line says %q", want)
		}
	}
	// The next run takes up the same fleet.
	out.Reset()
	if err := run(t.Context(), append(args, "-collector", filepath.Join(folder, "seawall-collector"), "enrol", "idle"), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if !strings.Contains(out.String(), "100 hosts, all enrolled before") {
		t.Errorf("the second run says:\n%s", &out)
	}
}

// TestVerifyNotices shows that a database with a fault is not taken for a good one.
func TestVerifyNotices(t *testing.T) {
	var out bytes.Buffer
	o := options{hosts: 3, atOnce: 3, batch: 10, folder: t.TempDir(), program: filepath.Join(t.TempDir(), "seawall-collector")}
	if err := build(t.Context(), o.program); err != nil {
		t.Fatal(err)
	}
	f, err := openFleet(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := f.ready(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, h := range f.hosts {
		h.Make(30)
	}
	if err := f.drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	n, err := f.verify(t.Context(), true)
	if err != nil || n != f.set.Findings(f.set.Whole()+30)*3 {
		t.Fatalf("%d findings, %v", n, err)
	}
	f.hosts[1].Make(1 << 20)
	if _, err := f.verify(t.Context(), true); err == nil {
		t.Error("what was made and not stored is not missed")
	}
	if err := f.drop(t.Context(), "DELETE FROM event WHERE seq = ?", f.set.Whole()+7); err != nil {
		t.Fatal(err)
	}
	if _, err := f.verify(t.Context(), false); err == nil || !strings.Contains(err.Error(), "3 faults") {
		t.Errorf("a finding is gone from each host: %v", err)
	}
}

// drop spoils the database beside the collector.
func (f *fleet) drop(ctx context.Context, query string, args ...any) error {
	db, err := f.collector.Open()
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, query, args...)
	return errors.Join(err, db.Close())
}

func TestChoose(t *testing.T) {
	for _, names := range [][]string{nil, {"bogus"}, {"idle", "bogus"}} {
		if _, err := choose(names); err == nil {
			t.Errorf("%q were chosen", names)
		}
	}
	if all, err := choose([]string{"all"}); err != nil || len(all) != len(scenarios()) {
		t.Errorf("all are %d, %v", len(all), err)
	}
	if two, err := choose([]string{"rate", "enrol"}); err != nil || len(two) != 2 || two[0].name != "rate" {
		t.Errorf("%v, %v", two, err)
	}
}

func TestEach(t *testing.T) {
	bad := errors.New("bad")
	seen := make([]bool, 50)
	err := each(len(seen), 4, func(i int) error {
		seen[i] = true
		if i == 20 {
			return bad
		}
		return nil
	})
	if !errors.Is(err, bad) {
		t.Errorf("error %v", err)
	}
	for i, ok := range seen {
		if !ok {
			t.Errorf("%d was left out", i)
		}
	}
}

// TestFreeze shows that nothing reaches a frozen folder, and everything does
// after it.
func TestFreeze(t *testing.T) {
	c := &collector.Collector{Folder: t.TempDir()}
	if err := c.Mount(t.Context(), 32<<20); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Unmount(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	frozen := make(chan struct{})
	go func() { done <- c.Freeze(ctx, func() { close(frozen) }) }()
	<-frozen
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(filepath.Join(c.Folder, "state", "file"), []byte("x"), 0o600) }()
	wait := time.NewTimer(200 * time.Millisecond)
	defer wait.Stop()
	select {
	case err := <-written:
		t.Errorf("written while frozen: %v", err)
		written <- err
	case <-wait.C:
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Errorf("written after it: %v", err)
	}
}
