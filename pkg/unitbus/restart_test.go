package unitbus

import (
	"os"
	"testing"

	systemd "github.com/coreos/go-systemd/v22/dbus"
)

func TestRestarting(t *testing.T) {
	jobs := []systemd.JobStatus{{Unit: "other.service", JobType: "restart"}, {Unit: "seawall-sensor.service", JobType: "stop"}}
	if restarts(jobs, "seawall-sensor.service") || restarts(nil, "seawall-sensor.service") {
		t.Error("a stop is a restart")
	}
	jobs[1].JobType = "restart"
	if !restarts(jobs, "seawall-sensor.service") {
		t.Error("a restart is none")
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
	if _, err := Restarting(t.Context(), os.Getpid()); err == nil {
		t.Error("there is no systemd, and that is no error")
	}
}
