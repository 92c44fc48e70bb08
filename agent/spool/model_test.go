package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

// model is a spool on a simulated disk, with its oracle.
type model struct {
	dir     string
	disk    *simDisk
	dieAt   int // of the next disks
	s       *Spool
	r       *Reader // that lives through everything
	n       int
	written map[Position]string // every record that was ever accepted
	durable []Position          // those that were said to be durable, in order
	pending []Position
	read    uint64 // by r
	evicted uint64 // everything up to here made room once; an undone unlink brings some back
	flipped int    // bytes changed on disk: how many durable records may be damaged
	crashed bool   // since the first of them: then damage of what was newest is not known of
}

func newModel(dir string) *model { return &model{dir: dir, written: map[Position]string{}} }

func (m *model) dead() bool { return m.disk.dieAt > 0 && m.disk.n >= m.disk.dieAt }

func (m *model) open(t rapid.TB) {
	before := m.disk
	m.disk = &simDisk{dieAt: m.dieAt}
	if before != nil {
		m.disk.n = before.n
	}
	s, err := Open(m.dir, Config{
		Lanes: one("posture", 4096), SegmentBytes: 700, CommitBytes: 1 << 20, Interval: never, MinFree: -1, ops: m.disk.ops(),
	})
	if m.dead() {
		m.s = s
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.s = s
	if m.r == nil {
		if m.r, err = OpenReader(m.dir, "posture"); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *model) close() {
	if m.s != nil {
		m.s.Close()
	}
	if m.r != nil {
		m.r.Close()
	}
}

func (m *model) append(t rapid.TB, length int) {
	if m.s == nil {
		return
	}
	m.n++
	p := fmt.Sprintf("%d %0*d", m.n, length, 0)
	pos, err := m.s.Append("posture", []byte(p))
	m.note()
	if err != nil {
		if !m.dead() && !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		return
	}
	if old, ok := m.written[pos]; ok {
		t.Fatalf("position %v names two records, %q and %q", pos, old, p)
	}
	m.written[pos] = p
	m.pending = append(m.pending, pos)
}

// note remembers what made room for others.
func (m *model) note() {
	switch st := m.s.Stats()[0]; {
	case st.Evicted > 0 && st.First > 0:
		m.evicted = max(m.evicted, st.First-1)
	case st.Evicted > 0:
		m.evicted = max(m.evicted, st.Durable)
	}
}

func (m *model) sync(t rapid.TB) {
	if m.s == nil {
		return
	}
	err := m.s.Sync()
	m.note()
	if err != nil {
		if !m.dead() {
			t.Fatal(err)
		}
		return
	}
	m.durable = append(m.durable, m.pending...)
	m.pending = nil
}

// sick makes the disk fail some operations of a few appends and of a sync.
func (m *model) sick(t *rapid.T) {
	fails := rapid.SliceOfN(rapid.Bool(), 1, 8).Draw(t, "fails")
	begin := m.disk.n
	m.disk.fail = func(n int) error {
		if i := n - begin - 1; i < len(fails) && fails[i] {
			return syscall.EIO
		}
		return nil
	}
	for range 3 {
		m.append(t, 100)
	}
	_ = m.s.Sync() // it may fail: nothing is durable because of it
	m.disk.fail = nil
	// An eviction may have been announced and then not been done.
	if segs := segments(t, m.dir); len(segs) > 1 {
		m.evicted = max(m.evicted, segs[1].First-1)
	}
	m.sync(t)
}

func (m *model) crash(t rapid.TB, takes chance) {
	m.dieAt = 0
	m.disk.dieAt = 1
	m.crashed = m.flipped > 0
	if m.s != nil {
		m.s.Close()
	}
	m.disk.crash(t, takes)
	m.pending = nil
	m.open(t)
}

func (m *model) restart(t rapid.TB) {
	if m.s == nil {
		return
	}
	err := m.s.Close()
	if m.dead() {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.durable = append(m.durable, m.pending...)
	m.pending = nil
	m.open(t)
}

// corrupt changes a byte of a segment that a writer has left.
func (m *model) corrupt(t *rapid.T) {
	files, err := filepath.Glob(filepath.Join(m.dir, "posture", "*.seg"))
	if err != nil || len(files) == 0 {
		return
	}
	f, err := os.OpenFile(rapid.SampledFrom(files).Draw(t, "file"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || fi.Size() == 0 {
		return
	}
	off := rapid.Int64Range(0, fi.Size()-1).Draw(t, "offset")
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, off); err != nil {
		t.Fatal(err)
	}
	b[0] ^= byte(rapid.IntRange(1, 255).Draw(t, "mask"))
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
	m.flipped++
}

// readOn reads what there is behind last, and what is said to be missing.
func (m *model) readOn(t rapid.TB, r *Reader, last *uint64) (seen []Position, gaps []Gap) {
	for {
		rec, err := r.Next()
		if errors.Is(err, ErrEmpty) {
			return seen, append(gaps, r.Tail()...)
		}
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := m.written[rec.Position]; !ok || want != string(rec.Payload) {
			t.Fatalf("record %v is %q, was written as %q", rec.Position, rec.Payload, want)
		}
		at := *last
		if m.crashed && rec.Seq <= at {
			at = rec.Seq - 1 // the number of a damaged record was used again, in another epoch
		}
		for _, g := range rec.Gaps {
			if g.From != at+1 || g.To < g.From {
				t.Fatalf("gaps %v behind %d", rec.Gaps, *last)
			}
			at = g.To
		}
		if rec.Seq != at+1 {
			t.Fatalf("record %d behind %d, gaps %v", rec.Seq, *last, rec.Gaps)
		}
		*last = rec.Seq
		seen = append(seen, rec.Position)
		gaps = append(gaps, rec.Gaps...)
	}
}

// check reads all there is and compares it, and what is said to be missing, with
// what was said to be durable.
func (m *model) check(t rapid.TB) {
	r, err := OpenReader(m.dir, "posture")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var last uint64
	seen, gaps := m.readOn(t, r, &last)
	gone := func(seq uint64) (g Gap) {
		for _, g := range gaps {
			if g.From <= seq && seq <= g.To {
				return g
			}
		}
		return g
	}
	damaged := 0
	for _, pos := range m.durable {
		if _, ok := slices.BinarySearchFunc(seen, pos, func(a, b Position) int { return int(a.Seq) - int(b.Seq) }); ok {
			continue
		}
		switch g := gone(pos.Seq); {
		case g.Reason == Evicted && pos.Seq <= m.evicted:
		case g.Reason == Damaged, m.crashed:
			damaged++
		default:
			t.Fatalf("durable record %v is gone, gap %v; evicted up to %d", pos, g, m.evicted)
		}
	}
	if damaged > m.flipped {
		t.Fatalf("%d durable records are damaged by %d flips; gaps %v", damaged, m.flipped, gaps)
	}
	for _, g := range gaps {
		if g.Reason == Evicted && g.To > m.evicted {
			t.Fatalf("gap %v; evicted up to %d", g, m.evicted)
		}
	}
}

// seek reads on behind any record that was ever durable.
func (m *model) seek(t *rapid.T) {
	if len(m.durable) == 0 {
		return
	}
	r, err := OpenReader(m.dir, "posture")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pos := rapid.SampledFrom(m.durable).Draw(t, "position")
	if _, err := r.Seek(pos); err != nil {
		t.Fatal(err)
	}
	m.readOn(t, r, &pos.Seq)
}

// TestModel runs random appends, syncs, evictions, damage, failures, restarts and
// crashes of the machine against an oracle.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := newModel(dir)
		m.open(rt)
		defer m.close()
		coin, length := rapid.Bool(), rapid.IntRange(0, 300)
		grow := func(t *rapid.T) { m.append(t, length.Draw(t, "length")) }
		rt.Repeat(map[string]func(*rapid.T){
			"append":  grow,
			"append2": grow,
			"append3": grow,
			"sync":    func(t *rapid.T) { m.sync(t) },
			"sick":    m.sick,
			"corrupt": m.corrupt,
			"crash":   func(t *rapid.T) { m.crash(t, func(what string) bool { return coin.Draw(t, what) }) },
			"restart": func(t *rapid.T) { m.restart(t) },
			"seek":    m.seek,
			"follow":  func(t *rapid.T) { m.readOn(t, m.r, &m.read) },
			"":        func(t *rapid.T) { m.check(t) },
		})
	})
}
