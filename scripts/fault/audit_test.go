package fault

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/agent/spool"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
	"seawall/scripts/stage"
)

func auditFaults() []fault {
	return []fault{
		{"F22", "audit socket overrun", "sensor stopped while 20,000 records come", "the loss is counted and told, reading goes on", overrun},
		{"F23", "audit flood by a user", "a user opens a watched file 20,000 times while root changes it", "root's change arrives with its cause", flood},
		{"F24", "auditd comes and goes", "auditd started beside the sensor, then stopped", "sensor yields, goes on beside it and after it", auditdComes},
		{"F25", "audit rules changed", "auditctl -D under a running sensor", "the rules come back, changes have causes again", rulesFlushed},
		{"F28", "no kernel audit", "sensor in a user namespace", "checks go on without, and it says why", noAudit},
		{"F29", "sensor stopped", "SIGSTOP for 3 s during changes", "the last state is told after SIGCONT", stopped},
		{"F30", "out of memory", "sensor in a cgroup that is too small for it, then in a good one", "killed, and the next goes on with the spool", outOfMemory},
		{"F31", "restart with events flowing", "sensor killed 4 times, a change each time while it is away", "the next one tells it", restarted},
		{"F53", "odd ways to write", "32-bit call, deleted program, program in memory, rename, mmap", "each change seen, each with its actor", oddWays},
	}
}

// dropIn is the file that is changed, in the watched sensor's own /etc/ssh.
const dropIn = "/etc/ssh/sshd_config.d/50-fault.conf"

// watched is a sensor with kernel audit that has an /etc/ssh of its own.
type watched struct {
	*stage.Program
	dir, spool string
	within     []string // what a command is run under to be where the sensor is
}

// watch starts a sensor under the given command. It is in a mount namespace that
// outlives it, since the kernel tells a file by the name that its writer used.
func watch(t *testing.T, under ...string) *watched {
	t.Helper()
	dir := folder(t)
	w := &watched{dir: dir, spool: filepath.Join(dir, "spool")}
	ssh := filepath.Join(dir, "ssh")
	must(t, "cp", "-a", "/etc/ssh", ssh)
	if err := os.WriteFile(filepath.Join(ssh, "sshd_config"), []byte("Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ssh, "sshd_config.d", filepath.Base(dropIn)), []byte("PasswordAuthentication no\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	holder := &stage.Program{Argv: append(bound(ssh, "/etc/ssh"), "cat"), Log: filepath.Join(dir, "holder.log"), In: true}
	stage.Launch(t, holder)
	w.within = []string{"nsenter", fmt.Sprintf("--mount=/proc/%d/ns/mnt", holder.PID()), "--"}
	stage.Await(t, "the namespace", 30*time.Second, func() bool {
		_, code := run(t, append(w.within, "test", "-e", dropIn)...)
		return code == 0
	})
	w.Program = sensor(t, dir, w.spool, append(w.within, under...)...)
	w.Argv[slices.Index(w.Argv, "off")] = "auto"
	stage.Launch(t, w.Program)
	t.Cleanup(func() { // before the lock is given back
		if w.Ended() {
			return
		}
		w.Signal(syscall.SIGCONT)
		w.End(t)
	})
	stage.Await(t, "the sensor", 60*time.Second, func() bool { return w.Says("sensor started") })
	return w
}

// set has a shell write the drop-in.
func (w *watched) set(t *testing.T, value string) {
	t.Helper()
	must(t, append(w.within, "sh", "-c", `printf 'PasswordAuthentication %s\n' "$1" > "$2"`, "sh", value, dropIn)...)
}

// records returns what a lane of the spool holds.
func records(t *testing.T, dir, lane string) (all []finding.Record) {
	t.Helper()
	r, err := spool.OpenReader(dir, lane)
	if err != nil {
		return nil // not made yet
	}
	defer r.Close()
	for {
		record, err := r.Next()
		if err != nil {
			return all
		}
		decoded, err := wire.Decode(record.Payload)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, decoded)
	}
}

// changes returns the changes of the check that the drop-in is for.
func (w *watched) changes(t *testing.T) (all []finding.Result) {
	t.Helper()
	for _, r := range records(t, w.spool, "posture") {
		if r.Change != nil && r.Change.Result.Check == "ssh-password-authentication" {
			all = append(all, r.Change.Result)
		}
	}
	return all
}

// next waits for one more change and returns the last.
func (w *watched) next(t *testing.T, had int) finding.Result {
	t.Helper()
	var all []finding.Result
	stage.Await(t, "the change in the spool", 30*time.Second, func() bool {
		all = w.changes(t)
		return len(all) > had
	})
	return all[len(all)-1]
}

func (w *watched) counters(t *testing.T) finding.Counters {
	t.Helper()
	all := records(t, w.spool, "health")
	for _, r := range slices.Backward(all) {
		if r.Heartbeat != nil {
			return r.Heartbeat.Counter
		}
	}
	return finding.Counters{}
}

// messages sends user messages to the kernel's audit, which is what any process
// with CAP_AUDIT_WRITE can do.
func messages(t *testing.T, n int) {
	t.Helper()
	s, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW, 9)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(s)
	text := append([]byte("seawall fault: "+strings.Repeat("x", 200)), 0)
	header := []byte{byte(16 + len(text)), 0, 0, 0, 0xed, 0x03, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0} // type 1005, AUDIT_USER
	for range n {
		if err := syscall.Sendto(s, append(header[:16:16], text...), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
			t.Fatal(err)
		}
	}
}

func overrun(t *testing.T) string {
	const sent = 20_000
	// Beside an audit daemon the sensor listens, and the kernel drops what it does not
	// take without counting it.
	stage.TakeAudit(t)
	stage.StartAuditd(t)
	// The capabilities that its unit gives it are not enough for a large buffer.
	w := watch(t, "setpriv", "--bounding-set=-net_admin")
	stage.Await(t, "a heartbeat", 20*time.Second, func() bool { return w.counters(t).AuditMode != "" })
	w.Signal(syscall.SIGSTOP)
	messages(t, sent)
	w.Signal(syscall.SIGCONT)
	var c finding.Counters
	stage.Await(t, "the loss in a heartbeat", 30*time.Second, func() bool {
		messages(t, 1) // what is missing shows by what comes after it
		c = w.counters(t)
		return c.Overruns > 0 && c.SerialGaps > 0
	})
	had := len(w.changes(t))
	w.set(t, "yes")
	r := w.next(t, had)
	if r.Cause == nil {
		t.Error("the change after the loss has no cause")
	}
	return fmt.Sprintf("%s: %d records sent, %d overruns, %d serials missing, %d read; the next change has its cause", c.AuditMode, sent, c.Overruns, c.SerialGaps, c.Records)
}

func flood(t *testing.T) string {
	const opens = 20_000
	stage.TakeAudit(t)
	w := watch(t)
	// The user may not write, and each try is a record of a watched file.
	cmd := exec.Command(w.within[0], append(w.within[1:], "setpriv", "--reuid=61234", "--regid=61234", "--clear-groups", "sh", "-c",
		fmt.Sprintf(`n=0; while [ $n -lt %d ]; do true 2>/dev/null >> "$0"; n=$((n+1)); done`, opens), dropIn)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stage.Await(t, "the flood", 30*time.Second, func() bool { return w.counters(t).Records > 500 })
	start := time.Now()
	had := len(w.changes(t))
	w.set(t, "yes")
	r := w.next(t, had)
	took := time.Since(start)
	cmd.Wait()
	if r.Cause == nil || r.Cause.UID != 0 {
		t.Errorf("cause %+v, want root's", r.Cause)
	}
	c := w.counters(t)
	return fmt.Sprintf("root's change after %v with its cause; %d records, kernel lost %d", took.Round(time.Millisecond), c.Records, c.KernelLost)
}

// modeIs waits until a heartbeat tells the audit mode.
func (w *watched) modeIs(t *testing.T, mode string) {
	t.Helper()
	stage.Await(t, "audit mode "+mode, 60*time.Second, func() bool { return w.counters(t).AuditMode == mode })
}
