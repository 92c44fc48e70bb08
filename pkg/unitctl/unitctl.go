// Package unitctl has systemd enable and start units, over D-Bus, for the commands
// that set a machine up. It is for root: polkit would ask nobody here.
package unitctl

import (
	"context"
	"errors"
	"fmt"
	"os"

	systemd "github.com/coreos/go-systemd/v22/dbus"
)

// ErrNone says that systemd does not run this machine, as in a container or while an
// image is made.
var ErrNone = errors.New("systemd does not run here")

// Plan is what is to be done with units, in this order.
type Plan struct {
	Enable  []string
	Stop    []string
	Restart []string // or started, where they do not run
	Start   []string
}

// Run has systemd read its files anew and carry a plan out. It returns when each job
// has ended; its error names the unit that did not come up.
func Run(ctx context.Context, p Plan) error {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return ErrNone
	}
	conn, err := systemd.NewWithContext(ctx)
	if err != nil {
		return fmt.Errorf("speak to systemd: %w", err)
	}
	defer conn.Close()
	if len(p.Enable) > 0 {
		if _, _, err := conn.EnableUnitFilesContext(ctx, p.Enable, false, false); err != nil {
			return fmt.Errorf("enable: %w", err)
		}
	}
	if err := conn.ReloadContext(ctx); err != nil {
		return fmt.Errorf("have systemd read its files: %w", err)
	}
	type work func(context.Context, string, string, chan<- string) (int, error)
	for _, step := range []struct {
		word  string
		units []string
		do    work
	}{{"stop", p.Stop, conn.StopUnitContext}, {"restart", p.Restart, conn.RestartUnitContext}, {"start", p.Start, conn.StartUnitContext}} {
		for _, unit := range step.units {
			if err := wait(ctx, unit, step.do); err != nil {
				return fmt.Errorf("%s %s: %w", step.word, unit, err)
			}
		}
	}
	return nil
}

// wait starts a job and waits for its end.
func wait(ctx context.Context, unit string, do func(context.Context, string, string, chan<- string) (int, error)) error {
	ended := make(chan string, 1)
	if _, err := do(ctx, unit, "replace", ended); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("it takes too long: systemctl status %s", unit)
	case result := <-ended:
		if result != "done" {
			return fmt.Errorf("%s: systemctl status %s", result, unit)
		}
		return nil
	}
}
