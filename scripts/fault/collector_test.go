package fault

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/agent/spool/inspect"
	"seawall/scripts/stage"
)

func collectorFaults() []fault {
	return []fault{
		{"F09", "collector down for long", "40,000 findings while no collector runs, spool of 4 MiB", "spool bounded; drained at 5 times the live rate; no duplicate", downForLong},
		{"F20", "acknowledgements lost", "answers dropped after the commit, the connection cut", "sent again, stored once", answersLost},
		{"F21", "collector killed at a commit", "kill -9 between commit and answer, and before the commit", "stored once, nothing missing", killedAtCommit},
		{"F44", "store locked, full, damaged", "another process's lock, a full disk, noise in the file, a backup put back", "nothing acknowledged, said at start, all there at the end", storeDamaged},
	}
}

// exact demands that the store holds what the ledger has: once, as it was written,
// or in a range that is told lost.
func (s *system) exact(t *testing.T, l *ledger) (stored, lost int) {
	t.Helper()
	got, told := map[key]string{}, []gap{}
	for _, e := range s.store(t).events {
		switch {
		case e.ordinal == ordinalLost:
			g := toldLost(t, e)
			told = append(told, g)
			lost += int(g.to - g.from + 1)
		case e.ordinal == 0 && e.key.lane != "":
			if _, ok := got[e.key]; ok {
				t.Errorf("%+v is stored twice", e.key)
			}
			got[e.key] = e.actual
		}
	}
	l.whole(t, got, told)
	return len(got), lost
}

// write has a writer write findings, and returns when all are durable.
func (s *system) write(t *testing.T, l *ledger, life, n int) {
	t.Helper()
	w := startWriter(t, l, s.order(order{Life: life, Records: n, Group: 50}))
	w.settle(t)
	if w.Wait() != nil {
		t.Fatal(w.Wait())
	}
}

// arrived waits until all of the spool is stored and acknowledged.
func (s *system) arrived(t *testing.T) {
	t.Helper()
	s.drained(t, 60*time.Second)
	want := s.newest(t)
	stage.Await(t, "the acknowledgement of all", 30*time.Second, func() bool {
		acked := s.acked(t)
		for lane, last := range want {
			if acked[lane] != last {
				return false
			}
		}
		return true
	})
}

func downForLong(t *testing.T) string {
	const total, live = 40_000, 100 // findings, and a second's of a busy host
	s := startSystem(t, ground{})
	l := newLedger()
	s.write(t, l, 0, 200)
	s.arrived(t)
	s.collector.Kill()
	bound := map[string]int64{"posture": 3 << 20, "health": 1 << 20}
	w := startWriter(t, l, s.order(order{Lanes: bound, Life: 1, Records: total, Group: 200}))
	w.settle(t)
	report, err := inspect.Verify(s.spool)
	if err != nil {
		t.Fatal(err)
	}
	var bytes int64
	for _, lane := range report.Lanes {
		for _, segment := range lane.Segments {
			bytes += segment.Bytes
		}
	}
	if bytes > 4<<20 {
		t.Errorf("the spool has %d bytes", bytes)
	}
	s.uplink.Alive(t)
	before := s.findings()
	s.collector.Start(t)
	stage.Await(t, "the first of them", 60*time.Second, func() bool { return s.findings() > before })
	start := time.Now()
	s.arrived(t)
	stored, lost := s.exact(t, l)
	rate := float64(stored-before) / time.Since(start).Seconds()
	if rate < 5*live {
		t.Errorf("drained at %.0f findings/s", rate)
	}
	return fmt.Sprintf("spool of %.1f MiB; %d stored, %d told lost; %.0f findings/s on return", float64(bytes)/(1<<20), stored, lost, rate)
}

func answersLost(t *testing.T) string {
	s := startSystem(t, ground{})
	l := newLedger()
	s.write(t, l, 0, 100)
	s.arrived(t)
	s.relay.set(func() { s.relay.stall[down] = true })
	s.write(t, l, 1, 200)
	stage.Await(t, "the commit", 30*time.Second, func() bool { return s.findings() >= 300 })
	sum := 0
	for _, last := range s.acked(t) {
		sum += int(last)
	}
	s.relay.set(s.relay.cut)
	s.relay.good()
	s.write(t, l, 2, 10)
	s.arrived(t)
	stored, _ := s.exact(t, l)
	return fmt.Sprintf("%d acknowledged while 300 were stored; %d written, %d stored, none twice", sum, len(l.durable), stored)
}

func killedAtCommit(t *testing.T) string {
	s := startSystem(t, ground{})
	l := newLedger()
	s.write(t, l, 0, 100)
	s.arrived(t)
	// After the commit, before the answer.
	s.relay.set(func() { s.relay.stall[down] = true })
	s.write(t, l, 1, 100)
	stage.Await(t, "the commit", 30*time.Second, func() bool { return s.findings() >= 200 })
	s.collector.Kill()
	s.relay.good()
	s.collector.Start(t)
	s.arrived(t)
	// Before the commit, which another one's lock holds up.
	release := s.lock(t)
	s.write(t, l, 2, 100)
	moved := s.relay.through(up)
	stage.Await(t, "the batch's way to the collector", 30*time.Second, func() bool { return s.relay.through(up) > moved || s.collector.Says("not stored") })
	before := s.findings()
	s.collector.Kill()
	release()
	s.collector.Start(t)
	s.arrived(t)
	stored, _ := s.exact(t, l)
	return fmt.Sprintf("%d stored at the second kill, %d of %d at the end, none twice", before, stored, len(l.durable))
}

// through is how many bytes went in a direction.
func (r *relay) through(direction int) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.passed[direction]
}

// lock takes the database's write lock as another process would, and returns what
// gives it back.
func (s *system) lock(t *testing.T) func() {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.state, "collector.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	var conn *sql.Conn
	err = stage.AsOwner(s.state, func() (err error) {
		if conn, err = db.Conn(context.Background()); err == nil {
			_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		conn.Close()
		db.Close()
	}
}

func storeDamaged(t *testing.T) string {
	disk := small(t, folder(t), "disk", "size=256m")
	s := startSystem(t, ground{state: filepath.Join(disk, "state")})
	l := newLedger()
	s.write(t, l, 0, 100)
	s.arrived(t)

	release := s.lock(t)
	s.write(t, l, 1, 50)
	stage.Await(t, "the collector's word on the lock", 60*time.Second, func() bool { return s.collector.Says("not stored") || s.uplink.Says("cannot store") })
	release()
	s.arrived(t)

	shrink(t, disk)
	s.write(t, l, 2, 3000)
	stage.Await(t, "the collector's word on the disk", 60*time.Second, func() bool { return s.collector.Says("disk is full") })
	s.collector.Alive(t)
	grow(t, disk, "256m")
	s.arrived(t)

	// A backup, then more, then noise over the middle of the file.
	s.collector.End(t)
	backup := filepath.Join(s.dir, "backup")
	must(t, "cp", "-a", s.state, backup)
	s.collector.Start(t)
	s.write(t, l, 3, 100)
	s.arrived(t)
	s.collector.End(t)
	file := filepath.Join(s.state, "collector.db")
	fi, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	must(t, "dd", "if=/dev/urandom", "of="+file, "bs=4096", "count=8", "conv=notrunc", "status=none")
	s.collector.Start(t)
	code := s.collector.Exit(t, 30*time.Second)
	said := s.collector.Said()
	if code == 0 || !strings.Contains(string(said), "collector.db") && !strings.Contains(string(said), "database") {
		t.Errorf("on a damaged file it ended with %d: %s", code, said)
	}
	must(t, "rm", "-rf", s.state)
	must(t, "cp", "-a", backup, s.state)
	s.collector.Start(t)
	s.arrived(t)
	stored, _ := s.exact(t, l)
	return fmt.Sprintf("lock and full disk survived; noise in %d KiB: ends with %d; after the backup %d of %d stored, none twice",
		fi.Size()>>10, code, stored, len(l.durable))
}
