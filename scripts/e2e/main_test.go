package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// envPlace is set, to the folder that the tests work in, in the process that has
// mounts of its own.
const envPlace = "SEAWALL_E2E_PLACE"

// The user who changes things; known in the private /etc alone.
const (
	actorName = "seawall-e2e"
	actorUID  = 61234
)

func TestMain(m *testing.M) {
	if os.Getenv(envPlace) == "" {
		os.Exit(enter())
	}
	os.Exit(m.Run())
}

// enter runs the test binary again, with the same arguments, in a mount namespace
// of its own, and returns its exit status.
func enter() int {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "e2e: needs root: the kernel's audit, a mount namespace, other users")
		return 1
	}
	place, err := os.MkdirTemp("/tmp", "seawall-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(place)
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), envPlace+"="+place)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	// The folder of the package is also the child's: go test chose it.
	if err := prepare(place); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	var exited *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &exited):
		return exited.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return 0
}

// prepare copies /etc and adds to the copy what the tests need. The child mounts
// it over /etc.
func prepare(place string) error {
	if err := os.Chmod(place, 0o755); err != nil {
		return err
	}
	etc := filepath.Join(place, "etc")
	if out, err := exec.Command("cp", "-a", "--one-file-system", "/etc", etc).CombinedOutput(); err != nil {
		return fmt.Errorf("copy /etc: %w: %s", err, out)
	}
	if err := os.RemoveAll(filepath.Join(etc, "ssh/sshd_config.d")); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(etc, "ssh/sshd_config.d"), 0o755); err != nil {
		return err
	}
	files := []struct {
		name, text string
		flag       int
		mode       os.FileMode
	}{
		{"passwd", fmt.Sprintf("%s:x:%d:%d::/nonexistent:/bin/sh\n", actorName, actorUID, actorUID), os.O_APPEND, 0o644},
		{"shadow", actorName + ":*:19000:0:99999:7:::\n", os.O_APPEND, 0o640},
		{"sudoers.d/seawall-e2e", actorName + " ALL=(ALL:ALL) NOPASSWD: ALL\n", os.O_CREATE, 0o440},
		{"ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nKbdInteractiveAuthentication no\n", os.O_TRUNC, 0o644},
	}
	for _, file := range files {
		f, err := os.OpenFile(filepath.Join(etc, file.name), os.O_WRONLY|file.flag, file.mode)
		if err != nil {
			return err
		}
		if _, err := f.WriteString(file.text); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// private mounts the copy over /etc, once, and returns the folder to work in.
func private(t *testing.T) string {
	t.Helper()
	place := os.Getenv(envPlace)
	var here, copied syscall.Stat_t
	etc := filepath.Join(place, "etc")
	if err := errors.Join(syscall.Stat("/etc", &here), syscall.Stat(etc, &copied)); err != nil {
		t.Fatal(err)
	}
	if here.Ino != copied.Ino || here.Dev != copied.Dev {
		if err := syscall.Mount(etc, "/etc", "", syscall.MS_BIND, ""); err != nil {
			t.Fatalf("mount a private /etc: %v", err)
		}
	}
	return place
}
