// Package collector runs the real collector for a load test, as it is shipped: it
// starts and stops the program, looks at its memory and processor time as the
// kernel counts them, and reads its database when the load is over. It can stall
// the database, too, in the two ways in which one stalls.
package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/token"
)

// Collector is a collector with a state folder, running or not.
type Collector struct {
	Program string // path of seawall-collector
	Folder  string // its state and log
	Address string // of its ingest; found when empty
	Store   string // URL of its database; default: a file in its state
	Args    []string

	cmd  *exec.Cmd
	done chan error
}

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 60 * time.Second
	// tick is the kernel's unit of processor time in /proc.
	tick = time.Second / 100
)

// Start starts the program and waits until it takes connections.
func (c *Collector) Start(ctx context.Context) error {
	if c.Address == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		c.Address = l.Addr().String()
		l.Close()
	}
	if err := os.MkdirAll(c.state(), 0o700); err != nil {
		return err
	}
	// It is there when the collector that is started now runs.
	if err := os.Remove(c.connection()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	log, err := os.OpenFile(filepath.Join(c.Folder, "collector.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := append([]string{"--state-dir", c.state(), "--ingest", c.Address, "--dashboard", "127.0.0.1:0", "--log-level", "warn"}, c.Args...)
	if c.Store != "" {
		args = append(args, "--store", c.Store)
	}
	c.cmd = exec.Command(c.Program, args...)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("start the collector: %w", err)
	}
	c.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan<- error) { done <- cmd.Wait() }(c.cmd, c.done)
	return c.ready(ctx)
}

// ready waits until the ingest port and the socket for commands answer.
func (c *Collector) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		_, err := os.Stat(c.connection())
		if err == nil && answers("tcp", c.Address) && answers("unix", filepath.Join(c.state(), "admin.sock")) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the collector does not listen: %w", ctx.Err())
		case err := <-c.done:
			c.cmd = nil
			return fmt.Errorf("the collector ended: %w; its log is in %s", err, c.Folder)
		case <-poll.C:
		}
	}
}

func answers(network, address string) bool {
	conn, err := net.Dial(network, address)
	return err == nil && conn.Close() == nil
}

// End sends a signal and waits until the program is gone.
func (c *Collector) End(signal syscall.Signal) error {
	if c.cmd == nil {
		return nil
	}
	if err := c.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-c.done:
		c.cmd = nil
		if err != nil && signal != syscall.SIGKILL {
			return fmt.Errorf("the collector ended with %w; its log is in %s", err, c.Folder)
		}
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("the collector did not end within %v of %v", stopTimeout, signal), c.cmd.Process.Kill())
	}
}

// Token makes a token for so many hosts.
func (c *Collector) Token(ctx context.Context, uses int) (token.Token, error) {
	cmd := exec.CommandContext(ctx, c.Program, "--state-dir", c.state(), "token", "create", "--uses", strconv.Itoa(uses), "--label", "load")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return token.Token{}, fmt.Errorf("create a token: %w: %s", err, &stderr)
	}
	return token.Parse(string(out))
}

// Memory returns the resident memory of the program, in bytes.
func (c *Collector) Memory() (int64, error) {
	b, err := c.proc("status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmRSS")
}

// Processor returns the processor time that the program has taken.
func (c *Collector) Processor() (time.Duration, error) {
	b, err := c.proc("stat")
	if err != nil {
		return 0, err
	}
	// The second field is the name in parentheses and may hold spaces.
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 13 {
		return 0, errors.New("not a stat of a process")
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

func (c *Collector) proc(file string) ([]byte, error) {
	if c.cmd == nil {
		return nil, errors.New("the collector does not run")
	}
	return os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.cmd.Process.Pid, file))
}

// Dashboard returns the address of the dashboard.
func (c *Collector) Dashboard() (string, error) {
	b, err := os.ReadFile(c.connection())
	if err != nil {
		return "", err
	}
	var at struct {
		Dashboard string `json:"dashboard"`
	}
	return at.Dashboard, json.Unmarshal(b, &at)
}

func (c *Collector) state() string      { return filepath.Join(c.Folder, "state") }
func (c *Collector) connection() string { return filepath.Join(c.state(), "connection.json") }

func (c *Collector) database() string { return filepath.Join(c.state(), "collector.db") }

// Files raises the number of files that this process and its children may open to
// what the kernel lets root have.
func Files(n uint64) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	l.Cur, l.Max = max(l.Cur, n), max(l.Max, n)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("open %d files: %w", n, err)
	}
	return nil
}
