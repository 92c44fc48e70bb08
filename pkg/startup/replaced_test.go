package startup

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// TestReplaced replaces a file that is mounted elsewhere, as a sandbox of systemd has it, and
// runs TestInSandbox there.
func TestReplaced(t *testing.T) {
	if got := Replaced("/etc/hosts", "/"); got != nil {
		t.Errorf("without a sandbox: %q", got)
	}
	const script = `cd "$1"; echo 127.0.0.1 a >was
mount --bind was /etc/hosts; mount --bind was /etc/passwd; exec "$2" -test.run=TestInSandbox`
	dir := t.TempDir()
	cmd := exec.Command("unshare", "--mount", "sh", "-ec", script, "sh", dir, os.Args[0])
	cmd.Env = append(os.Environ(), "SANDBOX="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInSandbox(t *testing.T) {
	dir := os.Getenv("SANDBOX")
	if dir == "" {
		return // it is TestReplaced's
	}
	names := []string{"/etc/hosts", "/etc/group"}
	if got := Replaced(names...); got != nil {
		t.Errorf("before: %q", got)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		wait(t.Context(), names, time.Hour)
	}()
	if err := os.WriteFile(dir+"/new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
		t.Fatal("nothing was replaced, and the wait ended")
	case <-time.After(2 * look):
	}
	if err := os.Rename(dir+"/new", dir+"/was"); err != nil {
		t.Fatal(err)
	}
	if got := Replaced(names...); !slices.Equal(got, names[:1]) {
		t.Errorf("after: %q", got)
	}
	if got := OldResolver(); got != "/etc/hosts" && got != "/etc/resolv.conf" {
		t.Errorf("the old resolver is %q", got)
	}
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("a file was replaced, and the wait goes on")
	}
}
