package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"seawall/collector/config"
	"seawall/collector/contact"
)

// TestMain makes the test binary the program when a test starts it by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"seawall-collector": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// waitfile waits until a file exists.
			"waitfile": func(ts *testscript.TestScript, _ bool, args []string) {
				if !poll(func() bool { _, err := os.Stat(ts.MkAbs(args[0])); return err == nil }) {
					ts.Fatalf("%s does not appear", args[0])
				}
			},
			// firstfield sets a variable to the first field of the second line that a
			// command prints.
			"firstfield": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(ts.Exec("seawall-collector", args[1:]...))
				_, line, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
				ts.Setenv(args[0], strings.Fields(line)[0])
			},
		}})
}

// poll waits until ok, for a bounded time.
func poll(ok func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			return false
		}
	}
	return true
}

// program is a running collector.
type program struct {
	cmd *exec.Cmd
	at  contact.Contact
	log string // the file that has what it says
}

// startProgram starts a collector on the folder and waits until it runs.
func startProgram(t *testing.T, folder string, extra ...string) *program {
	t.Helper()
	file := filepath.Join(folder, contact.File)
	_ = os.Remove(file)
	args := append([]string{"--state-dir", folder, "--ingest", "127.0.0.1:0", "--dashboard", "127.0.0.1:0"}, extra...)
	p := &program{cmd: exec.Command("seawall-collector", args...), log: filepath.Join(folder, "log")}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	if !poll(func() bool {
		data, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(data, &p.at) == nil
	}) {
		data, _ := os.ReadFile(p.log)
		t.Fatalf("the collector does not start:\n%s", data)
	}
	return p
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func TestStopsInOrder(t *testing.T) {
	folder := t.TempDir()
	p := startProgram(t, folder)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	// The write-ahead log is folded in.
	if _, err := os.Stat(filepath.Join(folder, config.DatabaseFile+"-wal")); err == nil {
		t.Error("the write-ahead log is left")
	}
}

// TestSystemd passes sockets by name and reads the notifications, as systemd does.
func TestSystemd(t *testing.T) {
	folder := t.TempDir()
	notifications, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(folder, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notifications.Close()
	var files []*os.File
	var addrs []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files, addrs = append(files, f), append(addrs, l.Addr().String())
	}
	// LISTEN_PID must be the program's own: a shell sets it and becomes it.
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec seawall-collector --state-dir "$0"`, folder)
	cmd.ExtraFiles = files
	cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "LISTEN_FDNAMES=dashboard:ingest",
		"NOTIFY_SOCKET="+filepath.Join(folder, "notify"), "WATCHDOG_USEC=300000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	want := []string{"READY=1", "WATCHDOG=1", "STOPPING=1"}
	buf := make([]byte, 4096)
	_ = notifications.SetReadDeadline(time.Now().Add(30 * time.Second))
	for len(want) > 0 {
		n, err := notifications.Read(buf)
		if err != nil {
			t.Fatalf("no %s: %v", want[0], err)
		}
		if !strings.Contains(string(buf[:n]), want[0]) {
			continue
		}
		if want = want[1:]; len(want) == 1 {
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(folder, contact.File))
	if err != nil {
		t.Fatal(err)
	}
	var at contact.Contact
	if err := json.Unmarshal(data, &at); err != nil || at.Ingest != addrs[1] || at.Dashboard != "http://"+addrs[0]+"/" {
		t.Errorf("connection %+v, sockets %v, %v", at, addrs, err)
	}
}
