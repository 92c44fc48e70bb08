package restart

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/agent/facts/ask/asktest"
	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

// unprivileged is a place where a user without privileges finds this test's program.
func unprivileged(t testing.TB) (dir, program string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "seawall-restart-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir, copyFile(t, "/proc/self/exe", dir+"/test")
}

// as is the command that runs one part of this test's program as nobody, with the
// given capabilities ("-all" for none).
func as(ctx context.Context, capabilities, program, part string, env ...string) *exec.Cmd {
	args := []string{"--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
		"--inh-caps=" + capabilities, "--bounding-set=" + capabilities, "--ambient-caps=" + capabilities, program}
	cmd := exec.CommandContext(ctx, "setpriv", args...)
	cmd.Env = append(env, "RESTART_TEST="+part)
	return cmd
}

// listen stands for systemd: for each connection it starts the helper, with the
// capabilities that its unit gives it, and the connection as its standard output.
func listen(t testing.TB, socket, program string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	must(t, err)
	must(t, os.Chmod(socket, 0o666))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return // closed
			}
			out, err := conn.File()
			if err == nil {
				cmd := as(context.Background(), "-all,+sys_ptrace,+dac_read_search", program, "serve")
				cmd.Stdout, cmd.Stderr = out, os.Stderr
				err = errors.Join(cmd.Run(), out.Close())
			}
			if err := errors.Join(err, conn.Close()); err != nil {
				t.Error(err)
			}
		}
	}()
	t.Cleanup(func() {
		must(t, l.Close())
		<-done
	})
}

// asked runs the part that reads the facts as the sensor does.
func asked(t testing.TB, program, socket string) (f Facts) {
	t.Helper()
	cmd := as(t.Context(), "-all", program, "ask", "RESTART_NAME="+socket)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	must(t, err)
	must(t, json.Unmarshal(out, &f))
	return f
}

// printFacts is that part.
func printFacts(socket string) error {
	f := NewReader(socket).Read(context.Background(), fact.Env{Now: time.Now})
	return json.NewEncoder(os.Stdout).Encode(f)
}

// TestAsk: who may not look at others is told of them through the socket.
func TestAsk(t *testing.T) {
	dir, program := unprivileged(t)
	socket := filepath.Join(dir, "socket")
	lib := copyFile(t, library(t), folder(t)+"/libz.so.1")
	pid := holder(t, "0.0.0.0:0", lib)
	replace(t, lib)

	alone := asked(t, program, socket)
	if alone.Meta.State != fact.StateKnown || alone.Denied == 0 || !strings.Contains(alone.Limited, "no such file") || alone.Scanned == 0 {
		t.Errorf("without a socket: %+v", alone)
	}
	listen(t, socket, program)
	f := asked(t, program, socket)
	if f.Meta.State != fact.StateKnown || f.Limited != "" || f.Stale != "" || f.Denied >= alone.Denied || f.Scanned <= alone.Scanned {
		t.Errorf("with a socket: %+v", f)
	}
	for _, p := range f.Processes {
		if p.PID == pid && p.User == "root" && p.Listening && len(p.Files) == 1 && p.Files[0] == lib {
			return
		}
	}
	t.Errorf("process %d is not named: %+v", pid, f.Processes)
}

// TestHidden: where /proc shows a user only his own processes, others are denied all
// the same.
func TestHidden(t *testing.T) {
	_, program := unprivileged(t)
	for _, hide := range []string{"1", "2"} {
		cmd := as(t.Context(), "-all", program, "ask", "RESTART_NAME=none")
		cmd.Args = append([]string{"unshare", "-m", "sh", "-ec", "mount -t proc -o hidepid=" + hide + ` proc /proc; exec "$@"`, "sh"}, cmd.Args...)
		cmd.Path = lookPath(t, "unshare")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		must(t, err)
		var f Facts
		must(t, json.Unmarshal(out, &f))
		if f.Scanned == 0 || f.Denied == 0 || f.Limited == "" { // others of this user may run, too
			t.Errorf("hidepid=%s: got %+v", hide, f)
		}
	}
}

func lookPath(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("this test needs %s (Debian package util-linux): %v", name, err)
	}
	return path
}

// TestStale: an answer stands for some minutes in for one that cannot be had.
func TestStale(t *testing.T) {
	now := time.Now()
	env := fact.Env{Now: func() time.Time { return now }}
	good := `{"processes": [], "units": [{"name": "x.service"}], "scanned": 7000000}`
	socket := asktest.Reply(t, []byte(good), []byte("{"))
	r := NewReader(socket)
	r.may = func() bool { return false }
	ask := func() Facts { return r.Read(t.Context(), env) }
	if f := ask(); f.Scanned != 7000000 || f.Stale != "" || len(f.Meta.Depends) == 0 {
		t.Fatalf("got %+v", f)
	}
	if f := ask(); f.Scanned != 7000000 || !strings.Contains(f.Stale, "parse the answer") || len(f.Units) != 1 || f.Meta.State != fact.StateKnown {
		t.Errorf("got %+v", f)
	}
	now = now.Add(15 * time.Minute)
	if f := ask(); f.Scanned == 7000000 || f.Stale != "" || len(f.Units) == 1 && f.Units[0].Name == "x.service" {
		t.Errorf("an old answer stands: %+v", f)
	}
}

func TestImage(t *testing.T) {
	root, err := hostfs.Open(t.TempDir())
	must(t, err)
	f := NewReader("none").Read(t.Context(), fact.Env{Root: root, Now: time.Now})
	if f.Meta.State != fact.StateAbsent || f.Meta.Reason == "" || f.Scanned != 0 {
		t.Errorf("got %+v", f)
	}
}

// TestBadAnswers: none of them is taken.
func TestBadAnswers(t *testing.T) {
	for want, answer := range map[string]string{
		"parse the answer":  "nonsense",
		"cannot unmarshal":  `{"scanned": "x"}`,
		"nothing was":       `{}`,
		"unexpected end":    `{"scanned": 7`,
		"nothing was looke": `{"scanned": 1, "denied": -1}`,
	} {
		if f, err := parseReply([]byte(answer)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %+v, %v, want %s", answer, f, err, want)
		}
	}
}

// TestBounded: an answer is cut to what a look can find.
func TestBounded(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	f := empty()
	f.Scanned, f.Limited = 1, long
	for range maxProcesses + 1 {
		f.Processes = append(f.Processes, Process{Comm: "c\xff"})
		f.Units = append(f.Units, Unit{})
	}
	f.Processes[0] = Process{Comm: long, Exe: long, Unit: long, User: long, Files: strings.Split(strings.Repeat(long+" ", 9), " ")}
	f.Units[0] = Unit{Name: long, Kind: long, Command: long, PIDs: make([]int, 100), Files: f.Processes[0].Files}
	data, err := json.Marshal(f)
	must(t, err)
	got, err := parseReply(data)
	must(t, err)
	again, err := json.Marshal(got)
	must(t, err)
	if len(again) > 100_000 || len(got.Processes) != maxProcesses || len(got.Units) != maxUnits || len(got.Units[0].PIDs) != maxPIDs {
		t.Errorf("%d bytes, %d processes, %d units", len(again), len(got.Processes), len(got.Units))
	}
}

// FuzzReply: an answer that is taken has no missing lists and is bounded.
func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"meta":{"state":"error"},"processes":[{"pid":7,"files":["/usr/lib/x.so"]}],"units":[{"name":"x","pids":[7]}],"scanned":7}`))
	f.Add([]byte(`{"processes":null,"units":[{}],"scanned":1,"new":1}`))
	f.Add([]byte(`{"scanned":1e3}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := parseReply(data)
		if err != nil {
			return
		}
		if got.Processes == nil || got.Units == nil || got.Scanned < 1 || got.Meta.State != fact.StateKnown || got.Stale != "" {
			t.Errorf("got %+v", got)
		}
		for _, u := range got.Units {
			if u.Files == nil || u.PIDs == nil || len(u.Name) > maxCommand {
				t.Errorf("got %+v", u)
			}
		}
	})
}
