package process

import (
	"seawall/agent/actor"
	"seawall/pkg/cgroup"
)

// Steps returns p and its ancestors, with where p runs, as steps on the way to an action.
func (t *Table) Steps(p *Process) []actor.Step {
	if p == nil {
		return nil
	}
	t.Locate(p)
	var steps []actor.Step
	for a := range t.Ancestors(p) {
		steps = append(steps, a.Step())
	}
	return steps
}

// Locate reads where p runs: its unit of systemd and its container. It reads once, and
// again when p may have been moved. Of a process that is gone it takes what its nearest
// ancestor has.
func (t *Table) Locate(p *Process) {
	if p.located && !p.stale || t.readPlace(p) {
		return
	}
	p.located, p.stale = true, false
	if p.Unit != "" || p.Container != "" {
		return
	}
	for q := range t.Ancestors(t.Parent(p)) {
		if q.PID == 1 {
			return // what it starts is moved elsewhere
		}
		if !q.located || q.stale {
			t.readPlace(q)
		}
		if q.Unit != "" || q.Container != "" {
			t.stats.Text -= p.textSize()
			p.Unit, p.Container, p.Runtime, p.Inherited = q.Unit, q.Container, q.Runtime, true
			t.stats.Text += p.textSize()
			return
		}
	}
}

// readPlace reads p's cgroup, if p is still there.
func (t *Table) readPlace(p *Process) bool {
	if p.dead() {
		return false
	}
	st, ok := t.stat(p.PID)
	if !ok || !p.is(st) {
		return false
	}
	t.exact(p, st)
	text, ok := t.proc.Cgroup(p.PID)
	if !ok {
		return false
	}
	group := cgroup.Of(text)
	unit, _ := cgroup.Unit(group)
	id, runtime := cgroup.Container(group)
	t.stats.Text -= p.textSize()
	p.Unit, p.Container, p.Runtime = t.word([]byte(unit)), t.word([]byte(id)), runtime
	p.Inherited, p.located, p.stale = false, true, false
	t.stats.Text += p.textSize()
	return true
}

// Contained reports whether p is in a container or a PID namespace of its own, or may be:
// what it says of itself is then not the host's word.
func (t *Table) Contained(p *Process) bool {
	t.Locate(p)
	return p.Container != "" || t.nested(p) != nsFirst
}
