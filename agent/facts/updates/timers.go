package updates

import (
	"errors"
	"io/fs"
	"strings"

	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

// The states of a timer.
const (
	stateEnabled  = "enabled"
	stateDisabled = "disabled"
	stateMasked   = "masked"
	stateMissing  = "missing"
	stateStopped  = "stopped" // enabled, and systemd does not run it
	stateNoJob    = "without its service"
	stateUnknown  = "unknown"
)

// systemd asks for timers and their services, once.
func (r *reader) systemd(timers ...string) {
	if r.ask == nil {
		return
	}
	var units []string
	for _, t := range timers {
		units = append(units, t, strings.TrimSuffix(t, ".timer")+".service")
	}
	states, err := r.ask(units)
	if err != nil {
		r.busError = text.Clean(err.Error(), maxWord)
		return
	}
	r.states = states
}

// timer looks at a timer and notes it.
func (r *reader) timer(name, action string) Timer {
	t := Timer{Unit: name, Action: action}
	t.State, t.Place = r.unitState(name)
	t.On = t.State == stateEnabled
	if t.On {
		job := r.jobOf(name)
		if s, place := r.unitState(job); s == stateMasked || s == stateMissing {
			t.State, t.Place, t.On = stateNoJob, place, false
		}
	}
	if s, ok := r.states[name]; ok && t.On && s.Active != "active" {
		t.State, t.On = stateStopped, false
	}
	for _, dir := range unitfile.Directories()[1:] {
		r.f.Meta.Depend(dir + "/" + name)
	}
	r.f.Meta.Depend(unitfile.Directories()[0] + "/")
	t.Place = text.Clean(t.Place, text.Limit)
	r.f.Timers = append(r.f.Timers, t)
	return t
}

// jobOf is the service that a timer starts.
func (r *reader) jobOf(timer string) string {
	if u, err := unitfile.Load(r.root, timer); err == nil {
		if v := u.Values("Timer", "Unit"); len(v) > 0 {
			return v[len(v)-1].Value
		}
	}
	return strings.TrimSuffix(timer, ".timer") + ".service"
}

func (r *reader) unitState(name string) (state, place string) {
	u, err := unitfile.Load(r.root, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return stateMissing, ""
	case err != nil:
		return stateUnknown, err.Error()
	case u.Masked:
		return stateMasked, u.Fragment
	case u.Start == "":
		return stateDisabled, u.Fragment
	}
	return stateEnabled, u.Start
}
