package auditbench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	loadUID = 5 // games, as which no other process runs; auditd names it quickly
	key     = "auditbench"
	files   = 64 // of different names; the first is canary, which a detection is about
	canary  = "canary"
)

// load is so many events, at a rate a second or, with 0, as fast as it goes.
type load struct{ events, rate int }

// made is what the generator made of a load.
type made struct {
	Events int
	Took   time.Duration
	Worst  time.Duration // of one system call
	CPU    time.Duration // of the generator
}

// generate opens files as another user. It is this program's role in a process of its
// own: the arguments are folder, number and rate, a line on standard input starts it.
func generate(args []string) error {
	dir, l := args[0], load{}
	var err error
	if l.events, err = strconv.Atoi(args[1]); err != nil {
		return err
	}
	if l.rate, err = strconv.Atoi(args[2]); err != nil {
		return err
	}
	runtime.LockOSThread()
	if l.rate > 0 {
		// Its system calls are timed: it is not to wait for a processor among them.
		if err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0); err != nil {
			return fmt.Errorf("run before others: %w", err)
		}
	}
	if err := syscall.Setresuid(loadUID, loadUID, loadUID); err != nil {
		return fmt.Errorf("become user %d: %w", loadUID, err)
	}
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return fmt.Errorf("wait for the start: %w", err)
	}
	m := made{Events: l.events}
	start := time.Now()
	for i := range l.events {
		if l.rate > 0 {
			wait := time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(l.rate)))
			if t := unix.NsecToTimespec(int64(wait)); wait > 0 {
				_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &t, nil)
			}
		}
		before := time.Now()
		fd, err := unix.Open(fileName(dir, i%files), unix.O_WRONLY|unix.O_CLOEXEC, 0)
		m.Worst = max(m.Worst, time.Since(before))
		if err != nil {
			return err
		}
		unix.Close(fd)
	}
	m.Took = time.Since(start)
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return err
	}
	m.CPU = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	return json.NewEncoder(os.Stdout).Encode(m)
}

func fileName(dir string, i int) string {
	if i == 0 {
		return filepath.Join(dir, canary)
	}
	return filepath.Join(dir, fmt.Sprintf("data-%d.db", i))
}

// makeFiles makes what generate opens.
func makeFiles(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for i := range files {
		if err := os.WriteFile(fileName(dir, i), nil, 0o666); err != nil {
			return err
		}
		if err := os.Chmod(fileName(dir, i), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// run makes a load of events.
func (l load) run(dir string) (made, error) {
	cmd := role("generate", dir, strconv.Itoa(l.events), strconv.Itoa(l.rate))
	in, err := cmd.StdinPipe()
	if err != nil {
		return made{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return made{}, err
	}
	if err := cmd.Start(); err != nil {
		return made{}, err
	}
	var m made
	_, err = fmt.Fprintln(in)
	if err == nil {
		err = json.NewDecoder(out).Decode(&m)
	}
	if werr := cmd.Wait(); werr != nil {
		return made{}, fmt.Errorf("generator: %w", werr)
	}
	return m, err
}

// role is this program in a process of its own with another task than tests.
func role(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+name)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}
