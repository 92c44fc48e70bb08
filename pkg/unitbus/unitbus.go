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
	return s
}
