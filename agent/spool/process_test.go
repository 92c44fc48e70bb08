package spool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the writer or the reader of another process.
func TestMain(m *testing.M) {
	var err error
	switch dir := os.Getenv("SPOOL_TEST_DIR"); os.Getenv("SPOOL_TEST_ROLE") {
	case "writer":
		err = writeForEver(dir)
	case "reader":
		err = readForEver(dir)
	default:
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// killConfig makes segments roll and be evicted while a writer is killed.
func killConfig() Config { return Config{Lanes: one("posture", 1<<20), SegmentBytes: 16 << 10} }

// writeForEver prints the position of each record once it is durable.
func writeForEver(dir string) error {
	s, err := Open(dir, killConfig())
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		pos, err := s.AppendSync("posture", payloadFor(Position{Epoch: s.Epoch(), Seq: uint64(i)}))
		if err != nil {
			return err
		}
		fmt.Println(pos.Epoch, pos.Seq, i)
	}
}

func payloadFor(pos Position) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("%x/%d ", pos.Epoch, pos.Seq), 1+int(pos.Seq%40)))
}

func readForEver(dir string) error {
	r, err := OpenReader(dir, "posture")
	if err != nil {
		return err
	}
	if _, err := Open(dir, Config{}); err == nil {
		return errors.New("the reader may write")
	}
	fmt.Println("ready", os.Getuid())
	for {
		rec, err := r.Next()
		if errors.Is(err, ErrEmpty) {
			err = r.Wait(context.Background())
		} else if err == nil {
			fmt.Println(rec.Seq, string(rec.Payload), rec.Gaps)
		}
		if err != nil {
			return err
		}
	}
}

// reexec prepares this binary to run in another role. It is run by descriptor,
// since other users may not reach its path.
func reexec(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { self.Close() })
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{self}
	cmd.Env = []string{"SPOOL_TEST_ROLE=" + role, "SPOOL_TEST_DIR=" + dir}
	cmd.Stderr = os.Stderr
	return cmd
}

// TestKill kills a writer again and again, and reads all that it had been told is
// durable.
func TestKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	told := map[Position][]byte{}
	for range 15 {
		cmd := reexec(t, "writer", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		enough := 1 + rand.IntN(60)
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			f := strings.Fields(lines.Text())
			if len(f) != 3 {
				break // half a line, at the end
			}
			epoch, _ := strconv.ParseUint(f[0], 10, 64)
			seq, _ := strconv.ParseUint(f[1], 10, 64)
			i, _ := strconv.ParseUint(f[2], 10, 64)
			told[Position{Epoch: epoch, Seq: seq}] = payloadFor(Position{Epoch: epoch, Seq: i})
			if n == enough {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
	}
	r := mustReader(t, dir, "posture")
	var last uint64
	for n := 0; ; n++ {
		rec, err := r.Next()
		if errors.Is(err, ErrEmpty) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Gaps != nil || rec.Seq != last+1 {
			t.Fatalf("record %d after %d, gap %v", rec.Seq, last, rec.Gaps)
		}
		last = rec.Seq
		if want, ok := told[rec.Position]; ok && string(want) != string(rec.Payload) {
			t.Errorf("record %v is not what was written", rec.Position)
		}
		delete(told, rec.Position)
	}
	if len(told) > 0 || last < 15 {
		t.Errorf("%d durable records of %d were not read", len(told), last)
	}
}

// TestUnprivilegedReader follows a spool as another user while it is written, and
// measures how long a record takes from AppendSync to that user's hands.
func TestUnprivilegedReader(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("changing the user needs root")
	}
	const nobody = 65534
	dir := filepath.Join(t.TempDir(), "spool")
	for p := filepath.Dir(dir); p != os.TempDir() && p != "/"; p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	s := mustOpen(t, dir, Config{Group: nobody, Interval: never})
	cmd := reexec(t, "reader", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready 65534" {
		t.Fatalf("reader: %q", lines.Text())
	}
	var worst, sum time.Duration
	const n = 100
	for i := range n {
		p := fmt.Sprintf("record-%d", i)
		begin := time.Now()
		if _, err := s.AppendSync("posture", []byte(p)); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || !strings.Contains(lines.Text(), p+" ") {
			t.Fatalf("reader: %q, want %s", lines.Text(), p)
		}
		d := time.Since(begin)
		worst, sum = max(worst, d), sum+d
	}
	t.Logf("append to another user's hands: mean %v, worst %v", sum/n, worst)
	if sum/n > 20*time.Millisecond {
		t.Errorf("a record takes %v, want at most 20 ms", sum/n)
	}
}
