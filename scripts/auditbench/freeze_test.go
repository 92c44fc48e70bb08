package auditbench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var frozenFlag = flag.Duration("frozen", 5*time.Second, "for how long the disk is frozen")

// TestFrozenDisk: while the file system of spool and state does not answer, at 2,000 events
// a second, each event is read and no system call of the audited program waits for us.
// What a detection says waits in the sensor until it can be written.
func TestFrozenDisk(t *testing.T) {
	need(t)
	disk, thaw := slowDisk(t)
	files := t.TempDir()
	for dir := files; dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := makeFiles(files); err != nil {
		t.Fatal(err)
	}
	k, err := holdKernel(forever)
	if err != nil {
		t.Fatal(err)
	}
	defer k.release()
	var sensor reader
	for _, r := range readers() {
		if r.name == "seawall" {
			sensor = r
		}
	}
	run, err := sensor.begin(k, disk)
	if err != nil {
		t.Fatal(err)
	}
	defer run.end()
	defer thaw()
	if _, err := run.measure(load{500, 1000}, files); err != nil {
		t.Fatal(err)
	}
	command(t, "fsfreeze", "-f", disk)
	const rate = 2000
	f, err := run.measure(load{int(frozenFlag.Seconds() * rate), rate}, files)
	if err != nil {
		t.Fatal(err)
	}
	thaw()
	t.Logf("frozen for %v: %+v", *frozenFlag, f)
	const worst = 20 // ms
	if status, err := k.control.Status(); err != nil || status.Lost > 0 || f.missing > 0 {
		t.Errorf("%v events are missing, the kernel lost %d: %v", f.missing, status.Lost, err)
	}
	if f.worst > worst {
		t.Errorf("a system call took %.1f ms", f.worst)
	}
	// It goes on, and what was found is on the disk.
	if f, err := run.measure(load{500, 1000}, files); err != nil || f.missing > 0 {
		t.Errorf("after it: %+v, %v", f, err)
	}
	segments, err := filepath.Glob(filepath.Join(disk, "spool", "detections", "*.seg"))
	if err != nil || len(segments) == 0 {
		t.Errorf("no detection was written: %v", err)
	}
}

// slowDisk mounts a file system of its own that can be frozen.
func slowDisk(t *testing.T) (dir string, thaw func()) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	dir = t.TempDir()
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 256<<20); err != nil {
		t.Fatal(err)
	}
	command(t, "mkfs.ext4", "-q", image)
	command(t, "mount", "-o", "loop", image, dir)
	thaw = func() { _ = exec.Command("fsfreeze", "-u", dir).Run() }
	t.Cleanup(func() {
		thaw()
		command(t, "umount", dir)
	})
	return dir, thaw
}

func command(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%v: %w: %s", argv, err, out))
	}
}
