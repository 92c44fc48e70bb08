package fault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"seawall/agent/spool"
	"seawall/agent/spool/inspect"
	"seawall/agent/spool/segment"
	"seawall/pkg/wire"
	"seawall/scripts/stage"
)

// Bounds that nothing here reaches.
var roomy = map[string]int64{"posture": 32 << 20, "health": 32 << 20}

func spoolFaults() []fault {
	return []fault{
		{"F01", "kill -9", "writer killed 60 times after 0 to 30 ms", "every durable record read, none invented, back in 2 s", killed},
		{"F02", "crash at any step", "writer killed at call 1 to 60 that changes a file", "the same, whatever the call", killedAtCalls},
		{"F03", "torn, zeroed tail", "200 disks whose unsynced sectors are lost at random", "what was durable is read, the rest right or gone", tornTail},
		{"F04", "bit flip", "every byte of 20 records flipped, one at a time", "at most that record lost, and located", bitFlips},
		{"F39", "newer spool format", "a segment of format version 99 before good ones", "skipped and kept, the others read, writing goes on", newerFormat},
		{"F41", "cursor file damaged", "watermark emptied, of zeros, of ones, in the future", "nothing lost, nothing invented, writing goes on", damagedWatermark},
		{"F42", "segment is not a file", "symlink, FIFO, hard link, folder and foreign file in a lane", "never followed, set aside, no hang", notPlain},
		{"F43", "two writers", "a second sensor on the same spool", "exits with 2 and says why, the first goes on", twoWriters},
	}
}

func killed(t *testing.T) string {
	dir := filepath.Join(folder(t), "spool")
	l := newLedger()
	var slowest time.Duration
	const lives = 60
	for life := range lives {
		before, start := l.count(), time.Now()
		w := startWriter(t, l, order{Dir: dir, Lanes: roomy, Segment: 64 << 10, Life: life, Group: 1 + life%8})
		stage.Await(t, "the first durable record", 30*time.Second, func() bool { return l.count() > before })
		slowest = max(slowest, time.Since(start))
		pause := time.NewTimer(time.Duration(rand.Int64N(int64(30 * time.Millisecond))))
		<-pause.C
		w.stop(t)
	}
	got, gaps := read(t, dir)
	l.whole(t, got, gaps)
	if len(gaps) > 0 {
		t.Errorf("gaps %v, want none", gaps)
	}
	if slowest > 10*time.Second {
		t.Errorf("a writer took %v to come back", slowest)
	}
	return fmt.Sprintf("%d kills, %d durable, %d read, slowest return %v", lives, len(l.durable), len(got), slowest.Round(time.Millisecond))
}

// killedAtCalls has strace kill the writer at its Nth call that may change a file.
func killedAtCalls(t *testing.T) string {
	const calls = "openat,pwrite64,write,fdatasync,fsync,renameat,unlinkat,ftruncate,fallocate,mkdirat"
	place := folder(t)
	died, durable := 0, 0
	for n := 1; n <= 60; n++ {
		dir := filepath.Join(place, fmt.Sprint(n), "spool")
		if err := os.Mkdir(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		l := newLedger()
		o := order{Dir: dir, Lanes: map[string]int64{"posture": 8 << 10, "health": 8 << 10}, Segment: 2 << 10, Records: 30}
		w := startWriter(t, l, o, "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace="+calls, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", calls, n))
		w.settle(t)
		if w.Wait() != nil {
			died++
		}
		o.Life, o.Records = 1, 3
		w = startWriter(t, l, o)
		w.settle(t)
		if w.Wait() != nil {
			t.Fatalf("call %d: the next writer: %v", n, w.Wait())
		}
		got, gaps := read(t, dir)
		l.whole(t, got, evictedBefore(t, dir, gaps))
		durable += len(l.durable)
	}
	if died < 30 {
		t.Errorf("only %d of 60 writers died", died)
	}
	return fmt.Sprintf("%d writers killed at a call, %d records durable, none lost or invented", died, durable)
}

// evictedBefore adds what is older than a lane's oldest record: a reader who begins
// there is not told of it.
func evictedBefore(t *testing.T, dir string, gaps []gap) []gap {
	t.Helper()
	lanes, err := spool.Lanes(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, lane := range lanes {
		r, err := spool.OpenReader(dir, lane)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if oldest, _, err := r.Bounds(); err == nil && oldest.Seq > 1 {
			gaps = append(gaps, gap{lane, 1, oldest.Seq - 1, string(spool.Evicted)})
		}
	}
	return gaps
}

// written is a spool of n durable records and of more that are not, as the disk has
// it while its writer lives. It returns the size of each file of which all is
// durable.
func written(t *testing.T, dir string, durable, more int) (wrote map[key]string, sizes map[string]int64) {
	t.Helper()
	s, err := spool.Open(dir, spool.Config{Lanes: roomy, Interval: time.Hour, CommitBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	wrote, sizes = map[key]string{}, map[string]int64{}
	for n := range durable + more {
		if n == durable {
			if err := s.Sync(); err != nil {
				t.Fatal(err)
			}
			sizes = sized(t, dir)
		}
		r := made(0, n)
		payload, err := wire.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		pos, err := s.Append("posture", payload)
		if err != nil {
			t.Fatal(err)
		}
		wrote[key{"posture", pos.Epoch, pos.Seq}] = r.Change.Result.Actual
	}
	if more == 0 {
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	return wrote, sizes
}

func sized(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	sizes := map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			fi, err := d.Info()
			if err != nil {
				return err
			}
			sizes[strings.TrimPrefix(path, dir)] = fi.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

// tornTail makes the disks that a power cut may leave: of what was not synced, any
// sectors may be there.
func tornTail(t *testing.T) string {
	place := folder(t)
	dir := filepath.Join(place, "spool")
	const durable, more, disks, sector = 40, 40, 200, 512
	wrote, sizes := written(t, dir, durable, more)
	kept := 0
	for n := range disks {
		copied := filepath.Join(place, fmt.Sprint(n))
		must(t, "cp", "-a", dir, copied)
		for name, size := range sized(t, copied) {
			if !strings.HasSuffix(name, ".seg") {
				continue
			}
			f, err := os.OpenFile(copied+name, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			for off := sizes[name]; off < size; off = (off/sector + 1) * sector {
				if rand.IntN(2) == 0 {
					end := min(size, (off/sector+1)*sector)
					if _, err := f.WriteAt(make([]byte, end-off), off); err != nil {
						t.Fatal(err)
					}
				}
			}
			if rand.IntN(2) == 0 {
				if err := f.Truncate(sizes[name] + rand.Int64N(size-sizes[name]+1)); err != nil {
					t.Fatal(err)
				}
			}
			f.Close()
		}
		got := reopened(t, copied)
		for k, finding := range got {
			if want, ok := wrote[k]; ok && want != finding {
				t.Fatalf("disk %d: %+v is %s, want %s", n, k, finding, want)
			}
		}
		for k, finding := range wrote {
			if k.seq <= durable && got[k] != finding {
				t.Fatalf("disk %d: %+v was durable and is gone", n, k)
			}
		}
		kept += len(got) - durable - 1
	}
	return fmt.Sprintf("%d disks: all %d durable records read of each, %d of %d others", disks, durable, kept, disks*more)
}

// reopened writes one more record to a spool and returns what can be read of it.
func reopened(t *testing.T, dir string) map[key]string {
	t.Helper()
	s, err := spool.Open(dir, spool.Config{Lanes: roomy})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := wire.Encode(made(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AppendSync("posture", payload); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, _ := read(t, dir)
	return got
}

func bitFlips(t *testing.T) string {
	dir := filepath.Join(small(t, folder(t), "disk", "size=8m"), "spool")
	const records = 20
	wrote, _ := written(t, dir, records, 0)
	segments, err := filepath.Glob(filepath.Join(dir, "posture", "*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v: %v", segments, err)
	}
	good, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	lost, silent := 0, 0
	for at := range good {
		bad := bytes.Clone(good)
		bad[at] ^= 1 << rand.IntN(8)
		if err := os.WriteFile(segments[0], bad, 0o640); err != nil {
			t.Fatal(err)
		}
		got, _ := read(t, dir)
		for k, finding := range got {
			if wrote[k] != finding {
				t.Fatalf("byte %d: %+v is %s, want %s", at, k, finding, wrote[k])
			}
		}
		switch missing := records - len(got); {
		case missing > 1:
			t.Fatalf("byte %d flipped: %d records lost", at, missing)
		case missing == 1:
			lost++
			report, err := inspect.Verify(dir)
			if err != nil {
				t.Fatal(err)
			}
			if report.Good() {
				silent++
			}
		}
	}
	if silent > 0 {
		t.Errorf("%d of %d losses were not located", silent, lost)
	}
	return fmt.Sprintf("%d flips: %d cost one record, each located, the others none; no wrong record", len(good), lost)
}

func twoWriters(t *testing.T) string {
	place := folder(t)
	dir := filepath.Join(place, "spool")
	first := stage.Launch(t, sensor(t, place, dir))
	stage.Await(t, "the first sensor", 60*time.Second, func() bool { return first.Says("sensor started") })
	second := sensor(t, place, dir)
	second.Log = filepath.Join(place, "second.log")
	stage.Launch(t, second)
	code := second.Exit(t, 30*time.Second)
	if code != 2 || !second.Says(spool.ErrLocked.Error()) {
		t.Errorf("the second ended with %d: %s", code, second.Said())
	}
	first.Alive(t)
	first.End(t)
	return fmt.Sprintf("the second: exit status %d, %q", code, strings.TrimSpace(string(second.Said())))
}

func notPlain(t *testing.T) string {
	place := folder(t)
	dir := filepath.Join(place, "spool")
	wrote, _ := written(t, filepath.Join(place, "made"), 20, 0)
	must(t, "cp", "-a", filepath.Join(place, "made"), dir)
	secret := filepath.Join(place, "secret")
	lane := filepath.Join(dir, "posture")
	segments, _ := filepath.Glob(filepath.Join(lane, "*.seg"))
	err := errors.Join(
		os.WriteFile(secret, []byte("secret"), 0o600),
		os.Symlink(secret, filepath.Join(lane, "00000000000003e8-00000000000000aa.seg")),
		syscall.Mkfifo(filepath.Join(lane, "00000000000003e9-00000000000000aa.seg"), 0o644),
		os.Link(segments[0], filepath.Join(lane, "00000000000003ea-00000000000000aa.seg")),
		os.Mkdir(filepath.Join(lane, "00000000000003eb-00000000000000aa.seg"), 0o755),
		os.WriteFile(filepath.Join(lane, "note"), []byte("not a segment"), 0o644),
	)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan map[key]string, 1)
	go func() { done <- reopened(t, dir) }()
	var got map[key]string
	select {
	case got = <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the spool hangs")
	}
	missing := 0
	for k := range wrote {
		if _, ok := got[k]; !ok {
			missing++
		}
	}
	aside, _ := filepath.Glob(filepath.Join(lane, "*.bad"))
	if text, err := os.ReadFile(secret); err != nil || string(text) != "secret" {
		t.Errorf("the link's target is %q, %v", text, err)
	}
	if len(aside) < 3 {
		t.Errorf("set aside: %v", aside)
	}
	// The segment with a second name is refused with its name.
	return fmt.Sprintf("%d set aside, %d of %d records in the file with two names, target untouched", len(aside), missing, len(wrote))
}

func newerFormat(t *testing.T) string {
	place := folder(t)
	dir := filepath.Join(place, "spool")
	wrote, _ := written(t, filepath.Join(place, "made"), 20, 0)
	must(t, "cp", "-a", filepath.Join(place, "made"), dir)
	// A header as a newer writer makes it: only the version and the checksum differ.
	name := filepath.Join(dir, "posture", "0000000000000001-00000000000000aa.seg")
	segments, _ := filepath.Glob(filepath.Join(dir, "posture", "*.seg"))
	newer, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	newer = newer[:64]
	binary.LittleEndian.PutUint16(newer[8:], 99)
	binary.LittleEndian.PutUint64(newer[16:], 0xaa)
	binary.LittleEndian.PutUint32(newer[60:], crc32.Checksum(newer[:60], crc32.MakeTable(crc32.Castagnoli)))
	newer = append(newer, bytes.Repeat([]byte("newer"), 200)...)
	if err := os.WriteFile(name, newer, 0o640); err != nil {
		t.Fatal(err)
	}
	got := reopened(t, dir)
	for k := range wrote {
		if _, ok := got[k]; !ok {
			t.Errorf("%+v is gone", k)
		}
	}
	kept, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(kept, newer) {
		t.Errorf("the newer segment was changed: %v", err)
	}
	return fmt.Sprintf("%d of %d records read and one more written, the newer segment as it was", len(got)-1, len(wrote))
}

func damagedWatermark(t *testing.T) string {
	place := folder(t)
	wrote, _ := written(t, filepath.Join(place, "made"), 20, 0)
	future := segment.Watermark{Durable: spool.Position{Epoch: 7, Seq: 1 << 60}, Evicted: 1 << 59}.Encode(time.Now().Add(time.Hour).UnixNano())
	cases := [][]byte{nil, make([]byte, 64), bytes.Repeat([]byte{255}, 64), append(future[:len(future):len(future)], future...), make([]byte, 1<<20)}
	for n, text := range cases {
		dir := filepath.Join(place, fmt.Sprint(n))
		must(t, "cp", "-a", filepath.Join(place, "made"), dir)
		if err := os.WriteFile(filepath.Join(dir, "posture", "durable"), text, 0o640); err != nil {
			t.Fatal(err)
		}
		got := reopened(t, dir)
		for k, finding := range wrote {
			if got[k] != finding {
				t.Errorf("watermark %d: %+v is gone", n, k)
			}
		}
		if len(got) != len(wrote)+1 {
			t.Errorf("watermark %d: %d records, want %d", n, len(got), len(wrote)+1)
		}
	}
	return fmt.Sprintf("%d watermarks, all %d records read after each, and the new one", len(cases), len(wrote))
}
