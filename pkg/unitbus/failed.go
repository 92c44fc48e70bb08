package unitbus

import (
	"context"
	"fmt"

	systemd "github.com/coreos/go-systemd/v22/dbus"
)

// Failed asks the running systemd which units have failed.
func Failed(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, busLimit)
	defer cancel()
	conn, err := systemd.NewSystemConnectionContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask systemd: %w", err)
	}
	defer conn.Close()
	units, err := conn.ListUnitsFilteredContext(ctx, []string{"failed"})
	if err != nil {
		return nil, fmt.Errorf("ask systemd for failed units: %w", err)
	}
	names := make([]string, 0, len(units))
	for _, u := range units {
		names = append(names, u.Name)
	}
	return names, nil
}
