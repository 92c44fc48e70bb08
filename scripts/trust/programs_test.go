package trust

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// programs builds the programs as for use, and returns their folder.
func programs(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for _, program := range []string{"collector/cmd/seawall-collector", "agent/cmd/seawall-uplink"} {
		cmd := exec.Command("go", "build", "-o", bin, "seawall/"+program)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, out)
		}
	}
	return bin
}

// TestPrograms runs scripts over the programs.
func TestPrograms(t *testing.T) {
	bin := programs(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			e.Setenv("SEAWALL_UPLINK_SPOOL", filepath.Join(e.WorkDir, "spool"))
			e.Setenv("SEAWALL_COLLECTOR_STATE_DIR", filepath.Join(e.WorkDir, "collector"))
			return os.Mkdir(filepath.Join(e.WorkDir, "spool"), 0o750)
		},
		// eventually CONDITION: until the shell's command succeeds.
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"eventually": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(ts.Exec("timeout", "30", "sh", "-c", "until "+args[0]+"; do sleep 0.1; done"))
			},
		},
	})
}
