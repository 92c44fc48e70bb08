package fault

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"seawall/scripts/stage"
)

const (
	// envRole makes the test binary one of its own helpers.
	envRole = "SEAWALL_FAULT_ROLE"
	// envRounds is how many rounds TestRounds makes.
	envRounds = "SEAWALL_FAULT_ROUNDS"
	// envSeed repeats the rounds of an earlier run.
	envSeed = "SEAWALL_FAULT_SEED"
)

// atOnce is how many faults run side by side: most of them wait.
const atOnce = 5

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(envRole) != "":
		os.Exit(play(os.Getenv(envRole)))
	case stage.Place() == "":
		os.Exit(stage.Enter("fault", nil))
	}
	flag.Parse()
	// What is unmounted here is unmounted in the namespaces of the programs, too.
	shared := syscall.Mount("", "/", "", syscall.MS_SHARED|syscall.MS_REC, "")
	if err := errors.Join(shared, flag.Set("test.parallel", strconv.Itoa(atOnce))); err != nil {
		fmt.Fprintln(os.Stderr, "fault:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// play is a helper process: this binary in another role.
func play(role string) int {
	var err error
	switch role {
	case "writer":
		err = write(os.Args[1:])
	case "mapped":
		err = writeMapped(os.Args[1], os.Args[2])
	case "memory":
		err = writeFromMemory(os.Args[1], os.Args[2])
	default:
		err = fmt.Errorf("no role %q", role)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		return 1
	}
	return 0
}

// folder makes a folder for one fault, which is removed with the place.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(stage.Place(), "f-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// small mounts a tmpfs with the given options on a new folder below dir.
func small(t *testing.T, dir, name, options string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, options); err != nil {
		t.Fatalf("mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(path, syscall.MNT_DETACH) })
	return path
}

// fill takes all room of the file system that dir is on, but for at most leave
// bytes, and returns the file that holds it.
func fill(t *testing.T, dir string, leave int64) string {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	f, err := os.OpenFile(filler, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := int64(s.Bavail)*s.Bsize - leave
	for chunk := int64(1 << 20); chunk >= 4096 && want > 0; {
		n := min(chunk, want)
		if _, err := f.Write(make([]byte, n)); err != nil {
			chunk /= 2
			continue
		}
		want -= n
	}
	return filler
}
