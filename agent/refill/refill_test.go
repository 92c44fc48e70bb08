package refill

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/hostfs"
)

const logName = "/var/log/audit/audit.log"

// host is a root with auditd's configuration and files of its log by number.
func host(t *testing.T, files map[int]string) hostfs.Root {
	t.Helper()
	top := t.TempDir()
	write(t, top, confName, "log_file = "+logName+"\nwrite_logs = yes\n")
	for n, text := range files {
		name := logName
		if n > 0 {
			name = fmt.Sprintf("%s.%d", logName, n)
		}
		write(t, top, name, text)
	}
	root, err := hostfs.Open(top)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func write(t *testing.T, top, name, text string) {
	t.Helper()
	name = top + name
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o640)); err != nil {
		t.Fatal(err)
	}
}

const epoch = 1795289500

// event is the text of one event, ten to a second.
func event(serial int) string {
	return eventAt(serial, epoch*1000+int64(serial)*100)
}

func eventAt(serial int, milli int64) string {
	head := fmt.Sprintf("msg=audit(%d.%03d:%d):", milli/1000, milli%1000, serial)
	return fmt.Sprintf("type=SYSCALL %s arch=c000003e syscall=257 success=yes exit=3 items=1 pid=%d uid=0 key=\"k\"\n"+
		"type=PATH %s item=0 name=\"/f%d\" nametype=NORMAL\ntype=PROCTITLE %s proctitle=\"x\"\n", head, serial, head, serial, head)
}

func eventsFrom(first, last int) string {
	var b strings.Builder
	for n := first; n <= last; n++ {
		b.WriteString(event(n))
	}
	return b.String()
}

func at(serial int) time.Time { return time.UnixMilli(epoch*1000 + int64(serial)*100) }

func want(from, to int) Range { return Range{uint32(from), uint32(to), at(from - 1), at(to + 1)} }

// collect makes a job that notes the serials it hands out.
func collect(got *[]int, ranges ...Range) *Job {
	return NewJob(ranges, func(e *audit.Event) {
		if !e.Filled || e.Partial || len(e.Paths) != 1 || string(e.Paths[0].Name) != fmt.Sprintf("/f%d", e.Serial) {
			*got = append(*got, -1)
		}
		*got = append(*got, int(e.Serial))
	})
}

func numbers(from, to int) (n []int) {
	for ; from <= to; from++ {
		n = append(n, from)
	}
	return n
}

func TestReadsOverRotatedFiles(t *testing.T) {
	root := host(t, map[int]string{2: eventsFrom(1, 3000), 1: eventsFrom(3001, 6000), 0: eventsFrom(6001, 6500)})
	for _, r := range []Range{want(2990, 3010), want(1, 5), want(5999, 6003), want(6498, 6500), want(2990, 6400)} {
		var got []int
		j := collect(&got, r)
		if err := j.Read(root, logName); err != nil {
			t.Fatal(err)
		}
		j.Close()
		if diff := cmp.Diff(numbers(int(r.From), int(r.To)), got); diff != "" {
			t.Errorf("%d to %d: %s", r.From, r.To, diff)
		}
		if j.Passed() != (r.To < 6390) {
			t.Errorf("%d to %d: passed %v", r.From, r.To, j.Passed())
		}
		if r.From == 6498 && j.read > 200<<10 {
			t.Errorf("%d bytes were read for three events at the end", j.read)
		}
	}
}

// TestGoesOn reads what is appended and rotated between two looks, and each event once.
func TestGoesOn(t *testing.T) {
	whole := eventsFrom(1, 60)
	cut := strings.Index(whole, "type=PATH msg=audit(1795289504.000:40)") + 20 // in the middle of a line
	root := host(t, map[int]string{0: whole[:cut]})
	var got []int
	j := collect(&got, want(30, 59), want(80, 81))
	if err := j.Read(root, logName); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, numbers(30, 39)) || j.Found() != 10 {
		t.Fatalf("%v", got)
	}
	write(t, root.Path("/"), logName, whole+eventsFrom(61, 70))
	if err := j.Read(root, logName); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(root.Path(logName), root.Path(logName+".1")); err != nil {
		t.Fatal(err)
	}
	write(t, root.Path("/"), logName, eventsFrom(71, 400))
	for range 2 {
		if err := j.Read(root, logName); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	if diff := cmp.Diff(append(numbers(30, 59), 80, 81), got); diff != "" || !j.Passed() {
		t.Errorf("passed %v: %s", j.Passed(), diff)
	}
}

// TestTakesNoOtherBoots: the same serials of another boot, damaged lines and events that
// have no end.
func TestTakesNoOtherBoots(t *testing.T) {
	old := ""
	for n := 1; n <= 50; n++ {
		old += eventAt(n, (epoch-86400)*1000+int64(n))
	}
	noEnd := strings.ReplaceAll(event(21), "type=PROCTITLE", "type=CWD")
	root := host(t, map[int]string{1: old, 0: eventsFrom(1, 19) + "type=SYSCALL msg=audit(nonsense\n" + strings.Repeat("x", 200<<10) + "\n" + event(20) + noEnd + eventsFrom(22, 40)})
	var got []int
	j := collect(&got, want(18, 23))
	if err := j.Read(root, logName); err != nil {
		t.Fatal(err)
	}
	j.Close()
	slices.Sort(got)
	if diff := cmp.Diff(numbers(18, 23), got); diff != "" {
		t.Error(diff)
	}
	// The clock was set back in between: the times around the gap are the wrong way round.
	got = nil
	j = collect(&got, Range{18, 23, at(24), at(17)})
	if err := j.Read(root, logName); err != nil {
		t.Fatal(err)
	}
	j.Close()
	if slices.Sort(got); !slices.Equal(got, numbers(18, 23)) {
		t.Errorf("%v", got)
	}
}

func TestLogFile(t *testing.T) {
	for conf, want := range map[string]string{
		"log_file = /srv/a.log\n": "/srv/a.log", "": defaultLog, "write_logs = no\n": "", "log_format = NOLOG\n": "", "nonsense\nlog_file=/x\nLOG_FILE = /y\n# log_file = /z\n": "/y",
	} {
		top := t.TempDir()
		write(t, top, confName, conf)
		root, err := hostfs.Open(top)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := LogFile(root); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", conf, got, err)
		}
	}
	root, _ := hostfs.Open(t.TempDir())
	if _, err := LogFile(root); !errors.Is(err, ErrNoLog) {
		t.Errorf("no auditd: %v", err)
	}
}

func TestBadFiles(t *testing.T) {
	root := host(t, nil)
	var got []int
	if err := collect(&got, want(1, 2)).Read(root, logName); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no log: %v", err)
	}
	// A FIFO must not hold us up.
	if err := errors.Join(os.MkdirAll(filepath.Dir(root.Path(logName)), 0o755), unix.Mkfifo(root.Path(logName), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := collect(&got, want(1, 2)).Read(root, logName); err == nil {
		t.Error("a FIFO was read")
	}
	empty := host(t, map[int]string{0: "", 1: ""})
	if err := collect(&got, want(1, 2)).Read(empty, logName); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestFind(t *testing.T) {
	root := host(t, map[int]string{1: eventAt(7, (epoch-86400)*1000) + event(9), 0: eventsFrom(1, 8)})
	for serial, records := range map[uint32]int{7: 3, 9: 3, 10: 0} {
		lines, when, err := Find(root, logName, serial)
		if err != nil || len(lines) != records || records > 0 && !when.Equal(at(int(serial))) {
			t.Errorf("%d: %v, %v, %v", serial, lines, when, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(eventsFrom(1, 5)), uint32(2), uint32(4))
	f.Add([]byte("type=SYSCALL msg=audit(1795289500.540:3): \x1dx\ntype=EOE msg=audit(1.000:3):\n"), uint32(1), uint32(4294967295))
	f.Fuzz(func(t *testing.T, log []byte, from, to uint32) {
		root := host(t, map[int]string{0: string(log)})
		seen := map[uint32]bool{}
		j := NewJob([]Range{{from, to, at(1), at(5)}}, func(e *audit.Event) {
			if seen[e.Serial] || int32(e.Serial-from) < 0 || int32(e.Serial-to) > 0 {
				t.Errorf("serial %d was handed out", e.Serial)
			}
			seen[e.Serial] = true
		})
		for range 2 {
			if err := j.Read(root, logName); err != nil {
				t.Fatal(err)
			}
		}
		j.Close()
	})
}
