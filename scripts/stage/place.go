package stage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// envPlace is set, to the folder that the tests work in, in the process that has
// mounts of its own.
const envPlace = "SEAWALL_STAGE_PLACE"

// Place is the folder that the tests work in; empty until [Enter].
func Place() string { return os.Getenv(envPlace) }

// Enter runs the test binary again, with the same arguments, in a mount namespace
// of its own, and returns its exit status. The namespace's mounts end with it, the
// place, which prepare fills, is removed. The name is that of the tests.
func Enter(name string, prepare func(place string) error) int {
	if err := enter(name, prepare); err != nil {
		var exited *exec.ExitError
		if errors.As(err, &exited) {
			return exited.ExitCode()
		}
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

func enter(name string, prepare func(place string) error) error {
	if os.Geteuid() != 0 {
		return errors.New("needs root: mounts, the kernel's audit, other users")
	}
	place, err := os.MkdirTemp("/tmp", "seawall-"+name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(place)
	if err := os.Chmod(place, 0o755); err != nil {
		return err
	}
	if prepare != nil {
		if err := prepare(place); err != nil {
			return err
		}
	}
	// The folder of the package is also the child's: go test chose it.
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), envPlace+"="+place)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// Go makes the mounts of a new namespace private.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	return cmd.Run()
}

// Await waits until the condition holds.
func Await(t *testing.T, what string, limit time.Duration, condition func() bool) {
	t.Helper()
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-end.C:
			t.Fatalf("%s: not within %v", what, limit)
		case <-tick.C:
		}
	}
}

// FreeAddress is an address that nothing listens on now. Its port is below those that
// the kernel gives to whoever asks for any (ip_local_port_range): nobody else gets it
// by chance before the caller takes it.
func FreeAddress(t *testing.T) string {
	t.Helper()
	var err error
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10240+rand.IntN(32768-10240))); err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal(err)
	return ""
}
