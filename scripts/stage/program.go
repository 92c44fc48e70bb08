package stage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Users of the programs without privileges; the group reads the spool.
const (
	SpoolGroup    = 60800
	CollectorUser = 60801
	UplinkUser    = 60802
)

// envBin names a folder with the three programs; otherwise they are built.
const envBin = "SEAWALL_STAGE_BIN"

// build returns the folder of the three programs, which it builds as they are
// shipped, once, unless envBin names one.
var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv(envBin); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(Place(), "bin")
	cmd := exec.Command("make", "-s", "-C", "../..", "build", "BIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return bin, nil
})

// Built returns the path of one of the three programs.
func Built(t *testing.T, name string) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(bin, name)
}

// Program is a process that can be started again after it ended.
type Program struct {
	Argv []string // with what it is run under, such as nsenter or strace
	Env  []string
	Cred *syscall.Credential
	Log  string
	Out  *os.File // for what it prints; otherwise the log
	In   bool     // it reads until it is killed

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when it ended
	err  error         // then
	from int64         // where the log of this start begins
}

// Launch starts a program that ends with the test at the latest. The end of its log
// is shown where the test fails.
func Launch(t *testing.T, p *Program) *Program {
	t.Helper()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			text, _ := os.ReadFile(p.Log)
			t.Logf("the end of %s:\n%s", p.Log, text[max(0, len(text)-3000):])
		}
	})
	p.Start(t)
	return p
}

// Start starts the program; it ends with this process at the latest.
func (p *Program) Start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.from, err = log.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(p.Argv[0], p.Argv[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if p.Out != nil {
		p.cmd.Stdout = p.Out
	}
	p.cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, p.Env...)
	p.cmd.Dir = "/"
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.Cred, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if p.In {
		if _, err := p.cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	}
	started := make(chan error)
	p.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		// Pdeathsig counts from the thread that starts the program: this one stays until the
		// program has ended. Another could end with a test that took it for itself.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		err = cmd.Wait()
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(done)
	}(p.cmd, p.done)
	if err := <-started; err != nil {
		close(p.done)
		t.Fatalf("start %s: %v", p.Argv[0], err)
	}
}

// Signal sends a signal to the process and what it is run under.
func (p *Program) Signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, s)
	}
}

// Kill ends the process with SIGKILL and waits until it is gone.
func (p *Program) Kill() {
	if p.done == nil {
		return
	}
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// End asks the process to end and demands that it does so well.
func (p *Program) End(t *testing.T) {
	t.Helper()
	p.Signal(syscall.SIGTERM)
	if code := p.Exit(t, 20*time.Second); code != 0 {
		t.Errorf("%s ended with %d on SIGTERM", filepath.Base(p.Argv[0]), code)
	}
}

// Exit waits until the process ended by itself, and returns its exit status, -1
// after a signal.
func (p *Program) Exit(t *testing.T, limit time.Duration) int {
	t.Helper()
	Await(t, filepath.Base(p.Argv[0])+"'s end", limit, p.Ended)
	var exited *exec.ExitError
	if errors.As(p.err, &exited) {
		return exited.ExitCode()
	}
	if p.err != nil {
		t.Fatal(p.err)
	}
	return 0
}

// Wait waits until the process ended and returns what [exec.Cmd.Wait] says.
func (p *Program) Wait() error {
	<-p.done
	return p.err
}

// PID is the process that was started last.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Ended reports whether the process has ended.
func (p *Program) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Alive demands that the process has not ended.
func (p *Program) Alive(t *testing.T) {
	t.Helper()
	if p.Ended() {
		t.Fatalf("%s ended: %v", filepath.Base(p.Argv[0]), p.err)
	}
}

// Said returns the log since the program was started last.
func (p *Program) Said() []byte {
	log, err := os.ReadFile(p.Log)
	if err != nil {
		return nil
	}
	return log[min(p.from, int64(len(log))):]
}

// Says reports whether the log has a text since the program was started last.
func (p *Program) Says(text string) bool { return bytes.Contains(p.Said(), []byte(text)) }
