//go:build linux && (amd64 || 386)

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const asLoad = "SEAWALL_TEST_LOAD" // makes the test program be load

func TestMain(m *testing.M) {
	if os.Getenv(asLoad) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func run(args ...string) ([]byte, error) {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asLoad+"=1")
	return cmd.CombinedOutput()
}

// What is done to anything outside of its root, the test would find in what it names most.
func TestLeavesTheMachineAlone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("namespaces of its own need root")
	}
	lock, err := os.OpenFile("/tmp/seawall-audit.lock", os.O_CREATE|os.O_RDWR, 0o600) // it sends records
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "root")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	before := outside(t, parent, dir)
	if out, err := run("1500", "7", dir); err != nil || len(out) > 0 {
		t.Fatalf("%v: %q", err, out)
	}
	if after := outside(t, parent, dir); after != before {
		t.Errorf("changed:\n%s\nfrom:\n%s", after, before)
	}
}

// outside describes what load names by absolute paths and what it must not reach.
func outside(t *testing.T, dirs ...string) string {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	said := host + "\n"
	for _, name := range []string{"/etc/passwd", "/etc/shadow", "/etc/hostname"} {
		b, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		said += fmt.Sprintf("%s %x\n", name, sha256.Sum256(b))
	}
	null, err := os.Lstat("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	said += fmt.Sprintln("/dev/null", null.Mode())
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		said += fmt.Sprintln(filepath.Base(dir), entries)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return said + fmt.Sprintln("mounted here:", bytes.Contains(mounts, []byte(dirs[0])))
}

func TestUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"usage: load COUNT SEED DIR\n": {"1", "2"},
		"load: no number [x 2]\n":      {"x", "2", "/"},
	} {
		if out, err := run(args...); err == nil || string(out) != want {
			t.Errorf("%v: %v: %q, want %q", args, err, out, want)
		}
	}
}

// Names are what a call takes, odd, and the same for the same seed.
func TestName(t *testing.T) {
	absolute := map[string]bool{"/etc/passwd": true, "/etc/shadow": true, "/etc/hostname": true, "/etc/nosuch": true, "/dev/null": true}
	a, b, other := newLoad(3), newLoad(3), newLoad(4)
	same, unprintable, long := 0, 0, 0
	for range 5000 {
		name := a.name()
		if again := b.name(); again != name {
			t.Fatalf("%q and %q by one seed", name, again)
		}
		if name == other.name() {
			same++
		}
		if strings.IndexByte(name, 0) >= 0 {
			t.Fatalf("%q would be cut", name)
		}
		if strings.HasPrefix(name, "/") && !absolute[name] && !strings.HasSuffix(name, "/x") && name != "/x" {
			t.Errorf("%q is a file of its root", name)
		}
		if strings.ContainsAny(name, "\n\x01\x1b") {
			unprintable++
		}
		if len(name) > unix.PathMax/2 {
			long++
		}
	}
	if same > 1000 || unprintable < 100 || long < 10 {
		t.Errorf("%d alike by another seed, %d with bytes to escape, %d long", same, unprintable, long)
	}
}
