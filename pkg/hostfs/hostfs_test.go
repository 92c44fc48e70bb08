package hostfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// image makes a directory with a host in it and something secret beside it.
func image(t *testing.T) (r Root, dir string) {
	t.Helper()
	top := t.TempDir()
	dir = filepath.Join(top, "host")
	for name, content := range map[string]string{
		"secret": "outside", "host/secret": "inside", "host/etc/conf": "text", "host/etc/empty": "",
	} {
		write(t, filepath.Join(top, name), content)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	for _, name := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "file"), "/dev/null"} {
		if r, err := Open(name); err == nil {
			t.Errorf("%s: got %v, want an error", name, r)
		}
	}
	for _, name := range []string{"/", "//", "/usr/.."} {
		r, err := Open(name)
		if err != nil || !r.Live() || r != (Root{}) {
			t.Errorf("%s: got %+v, %v, want the running system", name, r, err)
		}
	}
	t.Chdir(dir)
	r, err := Open(".")
	if err != nil || r.Live() || r.Path("/etc/../x") != filepath.Join(dir, "x") {
		t.Errorf("got %+v, %s, %v", r, r.Path("x"), err)
	}
}

// TestLinks: a link is followed as the host would follow it, and never out of the
// root.
func TestLinks(t *testing.T) {
	r, dir := image(t)
	deep := strings.Repeat("../", 30)
	for name, target := range map[string]string{
		"etc/relative": "conf", "etc/absolute": "/etc/conf", "etc/up": "../secret", "etc/over": deep + "secret",
		"etc/aside": "../../secret", "etc/directory": "/etc", "etc/loop": "loop", "etc/dangling": "/none",
		"etc/host": filepath.Join(filepath.Dir(dir), "secret"),
	} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	for name, want := range map[string]string{
		"/etc/relative": "text", "/etc/absolute": "text", "/etc/up": "inside", "/etc/over": "inside", "/etc/aside": "inside",
		"/etc/directory/conf": "text", "/etc/directory/directory/over": "inside", "/../../secret": "inside", "etc/conf": "text",
	} {
		got, err := r.ReadFile(name, 0)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
		if fi, err := r.Stat(name); err != nil || !fi.Mode().IsRegular() || !r.Exists(name) {
			t.Errorf("stat %s: %v, %v", name, fi, err)
		}
	}
	for name, want := range map[string]error{
		"/etc/loop": unix.ELOOP, "/etc/dangling": fs.ErrNotExist, "/etc/host": fs.ErrNotExist, "/etc/conf/x": unix.ENOTDIR,
	} {
		if got, err := r.ReadFile(name, 0); !errors.Is(err, want) {
			t.Errorf("%s: got %q, %v, want %v", name, got, err, want)
		}
		if fi, err := r.Stat(name); !errors.Is(err, want) {
			t.Errorf("stat %s: got %v, %v, want %v", name, fi, err, want)
		}
		if got := r.Exists(name); got != (want != fs.ErrNotExist) {
			t.Errorf("%s exists: %v", name, got)
		}
	}
}

func TestReadlink(t *testing.T) {
	image, dir := image(t)
	long := strings.Repeat("x/", 2000)
	must(t, os.Symlink("/none", filepath.Join(dir, "etc/link")))
	must(t, os.Symlink(long, filepath.Join(dir, "etc/long")))
	for _, tt := range []struct {
		root   Root
		prefix string
	}{{image, ""}, {Root{}, dir}} {
		for name, want := range map[string]string{"/etc/link": "/none", "/etc/long": long} {
			got, err := tt.root.Readlink(tt.prefix + name)
			if err != nil || got != want {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
			fi, err := tt.root.Lstat(tt.prefix + name)
			if err != nil || fi.Mode().Type() != fs.ModeSymlink {
				t.Errorf("lstat %s: %v, %v", name, fi, err)
			}
		}
		var where *fs.PathError
		if got, err := tt.root.Readlink(tt.prefix + "/etc/conf"); !errors.As(err, &where) || where.Path != tt.prefix+"/etc/conf" {
			t.Errorf("no link: got %q, %v", got, err)
		}
		if _, err := tt.root.Readlink(tt.prefix + "/none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: %v", err)
		}
	}
}

// TestMagicLinks: a link of /proc leads to what a process holds, wherever it is.
func TestMagicLinks(t *testing.T) {
	r, err := Open("/proc")
	must(t, err)
	if _, err := r.ReadFile("/self/status", 0); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"/self/exe", "/self/root/etc/passwd", "/self/cwd"} {
		if _, _, err := r.OpenFile(name); !errors.Is(err, unix.ELOOP) {
			t.Errorf("%s: got %v, want %v", name, err, unix.ELOOP)
		}
	}
}

// TestKinds: what is no regular file is refused at once, by name.
func TestKinds(t *testing.T) {
	image, dir := image(t)
	etc := filepath.Join(dir, "etc")
	must(t, unix.Mkfifo(filepath.Join(etc, "fifo"), 0o644))
	must(t, unix.Mknod(filepath.Join(etc, "null"), unix.S_IFCHR|0o644, int(unix.Mkdev(1, 3))))
	must(t, unix.Mknod(filepath.Join(etc, "disk"), unix.S_IFBLK|0o644, int(unix.Mkdev(7, 250))))
	l, err := net.Listen("unix", filepath.Join(etc, "socket"))
	must(t, err)
	defer l.Close()
	for name, want := range map[string]string{
		"fifo": "a FIFO", "null": "a device", "disk": "a device", "socket": "a socket", "": "a directory",
	} {
		must(t, os.Symlink(filepath.Join("/etc", name), filepath.Join(etc, "to-"+name)))
		for _, tt := range []struct {
			root Root
			path string
		}{{image, "/etc/" + name}, {image, "/etc/to-" + name}, {Root{}, etc + "/" + name}} {
			got, err := tt.root.ReadFile(tt.path, 0)
			if !errors.Is(err, ErrNotRegular) || got != nil {
				t.Errorf("%s: got %q, %v", tt.path, got, err)
				continue
			}
			if message := "open " + clean(tt.path) + ": not a regular file but " + want; err.Error() != message {
				t.Errorf("got  %v\nwant %s", err, message)
			}
		}
	}
}

// TestNull: only what leads to the device /dev/null is nobody's file.
func TestNull(t *testing.T) {
	image, dir := image(t)
	etc := filepath.Join(dir, "etc")
	must(t, unix.Mknod(filepath.Join(etc, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	must(t, unix.Mknod(filepath.Join(etc, "zero"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))))
	must(t, unix.Mknod(filepath.Join(etc, "disk"), unix.S_IFBLK|0o666, int(unix.Mkdev(1, 3))))
	must(t, os.Symlink("null", filepath.Join(etc, "masked.service")))
	must(t, os.WriteFile(filepath.Join(etc, "empty"), nil, 0o666))
	for name, want := range map[string]bool{"null": true, "masked.service": true, "zero": false, "disk": false, "empty": false, ".": false} {
		fi, err := image.Stat("/etc/" + name)
		must(t, err)
		if got := Null(fi); got != want {
			t.Errorf("%s: got %t", name, got)
		}
	}
	fi, err := image.Lstat("/etc/masked.service")
	must(t, err)
	if Null(fi) {
		t.Error("a link is taken for the device")
	}
}

func TestLimit(t *testing.T) {
	image, dir := image(t)
	write(t, filepath.Join(dir, "at"), strings.Repeat("x", DefaultLimit))
	write(t, filepath.Join(dir, "over"), strings.Repeat("x", DefaultLimit+1))
	sparse := filepath.Join(dir, "sparse")
	write(t, sparse, "")
	must(t, os.Truncate(sparse, 1<<40))
	tests := []struct {
		root  Root
		name  string
		limit int64
		over  bool
	}{
		{image, "/at", 0, false}, {image, "/at", DefaultLimit - 1, true}, {image, "/over", 0, true},
		{image, "/over", DefaultLimit + 1, false}, {image, "/sparse", 0, true}, {image, "/sparse", 1 << 30, true},
		{image, "/etc/empty", 1, false}, {image, "/etc/conf", 4, false}, {image, "/etc/conf", 3, true},
		// Files whose size is 0 and which have more to give.
		{Root{}, "/proc/self/status", 0, false}, {Root{}, "/proc/self/status", 10, true},
		{Root{}, "/proc/kallsyms", 0, true}, {Root{}, "/sys/kernel/mm/transparent_hugepage/enabled", 3, true},
	}
	for _, tt := range tests {
		got, err := tt.root.ReadFile(tt.name, tt.limit)
		if errors.Is(err, ErrTooLarge) != tt.over || !tt.over && err != nil || tt.over && got != nil {
			t.Errorf("%s to %d: got %d bytes, %v", tt.name, tt.limit, len(got), err)
		}
	}
	if _, err := image.ReadFile("/over", 0); err == nil || err.Error() != "read /over: file is larger than the limit of 1048576 bytes" {
		t.Errorf("got %v", err)
	}
	if got, err := (Root{}).ReadFile("/proc/self/status", 0); err != nil || !bytes.HasPrefix(got, []byte("Name:")) {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestWaiting: a file of /proc that waits for more does so for a bounded time.
func TestWaiting(t *testing.T) {
	f, _, err := Root{}.OpenFile("/proc/kmsg")
	must(t, err)
	defer f.Close()
	if err := f.SetReadDeadline(time.Now()); err != nil {
		t.Fatalf("reading it would not end: %v", err)
	}
}

// TestSwap: whatever stands behind a name while it is opened and read, the reader
// gets the file's text or an error, and never waits.
func TestSwap(t *testing.T) {
	image, dir := image(t)
	name := filepath.Join(dir, "etc/swapped")
	kinds := []func(string) error{
		func(p string) error { return os.WriteFile(p, []byte("text"), 0o644) },
		func(p string) error { return unix.Mkfifo(p, 0o644) },
		func(p string) error { return os.Symlink("../../secret", p) },
		func(p string) error { return os.Symlink("swapped", p) },
		func(p string) error { return unix.Mknod(p, unix.S_IFCHR|0o644, int(unix.Mkdev(1, 5))) }, // /dev/zero
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			next := fmt.Sprint(name, ".", i)
			if err := errors.Join(kinds[i%len(kinds)](next), os.Rename(next, name)); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	seen, wanted := map[string]int{}, []string{"text", "inside", "outside", "refused", "error"}
	missing := func(what string) bool { return seen[what] == 0 }
	// Half a second, and longer where the machine is so busy that something never showed.
	for start := time.Now(); time.Since(start) < 500*time.Millisecond || slices.ContainsFunc(wanted, missing) && time.Since(start) < time.Minute; {
		for _, r := range []struct {
			root Root
			name string
		}{{image, "/etc/swapped"}, {Root{}, name}} {
			begin := time.Now()
			got, err := r.root.ReadFile(r.name, 0)
			if took := time.Since(begin); took > 5*time.Second {
				t.Fatalf("took %v", took)
			}
			text := string(got)
			if text == "outside" && !r.root.Live() || err == nil && text != "text" && text != "inside" && text != "outside" && text != "" {
				t.Fatalf("%s below %q: got %q", r.name, r.root.dir, text)
			}
			switch {
			case errors.Is(err, ErrNotRegular):
				text = "refused"
			case err != nil:
				text = "error"
			}
			seen[text]++
		}
	}
	close(stop)
	<-stopped
	for _, want := range wanted {
		if missing(want) {
			t.Errorf("never saw %q: %v", want, seen)
		}
	}
}

func TestReadDir(t *testing.T) {
	image, dir := image(t)
	must(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	names := []string{"b", "a\nb", "B", "ä", "\xff", "10", "9", ".hidden"}
	for _, n := range names {
		write(t, filepath.Join(dir, "d", n), "")
	}
	slices.Sort(names)
	for _, tt := range []struct {
		root Root
		path string
	}{{image, "/d"}, {Root{}, filepath.Join(dir, "d")}} {
		got, err := tt.root.ReadDir(tt.path)
		if err != nil || !slices.Equal(got, names) {
			t.Errorf("%s: got %q, %v", tt.path, got, err)
		}
	}
	if got, err := image.ReadDir("/"); err != nil || !slices.Equal(got, []string{"d", "etc", "secret"}) {
		t.Errorf("the root: got %q, %v", got, err)
	}
	for name, want := range map[string]error{"/none": fs.ErrNotExist, "/secret": unix.ENOTDIR} {
		if got, err := image.ReadDir(name); !errors.Is(err, want) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestReadDirBound(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "hostfs") // in memory, being many
	must(t, err)
	defer os.RemoveAll(dir)
	image, err := Open(dir)
	must(t, err)
	many := filepath.Join(dir, "many")
	must(t, os.Mkdir(many, 0o755))
	for i := range MaxEntries {
		must(t, unix.Mknod(filepath.Join(many, fmt.Sprint(i)), unix.S_IFREG|0o644, 0))
	}
	if got, err := image.ReadDir("/many"); err != nil || len(got) != MaxEntries {
		t.Errorf("at the bound: %d names, %v", len(got), err)
	}
	write(t, filepath.Join(many, "more"), "")
	if got, err := image.ReadDir("/many"); err == nil || got != nil {
		t.Errorf("over the bound: %d names, want an error", len(got))
	}
}

// TestPermission: what another user may not read is an error that says so, and
// counts as being there.
func TestPermission(t *testing.T) {
	r, dir := image(t)
	must(t, os.Chmod(filepath.Join(dir, "secret"), 0o600))
	closed := filepath.Join(dir, "closed")
	write(t, filepath.Join(closed, "file"), "x")
	must(t, os.Chmod(closed, 0o700))
	for p := dir; p != "/tmp" && p != "/"; p = filepath.Dir(p) {
		must(t, os.Chmod(p, 0o755))
	}
	const nobody = 65534
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The thread keeps the user, so it ends with the goroutine.
		runtime.LockOSThread()
		if err := unix.Setfsuid(nobody); err != nil {
			t.Error(err)
			return
		}
		for _, root := range []struct {
			Root
			prefix string
		}{{r, ""}, {Root{}, dir}} {
			if got, err := root.ReadFile(root.prefix+"/etc/conf", 0); err != nil || string(got) != "text" {
				t.Errorf("readable: got %q, %v", got, err)
			}
			for _, name := range []string{"/secret", "/closed/file", "/closed/none"} {
				name = root.prefix + name
				if got, err := root.ReadFile(name, 0); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: got %q, %v", name, got, err)
				}
				if !root.Exists(name) {
					t.Errorf("%s: what cannot be seen counts as absent", name)
				}
			}
			if got, err := root.ReadDir(root.prefix + "/closed"); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("directory: got %q, %v", got, err)
			}
		}
	}()
	<-done
}
