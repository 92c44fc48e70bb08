package auditbench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"seawall/agent/spool"
	"seawall/pkg/wire"
)

var frozenFlag = flag.Duration("frozen", 0, "for how long disk and uplink are frozen; 0: a minute in benchmarks, 5 s in tests")

// frozenRate is how many events there are in a second meanwhile.
const frozenRate = 2000

// TestFrozenDisk: while the file system of spool and state does not answer, at 2,000 events
// a second, each event is read and no system call of the audited program waits for us.
// What a detection says waits in the sensor until it can be written.
func TestFrozenDisk(t *testing.T) {
	need(t)
	disk, thaw := slowDisk(t)
	f := frozen{state: disk, freeze: func() { command(t, "fsfreeze", "-f", disk) }, thaw: thaw, during: 5 * time.Second}
	f.measure(t)
}

// BenchmarkFrozen has first the disk stand still for a minute and then the uplink, a
// process that reads the spool as the uplink does. The worst system call of the audited
// program is told, and what is missing: of events, and of the canary's openings that
// detections counted, as whoever reads the spool learns in the end.
func BenchmarkFrozen(b *testing.B) {
	need(b)
	b.Run("disk", func(b *testing.B) {
		disk, thaw := slowDisk(b)
		f := frozen{state: disk, freeze: func() { command(b, "fsfreeze", "-f", disk) }, thaw: thaw, during: time.Minute}
		f.report(b, "disk")
	})
	b.Run("uplink", func(b *testing.B) {
		state := b.TempDir()
		up := &uplink{dir: filepath.Join(state, "spool")}
		defer up.end()
		f := frozen{state: state, during: time.Minute, uplink: up, freeze: func() { up.signal(b, syscall.SIGSTOP) }, thaw: func() { up.signal(b, syscall.SIGCONT) }}
		f.report(b, "uplink")
	})
}

// frozen is something that stands still while the sensor works.
type frozen struct {
	state        string // directory of the sensor's state and spool
	freeze, thaw func()
	during       time.Duration
	uplink       *uplink // nil: the spool is read in the end
}

func (z *frozen) report(b *testing.B, what string) {
	b.Helper()
	f, uncounted := z.measure(b)
	b.ReportMetric(f.worst, "worst-ms")
	b.ReportMetric(f.missing, "missing")
	b.ReportMetric(float64(uncounted), "uncounted")
	b.ReportMetric(f.cpu, "cpu-µs/event")
	b.ReportMetric(f.rss, "rss-MB")
	b.ReportMetric(0, "ns/op")
	fmt.Fprintf(&summary, "%s frozen for %v at %d events/s: worst system call %.1f ms, %.0f events missing, %d not counted by detections, RSS %.1f MB\n",
		what, z.during, frozenRate, f.worst, f.missing, uncounted, f.rss)
}

// measure returns what was measured, and how many openings of the canary no detection in
// the spool counts.
func (z *frozen) measure(tb testing.TB) (f figure, uncounted int) {
	tb.Helper()
	if *frozenFlag > 0 {
		z.during = *frozenFlag
	}
	dir, err := os.MkdirTemp("", "auditbench")
	if err != nil {
		tb.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := makeFiles(dir); err != nil {
		tb.Fatal(err)
	}
	k, err := holdKernel(forever)
	if err != nil {
		tb.Fatal(err)
	}
	defer k.release()
	run, err := seawallReader().begin(k, z.state)
	if err != nil {
		tb.Fatal(err)
	}
	end := sync.OnceFunc(run.end)
	defer end()
	defer z.thaw()
	around := load{500, 1000}
	if _, err := run.measure(around, dir); err != nil {
		tb.Fatal(err)
	}
	if z.uplink != nil {
		z.uplink.start(tb)
	}
	z.freeze()
	long := load{int(z.during.Seconds() * frozenRate), frozenRate}
	if f, err = run.measure(long, dir); err != nil {
		tb.Fatal(err)
	}
	z.thaw()
	tb.Logf("frozen for %v: %+v", z.during, f)
	const worst = 20 // ms
	if status, err := k.control.Status(); err != nil || status.Lost > 0 || f.missing > 0 {
		tb.Errorf("%v events are missing, the kernel lost %d: %v", f.missing, status.Lost, err)
	}
	if f.worst > worst {
		tb.Errorf("a system call took %.1f ms", f.worst)
	}
	// It goes on, and what was found is on the disk.
	if f, err := run.measure(around, dir); err != nil || f.missing > 0 {
		tb.Errorf("after it: %+v, %v", f, err)
	}
	end()
	want := 2*canaries(around) + canaries(long)
	if uncounted = want - z.counted(tb, want); uncounted != 0 {
		tb.Errorf("%d of %d openings of the canary are in no detection", uncounted, want)
	}
	return f, uncounted
}

// canaries is how often a load opens the file that a detection is about.
func canaries(l load) int { return (l.events + files - 1) / files }

// counted is what the reader of the spool learns in the end of the canary's openings.
func (z *frozen) counted(tb testing.TB, want int) int {
	tb.Helper()
	if z.uplink == nil {
		var c canaryCount
		r, err := spool.OpenReader(filepath.Join(z.state, "spool"), lane)
		if err != nil {
			tb.Fatal(err)
		}
		defer r.Close()
		if err := c.read(r); err != nil {
			tb.Fatal(err)
		}
		return c.sum()
	}
	_ = eventually(20*time.Second, "uplink", func() bool { return z.uplink.events() >= int64(want) })
	return int(z.uplink.events())
}

// canaryCount is how often detections counted the canary, by the detection's ID: each
// report of one has the count since it began.
type canaryCount map[string]uint64

func (c *canaryCount) sum() (n int) {
	for _, count := range *c {
		n += int(count)
	}
	return n
}

// read takes what is in a spool.
func (c *canaryCount) read(r *spool.Reader) error {
	if *c == nil {
		*c = canaryCount{}
	}
	for {
		rec, err := r.Next()
		if errors.Is(err, spool.ErrEmpty) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(rec.Gaps) > 0 {
			return fmt.Errorf("the spool lacks %v", rec.Gaps)
		}
		told, err := wire.Decode(rec.Payload)
		if err != nil {
			return err
		}
		if d := told.Detection; d != nil && strings.HasPrefix(canaryRule, "title: "+d.Title+"\n") {
			(*c)[d.ID] = max((*c)[d.ID], d.Count)
		}
	}
}

// readUplink is the role of the uplink: it reads the spool as that does, and tells how
// often the canary was opened.
func readUplink(ctx context.Context, args []string) error {
	var told atomic.Int64
	go answer(told.Load)
	var c canaryCount
	var r *spool.Reader
	for ctx.Err() == nil {
		var err error
		if r == nil {
			r, err = spool.OpenReader(args[0], lane)
		}
		if errors.Is(err, fs.ErrNotExist) {
			<-time.After(100 * time.Millisecond)
			continue
		}
		if err == nil {
			err = c.read(r)
		}
		if err != nil {
			return err
		}
		told.Store(int64(c.sum()))
		if err := r.Wait(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// uplink is such a process.
type uplink struct {
	dir string
	*running
}

func (u *uplink) start(tb testing.TB) {
	tb.Helper()
	run, err := startOwn("uplink")(u.dir)
	if err != nil {
		tb.Fatal(err)
	}
	u.running = run
	if err := eventually(10*time.Second, "uplink", func() bool { return u.events() > 0 }); err != nil {
		tb.Fatal(err)
	}
}

func (u *uplink) signal(tb testing.TB, s syscall.Signal) {
	tb.Helper()
	if u.running == nil {
		return
	}
	if err := u.cmd.Process.Signal(s); err != nil {
		tb.Error(err)
	}
}

func (u *uplink) end() {
	if u.running != nil {
		u.running.end()
	}
}

// seawallReader is ours.
func seawallReader() reader { return reader{name: "seawall", start: startOwn("seawall")} }

// slowDisk mounts a file system of its own that can be frozen.
func slowDisk(tb testing.TB) (dir string, thaw func()) {
	tb.Helper()
	image := filepath.Join(tb.TempDir(), "image")
	dir = tb.TempDir()
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Truncate(image, 256<<20); err != nil {
		tb.Fatal(err)
	}
	command(tb, "mkfs.ext4", "-q", image)
	command(tb, "mount", "-o", "loop", image, dir)
	thaw = func() { _ = exec.Command("fsfreeze", "-u", dir).Run() }
	tb.Cleanup(func() {
		thaw()
		command(tb, "umount", dir)
	})
	return dir, thaw
}

func command(tb testing.TB, argv ...string) {
	tb.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		tb.Fatal(fmt.Errorf("%v: %w: %s", argv, err, out))
	}
}
