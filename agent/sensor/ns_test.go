package sensor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inNamespace says that this process has a mount namespace of its own, in which
// /etc/ssh is a copy.
const inNamespace = "SEAWALL_TEST_NAMESPACE"

// TestMain runs the tests again in a mount namespace of their own, where they may
// change /etc/ssh without changing the host's.
func TestMain(m *testing.M) {
	if os.Getenv(inNamespace) == "" {
		os.Exit(reexec())
	}
	if err := privateSSH(); err != nil {
		fmt.Fprintln(os.Stderr, "prepare /etc/ssh:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func reexec() int {
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "tests in their namespace (root is needed):", err)
		return 1
	}
	return 0
}

// privateSSH puts a fresh configuration with new host keys over /etc/ssh.
func privateSSH() error {
	dir, err := os.MkdirTemp("", "sensor-ssh-")
	if err != nil {
		return err
	}
	// MkdirTemp's own mode would be a finding.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "sshd_config.d"), 0o755); err != nil {
		return err
	}
	config := "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n"
	if err := os.WriteFile(filepath.Join(dir, "sshd_config"), []byte(config), 0o600); err != nil {
		return err
	}
	key := filepath.Join(dir, "ssh_host_ed25519_key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		return fmt.Errorf("ssh-keygen: %w: %s", err, out)
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd -T wants it
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount(dir, "/etc/ssh", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind /etc/ssh: %w", err)
	}
	return nil
}
