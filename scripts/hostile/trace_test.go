package hostile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// traced is what a program did besides answering.
type traced struct {
	programs  int   // that it or a child became
	processes int   // that it and its children started, threads apart
	read      int64 // bytes it read itself, from the cache too
}

// trace runs cmd under ptrace, which sees every process that it starts.
func trace(t *testing.T, cmd *exec.Cmd) (done traced) {
	t.Helper()
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	leader := cmd.Process.Pid
	var status unix.WaitStatus
	if _, err := unix.Wait4(leader, &status, 0, nil); err != nil || !status.Stopped() {
		t.Fatalf("%v, %v", status, err)
	}
	const options = unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACECLONE |
		unix.PTRACE_O_TRACEEXIT | unix.PTRACE_O_EXITKILL
	if err := errors.Join(unix.PtraceSetOptions(leader, options), unix.PtraceCont(leader, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		pid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			t.Fatal(err)
		case !status.Stopped():
			if pid == leader {
				_ = cmd.Process.Release()
				return done
			}
			continue
		}
		deliver := status.StopSignal()
		if deliver == unix.SIGTRAP || deliver == unix.SIGSTOP { // of the tracing itself
			deliver = 0
		}
		switch status.TrapCause() {
		case unix.PTRACE_EVENT_EXEC:
			done.programs++
		case unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK:
			done.processes++
		case unix.PTRACE_EVENT_EXIT:
			done.read = max(done.read, readBytes(leader))
		}
		if err := unix.PtraceCont(pid, int(deliver)); err != nil && !errors.Is(err, unix.ESRCH) {
			t.Fatal(err)
		}
	}
}

// readBytes is what a process has read so far.
func readBytes(pid int) (n int64) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err == nil {
		_, err = fmt.Sscanf(string(data), "rchar: %d", &n)
	}
	if err != nil {
		return 0
	}
	return n
}

// manifest is every file of a tree with what changes when it does.
func manifest(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		var st unix.Stat_t
		if err = errors.Join(err, unix.Lstat(path, &st)); err != nil {
			return err
		}
		files[strings.TrimPrefix(path, root)] = fmt.Sprint(st.Ino, st.Mode, st.Uid, st.Gid, st.Size, st.Nlink, st.Mtim, st.Ctim)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestNothingDone: over an image no process is started and no program is run, and in
// it and on a host not a file is changed. Where sshd may be run, tracing sees that.
func TestNothingDone(t *testing.T) {
	root := wrong(t)
	fakes(t, root)
	liveCommand(t, root) // makes the directories
	seawall := filepath.Join(programs, "seawall")
	for _, args := range [][]string{
		{"check", "--profile", "all"}, {"check", "--profile", "all", "--format", "html"}, {"facts"}, {"explain", "ssh-permit-root-login"},
	} {
		before := manifest(t, root)
		if done := trace(t, exec.Command(seawall, append(args, "--root", root)...)); done.programs != 0 || done.processes != 0 || done.read == 0 {
			t.Errorf("%s: %+v", args, done)
		}
		if diff := cmp.Diff(before, manifest(t, root)); diff != "" {
			t.Errorf("%s (-before +after)\n%s", args, diff)
		}
	}
	before := manifest(t, root)
	done := trace(t, liveCommand(t, root, "check", "--profile", "all"))
	t.Logf("on a host: %+v", done)
	// The first program is seawall itself; Go starts one process more to see how it may.
	if done.programs < 2 || done.programs > 13 || done.processes > done.programs {
		t.Errorf("on a host: %+v", done)
	}
	after := manifest(t, root)
	for _, own := range []string{"/ran", "/ran/sshd"} { // by which the false sshd tells
		delete(before, own)
		delete(after, own)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("on a host (-before +after)\n%s", diff)
	}
}

// logs are files that grow, and that some fact is read from or looks at.
var logs = []string{
	"auth.log", "syslog", "messages", "secure", "kern.log", "audit/audit.log", "wtmp", "btmp", "lastlog", "faillog", "dpkg.log", "apt/history.log",
	"apt/term.log", "unattended-upgrades/unattended-upgrades.log", "dnf.log", "dnf.rpm.log", "yum.log", "cloud-init.log", "cloud-init-output.log",
	"nginx/access.log", "apache2/error.log", "ufw.log", "journal/0123456789abcdef0123456789abcdef/system.journal",
}

// TestLargeLogs: logs of a gigabyte, and logs of many lines, are not read whole.
func TestLargeLogs(t *testing.T) {
	const most = 16 << 20
	line := []byte("Nov 22 11:00:00 web1 sshd[123]: Failed password for root from 203.0.113.9 port 22 ssh2\n" +
		"2026-11-22 11:00:00 upgrade libc6:amd64 2.36-9 2.36-10\nStart-Date: 2026-11-22  11:00:00\n" +
		"type=SYSCALL msg=audit(1795345200.000:1): arch=c000003e syscall=59 success=yes\n")
	for name, put := range map[string]func(string) error{
		"sparse": func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o640), os.Truncate(p, 1<<30)) },
		"lines": func(p string) error {
			f, err := os.Create(p)
			chunk := bytes.Repeat(line, 1<<20/len(line))
			for range 24 {
				if err == nil {
					_, err = f.Write(chunk)
				}
			}
			return errors.Join(err, f.Close())
		},
	} {
		root := wrong(t)
		for _, n := range append([]string{"../lib/lastlog/lastlog2.db", "../../run/utmp"}, logs...) {
			if name == "sparse" || n != "../lib/lastlog/lastlog2.db" {
				replace(t, filepath.Join(root, "var/log", n), put)
			}
		}
		check(t, name, root)
		live(t, name+", live", root)
		for _, cmd := range []*exec.Cmd{
			exec.Command(filepath.Join(programs, "seawall"), "check", "--profile", "all", "--root", root),
			liveCommand(t, root, "check", "--profile", "all"),
		} {
			done := trace(t, cmd)
			t.Logf("%s: %d bytes read", name, done.read)
			if done.read == 0 || done.read > most {
				t.Errorf("%s: %d bytes read", name, done.read)
			}
		}
	}
}
