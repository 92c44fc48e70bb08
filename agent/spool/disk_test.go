package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// simDisk is the real disk with a memory of what a crash of the machine may take
// back: any sector of what was written since the last sync, in any order, names of
// files whose directory has not been synced, and unlinks. It can fail, and it can be
// shut off before any operation.
type simDisk struct {
	n       int                // operations so far
	dieAt   int                // the machine is down from this operation on
	fail    func(n int) error  // of an operation; nil when all is well
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

// chance decides what a crash does: whether it takes something back.
type chance func(what string) bool

func pathOf(f *os.File) string {
	p, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return ""
	}
	return p
}

// do runs an operation unless the machine is down or the disk fails.
func (d *simDisk) do(op func() error) error {
	d.n++
	if d.dieAt > 0 && d.n >= d.dieAt {
		return errDead
	}
	if d.fail != nil {
		if err := d.fail(d.n); err != nil {
			return err
		}
	}
	return op()
}

func (d *simDisk) ops() *ops {
	disk := diskOps()
	d.writes, d.created, d.removed = map[string][]write{}, map[string]bool{}, map[string][]byte{}
	return &ops{
		create: func(dir *os.File, name string) (f *os.File, err error) {
			err = d.do(func() error {
				d.created[filepath.Join(pathOf(dir), name)] = true
				f, err = disk.create(dir, name)
				return err
			})
			return f, err
		},
		write: func(f *os.File, b []byte, off int64) error {
			return d.do(func() error {
				old := make([]byte, len(b))
				n, _ := f.ReadAt(old, off)
				d.writes[pathOf(f)] = append(d.writes[pathOf(f)], write{off, old[:n]})
				return disk.write(f, b, off)
			})
		},
		// A sync that fails leaves everything as it was: it may be lost in a crash.
		sync: func(f *os.File) error {
			return d.do(func() error { delete(d.writes, pathOf(f)); return nil })
		},
		syncDir: func(*os.File) error {
			return d.do(func() error { clear(d.created); clear(d.removed); return nil })
		},
		truncate: func(f *os.File, n int64) error {
			return d.do(func() error { return disk.truncate(f, n) })
		},
		unlink: func(dir *os.File, name string) error {
			return d.do(func() error {
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
func (d *simDisk) crash(t interface{ Fatal(...any) }, takes chance) {
	for _, path := range sortedKeys(d.writes) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range slices.Backward(d.writes[path]) {
			b = w.takeBack(b, takes)
		}
		if err := os.WriteFile(path, b, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range sortedKeys(d.created) {
		if takes("the name") {
			os.Remove(path)
		}
	}
	for _, path := range sortedKeys(d.removed) {
		if _, err := os.Stat(path); err != nil && takes("the unlink") {
			if err := os.WriteFile(path, d.removed[path], 0o640); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// takeBack gives some sectors of a write their old content, or zeros where there
// was none; perhaps it takes the file's new length back too.
func (w write) takeBack(b []byte, takes chance) []byte {
	if grew := int(w.off) + len(w.old); grew < len(b) && takes("the length") {
		b = b[:grew]
	}
	for off := int(w.off); off < len(b); off = (off/sector + 1) * sector {
		if !takes("a sector") {
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

// crashes are ways in which a crash can take things back: nothing, everything, each
// thing alone, all but one thing, every other one.
func crashes() (kinds map[string]func() chance) {
	kinds = map[string]func() chance{
		"nothing":    func() chance { return func(string) bool { return false } },
		"everything": func() chance { return func(string) bool { return true } },
	}
	counted := func(decide func(i int) bool) func() chance {
		return func() chance {
			i := -1
			return func(string) bool { i++; return decide(i) }
		}
	}
	for j := range 2 {
		kinds[fmt.Sprint("every other ", j)] = counted(func(i int) bool { return i%2 == j })
	}
	for j := range 5 {
		kinds[fmt.Sprint("only ", j)] = counted(func(i int) bool { return i == j })
		kinds[fmt.Sprint("all but ", j)] = counted(func(i int) bool { return i != j })
	}
	return kinds
}

// TestCrashAtEveryStep runs one scenario, over several segments, evictions and two
// writers, and shuts the machine off before each operation in turn, taking back
// what was not synced in each of several ways. What was said to be durable must be
// there, once and whole, and what is missing must be accounted for.
func TestCrashAtEveryStep(t *testing.T) {
	runs := 0
	for kind, takes := range crashes() {
		for at := 1; ; at++ {
			m := newModel(t.TempDir())
			m.dieAt = at
			done := m.scenario(t)
			m.crash(t, takes())
			m.check(t)
			m.append(t, 10)
			m.sync(t)
			m.check(t)
			m.close()
			runs++
			if t.Failed() {
				t.Fatalf("crash before operation %d that takes back %s", at, kind)
			}
			if done {
				break
			}
		}
	}
	t.Logf("%d crashes", runs)
}

// scenario reports whether it ended before the machine was shut off.
func (m *model) scenario(t *testing.T) bool {
	m.open(t)
	for range 2 {
		for i := range 20 {
			m.append(t, 40*(i%7))
			if i%4 == 3 {
				m.sync(t)
			}
			if m.dead() {
				return false
			}
		}
		m.restart(t)
	}
	return !m.dead()
}
