package folder

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/agent/spool/segment"
)

func TestLanes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"posture", "health", "Upper", "with-dash", "muchtoolongname"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("posture", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	got, err := Lanes(dir)
	if diff := cmp.Diff([]string{"health", "posture"}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := OpenLane(dir, "link"); err == nil {
		t.Error("followed a link")
	}
}

// TestSetAside keeps the last few of what only looks like a segment.
func TestSetAside(t *testing.T) {
	dir := t.TempDir()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := range uint64(5) {
		if err := unix.Mkfifo(filepath.Join(dir, segment.File{First: i}.Name()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	segs, foreign, err := List(d)
	if err != nil || len(segs) != 0 || len(foreign) != 5 {
		t.Fatalf("segments %v, foreign %v, %v", segs, foreign, err)
	}
	if err := SetAside(d, foreign...); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	want := []string{}
	for i := range uint64(maxBad) {
		want = append(want, fmt.Sprintf("%s/%s%s", dir, segment.File{First: i + 2}.Name(), badSuffix))
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}
