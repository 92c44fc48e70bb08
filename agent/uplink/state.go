package uplink

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"seawall/agent/private"
	"seawall/agent/spool"
)

const (
	stateFile    = "state.json"
	maxStateFile = 64 << 10

	lockFile   = "lock"
	stateDelay = time.Second
)

// State is what an uplink says of itself.
type State struct {
	Host      string                    `json:"host"`
	Collector string                    `json:"collector"`
	Connected bool                      `json:"connected"`
	Since     time.Time                 `json:"since"` // of Connected
	Attempts  int                       `json:"attempts"`
	Error     string                    `json:"error,omitempty"`   // why it is not connected
	Refusal   string                    `json:"refusal,omitempty"` // the collector's reason, as "host revoked"
	Next      time.Time                 `json:"next,omitzero"`     // when it tries again
	Acked     map[string]spool.Position `json:"acked"`             // by lane
	// Behind names lanes whose records are older than what the collector has: this
	// machine was set back, and they wait for the sensor's next start.
	Behind []string `json:"behind,omitempty"`
}

// ReadState reads the state that an uplink left, or leaves while it runs, in its
// state directory.
func ReadState(dir string) (State, error) {
	var s State
	b, err := private.ReadFile(filepath.Join(dir, stateFile), maxStateFile)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return State{}, fmt.Errorf("read state: %w", err)
	}
	return s, nil
}

// board holds the state of a running uplink and writes it down, at most once in
// stateDelay and not at all while nothing changes.
type board struct {
	dir      string
	log      *slog.Logger
	onChange func(State)

	saveMu sync.Mutex // one save at a time; before mu

	mu     sync.Mutex
	state  State
	timer  *time.Timer // runs while there is something to write
	failed bool        // the last save
}

// update changes the state. A notable change is told to onChange.
func (b *board) update(notable bool, change func(*State)) {
	b.mu.Lock()
	change(&b.state)
	if b.timer == nil {
		b.timer = time.AfterFunc(stateDelay, b.save)
	}
	var s State
	if notable {
		s = b.copy()
	}
	b.mu.Unlock()
	if notable && b.onChange != nil {
		b.onChange(s)
	}
}

func (b *board) copy() State {
	s := b.state
	s.Acked = maps.Clone(s.Acked)
	s.Behind = slices.Clone(s.Behind)
	return s
}

func (b *board) get() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.copy()
}

// save writes the state down. The state is for people, so an error is logged, once
// in a row, and nothing stops.
func (b *board) save() {
	b.saveMu.Lock()
	defer b.saveMu.Unlock()
	b.mu.Lock()
	if b.timer == nil {
		b.mu.Unlock()
		return
	}
	b.timer.Stop()
	b.timer = nil
	s := b.copy()
	b.mu.Unlock()

	text, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = private.WriteFile(filepath.Join(b.dir, stateFile), append(text, '\n'))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil && !b.failed {
		b.log.Warn("state not written", "dir", b.dir, "err", err)
	}
	b.failed = err != nil
}

// lockDir makes sure that one uplink uses the state directory.
func lockDir(dir string) (io.Closer, error) {
	lock, err := private.Lock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("lock state directory %s, another uplink may use it: %w", dir, err)
	}
	return lock, nil
}
