package auditbench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// reader is a program that reads kernel audit.
type reader struct {
	name  string
	needs []string // programs
	extra bool     // measured only when it is named
	start func(dir string) (*running, error)
}

// running is a reader that runs.
type running struct {
	cmd    *exec.Cmd
	pids   []int        // whose CPU counts, the audit daemon first
	events func() int64 // of ours, in its output
	close  func()
}

func readers() []reader {
	return []reader{
		seawallReader(),
		{name: "auditd-raw", needs: []string{"auditd"}, start: func(dir string) (*running, error) { return startAuditd(dir, "RAW", false) }},
		{name: "auditd-enriched", needs: []string{"auditd"}, start: func(dir string) (*running, error) { return startAuditd(dir, "ENRICHED", false) }},
		{name: "auditd-laurel", needs: []string{"auditd", "laurel"}, start: func(dir string) (*running, error) { return startAuditd(dir, "RAW", true) }},
		{name: "go-libaudit", start: startOwn("go-libaudit")},
		{name: "drain", extra: true, start: startOwn("drain")},
	}
}

// begin starts a reader and waits until it is the audit daemon.
func (r reader) begin(k *kernel, dir string) (*running, error) {
	run, err := r.start(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	if err := k.registered(run.pids[0]); err != nil {
		run.end()
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	return run, nil
}

func (k *kernel) registered(pid int) error { return k.registeredWithin(pid, 20*time.Second) }

func (k *kernel) registeredWithin(pid int, limit time.Duration) error {
	return eventually(limit, "audit daemon", func() bool {
		s, err := k.control.Status()
		return err == nil && s.PID == uint32(pid)
	})
}

// end ends the reader in order.
func (r *running) end() {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(10*time.Second, func() { _ = r.cmd.Process.Kill() })
	_ = r.cmd.Wait()
	timer.Stop()
	if r.close != nil {
		r.close()
	}
}

// cpu is the processor time that it took so far.
func (r *running) cpu() (sum time.Duration) {
	for _, pid := range r.pids {
		t, err := cpuTime(pid)
		if err != nil {
			return 0
		}
		sum += t
	}
	return sum
}

// sleeps is how often it went to sleep so far.
func (r *running) sleeps() (sum int64) {
	for _, pid := range r.pids {
		sum += switches(pid)
	}
	return sum
}

func (r *running) rss() (sum int64) {
	for _, pid := range r.pids {
		sum += peakRSS(pid)
	}
	return sum
}

// auditdConf is Debian's, but that files do not rotate and are elsewhere.
const auditdConf = `local_events = yes
write_logs = %s
log_file = %s/audit.log
log_format = %s
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 4000
num_logs = 5
priority_boost = 4
name_format = NONE
max_log_file_action = IGNORE
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
distribute_network = no
q_depth = 2000
overflow_action = IGNORE
max_restarts = 10
plugin_dir = %s/plugins.d
end_of_event_timeout = 2
`

const laurelPlugin = `active = yes
direction = out
type = always
format = string
path = %s
args = --config %s/laurel.toml
`

// laurelConf is Debian's, elsewhere and without rotation.
const laurelConf = `directory = "%s"
user = "_laurel"
[auditlog]
file = "laurel.log"
size = 4000000000
generations = 1
[transform]
[translate]
[enrich]
pid = true
execve-env = [ "LD_PRELOAD", "LD_LIBRARY_PATH" ]
container = true
script = true
[filter]
`

func startAuditd(dir, format string, laurel bool) (*running, error) {
	if err := os.MkdirAll(filepath.Join(dir, "plugins.d"), 0o750); err != nil {
		return nil, err
	}
	logs := "yes"
	output := filepath.Join(dir, "audit.log")
	if laurel {
		logs = "no" // laurel writes its own
		if err := writeLaurel(dir); err != nil {
			return nil, err
		}
		output = filepath.Join(dir, "laurel", "laurel.log")
	}
	if err := os.WriteFile(filepath.Join(dir, "auditd.conf"), fmt.Appendf(nil, auditdConf, logs, dir, format, dir), 0o640); err != nil {
		return nil, err
	}
	cmd := exec.Command("auditd", "-n", "-c", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	found := counter{name: output, text: []byte(`"` + key + `"`)}
	r := &running{cmd: cmd, pids: []int{cmd.Process.Pid}, events: found.count}
	if !laurel {
		return r, nil
	}
	err := eventually(10*time.Second, "laurel", func() bool {
		pid := child(cmd.Process.Pid, "laurel")
		if pid > 0 {
			r.pids = append(r.pids, pid)
		}
		return pid > 0
	})
	if err != nil {
		r.end()
		return nil, err
	}
	return r, nil
}

func writeLaurel(dir string) error {
	program, err := exec.LookPath("laurel")
	if err != nil {
		return err
	}
	own := filepath.Join(dir, "laurel")
	if err := os.MkdirAll(own, 0o750); err != nil {
		return err
	}
	u, err := user.Lookup("_laurel")
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	for parent := dir; parent != os.TempDir() && parent != "/"; parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o755); err != nil {
			return err
		}
	}
	return errors.Join(os.Chown(own, uid, gid),
		os.WriteFile(filepath.Join(dir, "laurel.toml"), fmt.Appendf(nil, laurelConf, own), 0o644),
		os.WriteFile(filepath.Join(dir, "plugins.d", "laurel.conf"), fmt.Appendf(nil, laurelPlugin, program, dir), 0o640))
}

// child returns the number of a process that a process started, by its name.
func child(parent int, name string) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		return 0
	}
	for _, word := range strings.Fields(string(text)) {
		comm, err := os.ReadFile("/proc/" + word + "/comm")
		if pid, _ := strconv.Atoi(word); err == nil && strings.TrimSpace(string(comm)) == name {
			return pid
		}
	}
	return 0
}

// counter counts a text in a file that grows.
type counter struct {
	name  string
	text  []byte
	at    int64
	total int64
}

func (c *counter) count() int64 {
	f, err := os.Open(c.name)
	if err != nil {
		return 0
	}
	defer f.Close()
	buf := make([]byte, 1<<20)
	for {
		n, _ := f.ReadAt(buf, c.at)
		end := bytes.LastIndexByte(buf[:n], '\n') + 1
		if end == 0 {
			return c.total
		}
		c.total += int64(bytes.Count(buf[:end], c.text))
		c.at += int64(end)
	}
}

// startOwn starts a reader that is a role of this program: a line on its standard input
// is answered with the number of events.
func startOwn(name string, args ...string) func(dir string) (*running, error) {
	return func(dir string) (*running, error) {
		cmd := role(name, append([]string{dir}, args...)...)
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		answers := bufio.NewReader(out)
		return &running{cmd: cmd, pids: []int{cmd.Process.Pid}, events: func() int64 {
			if _, err := fmt.Fprintln(in); err != nil {
				return 0
			}
			line, err := answers.ReadString('\n')
			if err != nil {
				return 0
			}
			n, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
			return n
		}}, nil
	}
}

// answer tells the number of events to whoever asks, until standard input ends.
func answer(events func() int64) {
	in := bufio.NewReader(os.Stdin)
	for {
		if _, err := in.ReadString('\n'); err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintln(os.Stderr, err)
			}
			return
		}
		fmt.Println(events())
	}
}
