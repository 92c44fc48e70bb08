// Package fact holds what every reader of facts shares: the surroundings it
// reads from ([Env]) and what it says of its own reading ([Meta]).
//
// A reader is a function Read(ctx, Env) that returns one typed, documented
// struct with a Meta in it. It never fails as a whole: what could not be had is
// said in Meta or, for a part, in a [Known] value, and the checks that need it
// become unknown or error with that reason. Readers touch the host through Env
// alone, and report in Meta.Depends every file and directory that the facts
// depend on, absent ones included, so that a change to any of them makes the
// facts stale.
package fact

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"seawall/agent/facts/command"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
)

// Env is what a reader may touch.
type Env struct {
	Root    hostfs.Root
	Command *command.Runner  // nil: no command may be run (an unbooted image)
	Now     func() time.Time // never nil
	// PendingFile is where the sensor records since when packages are pending; ""
	// is the place where the packaged sensor does.
	PendingFile string
	// Again says that facts are read again and again, as a daemon does: what takes long
	// may be left for later, beside the reading, and is unknown until then.
	Again bool
}

// Live reports whether facts of the running system may be read: the kernel's
// state, commands, D-Bus. An image has none of them.
func (e Env) Live() bool { return e.Root.Live() }

// State says how a reading went.
type State string

// The states of a reading.
const (
	StateKnown   State = "known"
	StateAbsent  State = "absent"  // the thing itself is not on this host
	StateUnknown State = "unknown" // it could not be asked (no permission, no kernel support, an image)
	StateError   State = "error"   // it is there and broken: refused, corrupt, unreadable
)

// Meta is what a reader says of its reading. Its zero value is not valid: a
// reader sets State.
type Meta struct {
	State    State              `json:"state"`
	Reason   string             `json:"reason,omitempty"` // for people, of every state but known
	Evidence []finding.Evidence `json:"evidence,omitempty"`
	// Partial names lists that are not all there is, by their paths in the group as
	// checks write them, and says why: nothing passes for what is in such a list.
	Partial map[string]string `json:"partial,omitempty"`
	// Depends holds absolute names on the host. One that ends in "/" is a
	// directory and everything below it.
	Depends []string      `json:"depends"`
	Took    time.Duration `json:"took"` // nanoseconds
}

// Fail sets the state that fits err: absent for a missing file, unknown for a
// refused one, error for anything else. doing says what was being done.
func (m *Meta) Fail(doing string, err error) {
	m.Reason = fmt.Sprintf("%s: %v", doing, err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.State = StateAbsent
	case errors.Is(err, fs.ErrPermission):
		m.State = StateUnknown
	default:
		m.State = StateError
	}
}

// Leave says that a list of the group is not all there is.
func (m *Meta) Leave(list, why string) {
	if m.Partial == nil {
		m.Partial = map[string]string{}
	}
	m.Partial[list] = why
}

// Depend adds names to Depends, once each.
func (m *Meta) Depend(names ...string) {
	for _, n := range names {
		if !slices.Contains(m.Depends, n) {
			m.Depends = append(m.Depends, n)
		}
	}
}

// Text is a setting as written: its value and where it stands. A setting that is
// not set has Set false, the value in force (a default) and no line.
type Text struct {
	Value string `json:"value"`
	Set   bool   `json:"set"`
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	Raw   string `json:"raw,omitempty"` // the whole line, for evidence
}

// Tri is a question with a third answer. The zero Tri is unknown.
type Tri struct {
	Known  bool   `json:"known"`
	Yes    bool   `json:"yes"`
	Reason string `json:"reason,omitempty"` // why not known, or how it is known
}
