package auditbench

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/kaudit"
)

// lockFile is the lock that every test on the machine takes that uses its audit system.
const lockFile = "/tmp/seawall-audit.lock"

// kernel is the machine's audit system, held by a lock.
type kernel struct {
	lock    int
	control *kaudit.Control
}

// holdKernel takes the audit system for us, ready for a load: our one rule, and a queue
// for which system calls wait or, with wait 0, do not.
func holdKernel(wait time.Duration) (*kernel, error) {
	fd, err := unix.Open(lockFile, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(fd, unix.LOCK_EX); err != nil {
		return nil, err
	}
	k := &kernel{lock: fd}
	if k.control, err = kaudit.OpenControl(); err == nil {
		err = k.set("-D", "-e 1", "-f 0", "-b 8192", "--backlog_wait_time "+jiffies(wait), "--reset-lost",
			fmt.Sprintf("-a always,exit -F arch=b64 -S openat -F uid=%d -k %s", loadUID, key))
	}
	if err != nil {
		k.release()
		return nil, err
	}
	return k, nil
}

// jiffies is a time in the kernel's ticks, of which a second has 250 on Debian.
func jiffies(t time.Duration) string { return strconv.Itoa(int(t / (4 * time.Millisecond))) }

// set runs auditctl once for each line of arguments.
func (k *kernel) set(lines ...string) error {
	for _, line := range lines {
		if out, err := exec.Command("auditctl", strings.Fields(line)...).CombinedOutput(); err != nil {
			return fmt.Errorf("auditctl %s: %w: %s", line, err, out)
		}
	}
	return nil
}

// release puts back what a machine without audit has, and lets go.
func (k *kernel) release() {
	_ = k.set("-D", "-e 0", "-f 1", "-b 64", "--backlog_wait_time 15000", "--reset-lost")
	if k.control != nil {
		_ = k.control.Close()
	}
	unix.Close(k.lock)
}

// need skips what cannot run here.
func need(tb testing.TB) {
	tb.Helper()
	if err := kaudit.Support(); err != nil || os.Geteuid() != 0 {
		tb.Skipf("needs root and the kernel's audit system: %v", err)
	}
	if _, err := exec.LookPath("auditctl"); err != nil {
		tb.Skip("needs auditctl")
	}
}

// cpuTime is the processor time of a process so far, by its own clock; 0 is this one.
func cpuTime(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	clock := int32(^pid<<3 | scheduled)
	if pid == 0 {
		clock = unix.CLOCK_PROCESS_CPUTIME_ID
	}
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, fmt.Errorf("clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// peakRSS is the largest resident size of a process so far, in bytes.
func peakRSS(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(fields[0], 10, 64)
	return kb << 10
}

// switches counts how often the threads of a process that still run went to sleep.
func switches(pid int) (sum int64) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return 0
	}
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, task.Name()))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
		if fields := strings.Fields(rest); len(fields) > 0 {
			n, _ := strconv.ParseInt(fields[0], 10, 64)
			sum += n
		}
	}
	return sum
}

// eventually asks until it is so, for at most limit.
func eventually(limit time.Duration, what string, so func() bool) error {
	const pause = 5 * time.Millisecond
	for end := time.Now().Add(limit); !so(); {
		if time.Now().After(end) {
			return fmt.Errorf("%s: not within %v", what, limit)
		}
		<-time.After(pause)
	}
	return nil
}
