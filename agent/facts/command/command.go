// Package command is the one place where Seawall's sensor starts a program.
//
// A program is named by its place in [Allowed] and by nothing else: no shell, no
// PATH, no name from a file or a message. Before each start every component of
// its path must belong to root and be writable by root alone, so that no other
// user can put a program there. It runs with an empty environment but LC_ALL=C,
// standard input from /dev/null, in its own process group, for a limited time and
// with limited output; whatever it started is killed with it.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Program names one program that may be run.
type Program string

// The programs that facts come from.
const (
	SSHD Program = "sshd"
)

// Allowed lists where each program may be found; the first that exists is used.
func Allowed() map[Program][]string {
	return map[Program][]string{
		SSHD: {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"},
	}
}

// Limits of one run.
const (
	DefaultTimeout = 5 * time.Second
	MaxOutput      = 256 << 10
)

// ErrNotInstalled is returned when none of a program's places exists.
var ErrNotInstalled = errors.New("not installed")

// ErrUnsafePath is returned when another user could replace the program.
var ErrUnsafePath = errors.New("path is writable by others than root")

// Runner runs allowed programs. The zero Runner is ready.
type Runner struct {
	// Timeout bounds one run; 0 means DefaultTimeout.
	Timeout time.Duration
}

// Output is what one run left.
type Output struct {
	Path   string // of the program
	Stdout []byte
	Stderr []byte
	Exit   int // exit status; -1 when killed by a signal
}

// Find returns the path of p, or an error that wraps ErrNotInstalled or
// ErrUnsafePath.
func (*Runner) Find(p Program) (string, error) {
	for _, path := range Allowed()[p] {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := verify(path); err != nil {
			return "", fmt.Errorf("find %s: %w", p, err)
		}
		return path, nil
	}
	return "", fmt.Errorf("find %s in %s: %w", p, strings.Join(Allowed()[p], ", "), ErrNotInstalled)
}

// Run starts p with args and waits for it. An exit status other than 0 is not an
// error: it is in Output. An error is a program that could not be started, ran
// too long, or printed more than MaxOutput.
func (r *Runner) Run(ctx context.Context, p Program, args ...string) (Output, error) {
	path, err := r.Find(p)
	if err != nil {
		return Output{}, err
	}
	timeout := r.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	var stdout, stderr capped
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second

	err = cmd.Run()
	out := Output{Path: path, Stdout: stdout.buf.Bytes(), Stderr: stderr.buf.Bytes(), Exit: -1}
	if cmd.ProcessState != nil {
		out.Exit = cmd.ProcessState.ExitCode()
	}
	var exited *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return out, fmt.Errorf("run %s: no answer within %v: %w", path, timeout, ctx.Err())
	case stdout.over || stderr.over:
		return out, fmt.Errorf("run %s: output is larger than %d bytes", path, MaxOutput)
	case errors.As(err, &exited):
		return out, nil
	case err != nil:
		return out, fmt.Errorf("run %s: %w", path, err)
	}
	return out, nil
}

// capped keeps the first MaxOutput bytes and takes the rest without keeping it,
// so that a program that prints for ever ends by its time and not by a broken
// pipe.
type capped struct {
	buf  bytes.Buffer
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	keep := min(len(p), MaxOutput-c.buf.Len())
	c.buf.Write(p[:keep])
	c.over = c.over || keep < len(p)
	return len(p), nil
}

// verify walks from "/" to path, links resolved, and demands that root alone can
// write each component.
func verify(path string) error {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for _, p := range []string{path, resolved} {
		for dir := p; ; dir = filepath.Dir(dir) {
			if err := rootOnly(dir); err != nil {
				return err
			}
			if dir == "/" {
				break
			}
		}
	}
	return nil
}

func rootOnly(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("stat %s: no owner known", path)
	}
	const groupOrOther = 0o022
	sticky := fi.Mode()&fs.ModeSticky != 0 && fi.IsDir()
	if st.Uid != 0 || fi.Mode().Perm()&groupOrOther != 0 && !sticky {
		return fmt.Errorf("%w: %s has owner %d and mode %v", ErrUnsafePath, path, st.Uid, fi.Mode())
	}
	return nil
}
