// Package command is the one place where Seawall's sensor starts a program.
//
// A program is named by its place in [Allowed] and by nothing else: no shell, no
// PATH, no name from a file or a message. Before each start every component of
// its path must belong to root and be writable by root alone, so that no other
// user can put a program there. It runs with an empty environment but LC_ALL=C,
// standard input from /dev/null, in its own process group, for a limited time and
// with limited output; what it started is killed with it, unless that left the group
// (setsid).
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
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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

	places map[Program][]string // nil means Allowed; tests put programs of their own here
}

func (r *Runner) allowed(p Program) []string {
	if r.places != nil {
		return r.places[p]
	}
	return Allowed()[p]
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
func (r *Runner) Find(p Program) (string, error) {
	for _, path := range r.allowed(p) {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := verify(path); err != nil {
			return "", fmt.Errorf("find %s: %w", p, err)
		}
		return path, nil
	}
	return "", fmt.Errorf("find %s in %s: %w", p, strings.Join(r.allowed(p), ", "), ErrNotInstalled)
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
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	stdout, stderr := capped{full: cancel}, capped{full: cancel}
	cmd := exec.CommandContext(limited, path, args...)
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second

	err = runGroup(cmd)
	out := Output{Path: path, Stdout: stdout.buf.Bytes(), Stderr: stderr.buf.Bytes(), Exit: -1}
	if cmd.ProcessState != nil {
		out.Exit = cmd.ProcessState.ExitCode()
	}
	var exited *exec.ExitError
	switch {
	case stdout.over || stderr.over:
		return out, fmt.Errorf("run %s: output is larger than %d bytes", path, MaxOutput)
	case ctx.Err() != nil:
		return out, fmt.Errorf("run %s: %w", path, ctx.Err())
	case limited.Err() != nil:
		return out, fmt.Errorf("run %s: no answer within %v: %w", path, timeout, limited.Err())
	case errors.As(err, &exited):
		return out, nil
	case err != nil:
		return out, fmt.Errorf("run %s: %w", path, err)
	}
	return out, nil
}

// runGroup runs cmd, the leader of its process group, and ends what it leaves
// running there.
func runGroup(cmd *exec.Cmd) error {
	// Pdeathsig counts from the thread that starts the program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return err
	}
	// The group is killed before its leader is reaped: until then nobody else
	// gets its number. An error here shows again in Wait.
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	return errors.Join(cmd.Cancel(), cmd.Wait())
}

// capped keeps the first MaxOutput bytes. With the first byte more it says that
// it is full, which ends the program, and takes the rest without keeping it.
type capped struct {
	buf  bytes.Buffer
	over bool
	full func()
}

func (c *capped) Write(p []byte) (int, error) {
	keep := min(len(p), MaxOutput-c.buf.Len())
	c.buf.Write(p[:keep])
	if keep < len(p) && !c.over {
		c.over = true
		c.full()
	}
	return len(p), nil
}

// maxLinks is the kernel's own limit on symbolic links in one path.
const maxLinks = 40

// verify walks from "/" to path as the kernel will, through every symbolic link
// on the way, and demands that root alone can write each component.
func verify(path string) error {
	rest := strings.Split(path, "/")
	at, links := "/", 0
	if err := rootOnly(at); err != nil {
		return err
	}
	for len(rest) > 0 {
		name := filepath.Join(at, rest[0])
		rest = rest[1:]
		if err := rootOnly(name); err != nil {
			return err
		}
		target, err := os.Readlink(name)
		if errors.Is(err, syscall.EINVAL) { // not a link
			at = name
			continue
		}
		if err != nil {
			return err
		}
		if links++; links > maxLinks {
			return fmt.Errorf("%s: %w", path, syscall.ELOOP)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return nil
}

// rootOnly demands that only root can change or replace path itself.
func rootOnly(path string) error {
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("stat %s: no owner known", path)
	}
	const groupOrOther = 0o022
	open := fi.Mode().Perm()&groupOrOther != 0
	switch {
	case fi.Mode()&fs.ModeSymlink != 0: // has no permissions of its own
		open = false
	case fi.IsDir() && fi.Mode()&fs.ModeSticky != 0: // others cannot replace what root has there
		open = false
	}
	if st.Uid != 0 || open {
		return fmt.Errorf("%w: %s has owner %d and mode %v", ErrUnsafePath, path, st.Uid, fi.Mode())
	}
	return nil
}
