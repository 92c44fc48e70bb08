package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"seawall/scripts/stage"
)

// TestPatchTouchesNothing follows every system call of whole runs of seawall patch,
// on this host and on images of others: none writes, locks, starts a program or
// opens a socket.
func TestPatchTouchesNothing(t *testing.T) {
	bin := stage.Built(t, "seawall")
	roots := map[string]string{"this host": "/"}
	for name, archive := range map[string]string{
		"dpkg": "../../agent/facts/patch/deb/testdata/fx1.tar.gz",
		"rpm":  "../../agent/facts/patch/rpm/testdata/rfx1.tar.gz",
	} {
		dir := t.TempDir()
		if out, err := exec.Command("tar", "-xzf", archive, "-C", dir).CombinedOutput(); err != nil {
			t.Fatalf("unpack %s: %v: %s", archive, err, out)
		}
		roots[name] = dir
	}
	for name, root := range roots {
		t.Run(name, func(t *testing.T) {
			trace := filepath.Join(t.TempDir(), "calls")
			cmd := exec.Command("strace", "-f", "-y", "-qq", "-o", trace, bin, "patch", "--root", root, "--format", "json")
			out, err := cmd.Output()
			if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 || !strings.Contains(string(out), `"status": "known"`) {
				t.Fatalf("exit status %d, %v:\n%.2000s", code, err, out)
			}
			calls, err := os.ReadFile(trace)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for line := range strings.Lines(string(calls)) {
				n++
				if why := touches(line); why != "" {
					t.Errorf("%s: %s", why, line)
				}
			}
			if n < 100 {
				t.Errorf("%d calls were traced", n)
			}
		})
	}
}

var (
	call = regexp.MustCompile(`^\d+ +(\w+)\((.*)`)
	// What the Go runtime and the terminal are told.
	harmless = regexp.MustCompile(`^(1|2|\d+<anon_inode:\[eventfd\]>)[<,]|^\d+<anon_inode:\[eventfd\]>,`)
	changes  = regexp.MustCompile(`^(unlink|rename|mkdir|rmdir|link|symlink|mknod|chmod|fchmod|chown|fchown|lchown|truncate|ftruncate|fallocate|utime|setxattr|fsetxattr|mount)`)
)

// touches says what a system call does to others, "" when it does nothing.
func touches(line string) string {
	m := call.FindStringSubmatch(line)
	if m == nil {
		return "" // a signal, an exit, or the rest of an interrupted call
	}
	name, args := m[1], m[2]
	switch {
	case name == "execve" && !strings.Contains(args, "seawall"), strings.HasPrefix(name, "exec") && name != "execve":
		return "starts a program"
	case name == "fork", name == "vfork", strings.HasPrefix(name, "clone") && !strings.Contains(args, "CLONE_THREAD"):
		return "starts a process"
	case strings.HasPrefix(name, "socket"), name == "connect", name == "bind":
		return "opens a socket"
	case name == "flock", name == "fcntl" && strings.Contains(args, "SETLK"):
		return "takes a lock"
	case strings.HasPrefix(name, "open") && regexp.MustCompile(`O_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE|APPEND)`).MatchString(args):
		return "opens to write"
	case strings.Contains(name, "write") && !harmless.MatchString(args):
		return "writes"
	case changes.MatchString(name):
		return fmt.Sprintf("changes the file system (%s)", name)
	}
	return ""
}

// TestTouches holds the judge of the trace to calls of every kind.
func TestTouches(t *testing.T) {
	for line, bad := range map[string]bool{
		`12 openat(AT_FDCWD</>, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3</etc/passwd>`:              false,
		`12 openat(AT_FDCWD</>, "/tmp/x", O_RDWR|O_CREAT, 0644) = 3`:                              true,
		`12 write(1<pipe:[77]>, "{", 1) = 1`:                                                      false,
		`12 write(4<anon_inode:[eventfd]>, "\1\0\0\0\0\0\0\0", 8) = 8`:                            false,
		`12 write(7</tmp/x>, "{", 1) = 1`:                                                         true,
		`12 pwrite64(7</tmp/x>, "{", 1, 0) = 1`:                                                   true,
		`12 clone(child_stack=0xc0, flags=CLONE_VM|CLONE_FS|CLONE_SIGHAND|CLONE_THREAD) = 13`:     false,
		`12 clone3({flags=CLONE_VM|CLONE_VFORK|CLONE_PIDFD, exit_signal=SIGCHLD}, 88) = 13`:       true,
		`12 execve("/usr/bin/dpkg", ["dpkg"], 0x7 /* 3 vars */) = 0`:                              true,
		`12 socket(AF_UNIX, SOCK_STREAM, 0) = 3`:                                                  true,
		`12 fcntl(3</var/lib/dpkg/lock>, F_SETLK, {l_type=F_WRLCK}) = 0`:                          true,
		`12 fcntl(3</etc/passwd>, F_GETFL) = 0x8000`:                                              false,
		`12 renameat(AT_FDCWD</>, "a", AT_FDCWD</>, "b") = 0`:                                     true,
		`12 readlinkat(AT_FDCWD</>, "/proc/self/exe", "/x", 128) = 2`:                             false,
		`12 --- SIGURG {si_signo=SIGURG, si_code=SI_TKILL, si_pid=12, si_uid=0} ---`:              false,
		`12 flock(3</var/lib/rpm/.rpm.lock>, LOCK_SH) = 0`:                                        true,
		`12 unlinkat(AT_FDCWD</>, "/var/lib/rpm/rpmdb.sqlite-wal", 0) = -1 ENOENT (No such file)`: true,
	} {
		if why := touches(line); (why != "") != bad {
			t.Errorf("%s: %q", line, why)
		}
	}
}
