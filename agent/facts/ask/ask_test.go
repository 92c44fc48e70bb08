package ask

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/ask/asktest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func number(data []byte) (n int, err error) { return n, json.Unmarshal(data, &n) }

// TestStale: an answer stands for some minutes in for one that cannot be had.
func TestStale(t *testing.T) {
	a := Asker[int]{Socket: asktest.Reply(t, []byte("7"), []byte("{")), Parse: number}
	now := time.Now()
	if n, stale, err := a.Ask(t.Context(), now); n != 7 || stale != "" || err != nil {
		t.Fatalf("got %d, %q, %v", n, stale, err)
	}
	if n, stale, err := a.Ask(t.Context(), now.Add(keep-1)); n != 7 || !strings.Contains(stale, "JSON") || err != nil {
		t.Errorf("got %d, %q, %v", n, stale, err)
	}
	if n, stale, err := a.Ask(t.Context(), now.Add(keep)); err == nil {
		t.Errorf("an answer of %v ago stands: %d, %q", keep, n, stale)
	}
}

// TestBadAnswers: none of them is taken, and none takes long.
func TestBadAnswers(t *testing.T) {
	for want, answer := range map[string]string{"empty": "", "larger than": strings.Repeat(" ", ReplyLimit+1)} {
		if data, err := fetch(t.Context(), asktest.Reply(t, []byte(answer))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %.20q, %v, want %s", data, err, want)
		}
	}
	if _, err := fetch(t.Context(), "/nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no socket: %v", err)
	}
	silent, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	must(t, err)
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := fetch(ctx, silent.Addr().String()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody answers: %v", err)
	}
}

// TestMain is also the program that listens as another user.
func TestMain(m *testing.M) {
	socket := os.Getenv("ASK_LISTEN")
	if socket == "" {
		os.Exit(m.Run())
	}
	l, err := net.Listen("unix", socket)
	if err == nil {
		fmt.Println("ready")
		_, err = l.Accept()
	}
	fmt.Println(err)
}

// TestPeer: whoever else made the socket is not believed.
func TestPeer(t *testing.T) {
	dir, err := os.MkdirTemp("", "seawall-ask-")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o777))
	program, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	must(t, os.WriteFile(dir+"/test", program, 0o755))
	socket := dir + "/socket"
	cmd := exec.CommandContext(t.Context(), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", dir+"/test")
	cmd.Env = []string{"ASK_LISTEN=" + socket}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if _, err := fmt.Fscanln(out, new(string)); err != nil {
		t.Fatal(err)
	}
	if data, err := fetch(t.Context(), socket); !errors.Is(err, errPeer) {
		t.Errorf("got %q, %v", data, err)
	}
	must(t, cmd.Wait())
}

func TestServe(t *testing.T) {
	var out bytes.Buffer
	look := func(ctx context.Context) ([]int, error) {
		deadline, ok := ctx.Deadline()
		if left := time.Until(deadline); !ok || left > serveLimit {
			t.Errorf("%v to look", left)
		}
		return []int{1, 2}, nil
	}
	if err := Serve(t.Context(), &out, look); err != nil || out.String() != "[1,2]\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	blind := errors.New("blind")
	out.Reset()
	if err := Serve(t.Context(), &out, func(context.Context) (int, error) { return 1, blind }); !errors.Is(err, blind) || out.Len() != 0 {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

// TestMay needs root, whose capabilities are all there, but for those of a sandbox.
func TestMay(t *testing.T) {
	if !May() || !May(unix.CAP_SETUID, unix.CAP_SYS_PTRACE) {
		t.Error("root may not")
	}
	if May(unix.CAP_SYS_PTRACE, 63) {
		t.Error("there is no such capability")
	}
}
