package move_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"seawall/collector/store/move"
	"seawall/scripts/pgtest"
)

// The test binary is a program that copies, when a test starts it with these.
const fromVariable, toVariable = "MOVE_TEST_FROM", "MOVE_TEST_TO"

// TestCopying is that program: it waits after some tables for what comes on its input.
func TestCopying(t *testing.T) {
	from, to := os.Getenv(fromVariable), os.Getenv(toVariable)
	if from == "" {
		return // nobody's program
	}
	in, n := bufio.NewReader(os.Stdin), 0
	_, err := move.Copy(t.Context(), from, to, move.Config{Copied: func(move.Table) {
		if n++; n%10 == 0 {
			os.Stdout.WriteString("copied\n")
			_, _ = in.ReadString('\n')
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestKilled: a copy that is killed at any point leaves the target as empty as it was, and
// nobody locked out; the next one is whole.
func TestKilled(t *testing.T) {
	server := pgtest.Start(t)
	from := filled(t, 100)
	for name, to := range map[string]string{"server": server.New(), "file": filepath.Join(t.TempDir(), "x.db")} {
		for stop := 1; stop <= 3; stop++ {
			cmd := exec.Command(os.Args[0], "-test.run=^TestCopying$", "-test.count=1")
			cmd.Env = append(os.Environ(), fromVariable+"="+from, toVariable+"="+to)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for n := 0; n < stop && lines.Scan(); n++ {
				if lines.Text() != "copied" {
					t.Fatalf("the program said %q", lines.Text())
				}
				if n < stop-1 {
					if _, err := in.Write([]byte("\n")); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if _, err := os.Stat(to); err == nil {
				t.Errorf("%s: after the kill at %d there is a file", name, stop)
			}
			server.Settled() // it has seen that who was killed is gone
		}
		copied(t, from, to)
	}
}

// TestServerDies: so does one whose server goes away, or its source's.
func TestServerDies(t *testing.T) {
	a, b := pgtest.Start(t), pgtest.Start(t)
	file := filled(t, 50)
	from, to := a.New(), b.New()
	copied(t, file, from)
	for _, dies := range []*pgtest.Cluster{a, b} {
		n := 0
		_, err := move.Copy(t.Context(), from, to, move.Config{Copied: func(move.Table) {
			if n++; n == 5 {
				dies.Down()
			}
		}})
		if err == nil {
			t.Error("copied without a server")
		}
		dies.Up()
	}
	copied(t, from, to)
}

// TestFullDisk: without room for the file there is none, and with room it is whole.
func TestFullDisk(t *testing.T) {
	from, dir := filled(t, 2000), t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		t.Fatalf("mount a small file system, as root: %v", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	to, ballast := filepath.Join(dir, "x.db"), filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 44<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := move.Copy(t.Context(), from, to, move.Config{})
	if err == nil || !strings.Contains(err.Error(), "full") && !errors.Is(err, unix.ENOSPC) {
		t.Errorf("a full disk: %v", err)
	}
	if got := left(t, to); len(got) != 1 || got[0] != "ballast" {
		t.Errorf("left %q", got)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	copied(t, from, to)
	differences(t, from, to)
}
