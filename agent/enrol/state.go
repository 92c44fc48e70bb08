package enrol

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"seawall/agent/machine"
	"seawall/agent/private"
)

const (
	stateFile = "enrolment.json"
	maxState  = 16 << 10
)

// Phase is how far a host has come.
type Phase string

// The phases.
const (
	noToken  Phase = "waiting for a token"
	BadToken Phase = "token not usable" // what lies there is no token, or not private
	Trying   Phase = "enrolling"
	Pending  Phase = "waiting for approval"
	Refused  Phase = "refused"
	Enrolled Phase = "enrolled"
)

// State is what an enrolment says of itself to people.
type State struct {
	Phase   Phase           `json:"phase"`
	Since   time.Time       `json:"since"` // of the phase
	Host    string          `json:"host,omitempty"`
	Key     string          `json:"key,omitempty"`     // what a person approves
	CopyOf  string          `json:"copy_of,omitempty"` // host that this one is a copy of
	Problem string          `json:"problem,omitempty"` // and what to do
	Renewed time.Time       `json:"renewed,omitzero"`  // the certificate, the last time
	Machine machine.Machine `json:"machine"`
}

// ReadState reads the state that an enrolment left in its state directory.
func ReadState(dir string) (State, error) {
	var s State
	b, err := private.ReadFile(filepath.Join(dir, stateFile), maxState)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return State{}, fmt.Errorf("read state of enrolment: %w", err)
	}
	return s, nil
}

// Wipe removes what an enrolment left in its state directory.
func Wipe(dir string) error {
	if err := private.Wipe(filepath.Join(dir, stateFile)); err != nil {
		return fmt.Errorf("wipe state of enrolment: %w", err)
	}
	return nil
}

// State returns the state now.
func (e *Enrolment) State() State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// tell makes a phase and its problem the state, and reports whether they are new.
func (e *Enrolment) tell(phase Phase, problem string) bool {
	e.mu.Lock()
	old := e.state
	s := &e.state
	if s.Phase != phase {
		s.Phase, s.Since = phase, e.cfg.Now()
	}
	s.Problem, s.Host, s.Key, s.Machine = problem, e.id.Host(), e.id.KeyID(), e.id.Machine()
	if phase == Enrolled {
		s.CopyOf = ""
	}
	now := *s
	e.mu.Unlock()
	if now == old {
		return false
	}
	e.save(now)
	return true
}

// save writes the state down. It is for people, so an error stops nothing.
func (e *Enrolment) save(s State) {
	b, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = private.WriteFile(filepath.Join(e.cfg.StateDir, stateFile), append(b, '\n'))
	}
	if err != nil {
		e.cfg.Log.Warn("state of enrolment not written", "dir", e.cfg.StateDir, "err", err)
	}
	if e.cfg.OnChange != nil {
		e.cfg.OnChange(s)
	}
}
