package fault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Users of the programs without privileges; the group reads the spool.
const (
	spoolGroup    = 60800
	collectorUser = 60801
	uplinkUser    = 60802
)

// build returns the folder of the three programs, which it builds as they are
// shipped, once, unless envBin names one.
var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv(envBin); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(os.Getenv(envPlace), "bin")
	cmd := exec.Command("make", "-s", "-C", "../..", "build", "BIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return bin, nil
})

// built returns the path of one of the three programs.
func built(t *testing.T, name string) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(bin, name)
}

// program is a process that can be started again after it ended.
type program struct {
	argv []string // with what it is run under, such as nsenter or strace
	env  []string
	cred *syscall.Credential
	log  string
	out  *os.File // for what it prints; otherwise the log
	in   bool     // it reads until it is killed

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when it ended
	err  error         // then
	from int64         // where the log of this start begins
}

// launch starts a program that ends with the test at the latest. Its log is name
// and ".log" in dir.
func launch(t *testing.T, p *program) *program {
	t.Helper()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			text, _ := os.ReadFile(p.log)
			t.Logf("the end of %s:\n%s", p.log, text[max(0, len(text)-3000):])
		}
	})
	p.start(t)
	return p
}

func (p *program) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.from, err = log.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(p.argv[0], p.argv[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if p.out != nil {
		p.cmd.Stdout = p.out
	}
	p.cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, p.env...)
	p.cmd.Dir = "/"
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if p.in {
		if _, err := p.cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.argv[0], err)
	}
	p.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		err := cmd.Wait()
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(done)
	}(p.cmd, p.done)
}

// signal sends a signal to the process and what it is run under.
func (p *program) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		syscall.Kill(-p.cmd.Process.Pid, s)
	}
}

// kill ends the process with SIGKILL and waits until it is gone.
func (p *program) kill() {
	if p.done == nil {
		return
	}
	p.signal(syscall.SIGKILL)
	<-p.done
}

// end asks the process to end and demands that it does so well.
func (p *program) end(t *testing.T) {
	t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.exit(t, 20*time.Second); code != 0 {
		t.Errorf("%s ended with %d on SIGTERM", filepath.Base(p.argv[0]), code)
	}
}

// exit waits until the process ended by itself, and returns its exit status, -1
// after a signal.
func (p *program) exit(t *testing.T, limit time.Duration) int {
	t.Helper()
	await(t, filepath.Base(p.argv[0])+"'s end", limit, p.ended)
	var exited *exec.ExitError
	if errors.As(p.err, &exited) {
		return exited.ExitCode()
	}
	if p.err != nil {
		t.Fatal(p.err)
	}
	return 0
}

func (p *program) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// alive demands that the process has not ended.
func (p *program) alive(t *testing.T) {
	t.Helper()
	if p.ended() {
		t.Fatalf("%s ended: %v", filepath.Base(p.argv[0]), p.err)
	}
}

// said returns the log since the program was started last.
func (p *program) said() []byte {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return nil
	}
	return log[min(p.from, int64(len(log))):]
}

// says reports whether the log has a text since the program was started last.
func (p *program) says(text string) bool { return bytes.Contains(p.said(), []byte(text)) }

// sensor is the sensor on a spool, without kernel audit and with a heartbeat each
// second, run under the given command.
func sensor(t *testing.T, dir, spool string, under ...string) *program {
	t.Helper()
	return &program{
		argv: append(under, built(t, "seawall"), "sensor", "--spool", spool,
			"--audit-mode", "off", "--heartbeat-interval", "1s"),
		cred: &syscall.Credential{Gid: spoolGroup},
		log:  filepath.Join(dir, "sensor.log"),
	}
}

// run runs a command to its end and returns what it printed and its exit status.
func run(t *testing.T, argv ...string) (string, int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		t.Fatalf("%v: %v", argv, err)
	}
	if exited != nil {
		return string(out), exited.ExitCode()
	}
	return string(out), 0
}

// must is run of what must succeed.
func must(t *testing.T, argv ...string) string {
	t.Helper()
	out, code := run(t, argv...)
	if code != 0 {
		t.Fatalf("%v: exit status %d: %s", argv, code, out)
	}
	return out
}
