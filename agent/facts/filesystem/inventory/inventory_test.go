package inventory

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/names"
)

const (
	passwd = "root:x:0:0::/root:\nmail:x:8:8:::\nann:x:1000:1000:::\n"
	group  = "root:x:0:\nmail:x:8:\nstaff:x:50:\nann:x:1000:\ndevs:x:1002:ann\n"
)

// file is one of a host: a mode with its type (directory, device), owner and group.
type file struct {
	name     string
	mode     uint32
	uid, gid int
}

// host makes a root with the given files, each with its mode and owner.
func host(t testing.TB, files ...file) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	for name, text := range map[string]string{"etc/passwd": passwd, "etc/group": group, "etc/subuid": "ann:100000:65536\n",
		"var/lib/dpkg/status": "", "var/lib/dpkg/info/util-linux.list": "/usr/bin/su\n/usr/bin/find\n/usr/bin/ping\n/usr/bin/tool\n",
		"var/lib/dpkg/statoverride": "root root 4755 /usr/bin/tool\n"} {
		must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	for _, f := range files {
		put(t, dir, f)
	}
	return dir
}

func put(t testing.TB, dir string, f file) {
	t.Helper()
	p := filepath.Join(dir, f.name)
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	switch f.mode & unix.S_IFMT {
	case unix.S_IFDIR:
		must(t, os.MkdirAll(p, 0o755))
	case unix.S_IFCHR:
		must(t, unix.Mknod(p, f.mode, int(unix.Mkdev(5, 0))))
	case unix.S_IFBLK: // null
		must(t, unix.Mknod(p, unix.S_IFCHR, int(unix.Mkdev(1, 3))))
	default:
		must(t, os.WriteFile(p, []byte("x"), 0o644))
	}
	must(t, os.Lchown(p, f.uid, f.gid))
	must(t, unix.Chmod(p, f.mode&0o7777))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// look walks a host.
func look(t testing.TB, r *Reader, dir string, now time.Time) Disk {
	t.Helper()
	root, err := hostfs.Open(dir)
	must(t, err)
	who, err := names.Read(root)
	must(t, err)
	return r.Read(context.Background(), fact.Env{Root: root, Now: func() time.Time { return now }}, Surroundings{Names: who})
}

// TestSandbox: what this process sees otherwise than the host is left out, and what
// it sees in there as the host does is not.
func TestSandbox(t *testing.T) {
	at := host(t, file{"dev/.udev", 0o644, 0, 0}, file{"dev/shm/.x", 0o755, 0, 0}, file{"tmp/.y", 0o755, 0, 0}, file{"srv/open", 0o666, 0, 0})
	root, err := hostfs.Open(at)
	must(t, err)
	who, err := names.Read(root)
	must(t, err)
	env := fact.Env{Root: root, Now: time.Now}
	for _, tt := range []struct{ hidden, shared, want []string }{
		{nil, nil, []string{"in_dev /dev/.udev", "temporary /dev/shm/.x", "temporary /tmp/.y", "writable /srv/open"}},
		{[]string{"/dev", "/tmp"}, nil, []string{"writable /srv/open"}},
		{[]string{"/dev", "/tmp"}, []string{"/dev/shm"}, []string{"temporary /dev/shm/.x", "writable /srv/open"}},
	} {
		got := []string{}
		for _, it := range new(Reader).Read(t.Context(), env, Surroundings{Names: who, Hidden: tt.hidden, Shared: tt.shared}).Items {
			got = append(got, it.Kind+" "+it.Path)
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("hidden %v, shared %v: %s", tt.hidden, tt.shared, diff)
		}
	}
}

func lines(d Disk) []string {
	all := []string{}
	for _, it := range d.Items {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", it.Kind, it.Path, it.Text, it.Reason)))
	}
	return all
}

func TestKinds(t *testing.T) {
	const dir = unix.S_IFDIR
	at := host(t,
		file{"usr/bin/su", 0o4755, 0, 0}, file{"usr/bin/find", 0o4755, 0, 0}, file{"usr/bin/tool", 0o4755, 0, 0}, file{"opt/backdoor", 0o4755, 0, 0},
		file{"srv/locking", 0o2644, 0, 0}, // a setgid file that nobody executes: a lock of old
		file{"srv/open", 0o666, 0, 0}, file{"tmp/open", 0o666, 0, 0}, file{"srv/drop", dir | 0o777, 0, 0}, file{"srv/sticky", dir | 0o1777, 0, 0},
		file{"srv/orphan", dir | 0o755, 4242, 0}, file{"srv/orphan/in", 0o644, 4242, 4242}, file{"srv/group", 0o644, 0, 4243},
		file{"srv/subuid", 0o644, 100_001, 100_001}, file{"srv/dynamic", 0o644, 61184, 61184}, file{"srv/device", unix.S_IFCHR | 0o600, 0, 0},
		file{"srv/chroot/dev/null", unix.S_IFBLK | 0o666, 0, 0}, file{"dev/.udev", 0o644, 0, 0}, file{"dev/shm/ok", 0o644, 0, 0},
		file{"usr/bin/owned", 0o755, 8, 0}, file{"usr/bin/group", 0o775, 0, 1002}, file{"usr/bin/empty-group", 0o775, 0, 50},
		file{"usr/lib/x.so", 0o644, 1000, 1000}, file{"etc/app", 0o644, 1000, 0}, file{"etc/service", 0o644, 8, 8}, file{"etc/devs", 0o664, 0, 1002},
		file{"srv/...", dir | 0o755, 0, 0}, file{"srv/.. ", 0o755, 0, 0}, file{"srv/a\x1bb", dir | 0o755, 0, 0}, file{"srv/..data", dir | 0o755, 0, 0},
		file{"srv/.hidden", 0o755, 0, 0}, file{"tmp/.x", 0o755, 1000, 1000}, file{"tmp/.d/y", 0o755, 0, 0}, file{"tmp/repo/.git/hook", 0o755, 0, 0},
		file{"var/tmp/z", 0o755, 0, 0}, file{"var/lib/docker/overlay2/su", 0o4755, 0, 0}, file{"proc/x", 0o666, 0, 0})
	must(t, os.Symlink("/etc/passwd", filepath.Join(at, "srv/link")))
	d := look(t, new(Reader), at, time.Now())
	if !d.Known || !d.Complete || d.Cut != "" || len(d.More) != 0 {
		t.Fatalf("%+v", d)
	}
	want := []string{
		"setuid /opt/backdoor 4755 root:root belongs to no package",
		"setuid /usr/bin/find 4755 root:root util-linux is not known to install it so",
		"setuid /usr/bin/su 4755 root:root as util-linux installs it",
		"setuid /usr/bin/tool 4755 root:root registered with dpkg-statoverride",
		"writable /srv/open 0666 root:root",
		"writable_dir /srv/drop 0777 root:root",
		"unowned /srv/group 0644 root:4243",
		"unowned /srv/orphan 0755 4242:root",
		"device /srv/device 0600 root:root",
		"in_dev /dev/.udev 0644 root:root",
		"command /usr/bin/group 0775 root:devs",
		"command /usr/bin/owned 0755 mail:root",
		"library /usr/lib/x.so 0644 ann:ann",
		"etc /etc/app 0644 ann:root",
		"etc /etc/devs 0664 root:devs",
		"disguised /srv/...  0755 root:root",
		"disguised /srv/... 0755 root:root",
		"disguised /srv/a\x1bb 0755 root:root",
		"temporary /tmp/.d/y 0755 root:root",
		"temporary /tmp/.x 0755 ann:ann",
	}
	want[15] = "disguised /srv/..  0755 root:root"
	if diff := cmp.Diff(want, lines(d)); diff != "" {
		t.Error(diff)
	}
	if it := d.Items[1]; !it.Powerful || it.Expected || it.Package != "util-linux" {
		t.Errorf("find: %+v", it)
	}
}

// TestCapabilities: what setcap(8) writes is read as getcap(8) reads it.
func TestCapabilities(t *testing.T) {
	at := host(t, file{"usr/bin/ping", 0o755, 0, 0}, file{"opt/python3.11", 0o755, 0, 0}, file{"opt/plain", 0o755, 0, 0}, file{"opt/web", 0o755, 0, 0})
	for name, caps := range map[string]string{"usr/bin/ping": "cap_net_raw=ep", "opt/python3.11": "cap_setuid,cap_dac_override=p", "opt/web": "cap_net_bind_service=ep"} {
		if out, err := exec.Command("setcap", caps, filepath.Join(at, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	got := map[string]string{}
	for _, it := range look(t, new(Reader), at, time.Now()).Items {
		got[it.Path] = fmt.Sprint(it.Capabilities, " root ", it.Root, " powerful ", it.Powerful, " expected ", it.Expected)
	}
	want := map[string]string{"/usr/bin/ping": "cap_net_raw=ep root false powerful false expected true",
		"/opt/python3.11": "cap_dac_override,cap_setuid=p root true powerful true expected false",
		"/opt/web":        "cap_net_bind_service=ep root false powerful false expected false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestKeeps: a walk stands for a day, what was put right goes at once, and a change
// of packages or accounts makes it walk again, in a while.
func TestKeeps(t *testing.T) {
	at := host(t, file{"srv/open", 0o666, 0, 0}, file{"srv/fixed", 0o666, 0, 0}, file{"srv/gone", 0o666, 0, 0})
	r, now := new(Reader), time.Now()
	if got := lines(look(t, r, at, now)); len(got) != 3 {
		t.Fatal(got)
	}
	must(t, os.Chmod(filepath.Join(at, "srv/fixed"), 0o644))
	must(t, os.Remove(filepath.Join(at, "srv/gone")))
	put(t, at, file{"srv/new", 0o666, 0, 0})
	must(t, os.Chmod(filepath.Join(at, "srv/open"), 0o606))
	if diff := cmp.Diff([]string{"writable /srv/open 0606 root:root"}, lines(look(t, r, at, now.Add(time.Hour)))); diff != "" {
		t.Error(diff)
	}
	both := []string{"writable /srv/new 0666 root:root", "writable /srv/open 0606 root:root"}
	if diff := cmp.Diff(both, lines(look(t, r, at, now.Add(25*time.Hour)))); diff != "" {
		t.Error(diff)
	}
	put(t, at, file{"srv/more", 0o666, 0, 0})
	must(t, os.WriteFile(filepath.Join(at, "var/lib/dpkg/status"), []byte("\n"), 0o644))
	if got := lines(look(t, r, at, now.Add(26*time.Hour))); len(got) != 3 {
		t.Errorf("after a change of packages: %v", got)
	}
	put(t, at, file{"srv/most", 0o666, 0, 0})
	must(t, os.WriteFile(filepath.Join(at, "var/lib/dpkg/status"), []byte("\n\n"), 0o644))
	if got := lines(look(t, r, at, now.Add(26*time.Hour+settle/2))); len(got) != 3 {
		t.Errorf("soon after a walk: %v", got)
	}
	if got := lines(look(t, r, at, now.Add(26*time.Hour+settle))); len(got) != 4 {
		t.Errorf("when packages have settled: %v", got)
	}
}

// TestMany: of one kind the worst are listed and the rest is counted.
func TestMany(t *testing.T) {
	at := host(t)
	for i := range maxKept + 5 {
		put(t, at, file{fmt.Sprintf("srv/%04d", i), 0o666, 0, 0})
	}
	d := look(t, new(Reader), at, time.Now())
	if len(d.Items) != MaxListed || d.More[KindWritableFile] != maxKept+5-MaxListed || d.Items[0].Path != "/srv/0000" {
		t.Errorf("%d items, more %v", len(d.Items), d.More)
	}
	// Those that are as they should be give way, and are not counted.
	var programs []Item
	for i := range MaxListed + 1 {
		programs = append(programs, Item{Path: fmt.Sprint("/a", i), Mode: 0o4755})
	}
	programs = append(programs, Item{Path: "/usr/bin/su", Mode: 0o4755, Kind: KindSetuid})
	d = Disk{More: map[string]int{}}
	d.list(KindSetuid, programs, 0, &packages{known: true, owners: map[string]string{"/usr/bin/su": "util-linux"}})
	if d.More[KindSetuid] != 1 || len(d.Items) != MaxListed {
		t.Errorf("%d items, more %v", len(d.Items), d.More)
	}
}

// TestNoPackages: without a database nothing is said of where a program is from.
func TestNoPackages(t *testing.T) {
	at := host(t, file{"usr/bin/su", 0o4755, 0, 0})
	must(t, os.RemoveAll(filepath.Join(at, "var/lib/dpkg")))
	d := look(t, new(Reader), at, time.Now())
	if len(d.Items) != 1 || d.Items[0].PackageKnown || d.Items[0].Expected || d.Items[0].Reason == "" {
		t.Errorf("%+v", d.Items)
	}
}

// TestThisHost: the running system's setuid programs are those that find(1) finds,
// and none of Debian's own is taken for a stranger.
func TestThisHost(t *testing.T) {
	who, err := names.Read(hostfs.Root{})
	must(t, err)
	s := &scan{env: fact.Env{Now: time.Now}, names: who, items: map[string][]Item{}, more: map[string]int{}, orphans: map[string]bool{}}
	out, err := exec.Command("find", "/usr", "-xdev", "-type", "f", "-perm", "-4000").Output()
	must(t, err)
	for _, name := range strings.Fields(string(out)) {
		fi, err := os.Lstat(name)
		must(t, err)
		st, _ := stat(fi)
		if s.kinds(&st, zoneOf(filepath.Dir(name)), []byte(filepath.Base(name)))&(1<<bitSetuid) == 0 {
			t.Errorf("%s has no bit", name)
		}
		s.add(Item{Kind: KindSetuid, Path: name}, &st)
	}
	p := s.packages()
	for _, it := range s.items[KindSetuid] {
		if p.judge(&it); it.Package != "" && !it.Expected {
			t.Errorf("%s: %s", it.Path, it.Reason)
		}
	}
}

func TestUsual(t *testing.T) {
	for name, want := range map[string]string{"/bin/su": "/usr/bin/su", "/usr/lib/x86_64-linux-gnu/utempter/utempter": "/usr/lib/utempter/utempter",
		"/usr/lib64/x": "/usr/lib/x", "/opt/bin/su": "/opt/bin/su", "/usr/lib/x": "/usr/lib/x"} {
		if got := usual(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]bool{"/usr/bin/python3.11": true, "/usr/bin/vim.basic": true, "/bin/bash": true, "/usr/bin/passwd": false,
		"/usr/bin/perl5.36.0": true, "/usr/bin/findmnt": false, "/opt/.": false} {
		if got := powerful(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func FuzzCaps(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x03\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, root, ok := parseCaps(b)
		if ok != (text != "") || root && !ok || strings.ContainsAny(text, "\n \x00") {
			t.Errorf("%q: %q, %v, %v", b, text, root, ok)
		}
	})
}

// FuzzSubids: whatever the file holds, ranges are of people and bounded.
func FuzzSubids(f *testing.F) {
	f.Add([]byte("ann:100000:65536\nbob:165536:65536\n"))
	f.Add([]byte("a:b:c\n0:0:0\nx:4294967295:4294967295\n"))
	dir := host(f)
	root, err := hostfs.Open(dir)
	must(f, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		must(t, os.WriteFile(filepath.Join(dir, "etc/subuid"), b, 0o644))
		for _, r := range readSubids(fact.Env{Root: root}) {
			if r.first < firstPerson {
				t.Errorf("%q: %+v", b, r)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	who, err := names.Read(hostfs.Root{})
	must(b, err)
	for b.Loop() {
		s := &scan{env: fact.Env{Now: time.Now}, names: who, hidden: map[string]bool{"/root": true, "/tmp": true, "/work": true, "/home": true}}
		must(b, s.run(context.Background()))
	}
}

// TestBeside: a daemon is answered at once; it walks when it has been up for a while,
// and goes on with the last walk while another is under way.
func TestBeside(t *testing.T) {
	at := host(t, file{"srv/open", 0o666, 0, 0})
	root, err := hostfs.Open(at)
	must(t, err)
	who, err := names.Read(root)
	must(t, err)
	r, now := new(Reader), time.Now()
	read := func(after time.Duration) Disk {
		then := now.Add(after)
		return r.Read(t.Context(), fact.Env{Root: root, Now: func() time.Time { return then }, Again: true}, Surroundings{Names: who})
	}
	walked := func(after time.Duration) Disk {
		t.Helper()
		if r.beside == nil {
			t.Fatal("nobody walks")
		}
		w := <-r.beside
		r.beside <- w
		return read(after)
	}
	if d := read(0); d.Known || d.Reason == "" || r.beside != nil {
		t.Errorf("at the start: %+v", d)
	}
	if d := read(rest); d.Known {
		t.Errorf("while it walks: %+v", d)
	}
	if got := lines(walked(rest)); len(got) != 1 {
		t.Errorf("after the walk: %v", got)
	}
	put(t, at, file{"srv/new", 0o666, 0, 0})
	if got := lines(read(rest + 25*time.Hour)); len(got) != 1 {
		t.Errorf("while it walks again: %v", got)
	}
	if got := lines(walked(rest + 25*time.Hour)); len(got) != 2 {
		t.Errorf("after another day: %v", got)
	}
}
