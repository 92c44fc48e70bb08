package process

import (
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seawall/pkg/audit"
)

// truth is one process as it really was.
type truth struct {
	id         int
	pid        uint32
	start, end int // ms; end 0 while it lives
	exe, argv  string
	parent     *truth // who made it
	now        *truth // its parent now
	execed     bool
}

// model is a kernel with few numbers, so that they are used again all the time. Events of
// execve are always audited; those of fork and exit by the run.
type model struct {
	*rapid.T
	tree
	table       *Table
	forks, ends bool // are audited
	ms          int
	ids         int
	alive       map[uint32]*truth
	all         []*truth
	known       map[ref]*truth // which process an entry turned out to be
	entries     map[*truth]ref
	held        []held
	delay       bool
}

type held struct {
	e *audit.Event
	p *truth
}

const modelPIDs = 12

func (m *model) pick(t *rapid.T, what string, fits func(*truth) bool) *truth {
	var some []*truth
	for pid := range uint32(modelPIDs + 2) {
		if p := m.alive[pid]; p != nil && fits(p) {
			some = append(some, p)
		}
	}
	if len(some) == 0 {
		t.Skip("no such process")
	}
	return some[rapid.IntRange(0, len(some)-1).Draw(t, what)]
}

func (m *model) write(p *truth) {
	m.process(p.pid, m.ppid(p), p.start, "c"+fmt.Sprint(p.id))
}

func (m *model) ppid(p *truth) uint32 {
	if p.now == nil {
		return 0
	}
	return p.now.pid
}

// fork makes a child of p. Numbers that ended a moment ago are used again only where
// an event tells of the new process, and told of the old one's program.
func (m *model) fork(t *rapid.T, p *truth, told bool) *truth {
	var free []uint32
	for pid := uint32(2); pid < modelPIDs+2; pid++ {
		ok := m.alive[pid] == nil
		for _, old := range m.all {
			ok = ok && (old.pid != pid || told && (old.execed || !m.forks) || m.ms-old.end > 11_000)
		}
		for _, h := range m.held {
			ok = ok && h.p.pid != pid // whose it was, nobody could say
		}
		if ok {
			free = append(free, pid)
		}
	}
	if len(free) == 0 {
		t.Skip("no number is free")
	}
	m.ids++
	c := &truth{id: m.ids, pid: free[rapid.IntRange(0, len(free)-1).Draw(t, "pid")], start: m.ms / 10 * 10, exe: p.exe, argv: p.argv, parent: p, now: p}
	m.alive[c.pid] = c
	m.all = append(m.all, c)
	m.write(c)
	return c
}

func (m *model) event(p *truth) *audit.Event { return event(m.ms, p.pid, m.ppid(p), p.exe) }

func (m *model) exec(t *rapid.T, p *truth) {
	p.exe = rapid.SampledFrom([]string{"/bin/sh", "/bin/ls", "/bin/cat"}).Draw(t, "exe")
	p.argv = fmt.Sprintf("%s\x00%d-%d", p.exe, p.id, m.ms)
	p.execed = true
	e := m.event(p)
	e.Syscall, e.Argc, e.Argv = 59, 2, [][]byte{[]byte(p.exe), fmt.Appendf(nil, "%d-%d", p.id, m.ms)}
	m.give(held{e, p}, true)
}

// send gives the table the event, at once or after some others.
func (m *model) send(t *rapid.T, e *audit.Event, p *truth) {
	if m.delay && rapid.IntRange(0, 4).Draw(t, "hold") == 0 {
		m.held = append(m.held, held{e, p})
		return
	}
	m.give(held{e, p}, true)
	if len(m.held) > 0 && rapid.Bool().Draw(t, "release") {
		m.give(m.held[0], false)
		m.held = m.held[1:]
	}
}

// give holds what the table makes of the event against what happened.
func (m *model) give(h held, current bool) {
	p := h.p
	before := m.table.Lookup(p.pid, time.Time{})
	if before != nil {
		c := *before
		before = &c
	}
	got := m.table.Observe(h.e)
	r := ref{got.slot, got.generation}
	if was := m.known[r]; was != nil && was != p {
		m.Fatalf("at %d ms: event of process %d (number %d) (%+v) went to that of process %d (%+v), which was %+v", m.ms, p.id, p.pid, *p, was.id, *was, before)
	}
	m.known[r] = p
	if was, ok := m.entries[p]; ok && was != r {
		m.Fatalf("at %d ms: process %d (%+v) has another entry than before: %+v, was %+v", m.ms, p.id, *p, got, m.table.deref(was))
	}
	m.entries[p] = r
	if got.PID != p.pid {
		m.Fatalf("number %d, want %d", got.PID, p.pid)
	}
	if from := got.Start.UnixNano() - after(p.start).UnixNano(); from < -slack {
		m.Fatalf("process %d began at %v, want not before %v", p.id, got.Start, after(p.start))
	}
	if q := m.table.Lookup(p.pid, h.e.Time); q != got {
		m.Fatalf("lookup gives %+v, want %+v", q, got)
	}
	if !current {
		return
	}
	if got.PPID != m.ppid(p) || got.Exe != p.exe || p.execed && got.Argv != p.argv {
		m.Fatalf("process %d: parent %d, %s %q; want %d, %s %q", p.id, got.PPID, got.Exe, got.Argv, m.ppid(p), p.exe, p.argv)
	}
	m.parent(got, p)
	check(m, m.table)
}

// parent checks who the table says is the parent: who made the process, who has it now,
// or nobody.
func (m *model) parent(got *Process, p *truth) {
	q := m.table.Parent(got)
	if q == nil {
		if p.now != nil && p.now.pid != 1 && !m.delay {
			m.Fatalf("at %d ms: process %d has no parent, want %d", m.ms, p.id, p.now.pid)
		}
		return
	}
	for a := p; a != nil; a = a.parent { // one that took over is an ancestor here
		for _, want := range []*truth{a.parent, a.now} {
			if want != nil && want.pid == q.PID && q.Start.UnixNano() >= after(want.start).UnixNano()-slack &&
				(want.end == 0 || q.Start.UnixNano() <= after(want.end).UnixNano()) {
				return
			}
		}
		if m.forks {
			break
		}
	}
	m.Fatalf("at %d ms: process %d (%d) has parent %d of %v, want %d of %v", m.ms, p.id, p.pid, q.PID, q.Start, p.parent.pid, after(p.parent.start))
}

func (m *model) actions() map[string]func(*rapid.T) {
	anyone := func(*truth) bool { return true }
	return map[string]func(*rapid.T){
		"wait": func(t *rapid.T) {
			for _, h := range m.held { // nothing is late for that long
				m.give(h, false)
			}
			m.held = nil
			m.ms += rapid.SampledFrom([]int{40, 100, 900, 4000, 20_000}).Draw(t, "ms")
		},
		"spawn": func(t *rapid.T) { // fork and execve
			p := m.pick(t, "parent", anyone)
			c := m.fork(t, p, true)
			e := m.event(p)
			e.Syscall, e.Exit = 57, int64(c.pid)
			if m.forks && rapid.Bool().Draw(t, "fork first") {
				m.give(held{e, p}, true)
				m.ms += 40
				m.exec(t, c)
			} else {
				m.ms += 40
				m.exec(t, c)
				if m.forks { // vfork: the caller's event is the later one
					serials++
					e.Serial = serials
					m.give(held{e, p}, true)
				}
			}
		},
		"fork": func(t *rapid.T) {
			p := m.pick(t, "parent", anyone)
			c := m.fork(t, p, m.forks)
			if m.forks {
				e := m.event(p)
				e.Syscall, e.Exit = 57, int64(c.pid)
				m.give(held{e, p}, true)
			}
		},
		"exec": func(t *rapid.T) { m.exec(t, m.pick(t, "process", func(p *truth) bool { return p.pid != 1 })) },
		"act": func(t *rapid.T) {
			p := m.pick(t, "process", func(p *truth) bool { return p.execed })
			m.send(t, m.event(p), p)
		},
		"exit": func(t *rapid.T) {
			p := m.pick(t, "process", func(p *truth) bool { return p.pid != 1 })
			if m.ends && p.execed {
				e := m.event(p)
				e.Syscall, e.Success = 231, false
				m.give(held{e, p}, true)
			}
			m.ms += 40
			p.end = m.ms
			delete(m.alive, p.pid)
			m.kill(p.pid)
			for _, c := range m.alive {
				if c.now == p {
					c.now = m.alive[1]
					m.write(c)
				}
			}
			m.ms += 40
		},
	}
}

// TestModel runs a kernel of few numbers beside the table: every event must find its own
// process, whatever is audited, and late events too.
func TestModel(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "seawall")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	rapid.Check(t, func(r *rapid.T) {
		m := &model{T: r, tree: treeIn(t, dir), ms: 1000, alive: map[uint32]*truth{}, known: map[ref]*truth{}, entries: map[*truth]ref{}}
		m.table = m.tree.table()
		m.forks = rapid.Bool().Draw(r, "forks audited")
		m.ends = rapid.Bool().Draw(r, "exits audited")
		m.delay = rapid.Bool().Draw(r, "late events")
		first := &truth{pid: 1, exe: "/sbin/init"}
		m.alive[1], m.all = first, []*truth{first}
		if err := m.table.Scan(); err != nil {
			r.Fatal(err)
		}
		r.Repeat(m.actions())
	})
}
