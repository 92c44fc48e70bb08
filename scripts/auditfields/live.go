package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/elastic/go-libaudit/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"seawall/scripts/auditfields/compare"
)

const (
	lockFile = "/tmp/seawall-audit.lock" // of all tests that use kernel audit
	loginUID = 54321                     // whom nobody logs in as
	patience = 55 * time.Second          // for a chunk
	worktime = 30 * time.Second          // for its calls: what is made by then is compared
)

// calls are recorded, of both kinds of programs, where they exist.
var calls = strings.Fields(`open openat openat2 creat rename renameat renameat2 link linkat symlink symlinkat mkdirat mknodat mkdir
	unlink unlinkat rmdir chmod fchmodat lchown fchownat setxattr removexattr truncate connect bind sendto pipe2 socketpair
	setresuid setresgid setreuid setuid setfsuid kill tgkill ptrace process_vm_readv mount umount2 delete_module finit_module
	init_module mq_open mq_unlink mq_notify mq_timedsend mq_getsetattr shmget shmctl capset bpf sethostname personality setns
	unshare memfd_create execve execveat`)

// extent says how much to record.
type extent struct {
	chunks, calls, events int
	seed                  uint64
	keep                  string // folder for logs
}

// live records and compares chunks.
func live(ctx context.Context, w io.Writer, c *compare.Comparison, x extent) error {
	dir, err := os.MkdirTemp("", "auditfields")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := build(ctx, dir); err != nil {
		return err
	}
	// One chunk is compared while the next is recorded.
	var compared errgroup.Group
	for n := range x.chunks {
		log := filepath.Join(dir, fmt.Sprintf("audit-%d.log", n))
		if x.keep != "" {
			log = filepath.Join(x.keep, filepath.Base(log))
		}
		start := time.Now()
		if err := recordChunk(ctx, dir, log, x.calls, x.seed+uint64(n), n%2 == 1); err != nil {
			return fmt.Errorf("record chunk %d: %w", n, err)
		}
		recorded := time.Since(start)
		if err := compared.Wait(); err != nil {
			return err
		}
		if c.Events() >= x.events {
			break
		}
		compared.Go(func() error {
			start := time.Now()
			if err := c.Log(ctx, log); err != nil {
				return fmt.Errorf("compare chunk %d: %w", n, err)
			}
			if x.keep == "" {
				if err := os.Remove(log); err != nil {
					return fmt.Errorf("remove log: %w", err)
				}
			}
			fmt.Fprintf(w, "chunk %d: recorded in %.1f s, compared in %.1f s; %d events, %d fields so far\n", n,
				recorded.Seconds(), time.Since(start).Seconds(), c.Events(), c.Fields())
			c.Report(w)
			return nil
		})
	}
	return compared.Wait()
}

// build makes program load of 64 and of 32 bits.
func build(ctx context.Context, dir string) error {
	for _, arch := range []string{"amd64", "386"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, "load-"+arch), "seawall/scripts/auditfields/load")
		cmd.Env = append(os.Environ(), "GOARCH="+arch, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build load: %w: %s", err, out)
		}
	}
	return nil
}

// recordChunk records count calls into log while it holds the lock.
func recordChunk(ctx context.Context, dir, log string, count int, seed uint64, enriched bool) (err error) {
	lock, err := os.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open lock: %w", err)
	}
	defer lock.Close() // which gives it back
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("take lock: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer func() {
		for _, args := range [][]string{{"-D"}, {"-e", "0"}, {"-b", "64"}} {
			if out, cerr := exec.Command("auditctl", args...).CombinedOutput(); cerr != nil && err == nil {
				err = fmt.Errorf("auditctl %v: %w: %s", args, cerr, out)
			}
		}
	}()
	daemon, err := auditd(ctx, dir, log, enriched)
	if err != nil {
		return err
	}
	loadErr := rules(ctx)
	if loadErr == nil {
		loadErr = work(ctx, dir, count, seed)
	}
	if loadErr == nil {
		loadErr = drained(ctx)
	}
	if err := daemon.Process.Signal(unix.SIGTERM); err != nil {
		return fmt.Errorf("stop auditd: %w", err)
	}
	if err := daemon.Wait(); err != nil && loadErr == nil {
		return fmt.Errorf("stop auditd: %w", err)
	}
	return loadErr
}

// auditd starts the daemon, with a configuration of its own, and waits until the kernel
// has it.
func auditd(ctx context.Context, dir, log string, enriched bool) (*exec.Cmd, error) {
	format := "RAW"
	if enriched {
		format = "ENRICHED"
	}
	conf := "local_events = yes\nwrite_logs = yes\nlog_format = " + format + "\nlog_file = " + log +
		"\nflush = NONE\nmax_log_file = 4000\nmax_log_file_action = IGNORE\nspace_left = 2\nadmin_space_left = 1\nspace_left_action = IGNORE\nadmin_space_left_action = IGNORE\n" +
		"disk_full_action = IGNORE\ndisk_error_action = IGNORE\nplugin_dir = " + filepath.Join(dir, "plugins.d") + "\n"
	if err := os.MkdirAll(filepath.Join(dir, "plugins.d"), 0o750); err != nil {
		return nil, fmt.Errorf("configure auditd: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "auditd.conf"), []byte(conf), 0o640); err != nil {
		return nil, fmt.Errorf("configure auditd: %w", err)
	}
	cmd := exec.Command("auditd", "-n", "-s", "enable", "-c", dir)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start auditd: %w", err)
	}
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		out, err := exec.CommandContext(ctx, "auditctl", "-s").Output()
		if err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return nil, fmt.Errorf("auditctl -s: %w: auditd says %s", err, said.Bytes())
		}
		if zombie(cmd.Process.Pid) { // another daemon was not gone yet
			_ = cmd.Wait()
			return auditd(ctx, dir, log, enriched)
		}
		if strings.Contains(string(out), "\npid "+strconv.Itoa(cmd.Process.Pid)+"\n") {
			return cmd, nil
		}
	}
}

// zombie reports whether a child has ended.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}

// rules asks for the calls of the login user alone.
func rules(ctx context.Context) error {
	run := [][]string{{"-D"}, {"-b", "8192"}}
	for _, arch := range []string{"b64", "b32"} {
		for _, call := range calls {
			args := []string{"-a", "always,exit", "-F", "arch=" + arch, "-F", "auid=" + strconv.Itoa(loginUID), "-S", call, "-k", "fields"}
			if arch == "b32" {
				args = append(args, "-k", "32 bits")
			}
			run = append(run, args)
		}
	}
	for _, args := range run {
		out, err := exec.CommandContext(ctx, "auditctl", args...).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "unknown") {
			return fmt.Errorf("auditctl %v: %w: %s", args, err, out)
		}
	}
	return uringRule()
}

// uringRule adds a rule of the list for io_uring, of which auditctl knows nothing before
// version 3.1: struct audit_rule_data of linux/audit.h.
func uringRule() error {
	const (
		listURing, always   = 7, 2
		fieldLogin, isEqual = 9, 0x40000000
		mask, fields        = 12, 12 + 64*4
	)
	rule := make([]byte, 12+4*64*4+4)
	for at, v := range map[int]uint32{0: listURing, 4: always, 8: 1, fields: fieldLogin, fields + 256: loginUID, fields + 512: isEqual} {
		binary.NativeEndian.PutUint32(rule[at:], v)
	}
	for i := mask; i < fields; i++ {
		rule[i] = 0xff
	}
	client, err := libaudit.NewAuditClient(nil)
	if err != nil {
		return fmt.Errorf("add rule for io_uring: %w", err)
	}
	defer client.Close()
	if err := client.AddRule(rule); err != nil {
		return fmt.Errorf("add rule for io_uring: %w", err)
	}
	return nil
}

// script is run as the login user: what the machine's own programs record, then load.
const script = `echo $1 > /proc/self/loginuid
su -c true root; sudo -n true; sudo -n -u nobody true
auditctl -m "text with = and words"; auditctl -m 'op=x acct="a b" res=success'
sh -c 'kill -SEGV $$'
unshare -n nft add table inet seawall
unshare -n ip link set lo promisc on
$2/load-amd64 $3 $4 $2/root & $2/load-386 $5 $4 $2/root32 & wait`

// work makes the calls, one in five of them by the program of 32 bits.
func work(ctx context.Context, dir string, count int, seed uint64) error {
	for _, name := range []string{"root", "root32"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	limited, cancel := context.WithTimeout(ctx, worktime)
	defer cancel()
	cmd := exec.CommandContext(limited, "sh", "-c", script, "sh", strconv.Itoa(loginUID), dir,
		strconv.Itoa(count-count/5), strconv.FormatUint(seed, 10), strconv.Itoa(count/5))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil && (limited.Err() == nil || ctx.Err() != nil) {
		return fmt.Errorf("run load: %w: %s", err, said.Bytes())
	}
	if bytes.Contains(said.Bytes(), []byte("load: ")) {
		return fmt.Errorf("run load: %s", said.Bytes())
	}
	return nil
}

// drained waits until the kernel has no record left, and sees that none was lost.
func drained(ctx context.Context) error {
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		out, err := exec.CommandContext(ctx, "auditctl", "-s").Output()
		if err != nil {
			return fmt.Errorf("auditctl -s: %w", err)
		}
		if strings.Contains(string(out), "\nbacklog 0\n") {
			return nil
		}
	}
}
