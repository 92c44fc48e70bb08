package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// crashDisk is the real disk with a memory of what a crash of the machine may
// take back: writes since the last sync, by sector, names of files whose directory
// has not been synced, and unlinks.
type crashDisk struct {
	dead    bool
	writes  map[string][]write // by path, since the file's last sync
	created map[string]bool    // since the directory's last sync
	removed map[string][]byte  // contents, since the directory's last sync
}

type write struct {
	off int64
	old []byte // what the range held before
}

const sector = 512

var errDead = errors.New("the machine is down")

func pathOf(f *os.File) string {
	p, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return ""
	}
	return p
}

func (d *crashDisk) ops() *ops {
	disk := diskOps()
	d.writes, d.created, d.removed = map[string][]write{}, map[string]bool{}, map[string][]byte{}
	up := func(op func() error) error {
		if d.dead {
			return errDead
		}
		return op()
	}
	return &ops{
		create: func(dir *os.File, name string) (*os.File, error) {
			if d.dead {
				return nil, errDead
			}
			d.created[filepath.Join(pathOf(dir), name)] = true
			return disk.create(dir, name)
		},
		write: func(f *os.File, b []byte, off int64) error {
			return up(func() error {
				old := make([]byte, len(b))
				n, _ := f.ReadAt(old, off)
				d.writes[pathOf(f)] = append(d.writes[pathOf(f)], write{off, old[:n]})
				return disk.write(f, b, off)
			})
		},
		sync: func(f *os.File) error {
			return up(func() error { delete(d.writes, pathOf(f)); return nil })
		},
		syncDir: func(*os.File) error {
			return up(func() error { clear(d.created); clear(d.removed); return nil })
		},
		truncate: func(f *os.File, n int64) error { return up(func() error { return disk.truncate(f, n) }) },
		unlink: func(dir *os.File, name string) error {
			return up(func() error {
				path := filepath.Join(pathOf(dir), name)
				if b, err := os.ReadFile(path); err == nil && !d.created[path] {
					d.removed[path] = b
				}
				delete(d.writes, path)
				delete(d.created, path)
				return disk.unlink(dir, name)
			})
		},
		statfs: disk.statfs,
	}
}

// crash takes back any of what was not synced.
func (d *crashDisk) crash(t *rapid.T) {
	coin := rapid.Bool()
	for _, path := range sortedKeys(d.writes) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range slices.Backward(d.writes[path]) {
			b = w.takeBack(b, coin, t)
		}
		if err := os.WriteFile(path, b, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range sortedKeys(d.created) {
		if coin.Draw(t, "forget the name") {
			os.Remove(path)
		}
	}
	for _, path := range sortedKeys(d.removed) {
		if _, err := os.Stat(path); err != nil && coin.Draw(t, "undo the unlink") {
			if err := os.WriteFile(path, d.removed[path], 0o640); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// takeBack gives some sectors of a write their old content, or zeros where there
// was none; perhaps it takes the file's new length back too.
func (w write) takeBack(b []byte, coin *rapid.Generator[bool], t *rapid.T) []byte {
	if grew := int(w.off) + len(w.old); grew < len(b) && coin.Draw(t, "take the length back") {
		b = b[:grew]
	}
	for off := int(w.off); off < len(b); off = (off/sector + 1) * sector {
		if !coin.Draw(t, "drop a sector") {
			continue
		}
		for i := off; i < min((off/sector+1)*sector, len(b)); i++ {
			b[i] = 0
			if j := i - int(w.off); j < len(w.old) {
				b[i] = w.old[j]
			}
		}
		if len(w.old) > 0 {
			break // the watermark: a sector of old bytes is old as a whole
		}
	}
	return b
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// model is a spool with its oracle.
type model struct {
	t       testing.TB
	dir     string
	disk    *crashDisk
	s       *Spool
	r       *Reader
	n       int
	written map[Position]string // every record that was ever accepted
	durable []Position          // those that were said to be durable, in order
	pending []Position
	read    uint64 // by r
	evicted uint64 // everything before was evicted; an undone unlink brings some back
}

func (m *model) open(t *rapid.T) {
	m.disk = &crashDisk{}
	s, err := Open(m.dir, Config{Lanes: one("posture", 4096), SegmentBytes: 700, CommitBytes: 1 << 20, Interval: never, ops: m.disk.ops()})
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

func (m *model) append(t *rapid.T) {
	m.n++
	p := fmt.Sprintf("%d %0*d", m.n, rapid.IntRange(0, 300).Draw(t, "length"), 0)
	pos, err := m.s.Append("posture", []byte(p))
	if err != nil {
		t.Fatal(err)
	}
	if old, ok := m.written[pos]; ok {
		t.Fatalf("position %v names two records, %q and %q", pos, old, p)
	}
	m.written[pos] = p
	m.pending = append(m.pending, pos)
}

func (m *model) sync(t *rapid.T) {
	if err := m.s.Sync(); err != nil {
		t.Fatal(err)
	}
	m.durable = append(m.durable, m.pending...)
	m.pending = nil
}

func (m *model) crash(t *rapid.T) {
	m.disk.dead = true
	m.s.Close()
	m.disk.crash(t)
	m.pending = nil
	m.open(t)
}

func (m *model) restart(t *rapid.T) {
	if err := m.s.Close(); err != nil {
		t.Fatal(err)
	}
	m.durable = append(m.durable, m.pending...)
	m.pending = nil
	m.open(t)
}

// follow reads on with the reader that lives through everything.
func (m *model) follow(t *rapid.T) {
	m.readOn(t, m.r, &m.read)
}

func (m *model) readOn(t *rapid.T, r *Reader, last *uint64) (seen []Position) {
	for {
		rec, err := r.Next()
		if errors.Is(err, ErrEmpty) {
			return seen
		}
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := m.written[rec.Position]; !ok || want != string(rec.Payload) {
			t.Fatalf("record %v is %q, was written as %q", rec.Position, rec.Payload, want)
		}
		if rec.Seq <= *last || rec.Seq > *last+1 && rec.Gaps[0].From != *last+1 {
			t.Fatalf("record %d after %d, gap %v", rec.Seq, *last, rec.Gaps)
		}
		*last = rec.Seq
		seen = append(seen, rec.Position)
	}
}

// check reads all there is and compares it with what was said to be durable.
func (m *model) check(t *rapid.T) {
	r, err := OpenReader(m.dir, "posture")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var last uint64
	seen := m.readOn(t, r, &last)
	m.evicted = max(m.evicted, m.s.Stats()[0].First)
	for _, pos := range m.durable {
		if _, ok := slices.BinarySearchFunc(seen, pos, func(a, b Position) int { return int(a.Seq) - int(b.Seq) }); !ok && pos.Seq >= m.evicted {
			t.Fatalf("durable record %v is lost; on disk from %d on", pos, m.evicted)
		}
	}
}

// TestModel runs random appends, syncs, evictions, restarts and crashes of the
// machine against an oracle.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := &model{t: t, dir: dir, written: map[Position]string{}}
		m.open(rt)
		defer func() { m.s.Close(); m.r.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"append":  m.append,
			"append2": m.append,
			"append3": m.append,
			"sync":    m.sync,
			"crash":   m.crash,
			"restart": m.restart,
			"follow":  m.follow,
			"":        m.check,
		})
	})
}
