// Package unitbus asks the running systemd over D-Bus what it knows of units that no
// file tells: whether a timer waits, and how a service last ended. It changes
// nothing and waits for at most five seconds.
package unitbus

import (
	"context"
	"fmt"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
)

const busLimit = 5 * time.Second

// State is what the running systemd knows of a unit.
type State struct {
	Active string    // as systemctl is-active
	Result string    // of a service: "success" or what went wrong
	Status int32     // its exit status
	Exited time.Time // zero where it did not run since boot
	Sub    string    // in finer words than Active: "running", "auto-restart"
	Text   string    // of a service: what it last said of itself
	// Restarts is how often systemd started a service again by itself, since somebody
	// started it.
	Restarts uint32
}

// String is the state as people read it, and what the unit says of itself.
func (s State) String() string {
	line := s.Active
	if s.Sub != "" {
		line += " (" + s.Sub + ")"
	}
	if s.Active != "active" && s.Result != "" && s.Result != "success" {
		line += ", " + s.Result
	}
	if s.Text != "" {
		line += ": " + s.Text
	}
	return line
}

// Ask asks the running systemd. A unit that it does not know is inactive.
func Ask(ctx context.Context, units []string) (map[string]State, error) {
	ctx, cancel := context.WithTimeout(ctx, busLimit)
	defer cancel()
	conn, err := systemd.NewSystemConnectionContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask systemd: %w", err)
	}
	defer conn.Close()
	states := map[string]State{}
	for _, name := range units {
		properties, err := conn.GetAllPropertiesContext(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("ask systemd for %s: %w", name, err)
		}
		states[name] = fromProperties(properties)
	}
	return states, nil
}

func fromProperties(p map[string]any) (s State) {
	s.Active, _ = p["ActiveState"].(string)
	s.Result, _ = p["Result"].(string)
	s.Status, _ = p["ExecMainStatus"].(int32)
	if usec, _ := p["ExecMainExitTimestamp"].(uint64); usec > 0 && usec < 1<<60 {
		s.Exited = time.UnixMicro(int64(usec)).UTC()
	}
	s.Sub, _ = p["SubState"].(string)
	s.Text, _ = p["StatusText"].(string)
	s.Restarts, _ = p["NRestarts"].(uint32)
	return s
}

// Describe is what people are told of a unit, or "" where no systemd answers.
func Describe(ctx context.Context, unit string) string {
	states, err := Ask(ctx, []string{unit})
	if err != nil {
		return ""
	}
	return states[unit].String()
}

// Own asks for the state of the unit that a process belongs to.
func Own(ctx context.Context, pid int) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, busLimit)
	defer cancel()
	conn, err := systemd.NewSystemConnectionContext(ctx)
	if err != nil {
		return State{}, fmt.Errorf("ask systemd: %w", err)
	}
	defer conn.Close()
	unit, err := conn.GetUnitNameByPID(ctx, uint32(pid))
	if err != nil {
		return State{}, fmt.Errorf("ask systemd for process %d: %w", pid, err)
	}
	properties, err := conn.GetAllPropertiesContext(ctx, unit)
	if err != nil {
		return State{}, fmt.Errorf("ask systemd for %s: %w", unit, err)
	}
	return fromProperties(properties), nil
}
