package gaps

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"seawall/pkg/hostfs"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const boot = "01234567-89ab-cdef-0123-456789abcdef"

// TestTracker compares with a set of all serials: whatever order they come in, and across
// the end of the numbers, what is reported is what did not come in time.
func TestTracker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.SampledFrom([]uint32{1, 1000, 1<<31 - 20, 1<<32 - 30}).Draw(t, "start")
		var tr Tracker
		tr.Resume(start, noon)
		seen, settled := map[uint32]bool{}, map[uint32]bool{}
		head, now := start, noon
		for range rapid.IntRange(0, 120).Draw(t, "steps") {
			now = now.Add(time.Second)
			step := rapid.IntRange(-15, 6).Draw(t, "step")
			serial := head + uint32(step)
			if serial == 0 || step < 0 && int32(serial-start) <= 0 {
				continue
			}
			want := Again
			switch {
			case step > 0:
				want = Fresh
				head = serial
			case serial != start && !seen[serial] && !settled[serial]:
				want = Tardy
			}
			if got := tr.See(serial, now, now); got != want {
				t.Fatalf("serial %d at head %d: sight %d, want %d", serial, head, got, want)
			}
			seen[serial] = true
			if rapid.IntRange(0, 9).Draw(t, "settle") == 0 {
				for _, g := range tr.Settle(now.Add(-3*time.Second), now) {
					for n := range g.Missing {
						s := g.From + uint32(n)
						if seen[s] || settled[s] || s == 0 {
							t.Fatalf("%d is reported missing: seen %v, reported %v", s, seen[s], settled[s])
						}
						settled[s] = true
					}
				}
			}
		}
		for _, g := range tr.Settle(now.Add(time.Hour), now) {
			for n := range g.Missing {
				settled[g.From+uint32(n)] = true
			}
		}
		for s := start + 1; s != head+1; s++ {
			if s != 0 && seen[s] == settled[s] && (!seen[s] || !settled[s]) {
				t.Fatalf("%d: seen %v, reported %v", s, seen[s], settled[s])
			}
		}
	})
}

// TestLateIsNoGiantLoss: one late serial is no loss, and not four thousand million.
func TestLateIsNoGiantLoss(t *testing.T) {
	var tr Tracker
	tr.See(5000, noon, noon)
	for _, serial := range []uint32{4999, 1, 4294967295, 5000} {
		if got := tr.See(serial, noon, noon); got != Again {
			t.Errorf("%d: %d", serial, got)
		}
	}
	if g := tr.Settle(noon.Add(time.Hour), noon); len(g) > 0 {
		t.Errorf("%+v", g)
	}
}

func TestTrackerIsBounded(t *testing.T) {
	var tr Tracker
	serial := uint32(1)
	for range 3 * maxHoles {
		serial += 2
		tr.See(serial, noon, noon)
	}
	if len(tr.holes) > maxHoles {
		t.Errorf("%d holes", len(tr.holes))
	}
	// One of the oldest comes after all.
	if through := tr.Through(); through != 3 || tr.See(4, noon, noon) != Tardy || tr.See(4, noon, noon) != Again || tr.Through() != 5 {
		t.Errorf("all is settled up to %d, then %d", through, tr.Through())
	}
	n := uint64(0)
	for _, g := range tr.Settle(noon.Add(time.Hour), noon) {
		n += g.Missing
	}
	if n != 3*maxHoles-2 || tr.Open() || tr.Through() != tr.head {
		t.Errorf("%d missing", n)
	}
}

func TestLedger(t *testing.T) {
	l := NewLedger(boot, noon)
	for i := range uint32(Kept + 50) {
		l.Add(Gap{From: 10 * i, To: 10*i + 3, Missing: 4, Before: noon, After: noon, Cause: Overrun, Why: "x"})
	}
	if len(l.Gaps) != Kept || l.Missing != 4*(Kept+50) || l.Gaps[0].Missing != 4*51 || l.Gaps[0].Merged != 50 || l.Gaps[0].From != 0 || !l.Gaps[0].Settled || l.Found() != Kept+50 {
		t.Errorf("%d gaps, %d missing; the oldest: %+v", len(l.Gaps), l.Missing, l.Gaps[0])
	}
	last := l.Gaps[Kept-1]
	for _, want := range []bool{true, true, true, true, false} { // four are missing
		if got := l.Came(last.From, true); got != want {
			t.Errorf("came: %v", got)
		}
	}
	if l.Came(last.From+5, false) || l.Filled != 4 || len(l.Pending()) != Kept-2 {
		t.Errorf("%d filled, %d pending", l.Filled, len(l.Pending()))
	}
	if g, ok := l.Settle(20*10+1000, 5, "no"); ok {
		t.Errorf("%+v", g)
	}
	first := l.Gaps[1]
	if g, ok := l.Settle(first.From, first.To, "no log"); !ok || g.Why != "no log" || g.Left() != 4 || g.Fillable() {
		t.Errorf("%+v, %v", g, ok)
	}
}

func TestLedgerFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.json")
	l := NewLedger(boot, noon)
	l.Add(Gap{From: 1, To: 2, Missing: 2, Before: noon, After: noon.Add(time.Second), Found: noon, Cause: Kernel, Settled: true})
	l.Note(State{Time: noon, Mode: "unicast", Hits: map[string]uint64{"a\x01b": 3}})
	put(t, l, name)
	got, err := ReadLedger(hostfs.Root{}, name)
	if err != nil {
		t.Fatal(err)
	}
	l.changed = false
	if diff := cmp.Diff(l, got, cmp.AllowUnexported(Ledger{})); diff != "" {
		t.Error(diff)
	}
	if b, err := l.Encode(); b != nil || err != nil {
		t.Errorf("nothing changed, and %d bytes are to be written: %v", len(b), err)
	}
	if err := os.WriteFile(name, []byte(`{"gaps":[`+strings.Repeat(`{},`, 2*Kept)+`{}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err = ReadLedger(hostfs.Root{}, name); err != nil || len(got.Gaps) != Kept {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "{", `{"gaps":5}`, strings.Repeat(" ", 2*maxFile)} {
		if err := os.WriteFile(name, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadLedger(hostfs.Root{}, name); err == nil {
			t.Errorf("%.20q was read", bad)
		}
	}
	if err := WriteFile("/nonexistent/x", nil); err == nil {
		t.Error("written to nowhere")
	}
}

// put writes a ledger.
func put(t *testing.T, l *Ledger, name string) {
	t.Helper()
	b, err := l.Encode()
	if err == nil {
		err = WriteFile(name, b)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestString(t *testing.T) {
	g := Gap{From: 5, To: 9, Missing: 5, Filled: 2, Before: noon, After: noon.Add(time.Second), Cause: Overrun, Why: "auditd has none"}
	want := "3 audit events missing (serials 5 to 9) between 2026-11-22 12:00:00.000 and 2026-11-22 12:00:01.000: " +
		"the socket's receive buffer was full; 2 more were read from auditd's log; auditd has none"
	if got := g.String(); got != want {
		t.Error(got)
	}
	one := Gap{From: 5, To: 5, Missing: 1, Cause: Stopped}
	if got := one.String(); got != "1 audit event missing (serial 5) between an unknown time and an unknown time: the sensor was not running" {
		t.Error(got)
	}
	lost := Gap{From: 5, To: 9, Missing: 17, Cause: Backlog}
	if got := lost.String(); !strings.HasPrefix(got, "17 audit events missing (between serials 5 and 9)") {
		t.Error(got)
	}
	said := map[string]bool{}
	for _, c := range []Cause{Overrun, Kernel, RateLimit, Stopped, Switched, Backlog, Several, "x"} {
		said[c.Text()] = true
	}
	if len(said) != 8 {
		t.Errorf("%v", said)
	}
}

func TestCause(t *testing.T) {
	g := Gap{Before: noon, After: noon.Add(time.Minute)}
	inside := noon.Add(time.Second)
	for want, c := range map[Cause]Clues{
		Stopped: {Resumed: noon, Moved: inside, Overran: inside}, Switched: {Resumed: inside, Moved: inside, Overran: inside},
		Overrun: {Moved: noon, Overran: noon, Limited: true}, RateLimit: {Overran: noon.Add(-time.Hour), Limited: true}, Kernel: {},
	} {
		if got := c.Cause(&g); got != want {
			t.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
}
