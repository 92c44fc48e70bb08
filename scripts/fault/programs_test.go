package fault

import (
	"errors"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"seawall/scripts/stage"
)

// sensor is the sensor on a spool, without kernel audit and with a heartbeat each
// second, run under the given command.
func sensor(t *testing.T, dir, spool string, under ...string) *stage.Program {
	t.Helper()
	return &stage.Program{
		Argv: append(under, stage.Built(t, "seawall"), "sensor", "--spool", spool,
			"--audit-mode", "off", "--heartbeat-interval", "1s"),
		Cred: &syscall.Credential{Gid: stage.SpoolGroup},
		Log:  filepath.Join(dir, "sensor.log"),
	}
}

// run runs a command to its end and returns what it printed and its exit status.
func run(t *testing.T, argv ...string) (string, int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		t.Fatalf("%v: %v", argv, err)
	}
	if exited != nil {
		return string(out), exited.ExitCode()
	}
	return string(out), 0
}

// must is run of what must succeed.
func must(t *testing.T, argv ...string) string {
	t.Helper()
	out, code := run(t, argv...)
	if code != 0 {
		t.Fatalf("%v: exit status %d: %s", argv, code, out)
	}
	return out
}
