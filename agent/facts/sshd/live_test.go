package sshd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/agent/facts/command"
	"seawall/agent/facts/fact"
	"seawall/pkg/sshdconf"
	"seawall/pkg/sshdconf/corpus"
)

const inside = "SEAWALL_TEST_SSHD_INSIDE"

// TestMain runs the tests again in a mount namespace of their own, so that they
// can put other directories in the place of /etc/ssh and /run.
func TestMain(m *testing.M) {
	if os.Getenv(inside) != "" || os.Geteuid() != 0 {
		code := m.Run()
		if keysDir != "" {
			_ = os.RemoveAll(keysDir)
		}
		os.Exit(code)
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// host is this very system with another /etc/ssh.
type host struct {
	t   testing.TB
	ssh string // what stands in for /etc/ssh
	env fact.Env
}

// newHost mounts an empty /etc/ssh with host keys, and a /run with what sshd
// needs of it.
func newHost(t testing.TB) *host {
	t.Helper()
	if os.Getenv(inside) == "" {
		t.Fatal("needs root for a mount namespace")
	}
	run, ssh := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(run, "sshd"), 0o755); err != nil {
		t.Fatal(err)
	}
	mount(t, run, "/run")
	mount(t, ssh, "/etc/ssh")
	if err := os.Chmod(ssh, 0o755); err != nil {
		t.Fatal(err)
	}
	copyKeys(t, ssh)
	return &host{t: t, ssh: ssh, env: fact.Env{Command: &command.Runner{}, Now: time.Now}}
}

func mount(t testing.TB, dir, over string) {
	t.Helper()
	if err := os.MkdirAll(over, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(dir, over, "", syscall.MS_BIND, ""); err != nil {
		t.Fatalf("mount %s over %s: %v", dir, over, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(over, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", over, err)
		}
	})
}

// keysDir is where the first test makes the host keys for all.
var keysDir string

func copyKeys(t testing.TB, dst string) {
	t.Helper()
	if keysDir == "" {
		dir, err := os.MkdirTemp("", "sshd-keys")
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
			out, err := exec.Command("ssh-keygen", "-q", "-N", "", "-t", kind, "-f", filepath.Join(dir, "ssh_host_"+kind+"_key")).CombinedOutput()
			if err != nil {
				t.Fatalf("ssh-keygen: %v: %s", err, out)
			}
		}
		keysDir = dir
	}
	if err := os.CopyFS(dst, os.DirFS(keysDir)); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		if err := os.Chmod(filepath.Join(dst, "ssh_host_"+kind+"_key"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// truth asks sshd itself, not through the code under test.
func (h *host) truth(spec string) (map[string][]string, string, bool) {
	h.t.Helper()
	args := []string{"-T", "-f", "/etc/ssh/sshd_config"}
	if spec != "" {
		args = append(args, "-C", spec)
	}
	cmd := exec.Command("/usr/sbin/sshd", args...)
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Dir = "/"
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return sshdconf.ParseDump(stdout.String()), stderr.String(), err == nil
}

func (h *host) write(name, content string) {
	h.t.Helper()
	path := filepath.Join(h.ssh, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func cases(t testing.TB) []corpus.Case {
	t.Helper()
	list, err := corpus.Cases()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (h *host) stage(c *corpus.Case) {
	h.t.Helper()
	if err := c.Stage(h.ssh); err != nil {
		h.t.Fatal(err)
	}
}
