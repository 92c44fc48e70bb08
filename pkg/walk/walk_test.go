package walk

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// tree makes files in a directory: names that end in "/" are directories.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		p := filepath.Join(dir, n)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		if strings.HasSuffix(n, "/") {
			must(t, os.MkdirAll(p, 0o755))
			continue
		}
		must(t, os.WriteFile(p, []byte("x"), 0o644))
	}
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// everywhere is a walk that goes into all directories.
func everywhere(dir string, visit func(*Entry)) Config {
	return Config{Top: dir, Enter: func(string, int64) bool { return true }, Visit: visit, MaxEntries: 1 << 20, MaxTime: time.Minute}
}

func names(t *testing.T, c Config) ([]string, Result) {
	t.Helper()
	var all []string
	c.Visit = func(e *Entry) { all = append(all, e.Path()) }
	r, err := Walk(context.Background(), c)
	must(t, err)
	slices.Sort(all)
	return all, r
}

func TestWalk(t *testing.T) {
	dir := tree(t, "a", "b/c", "b/d/e", "b/empty/", "skip/x", "ü\xff/new\nline")
	must(t, os.Symlink("/etc", filepath.Join(dir, "link")))
	must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	must(t, unix.Mknod(filepath.Join(dir, "b/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	c := everywhere(dir, nil)
	c.Enter = func(name string, crossed int64) bool { return name != "/skip" && crossed == 0 }
	got, r := names(t, c)
	want := []string{"/", "/a", "/b", "/b/c", "/b/d", "/b/d/e", "/b/empty", "/b/null", "/ü\xff", "/ü\xff/new\nline"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := (Result{Entries: 14}); r != want { // links, the FIFO and the directory that is not entered count
		t.Errorf("got %+v", r)
	}
	if _, err := Walk(context.Background(), everywhere(filepath.Join(dir, "a"), func(*Entry) {})); err == nil {
		t.Error("a file in place of the top is walked")
	}
}

// TestPlaces: a directory that is shown elsewhere is walked there, under its own name, and
// no link stands for it.
func TestPlaces(t *testing.T) {
	dir, elsewhere := tree(t, "a/hidden", "b/c", "d/hidden"), tree(t, "shown", "deep/er")
	must(t, os.Symlink(elsewhere, filepath.Join(dir, "link")))
	c := everywhere(dir, nil)
	c.Places = map[string]string{"/a": elsewhere, "/d": filepath.Join(dir, "link")}
	got, r := names(t, c)
	if diff := cmp.Diff([]string{"/", "/a", "/a/deep", "/a/deep/er", "/a/shown", "/b", "/b/c"}, got); diff != "" || r.Denied != 0 {
		t.Errorf("%+v %s", r, diff)
	}
}

// TestAgainstFind: a walk sees what find(1) sees, with the modes that it sees.
func TestAgainstFind(t *testing.T) {
	out, err := exec.Command("find", "/usr/share/doc", "/usr/share/doc-base", "/etc", "-xdev", "(", "-type", "f", "-o", "-type", "d", ")", "-printf", "%p %m %U\n").Output()
	must(t, err)
	want := strings.Split(strings.TrimSpace(string(out)), "\n")
	var got []string
	c := everywhere("/", func(e *Entry) {
		if p := e.Path(); strings.HasPrefix(p, "/etc") || strings.HasPrefix(p, "/usr/share/doc") {
			got = append(got, fmt.Sprintf("%s %o %d", p, e.Stat.Mode&0o7777, e.Stat.Uid))
		}
	})
	c.Enter = func(name string, crossed int64) bool {
		in := strings.HasPrefix(name, "/etc") || strings.HasPrefix(name, "/usr/share/doc")
		return crossed == 0 && (in || name == "/usr" || name == "/usr/share")
	}
	_, err = Walk(context.Background(), c)
	must(t, err)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBounds(t *testing.T) {
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprintf("d%d/f", i))
	}
	dir := tree(t, many...)
	c := everywhere(dir, nil)
	c.MaxEntries = 60
	if _, r := names(t, c); r.Cut != "there are more than 60 entries" || r.Entries > 63 {
		t.Errorf("entries: got %+v", r)
	}
	c = everywhere(dir, nil)
	c.MaxTime = -time.Second
	if _, r := names(t, c); !strings.HasPrefix(r.Cut, "it took longer") {
		t.Errorf("time: got %+v", r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := Walk(ctx, everywhere(dir, func(*Entry) {})); err != nil || r.Cut != "it was called off" {
		t.Errorf("context: got %+v, %v", r, err)
	}
}

// TestDepth: a tree that nobody made by hand ends the descent, not the walk.
func TestDepth(t *testing.T) {
	dir := tree(t, "z/last")
	fd, err := unix.Open(dir, unix.O_DIRECTORY, 0)
	must(t, err)
	for range MaxDepth + 50 { // a name as a whole would be too long
		must(t, unix.Mkdirat(fd, "dddddddddd", 0o755))
		next, err := unix.Openat(fd, "dddddddddd", unix.O_DIRECTORY, 0)
		must(t, err)
		unix.Close(fd)
		fd = next
	}
	unix.Close(fd)
	got, r := names(t, everywhere(dir, nil))
	if r.Cut != "directories nest deeper than 500" || !slices.Contains(got, "/z/last") || len(got) != MaxDepth+2 {
		t.Errorf("got %d names, %+v", len(got), r)
	}
}

// TestUnreadable: a directory that may not be read is counted, and the rest is seen.
func TestUnreadable(t *testing.T) {
	dir := tree(t, "a/b", "closed/x", "z")
	must(t, os.Chmod(filepath.Join(dir, "closed"), 0))
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	done := make(chan Result)
	go func() {
		defer close(done)
		// The thread keeps the user, so it ends with the goroutine.
		runtime.LockOSThread()
		if err := unix.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		r, err := Walk(context.Background(), everywhere(dir, func(*Entry) {}))
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	if r := <-done; r.Denied != 1 || r.Cut != "" {
		t.Errorf("got %+v", r)
	}
}

// TestMoving: while directories become links and back, the walk stays in its tree.
func TestMoving(t *testing.T) {
	dir := tree(t, "a/in/f", "b")
	must(t, os.Symlink("/proc", filepath.Join(dir, "link")))
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, "a"), unix.AT_FDCWD, filepath.Join(dir, "link"), unix.RENAME_EXCHANGE); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 300 {
		got, _ := names(t, everywhere(dir, nil))
		for _, name := range got {
			if !slices.Contains([]string{"/", "/a", "/a/in", "/a/in/f", "/b", "/link", "/link/in", "/link/in/f"}, name) {
				t.Fatalf("walked to %s", name)
			}
		}
	}
	close(stop)
	<-stopped
}

// TestCrossed: where another file system begins is told with its magic number.
func TestCrossed(t *testing.T) {
	crossed := map[string]int64{}
	c := everywhere("/", func(*Entry) {})
	c.Enter = func(name string, magic int64) bool {
		if magic != 0 {
			crossed[name] = magic
		}
		return name == "/dev"
	}
	_, err := Walk(context.Background(), c)
	must(t, err)
	if crossed["/proc"] != unix.PROC_SUPER_MAGIC {
		t.Errorf("got %v", crossed)
	}
}

func BenchmarkWalk(b *testing.B) {
	var r Result
	for b.Loop() {
		c := everywhere("/usr", func(*Entry) {})
		c.Enter = func(_ string, crossed int64) bool { return crossed == 0 }
		var err error
		if r, err = Walk(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(r.Entries), "ns/entry")
}
