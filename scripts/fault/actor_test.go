package fault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/spool/inspect"
	"seawall/pkg/finding"
	"seawall/scripts/stage"
)

func auditdComes(t *testing.T) string {
	stage.TakeAudit(t)
	w := watch(t)
	w.modeIs(t, "unicast")
	daemon := stage.StartAuditd(t)
	w.modeIs(t, "multicast")
	had := len(w.changes(t))
	w.set(t, "yes")
	beside := w.next(t, had)
	if beside.Cause == nil {
		t.Error("no cause beside auditd")
	}
	daemon.Signal(syscall.SIGTERM)
	daemon.Wait()
	w.set(t, "no")
	after := w.next(t, had+1)
	return fmt.Sprintf("unicast, then multicast; cause beside auditd %v, change seen after its end, cause %v", beside.Cause != nil, after.Cause != nil)
}

func rulesFlushed(t *testing.T) string {
	stage.TakeAudit(t)
	w := watch(t)
	ours := func() int { return strings.Count(strings.Join(stage.AuditState(t), "\n"), "seawall") }
	stage.Await(t, "the sensor's rules", 20*time.Second, func() bool { return ours() > 0 })
	before, start := ours(), time.Now()
	must(t, "auditctl", "-D")
	stage.Await(t, "the rules' return", 40*time.Second, func() bool { return ours() == before })
	back := time.Since(start)
	had := len(w.changes(t))
	w.set(t, "yes")
	r := w.next(t, had)
	if r.Cause == nil {
		t.Error("the change after the return has no cause")
	}
	return fmt.Sprintf("%d rules back after %.1f s, the next change has its cause", before, back.Seconds())
}

func noAudit(t *testing.T) string {
	stage.TakeAudit(t)
	w := watch(t, "unshare", "-U", "-r")
	w.modeIs(t, "off")
	c := w.counters(t)
	if c.AuditReason == "" {
		t.Error("no reason is told")
	}
	had := len(w.changes(t))
	w.set(t, "yes")
	r := w.next(t, had)
	return fmt.Sprintf("mode off (%s), the change is seen: %s", c.AuditReason, r.Actual)
}

func stopped(t *testing.T) string {
	stage.TakeAudit(t)
	w := watch(t)
	had := len(w.changes(t))
	w.Signal(syscall.SIGSTOP)
	pause := time.NewTicker(300 * time.Millisecond)
	defer pause.Stop()
	for n := range 10 {
		<-pause.C
		w.set(t, []string{"no", "yes"}[n%2])
	}
	w.Signal(syscall.SIGCONT)
	r := w.next(t, had)
	if r.Status != finding.StatusFail {
		t.Errorf("the state told is %v, %q", r.Status, r.Actual)
	}
	if r.Cause == nil {
		t.Error("it has no cause")
	}
	return fmt.Sprintf("10 changes while stopped; told after: %q, with its cause", r.Actual)
}

func outOfMemory(t *testing.T) string {
	group := filepath.Join("/sys/fs/cgroup/memory", filepath.Base(stage.Place()))
	if err := errors.Join(os.Mkdir(group, 0o755), os.WriteFile(filepath.Join(group, "memory.limit_in_bytes"), []byte("6M"), 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(group) })
	dir := folder(t)
	p := sensor(t, dir, filepath.Join(dir, "spool"), "sh", "-c", `echo $$ > "$0"/cgroup.procs && exec "$@"`, group)
	stage.Launch(t, p)
	stage.Await(t, "the kernel's kill", 120*time.Second, p.Ended)
	var exited *exec.ExitError
	if !errors.As(p.Wait(), &exited) || exited.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("it ended with %v: %s", p.Wait(), p.Said())
	}
	if err := os.WriteFile(filepath.Join(group, "memory.limit_in_bytes"), []byte("-1"), 0); err != nil {
		t.Fatal(err)
	}
	p.Start(t)
	stage.Await(t, "the next sensor", 60*time.Second, func() bool { return p.Says("sensor started") && heartbeats(t, filepath.Join(dir, "spool")) > 0 })
	p.End(t)
	report, err := inspect.Verify(filepath.Join(dir, "spool"))
	if err != nil || !report.Good() {
		t.Errorf("the spool: %+v, %v", report, err)
	}
	return "killed at 6 MiB; the next one started, its spool is good"
}

// restarted kills the sensor and changes what it watches while none runs.
func restarted(t *testing.T) string {
	stage.TakeAudit(t)
	w := watch(t)
	const times = 4
	for n := range times {
		value, want := "yes", finding.StatusFail
		if n%2 == 1 {
			value, want = "no", finding.StatusPass
		}
		w.Kill()
		w.set(t, value)
		w.Start(t)
		stage.Await(t, "the state in the spool", 60*time.Second, func() bool { return w.status(t) == want })
	}
	had := len(w.changes(t))
	w.set(t, "yes")
	r := w.next(t, had)
	if r.Cause == nil {
		t.Error("the change after the restarts has no cause")
	}
	return fmt.Sprintf("%d kills with a change each: the next sensor tells each, and the next change has its cause", times)
}

// status is the newest status of the check in the spool, from a change or a state.
func (w *watched) status(t *testing.T) (status finding.Status) {
	t.Helper()
	for _, r := range records(t, w.spool, "posture") {
		var results []finding.Result
		switch {
		case r.Change != nil:
			results = []finding.Result{r.Change.Result}
		case r.State != nil:
			results = r.State.Results
		}
		for _, result := range results {
			if result.Check == "ssh-password-authentication" {
				status = result.Status
			}
		}
	}
	return status
}

func oddWays(t *testing.T) string {
	stage.TakeAudit(t)
	w := watch(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	shell := filepath.Join(w.dir, "sh")
	small := filepath.Join(w.dir, "small")
	must(t, "cp", "/bin/sh", shell)
	const line = "PasswordAuthentication yes\n"
	if err := os.WriteFile(small, elf32(dropIn, line), 0o755); err != nil {
		t.Fatal(err)
	}
	ways := []struct {
		name string
		argv []string
	}{
		{"rename", []string{"sh", "-c", `printf "$1" > "$2".new && mv "$2".new "$2"`, "sh", line, dropIn}},
		{"deleted program", []string{shell, "-c", `rm "$0" && printf "$1" > "$2"`, shell, line, dropIn}},
		{"mmap", []string{"env", envRole + "=mapped", self, dropIn, line}},
		{"program in memory", []string{"env", envRole + "=memory", self, dropIn, line}},
		{"32-bit program", []string{small}},
	}
	var seen []string
	for _, way := range ways {
		had := len(w.changes(t))
		must(t, append(w.within, way.argv...)...)
		r := w.next(t, had)
		if r.Status != finding.StatusFail {
			t.Errorf("%s: %v", way.name, r.Status)
		}
		exe := "nobody"
		if r.Cause != nil {
			exe = r.Cause.Exe
		} else {
			t.Errorf("%s: no cause", way.name)
		}
		seen = append(seen, way.name+" by "+exe)
		w.set(t, "no")
		w.next(t, had+1)
	}
	return strings.Join(seen, ", ")
}

// writeMapped changes a file through memory.
func writeMapped(file, line string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(int64(len(line))); err != nil {
		return err
	}
	m, err := unix.Mmap(int(f.Fd()), 0, len(line), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	copy(m, line)
	return errors.Join(unix.Msync(m, unix.MS_SYNC), unix.Munmap(m))
}

// writeFromMemory runs a shell that stands in no file.
func writeFromMemory(file, line string) error {
	text, err := os.ReadFile("/bin/sh")
	if err != nil {
		return err
	}
	fd, err := unix.MemfdCreate("odd", 0)
	if err != nil {
		return err
	}
	if _, err := unix.Write(fd, text); err != nil {
		return err
	}
	return syscall.Exec(fmt.Sprintf("/proc/self/fd/%d", fd), []string{"sh", "-c", `printf "$1" > "$0"`, file, line}, []string{"PATH=/usr/bin"})
}

// elf32 is a program of 32 bits for x86 that writes a text to a file through the
// kernel's old gate, int 0x80.
func elf32(file, text string) []byte {
	const base, headers = 0x08048000, 52 + 32
	code := func(path, data uint32) []byte {
		var b bytes.Buffer
		load := func(register byte, value uint32) { // mov register, value
			b.WriteByte(0xb8 + register)
			binary.Write(&b, binary.LittleEndian, value)
		}
		const eax, ecx, edx, ebx = 0, 1, 2, 3
		call := func(number uint32) {
			load(eax, number)
			b.Write([]byte{0xcd, 0x80})
		}
		load(ebx, path)
		load(ecx, uint32(os.O_WRONLY|os.O_CREATE|os.O_TRUNC))
		load(edx, 0o644)
		call(5)                     // open
		b.Write([]byte{0x89, 0xc3}) // mov ebx, eax
		load(ecx, data)
		load(edx, uint32(len(text)))
		call(4) // write
		load(ebx, 0)
		call(1) // exit
		return b.Bytes()
	}
	at := uint32(base + headers + len(code(0, 0)))
	body := append(code(at, at+uint32(len(file))+1), file+"\x00"+text...)
	var b bytes.Buffer
	b.WriteString("\x7fELF\x01\x01\x01" + strings.Repeat("\x00", 9))
	write := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	write([]uint16{2, 3}) // an executable, x86
	write([]uint32{1, base + headers, 52, 0, 0})
	write([]uint16{52, 32, 1, 0, 0, 0})
	size := uint32(headers + len(body))
	write([]uint32{1, 0, base, base, size, size, 5, 0x1000})
	b.Write(body)
	return b.Bytes()
}
