package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/agent/spool"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// now is a time that the wire keeps as it is.
func now() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

func open(t *testing.T) (*spool.Spool, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "spool")
	s, err := spool.Open(dir, spool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

func add(t *testing.T, s *spool.Spool, lane string, r wire.Record) {
	t.Helper()
	b, err := wire.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AppendSync(lane, b); err != nil {
		t.Fatal(err)
	}
}

func beat(records uint64, at time.Time) wire.Record {
	return wire.Record{Time: at, Heartbeat: &finding.Heartbeat{Counter: finding.Counters{AuditMode: "off", AuditReason: "no\x1bkernel", Records: records, SerialGaps: 4, AuditFilled: 6,
		DetectionRules: 125, DetectionFaults: 1, Detections: 9, DetectionsSuppressed: 2, DetectionsLost: 3}}}
}

func change(check string) wire.Record {
	return wire.Record{Time: now(), Change: &finding.Change{Result: finding.Result{Check: check, Status: finding.StatusPass}}}
}

func TestReadStatus(t *testing.T) {
	s, dir := open(t)
	st, err := ReadStatus(dir, now(), time.Minute)
	if err != nil || st.Running || st.Heartbeat != nil {
		t.Fatalf("an empty spool: %+v, %v", st, err)
	}
	add(t, s, Posture, change("a-b"))
	for i := range 3 {
		add(t, s, Health, beat(uint64(i+1), now().Add(time.Duration(i)*time.Second)))
	}
	for age, running := range map[time.Duration]bool{30 * time.Second: true, 2 * time.Minute: false} {
		st, err = ReadStatus(dir, now().Add(2*time.Second+age), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if st.Running != running || st.Heartbeat.Counter.Records != 3 || st.Age != age.Seconds() {
			t.Errorf("%v: got %+v", age, st)
		}
		var b bytes.Buffer
		if err := st.Print(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"last heartbeat " + age.String() + " ago", `off: no\x1bkernel`, "records 1 to 3", "4 serials never seen, 6 read from auditd's log", "125 at work, 1 left out for a fault; 9 matches, 2 allowed, 3 lost"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s\nlacks %q", b.String(), want)
			}
		}
		if strings.Contains(b.String(), "not running") == running {
			t.Errorf("running %v:\n%s", running, b.String())
		}
	}
	if _, err := ReadStatus(dir+"x", now(), time.Minute); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no spool: %v", err)
	}
}

// TestClockSetBack: a heartbeat from the future says little, and not for hours
// that the sensor runs.
func TestClockSetBack(t *testing.T) {
	s, dir := open(t)
	add(t, s, Health, beat(1, now()))
	for ahead, running := range map[time.Duration]bool{5 * time.Second: true, time.Hour: false} {
		st, err := ReadStatus(dir, now().Add(-ahead), time.Minute)
		if err != nil || st.Running != running {
			t.Errorf("%v ahead: got %+v, %v", ahead, st, err)
		}
		var b bytes.Buffer
		if err := st.Print(&b); err != nil {
			t.Fatal(err)
		}
		if want := "last heartbeat is " + ahead.String() + " ahead of this clock"; !strings.Contains(b.String(), want) {
			t.Errorf("%s\nlacks %q", b.String(), want)
		}
	}
}

// TestStrangeHeartbeat: a record of the health lane that is no heartbeat hides
// nothing and breaks nothing.
func TestStrangeHeartbeat(t *testing.T) {
	s, dir := open(t)
	add(t, s, Health, change("a-b"))
	if _, err := s.AppendSync(Health, []byte("not a record")); err != nil {
		t.Fatal(err)
	}
	st, err := ReadStatus(dir, now(), time.Minute)
	if err != nil || st.Running || st.Heartbeat != nil || len(st.Spool) != 3 || st.Spool[1] != (Lane{Health, 1, 2}) {
		t.Errorf("got %+v, %v", st, err)
	}
	var b bytes.Buffer
	if err := st.Print(&b); err != nil || !strings.Contains(b.String(), "no heartbeat in the spool") {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

// TestPrintFails: an output that takes nothing is an error.
func TestPrintFails(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if err := (&Status{}).Print(full); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
}

// TestRecordJSON: the names that "seawall spool dump" prints.
func TestRecordJSON(t *testing.T) {
	payload, err := wire.Encode(change("a-b"))
	if err != nil {
		t.Fatal(err)
	}
	r := NewRecord(Posture, spool.Position{Epoch: 255, Seq: 2}, payload)
	if r.Error != "" || r.Payload != "" || r.Change == nil || r.Heartbeat != nil || r.State != nil || r.Pack != nil || !r.Time.Equal(now()) {
		t.Errorf("got %+v", r)
	}
	b, err := json.Marshal(r)
	if want := `{"lane":"posture","epoch":"00000000000000ff","sequence":2,"time":"2026-11-21T12:00:00Z","change":{`; err != nil || !strings.HasPrefix(string(b), want) {
		t.Errorf("got  %s, %v\nwant %s…", b, err, want)
	}
}

func TestFollow(t *testing.T) {
	s, dir := open(t)
	add(t, s, Posture, change("a-old"))
	for _, fromOldest := range []bool{true, false} {
		var got []string
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		started := make(chan struct{})
		go func() {
			close(started)
			done <- Follow(ctx, dir, Posture, fromOldest, func(r spool.Record) error {
				got = append(got, NewRecord(Posture, r.Position, r.Payload).Change.Result.Check)
				if got[len(got)-1] != "a-old" {
					cancel()
				}
				return nil
			})
		}()
		<-started
		// A record that Follow finds there when it starts is not new to it: go on
		// adding until one is.
		for ctx.Err() == nil {
			add(t, s, Posture, change("a-new"))
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if (got[0] == "a-old") != fromOldest {
			t.Errorf("from the oldest %v: got %v", fromOldest, got)
		}
	}
	broken := errors.New("enough")
	if err := Follow(context.Background(), dir, Posture, true, func(spool.Record) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want the function's own error", err)
	}
	if err := Follow(context.Background(), dir+"x", Posture, true, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no spool: %v", err)
	}
}

func TestNewRecord(t *testing.T) {
	r := NewRecord(Health, spool.Position{Epoch: 1 << 63, Seq: 7}, []byte{0xff, 1})
	if r.Epoch != "8000000000000000" || r.Payload != "ff01" || r.Error == "" || r.Sequence != 7 {
		t.Errorf("got %+v", r)
	}
}

// TestContents dumps and verifies a lane from which something was evicted and in
// which a record is damaged.
func TestContents(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.Open(dir, spool.Config{Lanes: map[string]int64{Posture: 4096}, SegmentBytes: 700, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if _, err := s.Append(Posture, bytes.Repeat([]byte{7}, 100)); err != nil {
			t.Fatal(err)
		}
	}
	evicted := s.Evictions(Posture).To
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	segs, err := filepath.Glob(filepath.Join(dir, Posture, "*.seg"))
	if err != nil || len(segs) < 2 {
		t.Fatal(segs, err)
	}
	f, err := os.OpenFile(segs[1], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("damage"), 100); err != nil {
		t.Fatal(err)
	}
	var lines []any
	if err := Dump(dir, Posture, func(l any) error { lines = append(lines, l); return nil }); err != nil {
		t.Fatal(err)
	}
	if lines[0] != any(missing{Posture, 1, evicted, "evicted"}) || !slices.ContainsFunc(lines, func(l any) bool {
		m, ok := l.(missing)
		return ok && m.From == m.To && m.Reason == "damaged"
	}) {
		t.Errorf("dump: %+v", lines)
	}
	var b strings.Builder
	good, err := Verify(&b, dir)
	if err != nil || good {
		t.Errorf("verify: %v, %v", good, err)
	}
	for _, want := range []string{fmt.Sprintf("durable up to 60, evicted up to %d\n", evicted), " is missing\n", "disk: "} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s\nlacks %q", b.String(), want)
		}
	}
}
