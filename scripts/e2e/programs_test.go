package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Users of the programs without privileges, as in make run; the group reads the
// spool.
const (
	spoolGroup    = 60800
	collectorUser = 60801
	uplinkUser    = 60802
)

// build builds the three programs as they are shipped, once.
var build = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(os.Getenv(envPlace), "bin")
	cmd := exec.Command("make", "-s", "-C", "../..", "build", "BIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return bin, nil
})

// program is one of the three. It can be started again after it ended.
type program struct {
	path string
	args []string
	cred *syscall.Credential
	log  string

	cmd  *exec.Cmd
	done chan error
	from int64 // where the log of this start begins
}

// says reports whether the log has a text since the program was started last.
func (p *program) says(text string) bool {
	log, err := os.ReadFile(p.log)
	return err == nil && bytes.Contains(log[min(p.from, int64(len(log))):], []byte(text))
}

func (p *program) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if p.from, err = log.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	p.cmd.Dir = "/"
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.path, err)
	}
	p.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan<- error) { done <- cmd.Wait() }(p.cmd, p.done)
}

// end sends a signal and waits.
func (p *program) end(t *testing.T, signal syscall.Signal) error {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatalf("signal %s: %v", p.path, err)
	}
	select {
	case err := <-p.done:
		p.cmd = nil
		return err
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill()
		t.Fatalf("%s did not end within 20 s of %v", filepath.Base(p.path), signal)
		return nil
	}
}

func (p *program) ended() bool {
	select {
	case err := <-p.done:
		p.done <- err
		return true
	default:
		return false
	}
}

// connection is what the collector tells of itself in its state folder.
type connection struct {
	Pin       string `json:"pin"`
	Dashboard string `json:"dashboard"`
}

// system is a host and its collector.
type system struct {
	dir        string
	spool      string
	connection connection
	password   string

	sensor, uplink, collector *program
}

// all returns the programs in the order in which they stop.
func (s *system) all() []*program { return []*program{s.sensor, s.uplink, s.collector} }

// launch starts collector, uplink and sensor. When the test ends they are stopped
// in order, and each must end well.
func launch(t *testing.T) *system {
	t.Helper()
	place := private(t)
	if err := os.WriteFile(dropIn, []byte("PasswordAuthentication no\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(place, "run-")
	if err != nil {
		t.Fatal(err)
	}
	folder := func(name string, mode os.FileMode, uid, gid int) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(path, mode), os.Chmod(path, mode), os.Chown(path, uid, gid)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &system{dir: dir, spool: folder("spool", 0o750, 0, spoolGroup)}
	state := folder("collector", 0o700, collectorUser, collectorUser)
	ingest, dashboard := freeAddress(t), freeAddress(t)
	passwordFile := filepath.Join(state, "password")
	s.collector = &program{
		path: filepath.Join(bin, "seawall-collector"),
		args: []string{"--state-dir", state, "--ingest", ingest, "--dashboard", dashboard, "--password-file", passwordFile},
		cred: &syscall.Credential{Uid: collectorUser, Gid: collectorUser},
		log:  filepath.Join(dir, "collector.log"),
	}
	t.Cleanup(func() { s.stop(t) })
	s.collector.start(t)
	s.await(t, "the collector's connection file", 20*time.Second, func() bool {
		text, err := os.ReadFile(filepath.Join(state, "connection.json"))
		return err == nil && json.Unmarshal(text, &s.connection) == nil && s.connection.Pin != ""
	})
	password, err := os.ReadFile(passwordFile)
	if err != nil {
		t.Fatal(err)
	}
	s.password = string(password)
	uplinkState := folder("uplink", 0o700, uplinkUser, uplinkUser)
	invite(t, s.collector.path, state, filepath.Join(uplinkState, "token"))
	s.uplink = &program{
		path: filepath.Join(bin, "seawall-uplink"),
		args: []string{"--spool", s.spool, "--state-dir", uplinkState, "--collector", ingest},
		cred: &syscall.Credential{Uid: uplinkUser, Gid: uplinkUser, Groups: []uint32{spoolGroup}},
		log:  filepath.Join(dir, "uplink.log"),
	}
	s.uplink.start(t)
	s.sensor = &program{
		path: filepath.Join(bin, "seawall"),
		args: []string{"sensor", "--spool", s.spool},
		cred: &syscall.Credential{Uid: 0, Gid: spoolGroup},
		log:  filepath.Join(dir, "sensor.log"),
	}
	s.sensor.start(t)
	return s
}

// invite has the collector make a token, for the uplink alone to read.
func invite(t *testing.T, collector, state, file string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(collector, "token", "create", "--state-dir", state)
	cmd.Stderr = &stderr
	token, err := cmd.Output()
	if err != nil {
		t.Fatalf("token create: %v: %s", err, &stderr)
	}
	if err := errors.Join(os.WriteFile(file, token, 0o600), os.Chown(file, uplinkUser, uplinkUser)); err != nil {
		t.Fatal(err)
	}
}

func (s *system) stop(t *testing.T) {
	for _, p := range s.all() {
		if p == nil || p.cmd == nil {
			continue
		}
		if p.ended() {
			t.Errorf("%s ended before it was told to: %v", filepath.Base(p.path), <-p.done)
		} else if err := p.end(t, syscall.SIGTERM); err != nil {
			t.Errorf("%s did not end well on SIGTERM: %v", filepath.Base(p.path), err)
		}
	}
	if !t.Failed() {
		return
	}
	for _, p := range s.all() {
		if p == nil {
			continue
		}
		text, _ := os.ReadFile(p.log)
		t.Logf("the end of %s:\n%s", p.log, text[max(0, len(text)-4000):])
	}
}

// await waits until the condition holds.
func (s *system) await(t *testing.T, what string, limit time.Duration, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, limit)
		case <-tick.C:
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
