package mounts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// droplet is what a Droplet with a volume has mounted, shortened.
const droplet = `22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
24 27 0:6 / /dev rw,nosuid,relatime shared:2 - devtmpfs udev rw,size=493364k,nr_inodes=123341,mode=755
25 24 0:23 / /dev/shm rw,nosuid,nodev shared:4 - tmpfs tmpfs rw
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard,errors=remount-ro
28 27 254:15 / /boot/efi rw,relatime shared:40 - vfat /dev/vda15 rw,fmask=0077
40 27 8:0 / /mnt/volume\040one ro,noatime - xfs /dev/sda rw,attr2
41 27 8:0 /www /srv/www rw,nosuid - xfs /dev/sda ro
42 27 7:3 / /snap/core22/1 ro,nodev,relatime shared:50 - squashfs /dev/loop3 ro,errors=continue
`

func parse(t *testing.T, text string) Table {
	t.Helper()
	all, err := ParseInfo([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestParseInfo(t *testing.T) {
	all := parse(t, droplet)
	want := Mount{Device: "8:0", Root: "/", Path: "/mnt/volume one", Options: Flags{ReadOnly: true}, Type: "xfs", Source: "/dev/sda"}
	if got := all[5]; got != want {
		t.Error(cmp.Diff(want, got))
	}
	want = Mount{Device: "8:0", Root: "/www", Path: "/srv/www", Options: Flags{Nosuid: true}, Type: "xfs", Source: "/dev/sda", SuperReadOnly: true}
	if got := all[6]; got != want {
		t.Error(cmp.Diff(want, got))
	}
	for _, bad := range []string{"x", "1 2 3:4 / relative rw - ext4 a rw", "22 27 0:21 / /proc rw - proc proc", "22 27 0:21 / /proc rw shared:1 ext4 a rw", "\n"} {
		if all, err := ParseInfo([]byte(bad)); err == nil {
			t.Errorf("%q: got %v", bad, all)
		}
	}
	line := droplet[:strings.IndexByte(droplet, '\n')+1]
	if _, err := ParseInfo([]byte(strings.Repeat(line, MaxMounts))); err != nil {
		t.Error(err)
	}
	if _, err := ParseInfo([]byte(strings.Repeat(line, MaxMounts+1))); err == nil {
		t.Error("one more than the bound is taken")
	}
}

// TestThisHost: the kernel's own table is read, and agrees with findmnt.
func TestThisHost(t *testing.T) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	x := parse(t, string(text)).Index()
	out, err := exec.Command("findmnt", "-rn", "-o", "TARGET,FSTYPE", "--task", fmt.Sprint(os.Getpid())).Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if name := strings.ReplaceAll(f[0], `\x20`, " "); len(f) == 2 && !strings.Contains(name, `\x`) {
			seen[name] = f[1] // the last is the topmost
		}
	}
	for name, fstype := range seen {
		if x[name].Type != fstype {
			t.Errorf("%s: got %q, findmnt says %q", name, x[name].Type, fstype)
		}
	}
}

func TestOver(t *testing.T) {
	x := parse(t, droplet+"50 27 0:50 / /srv/www rw - tmpfs tmpfs rw\n").Index()
	for name, want := range map[string]string{"/": "ext4", "/etc/passwd": "ext4", "/mnt/volume one/a": "xfs", "/mnt/volume": "ext4",
		"/srv/www/x": "tmpfs", "/srv": "ext4", "/dev/shm": "tmpfs", "/proc/1": "proc"} {
		if m, ok := x.Over(name); !ok || m.Type != want {
			t.Errorf("%s: got %q, want %q", name, m.Type, want)
		}
	}
	if m, ok := (Index{}).Over("/x"); ok {
		t.Errorf("nothing is mounted: got %v", m)
	}
}

// TestHidden: a sandbox that systemd made differs where it has directories of its
// own, and not where it binds one to itself.
func TestHidden(t *testing.T) {
	sandbox := strings.NewReplacer("/ /dev rw", "/ /dev ro", "0:6", "0:77").Replace(droplet) +
		"60 27 254:1 /usr /usr ro,relatime - ext4 /dev/vda1 rw\n" + // ProtectSystem
		"61 27 254:1 /tmp/systemd-private-1/tmp /tmp rw - ext4 /dev/vda1 rw\n" + // PrivateTmp
		"62 27 0:80 / /run/credentials ro - ramfs none ro\n" +
		"63 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n" +
		"64 27 0:81 / /sys/x rw - sysfs sysfs rw\n"
	own, host := parse(t, sandbox).Index(), parse(t, droplet).Index()
	if diff := cmp.Diff([]string{"/dev", "/run/credentials", "/tmp"}, Hidden(own, host)); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]bool{"/dev": true, "/dev/null": true, "/dev/shm": false, "/dev/shm/x": false, "/tmp/x": true, "/usr/bin": false, "/": false} {
		if got := own.Differs(host, name); got != want {
			t.Errorf("another %s: %v", name, got)
		}
	}
	if got := Hidden(host, host); len(got) != 0 {
		t.Errorf("the same table: %v", got)
	}
	for name, want := range map[string]bool{"/usr": true, "/tmp": false, "/": false, "/dev/shm": false} {
		if got := own.Same(own[name]); got != want {
			t.Errorf("%s shows what would be there: %v", name, got)
		}
	}
	gone := strings.Replace(droplet, "41 27 8:0 /www /srv/www rw,nosuid - xfs /dev/sda ro\n", "", 1)
	if diff := cmp.Diff([]string{"/srv/www"}, Hidden(parse(t, gone).Index(), host)); diff != "" {
		t.Error(diff)
	}
}

// TestPlaced: what a sandbox hides and shows at another place is not hidden, unless
// something else is shown there, or nothing.
func TestPlaced(t *testing.T) {
	const private = "61 27 254:1 /tmp/systemd-private-1/tmp /tmp rw - ext4 /dev/vda1 rw\n" +
		"62 27 0:24 /systemd/inaccessible/dir /usr/lib/modules ro - tmpfs tmpfs rw\n"
	places := map[string]string{"/tmp": "/tmp/host/tmp", "/usr/lib/modules": "/tmp/host/modules"}
	host := parse(t, droplet).Index()
	for shown, want := range map[string][]string{
		"": {"/tmp", "/usr/lib/modules"},
		"63 61 254:1 /tmp /tmp/host/tmp ro - ext4 /dev/vda1 rw\n":       {"/usr/lib/modules"},
		"63 61 254:1 /tmp/other /tmp/host/tmp ro - ext4 /dev/vda1 rw\n": {"/tmp", "/usr/lib/modules"},
		"63 61 254:1 /tmp /tmp/host/tmp ro - ext4 /dev/vda1 rw\n" +
			"64 61 254:1 /usr/lib/modules /tmp/host/modules ro - ext4 /dev/vda1 rw\n": nil,
	} {
		own := parse(t, droplet+private+shown).Index().Placed(places)
		if diff := cmp.Diff(want, Hidden(own, host)); diff != "" {
			t.Errorf("with %q: %s", shown, diff)
		}
	}
	// A file system mounted in a shown directory is where it belongs.
	inside := "63 61 254:1 /tmp /tmp/host/tmp ro - ext4 /dev/vda1 rw\n65 63 0:90 / /tmp/host/tmp/a rw - tmpfs tmpfs rw\n"
	own := parse(t, droplet+private+inside).Index().Placed(places)
	if m := own["/tmp/a"]; m.Device != "0:90" || m.Path != "/tmp/a" || own["/tmp/host/tmp/a"].Path != "" {
		t.Errorf("got %+v of %v", m, own)
	}
}

func TestKind(t *testing.T) {
	for fstype, want := range map[string]string{"ext4": Disk, "tmpfs": Memory, "nfs4": Network, "fuse.sshfs": Network, "fuse.lxcfs": Pseudo,
		"squashfs": Image, "vfat": Foreign, "overlay": Overlay, "cgroup2": Pseudo, "": Pseudo} {
		if got := Kind(fstype); got != want {
			t.Errorf("%s: got %s, want %s", fstype, got, want)
		}
	}
}

func TestParseTab(t *testing.T) {
	got := ParseTab([]byte("# a comment\n\nUUID=1 / ext4 defaults,errors=remount-ro 0 1\n \t/dev/sdb\t/srv/two\\040words/ xfs noauto,nofail\n" +
		"/swap none swap sw 0 0\nnas:/x /x nfs\n/dev/sdc data ext4 defaults 0 0\n/dev/sdd\n/dev/sde /e ext4 rw zero 0\n" +
		"/dev/sdf none ext4 rw\n/dev/sdg /g ext4 rw 0 0 more\r\n"))
	want := []Entry{
		{Source: "UUID=1", Path: "/", Type: "ext4", Options: "defaults,errors=remount-ro", Line: 3},
		{Source: "/dev/sdb", Path: "/srv/two words", Type: "xfs", Options: "noauto,nofail", Flags: Flags{NoAuto: true, NoFail: true}, Line: 4},
		{Source: "/swap", Path: "none", Type: "swap", Options: "sw", Line: 5},
		{Source: "nas:/x", Path: "/x", Type: "nfs", Options: "defaults", Line: 6},
		{Source: "/dev/sdc", Path: "data", Type: "ext4", Options: "defaults", Line: 7, Problem: `the mount point "data" is no absolute path`},
		{Line: 8, Problem: "fewer than three fields"},
		{Source: "/dev/sde", Path: "/e", Type: "ext4", Options: "rw", Line: 9, Problem: "the fifth field (dump) is no number"},
		{Source: "/dev/sdf", Path: "none", Type: "ext4", Options: "rw", Line: 10, Problem: "no mount point"},
		{Source: "/dev/sdg", Path: "/g", Type: "ext4", Options: "rw", Line: 11},
	}
	for i := range got {
		got[i].Raw = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !got[2].Swap() || got[1].Swap() {
		t.Error("swap is not told from file systems")
	}
}

func TestParseCrypttab(t *testing.T) {
	got := ParseCrypttab([]byte("# name device key options\ndata UUID=1 none luks\nswap /dev/sdb /dev/urandom swap\nx /dev/sdc /root/k\\040y\nbroken\n"))
	want := []Crypt{{Name: "data", Device: "UUID=1", Options: "luks", Line: 2, Raw: "data UUID=1 none luks"},
		{Name: "swap", Device: "/dev/sdb", Key: "/dev/urandom", Options: "swap", Line: 3, Raw: "swap /dev/sdb /dev/urandom swap"},
		{Name: "x", Device: "/dev/sdc", Key: "/root/k y", Line: 4, Raw: `x /dev/sdc /root/k\040y`}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOptionsAgainstMount: for lists of options in every order, what mount(8) makes
// of a line of fstab is what is said here. Each is mounted in a namespace of its own.
func TestOptionsAgainstMount(t *testing.T) {
	lists := []string{"defaults", "nodev,nosuid,noexec", "user", "users", "user,exec", "exec,user", "users,dev,suid", "owner", "group,suid",
		"nodev,dev", "dev,nodev", "noexec,user,exec,nodev", "ro", "ro,rw", "rw,ro,nosuid", "nosuid,suid,nosuid", "defaults,noexec",
		"noexec,defaults"}
	dir := t.TempDir()
	var tab, script strings.Builder
	script.WriteString("set -e\n")
	for i, list := range lists {
		place := filepath.Join(dir, fmt.Sprint("m", i))
		if err := os.Mkdir(place, 0o755); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&tab, "tmpfs %s tmpfs size=4k,%s 0 0\n", place, list)
		fmt.Fprintf(&script, "mount -T %s %s\n", filepath.Join(dir, "fstab"), place)
	}
	script.WriteString("cat /proc/self/mountinfo\n")
	if err := os.WriteFile(filepath.Join(dir, "fstab"), []byte(tab.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("unshare", "-m", "sh", "-c", script.String()).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mounted := parse(t, string(out)).Index()
	for i, e := range ParseTab([]byte(tab.String())) {
		m, ok := mounted[e.Path]
		want := Flags{Nodev: m.Options.Nodev, Nosuid: m.Options.Nosuid, Noexec: m.Options.Noexec, ReadOnly: m.Options.ReadOnly || m.SuperReadOnly}
		if !ok || e.Flags != want {
			t.Errorf("%s: got %+v, mount made %+v of it", lists[i], e.Flags, want)
		}
	}
}

func FuzzParseInfo(f *testing.F) {
	f.Add([]byte(droplet))
	f.Add([]byte("1 2 3:4 / /a\\040b rw - t s rw\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := ParseInfo(text)
		if err != nil {
			return
		}
		x := all.Index()
		for _, m := range all {
			if !strings.HasPrefix(m.Path, "/") {
				t.Errorf("path %q", m.Path)
			}
			x.Same(m)
			x.Over(m.Path)
		}
		if got := Hidden(x, x); len(got) != 0 {
			t.Errorf("hidden from itself: %q", got)
		}
	})
}

func FuzzParseTab(f *testing.F) {
	f.Add([]byte("UUID=1 / ext4 defaults 0 1\n/swap none swap sw 0 0\n"))
	f.Add([]byte("a /b\\040c d e,user,exec 0 x\ndata UUID=1 /key luks\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, e := range ParseTab(text) {
			if e.Problem == "" && e.Path != "none" && !e.Swap() && e.Type != "ignore" && !filepath.IsAbs(e.Path) || e.Line < 1 {
				t.Errorf("%+v", e)
			}
		}
		for _, c := range ParseCrypttab(text) {
			if c.Name == "" && !strings.Contains(c.Raw, `\`) || c.Line < 1 {
				t.Errorf("%+v", c)
			}
		}
	})
}

// What is beyond the bounds of a table is not taken for the table's end.
func TestLongTab(t *testing.T) {
	long := ParseTab([]byte("/dev/a /a ext4 defaults" + strings.Repeat(",noexec", maxLine/7) + "\n/dev/b /b ext4\n"))
	if len(long) != 2 || long[0].Problem == "" || long[0].Path != "" || long[1].Problem != "" {
		t.Errorf("a long line: %d entries, %q", len(long), long[0].Problem)
	}
	many := ParseTab([]byte(strings.Repeat("/dev/a /a ext4\n", maxLines+5)))
	if len(many) != maxLines+1 || many[maxLines-1].Problem != "" || many[maxLines].Problem == "" {
		t.Errorf("many lines: %d entries", len(many))
	}
	if exact := ParseTab([]byte(strings.Repeat("/dev/a /a ext4\n", maxLines))); len(exact) != maxLines || exact[maxLines-1].Problem != "" {
		t.Errorf("as many as are read: %d entries", len(exact))
	}
}
