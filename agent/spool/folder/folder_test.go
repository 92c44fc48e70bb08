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

// TestSetAsideInTheWay: a file is set aside where a directory was, and the other way
// round; nothing is lost of either.
func TestSetAsideInTheWay(t *testing.T) {
	dir := t.TempDir()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plant := []func(name string) error{
		func(n string) error { return os.MkdirAll(n+"/full", 0o750) },
		func(n string) error { return os.WriteFile(n, nil, 0o640) },
		func(n string) error { return os.MkdirAll(n+"/full", 0o750) },
	}
	for i, p := range plant {
		if err := p(filepath.Join(dir, WatermarkName)); err != nil {
			t.Fatal(err)
		}
		if err := SetAside(d, WatermarkName); err != nil {
			t.Fatal(err)
		}
		if bad, err := Aside(d); err != nil || len(bad) != i+1 {
			t.Errorf("after %d: set aside %q, %v", i+1, bad, err)
		}
		if _, err := OpenPlain(d, WatermarkName, unix.O_RDONLY); !os.IsNotExist(err) {
			t.Errorf("after %d: %v", i+1, err)
		}
	}
}

// TestMakeDir makes a lane's directory whatever stands in its place.
func TestMakeDir(t *testing.T) {
	dir := t.TempDir()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, plant := range []func(name string) error{
		func(string) error { return nil },
		func(n string) error { return os.WriteFile(n, nil, 0o640) },
		func(n string) error { return os.Symlink("/etc", n) },
		func(n string) error { return unix.Mkfifo(n, 0o640) },
	} {
		if err := plant(filepath.Join(dir, "lane")); err != nil {
			t.Fatal(err)
		}
		lane, err := MakeDir(d, "lane")
		if err != nil {
			t.Fatal(err)
		}
		lane.Close()
		if again, err := MakeDir(d, "lane"); err != nil {
			t.Error(err)
		} else {
			again.Close()
		}
		if err := os.Remove(filepath.Join(dir, "lane")); err != nil {
			t.Errorf("not an empty directory: %v", err)
		}
	}
}
