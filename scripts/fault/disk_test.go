package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/scripts/stage"
)

func diskFaults() []fault {
	return []fault{
		{"F05", "disk full", "spool's tmpfs filled while a writer writes, then freed", "writer lives, appends fail, then go on; nothing durable lost", diskFull},
		{"F06", "EIO on fsync", "the 3rd to 5th fdatasync fails", "written again to a new segment, nothing lost", syncFails},
		{"F07", "file system goes read-only", "an ext4 error with errors=remount-ro under a sensor", "sensor lives, CPU under 15 %, goes on after the repair", readOnly},
		{"F08", "inodes used up", "spool on a tmpfs with 24 inodes, the others taken", "as on a full disk", noInodes},
	}
}

// starve runs a writer, takes something away from its disk and gives it back. The
// writer may be refused, or make room by evicting its own oldest; it returns how
// many appends were refused and how many records evicted.
func starve(t *testing.T, o order, take, give func()) (l *ledger, refused int, evicted uint64) {
	t.Helper()
	l = newLedger()
	w := startWriter(t, l, o)
	stage.Await(t, "a stream", 30*time.Second, func() bool { return l.count() > 50 })
	take()
	before := l.count()
	stage.Await(t, "a hundred tries without room", 20*time.Second, func() bool { return l.count()+l.failures("no space left") > before+100 })
	w.Alive(t)
	refused = l.failures("no space left")
	give()
	after := l.count()
	stage.Await(t, "the stream to go on", 20*time.Second, func() bool { return l.count() > after+50 })
	w.stop(t)
	got, gaps := read(t, o.Dir)
	gaps = evictedBefore(t, o.Dir, gaps)
	l.whole(t, got, gaps)
	for _, g := range gaps {
		evicted += g.to - g.from + 1
	}
	return l, refused, evicted
}

func diskFull(t *testing.T) string {
	disk := small(t, folder(t), "disk", "size=4m")
	o := order{Dir: filepath.Join(disk, "spool"), Lanes: map[string]int64{"posture": 3 << 20, "health": 512 << 10}, Segment: 16 << 10, Group: 4, Pace: time.Millisecond}
	var filler string
	l, refused, evicted := starve(t, o, func() { filler = fill(t, disk, 0) }, func() { os.Remove(filler) })
	return fmt.Sprintf("%d appends refused, %d records evicted, %d durable, all accounted for", refused, evicted, len(l.durable))
}

func noInodes(t *testing.T) string {
	disk := small(t, folder(t), "disk", "size=8m,nr_inodes=24")
	o := order{Dir: filepath.Join(disk, "spool"), Lanes: map[string]int64{"posture": 256 << 10, "health": 64 << 10}, Segment: 8 << 10, Group: 4, Pace: time.Millisecond}
	var taken []string
	take := func() {
		for n := 0; ; n++ {
			name := filepath.Join(disk, strconv.Itoa(n))
			if os.WriteFile(name, nil, 0o600) != nil {
				return
			}
			taken = append(taken, name)
		}
	}
	l, refused, evicted := starve(t, o, take, func() {
		for _, name := range taken {
			os.Remove(name)
		}
	})
	return fmt.Sprintf("%d inodes taken, %d appends refused, %d records evicted, %d durable, all accounted for", len(taken), refused, evicted, len(l.durable))
}

func syncFails(t *testing.T) string {
	place := folder(t)
	l := newLedger()
	o := order{Dir: filepath.Join(place, "spool"), Lanes: roomy, Group: 5, Records: 400}
	w := startWriter(t, l, o, "strace", "-f", "-qq", "-o", filepath.Join(place, "calls"), "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=3..5")
	w.settle(t)
	if w.Wait() != nil {
		t.Fatalf("the writer: %v", w.Wait())
	}
	calls, err := os.ReadFile(filepath.Join(place, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	injected := strings.Count(string(calls), "(INJECTED)")
	if injected == 0 {
		t.Fatal("no fdatasync failed")
	}
	got, gaps := read(t, o.Dir)
	l.whole(t, got, gaps)
	refused := l.failures("append:")
	if len(got) != o.Records-refused || len(gaps) > 0 {
		t.Errorf("%d of %d records read, %d refused, gaps %v", len(got), o.Records, refused, gaps)
	}
	segments, _ := filepath.Glob(filepath.Join(o.Dir, "*", "*.seg"))
	return fmt.Sprintf("%d calls failed, %d segments, %d records read, %d refused", injected, len(segments), len(got), refused)
}

// loop mounts an ext4 of its own on a new folder below dir, and returns it and the
// name of its device.
func loop(t *testing.T, dir string, mkfs ...string) (path, device string) {
	t.Helper()
	image := filepath.Join(dir, "image")
	path = filepath.Join(dir, "disk")
	must(t, "truncate", "-s", "16M", image)
	must(t, append(append([]string{"mkfs.ext4", "-q"}, mkfs...), image)...)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	must(t, "mount", "-o", "loop,errors=remount-ro", image, path)
	t.Cleanup(func() { syscall.Unmount(path, syscall.MNT_DETACH) })
	return path, filepath.Base(strings.TrimSpace(must(t, "findmnt", "-no", "SOURCE", path)))
}

func readOnly(t *testing.T) string {
	place := folder(t)
	disk, device := loop(t, place)
	dir := filepath.Join(disk, "spool")
	p := stage.Launch(t, sensor(t, place, dir))
	stage.Await(t, "the sensor", 60*time.Second, func() bool { return p.Says("sensor started") && heartbeats(t, dir) > 1 })
	if err := os.WriteFile(filepath.Join("/sys/fs/ext4", device, "trigger_fs_error"), []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	stage.Await(t, "the sensor's word on it", 30*time.Second, func() bool { return p.Says("read-only file system") })
	share := idle(t, p)
	p.Alive(t)
	if share > most {
		t.Errorf("the sensor took %.1f %% of a core", share*100)
	}
	last := heartbeats(t, dir)
	p.Kill() // told to end it would say that what waits is lost
	must(t, "umount", disk)
	run(t, "e2fsck", "-fy", filepath.Join(place, "image"))
	must(t, "mount", "-o", "loop", filepath.Join(place, "image"), disk)
	p.Start(t)
	stage.Await(t, "heartbeats after the repair", 60*time.Second, func() bool { return heartbeats(t, dir) > last })
	p.End(t)
	return fmt.Sprintf("alive with %.1f %% CPU, %d heartbeats before, more after", share*100, last)
}

// most is what an idle sensor may take of a core with heartbeats twice a second on a busy machine:
// three times what it takes on a quiet one, and a sixth of what a loop takes.
const most = 0.15

// idle is the least share of a core that a process took in one of five measurements of three
// seconds: a beat can fall into each of them, and other work of the machine, while a process that
// tries again and again takes its share of all. It ends with the first below most.
func idle(t *testing.T, p *stage.Program) float64 {
	t.Helper()
	least := 1.0
	for range 5 {
		before, from := cpu(t, p), time.Now()
		beat := time.NewTimer(3 * time.Second) // the measurement
		<-beat.C
		least = min(least, (cpu(t, p)-before).Seconds()/time.Since(from).Seconds())
		if least <= most {
			break
		}
	}
	return least
}

// cpu is the time that a process and its threads took.
func cpu(t *testing.T, p *stage.Program) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):]))
	user, err := strconv.Atoi(f[12])
	system, err2 := strconv.Atoi(f[13])
	if err != nil || err2 != nil {
		t.Fatalf("%s: %v, %v", text, err, err2)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// heartbeats counts the durable records of the lane of heartbeats.
func heartbeats(t *testing.T, dir string) int {
	t.Helper()
	got, _ := read(t, dir)
	n := 0
	for k := range got {
		if k.lane == "health" {
			n++
		}
	}
	return n
}
