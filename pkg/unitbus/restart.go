package unitbus

import (
	"context"
	"fmt"
	"slices"

	systemd "github.com/coreos/go-systemd/v22/dbus"
)

// Restarting reports whether systemd ends the service of a process to start it again at
// once: "systemctl restart", also as a package's upgrade runs it, is one job, which is
// there while the service ends.
func Restarting(ctx context.Context, pid int) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, busLimit)
	defer cancel()
	conn, err := systemd.NewSystemConnectionContext(ctx)
	if err != nil {
		return false, fmt.Errorf("ask systemd: %w", err)
	}
	defer conn.Close()
	unit, err := conn.GetUnitNameByPID(ctx, uint32(pid))
	if err != nil {
		return false, fmt.Errorf("ask systemd for process %d: %w", pid, err)
	}
	jobs, err := conn.ListJobsContext(ctx)
	if err != nil {
		return false, fmt.Errorf("ask systemd for jobs: %w", err)
	}
	return restarts(jobs, unit), nil
}

func restarts(jobs []systemd.JobStatus, unit string) bool {
	return slices.ContainsFunc(jobs, func(j systemd.JobStatus) bool { return j.Unit == unit && j.JobType == "restart" })
}
