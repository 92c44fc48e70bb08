package gaps

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestMark compares with a set: whatever order serials come in, across the end of the
// numbers and over the window, and also in the process that follows one that was killed.
func TestMark(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mark")
	rapid.Check(t, func(t *rapid.T) {
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		first := rapid.SampledFrom([]uint32{1, 1000, Window - 5, 1<<31 - 20, 1<<32 - 30}).Draw(t, "first")
		m := opened(t, name)
		seen := map[uint32]bool{}
		newest := first
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			serial := newest + uint32(rapid.IntRange(-12, 20).Draw(t, "step"))
			if serial == 0 || int32(serial-first) < 0 {
				serial = first
			}
			if len(seen) == 0 {
				first, newest = serial, serial
			}
			m.Deliver(serial, noon.Add(time.Duration(serial)))
			seen[serial] = true
			if int32(serial-newest) > 0 {
				newest = serial
			}
			if rapid.IntRange(0, 9).Draw(t, "killed") == 0 {
				m = opened(t, name) // beside the one there was, which had no word in it
			}
		}
		serial, at, ok := m.Newest()
		if serial != newest || !at.Equal(noon.Add(time.Duration(newest))) || !ok {
			t.Fatalf("the newest is %d, %v, %v; want %d", serial, at, ok, newest)
		}
		after := first + uint32(rapid.IntRange(0, int(newest-first)).Draw(t, "after"))
		var want []uint32
		for n := after + 1; n != newest+1; n++ {
			if n != 0 && !seen[n] {
				want = append(want, n)
			}
			if m.Has(n) != seen[n] && n != 0 {
				t.Fatalf("%d: %v, want %v", n, m.Has(n), seen[n])
			}
		}
		if got := serials(m.Holes(after)); !slices.Equal(got, want) {
			t.Fatalf("missing behind %d: %v, want %v", after, got, want)
		}
		if n, ok := m.Missing(after+1, newest); int(n) != len(want) || ok != (after != newest) {
			t.Fatalf("%d of %d to %d are missing: %v; want %d", n, after+1, newest, ok, len(want))
		}
	})
}

func opened(t interface{ Fatal(args ...any) }, name string) *Mark {
	m, err := OpenMark(name, boot)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func serials(holes []Range) (list []uint32) {
	for _, r := range holes {
		for n := r.From; n != r.To+1; n++ {
			if n != 0 {
				list = append(list, n)
			}
		}
	}
	return list
}

// TestMarkForgets: what is older than the window is not known, and not taken for missing.
func TestMarkForgets(t *testing.T) {
	for _, first := range []uint32{1, 12345, 1<<32 - Window/2} {
		m := NewMark(boot)
		m.Deliver(first, noon)
		m.Deliver(first+2, noon)
		if got := serials(m.Holes(0)); !slices.Equal(got, []uint32{first + 1}) {
			t.Errorf("%v", got)
		}
		far := first + Window + 1 // from first+2 on there is room
		m.Deliver(far, noon)
		m.Deliver(first+1, noon)
		missing, known := m.Missing(first+2, far)
		if m.Has(first) || m.Has(first+1) || !m.Has(first+2) || !m.Has(far) || !known || missing > Window-2 || missing < Window-3 {
			t.Errorf("of the window from %d on %d are missing: %v", first, missing, known)
		}
		if _, known := m.Missing(first+1, far); known {
			t.Error("the mark knows what is behind the window")
		}
		further := far + 3*Window
		m.Deliver(further, noon)
		if missing, known := m.Missing(further-Window+1, further); missing < Window-2 || !known || m.Has(far) {
			t.Errorf("%d, %v", missing, known)
		}
	}
}

// TestMarkFile: what one process kept on a disk another loads, in this boot alone, and
// what is no mark counts for nothing.
func TestMarkFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "mark")
	m := NewMark(boot)
	m.Deliver(7, noon)
	m.Deliver(9, noon)
	b := m.Encode()
	if err := WriteFile(name, b); err != nil || m.Encode() != nil {
		t.Fatalf("nothing changed, and is to be written: %v", err)
	}
	next := NewMark(boot)
	if err := next.Load(name); err != nil || !next.Has(9) || next.Has(8) || !slices.Equal(next.Holes(0), []Range{{8, 8}}) {
		t.Errorf("%v, %v", next.Holes(0), err)
	}
	other := strings.ToUpper(boot)
	for what, bad := range map[string][]byte{"nothing": nil, "short": b[:len(b)-1], "long": append(b, 0), "ends": badEnds(b), "text": []byte(boot + " 5 6\n")} {
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		loaded := NewMark(boot)
		_ = loaded.Load(name) // an error or nothing
		mapped := opened(t, name)
		for _, m := range []*Mark{loaded, mapped} {
			if _, _, ok := m.Newest(); ok || m.Holes(0) != nil {
				t.Errorf("%s: a mark", what)
			}
		}
		if err := mapped.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if m, err := OpenMark(name, other); err != nil || m.Has(9) {
		t.Errorf("a mark of another boot counts: %v", err)
	}
	if _, err := OpenMark("/nonexistent/mark", boot); err == nil {
		t.Error("opened nowhere")
	}
	if err := NewMark(boot).Load(filepath.Join(dir, "none")); !os.IsNotExist(err) && err == nil {
		t.Error("loaded from nowhere")
	}
}

// badEnds is a mark whose newest serial is before its first.
func badEnds(b []byte) []byte {
	m := &Mark{bytes: slices.Clone(b)}
	m.put(atFirst, 100)
	return m.bytes
}

// TestAgree: a sensor that follows a killed one has the ledger say what was delivered
// after it was written.
func TestAgree(t *testing.T) {
	m := NewMark(boot)
	for serial := uint32(50); serial <= 200; serial++ {
		if serial < 100 || serial > 109 && serial < 120 || serial > 129 {
			m.Deliver(serial, noon)
		}
	}
	l := NewLedger(boot, noon)
	l.Add(Gap{From: 10, To: 19, Missing: 10, Filled: 3}) // nobody knows which
	l.Add(Gap{From: 60, To: 69, Missing: 10, Filled: 4})
	l.Add(Gap{From: 100, To: 109, Missing: 10, Settled: true})
	l.Add(Gap{From: 118, To: 122, Missing: 5, Late: 1, Settled: true})
	l.Add(Gap{From: 60, To: 69, Missing: 10, Cause: Backlog, Settled: true})
	l.Filled, l.Late = 7, 1
	l.Agree(m)
	for i, want := range []uint64{10, 0, 10, 3, 10} {
		if got := l.Gaps[i].Left(); got != want {
			t.Errorf("gap %d: %d left, want %d", i, got, want)
		}
	}
	if l.Filled != 10 || l.Late != 2 || l.Missing != 45 {
		t.Errorf("%d missing, %d filled, %d late", l.Missing, l.Filled, l.Late)
	}
}

// TestMergesOneKind: the oldest gaps become one, but never of those with and without serials.
func TestMergesOneKind(t *testing.T) {
	l := NewLedger(boot, noon)
	serials, none := uint64(0), uint64(0)
	for i := range uint32(3 * Kept) {
		g := Gap{From: 10 * i, To: 10*i + 3, Missing: 4}
		if i%3 == 0 {
			g.Cause, g.Missing = Backlog, 7
			none += 7
		} else {
			serials += 4
		}
		l.Add(g)
	}
	for i := range l.Gaps {
		if g := &l.Gaps[i]; g.Cause == Backlog {
			none -= g.Missing
		} else {
			serials -= g.Missing
		}
	}
	if serials != 0 || none != 0 || len(l.Gaps) != Kept {
		t.Errorf("%d and %d are in other gaps than they belong in; %d gaps", serials, none, len(l.Gaps))
	}
}

func BenchmarkDeliver(b *testing.B) {
	m := opened(b, filepath.Join(b.TempDir(), "mark"))
	serial := uint32(1)
	for b.Loop() {
		m.Deliver(serial, noon)
		serial++
	}
}

func FuzzMark(f *testing.F) {
	m := NewMark(boot)
	m.Deliver(7, noon)
	m.Deliver(90, noon)
	f.Add(m.Encode()[bootLength:200], uint32(8), uint32(100))
	f.Add([]byte{}, uint32(0), uint32(1<<32-1))
	name := filepath.Join(f.TempDir(), "mark")
	f.Fuzz(func(t *testing.T, text []byte, from, to uint32) {
		b := NewMark(boot).bytes
		copy(b[bootLength:], text)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		m := NewMark(boot)
		if err := m.Load(name); err != nil {
			t.Fatal(err)
		}
		m.Deliver(from, noon)
		m.Deliver(to, noon)
		n, known := m.Missing(from, to)
		if known && n > uint64(to-from) || m.newest()-m.first() >= Window {
			t.Errorf("%d are missing; from %d to %d", n, m.first(), m.newest())
		}
		for _, r := range m.Holes(from) {
			if m.Has(r.From) || m.Has(r.To) || int32(r.To-r.From) < 0 {
				t.Fatalf("%+v is no hole", r)
			}
		}
	})
}
