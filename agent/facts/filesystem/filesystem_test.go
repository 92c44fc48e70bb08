package filesystem

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/filesystem/hush"
	"seawall/pkg/hostfs"
	"seawall/pkg/mounts"
	"seawall/pkg/names"
)

// host makes a root with the given files; names that end in "/" are directories.
func host(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	base := map[string]string{"etc/passwd": "root:x:0:0::/root:\nann:x:1000:1000:::\n", "etc/group": "root:x:0:\nstaff:x:50:ann\nempty:x:51:\n"}
	for _, all := range []map[string]string{base, files} {
		for name, text := range all {
			p := filepath.Join(dir, name)
			must(t, os.MkdirAll(filepath.Dir(p), 0o755))
			if strings.HasSuffix(name, "/") {
				must(t, os.MkdirAll(p, 0o755))
				continue
			}
			must(t, os.WriteFile(p, []byte(text), 0o644))
		}
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func env(t testing.TB, dir string) fact.Env {
	t.Helper()
	root, err := hostfs.Open(dir)
	must(t, err)
	return fact.Env{Root: root, Now: time.Now}
}

func read(t testing.TB, dir string) Facts {
	t.Helper()
	return NewReader().Read(context.Background(), env(t, dir))
}

// with makes a reader of a host whose process 1 has the given mounts.
func with(t testing.TB, dir, mountinfo string) *reader {
	t.Helper()
	e := env(t, dir)
	who, err := names.Read(e.Root)
	must(t, err)
	table, err := mounts.ParseInfo([]byte(mountinfo))
	must(t, err)
	r := &reader{env: e, root: e.Root, names: who, f: &Facts{Places: map[string]Place{}}}
	r.order, r.table, r.own = table, table.Index(), table.Index()
	r.readTab()
	return r
}

const ext4 = "27 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n"

// TestPlaces: who mounts a place at boot, and with which options, by the files
// that decide.
func TestPlaces(t *testing.T) {
	unit := "[Mount]\nWhat=tmpfs\nWhere=/tmp\nOptions=mode=1777,nosuid,nodev\n"
	for name, tt := range map[string]struct {
		files map[string]string
		mount string
		path  string
		want  string
	}{
		"nothing":   {nil, "", "/home", "no file system of its own now; nothing mounts it at boot"},
		"now alone": {nil, "30 27 0:40 / /tmp rw,nosuid - tmpfs tmpfs rw\n", "/tmp", "mounted now with nosuid; nothing mounts it at boot"},
		"fstab": {map[string]string{"etc/fstab": "tmpfs /tmp tmpfs nodev,noexec 0 0\n"}, "30 27 0:40 / /tmp rw - tmpfs tmpfs rw\n", "/tmp",
			"mounted now with none of nodev, nosuid, noexec; at boot by fstab with nodev, noexec"},
		"not at boot":    {map[string]string{"etc/fstab": "tmpfs /tmp tmpfs noauto 0 0\n"}, "", "/tmp", "no file system of its own now; nothing mounts it at boot"},
		"last of two":    {map[string]string{"etc/fstab": "a /home ext4 nodev\nb /home ext4 nosuid\n"}, "", "/home", "no file system of its own now; at boot by fstab with nosuid"},
		"unit not on":    {map[string]string{"usr/lib/systemd/system/tmp.mount": unit}, "", "/tmp", "no file system of its own now; nothing mounts it at boot"},
		"packaged unit":  {map[string]string{"usr/lib/systemd/system/tmp.mount": unit, "usr/lib/systemd/system/local-fs.target.wants/tmp.mount": unit}, "", "/tmp", "no file system of its own now; at boot by unit with nodev, nosuid"},
		"fstab over it":  {map[string]string{"usr/lib/systemd/system/tmp.mount": unit, "usr/lib/systemd/system/local-fs.target.wants/tmp.mount": unit, "etc/fstab": "tmpfs /tmp tmpfs noexec\n"}, "", "/tmp", "no file system of its own now; at boot by fstab with noexec"},
		"own unit first": {map[string]string{"etc/systemd/system/tmp.mount": unit, "etc/systemd/system/local-fs.target.wants/tmp.mount": unit, "etc/fstab": "tmpfs /tmp tmpfs noexec\n"}, "", "/tmp", "no file system of its own now; at boot by unit with nodev, nosuid"},
		"drop-in":        {map[string]string{"etc/systemd/system/tmp.mount": unit, "etc/systemd/system/local-fs.target.wants/tmp.mount": unit, "etc/systemd/system/tmp.mount.d/x.conf": "[Mount]\nOptions=noexec\n"}, "", "/tmp", "no file system of its own now; at boot by unit with noexec"},
		"shm of systemd": {map[string]string{"usr/lib/systemd/systemd": ""}, "", "/dev/shm", "no file system of its own now; at boot by systemd with nodev, nosuid"},
		"shm elsewhere":  {nil, "", "/dev/shm", "no file system of its own now; nothing mounts it at boot"},
	} {
		r := with(t, host(t, tt.files), ext4+tt.mount)
		r.places("")
		if got := r.f.Places[tt.path].Text; got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", name, got, tt.want)
		}
	}
	r := with(t, host(t, nil), ext4+"30 27 254:1 /home /home rw,nodev - ext4 /dev/vda1 rw\n")
	r.places("")
	if p := r.f.Places["/home"]; !p.Mounted || p.Separate || !p.Now.Nodev {
		t.Errorf("bound to itself: %+v", p)
	}
}

func TestMounts(t *testing.T) {
	r := with(t, host(t, map[string]string{"etc/fstab": "/dev/vda1 / ext4 defaults\nnas:/x /srv/x nfs ro\n"}), ext4+
		"30 27 0:40 / /srv/x rw,nosuid - nfs4 user:secret@nas:/x rw\n31 27 7:1 / /snap/x/1 ro - squashfs /dev/loop1 ro\n"+
		"32 27 254:1 /srv /mnt rw - ext4 /dev/vda1 rw\n33 27 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n"+
		"34 27 254:15 / /boot/efi ro - vfat /dev/vda15 rw\n35 27 0:51 / /sys rw - sysfs sysfs rw\n")
	r.mounted()
	var got []string
	for _, m := range r.f.Mounts {
		got = append(got, fmt.Sprintf("%s %s %v %v %v", m.Path, m.Type, m.Network, m.ReadOnly, m.MeantWritable))
	}
	want := []string{"/ ext4 false false true", "/srv/x nfs4 true false false", "/boot/efi vfat false true false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s := r.f.Mounts[0].Space; !s.Known || s.Bytes == 0 || s.UsedPercent > 100 {
		t.Errorf("space: %+v", s)
	}
	if s := r.f.Mounts[1].Space; s.Known {
		t.Errorf("another host's: %+v", s)
	}
}

// TestHide: systemd gives a process a /dev of its own and the host's /dev/shm in it.
func TestHide(t *testing.T) {
	const dev = "30 27 0:6 / /dev rw - devtmpfs udev rw\n"
	const shm = "31 30 0:23 / /dev/shm rw - tmpfs tmpfs rw\n"
	for _, tt := range []struct {
		own            string
		hidden, shared []string
	}{
		{dev + shm, nil, nil},
		{strings.Replace(dev, "0:6", "0:77", 1) + shm, []string{"/dev"}, []string{"/dev/shm"}},
		{strings.Replace(dev, "0:6", "0:77", 1), []string{"/dev", "/dev/shm"}, nil},
		{dev + shm + "32 27 0:80 / /tmp rw - tmpfs tmpfs rw\n", []string{"/tmp"}, nil},
	} {
		r := with(t, host(t, nil), ext4+dev+shm)
		own, err := mounts.ParseInfo([]byte(ext4 + tt.own))
		if err != nil {
			t.Fatal(err)
		}
		r.own = own.Index()
		r.hide()
		if !slices.Equal(r.hidden, tt.hidden) || !slices.Equal(r.shared, tt.shared) {
			t.Errorf("%s\ngot %v, %v\nwant %v, %v", tt.own, r.hidden, r.shared, tt.hidden, tt.shared)
		}
	}
}

// TestTab: what is wrong with a line is said, and no secret of it.
func TestTab(t *testing.T) {
	r := with(t, host(t, map[string]string{"etc/fstab": "UUID=1 / ext4 rw\nUUID=2 / ext4 rw\n//nas/x /x cifs user=ann,password=hunter2,nosuid\n" +
		"curlftpfs#ftp://ann:hunter2@nas/x /y fuse noauto\nnas:/y /z ceph secret=hunter2\nbroken hunter2\n"}), ext4)
	text := fmt.Sprintf("%+v", r.f.Table)
	if strings.Contains(text, "hunter2") {
		t.Errorf("a password is in %s", text)
	}
	var got []string
	for _, e := range r.f.Table.Entries {
		got = append(got, fmt.Sprintf("%d %s|%s|%v", e.Line, e.Problem, e.Secret, e.Mounted))
	}
	want := []string{"1 ||true", "2 / is in it twice||true", "3 |password|false", "4 |the source|false", "5 |secret|false", "6 fewer than three fields||false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if raw := r.f.Table.Entries[2].Raw; raw != "//nas/x /x cifs user=ann,password=…,nosuid" {
		t.Error(raw)
	}
	many := with(t, host(t, map[string]string{"etc/fstab": strings.Repeat("a /x ext4\n", maxList+1)}), ext4)
	if many.f.Table.Known || len(many.f.Table.Entries) != maxList {
		t.Errorf("%d entries are known whole", len(many.f.Table.Entries))
	}
}

// TestFiles: modes, owners, and who can change a file in words.
func TestFiles(t *testing.T) {
	at := host(t, map[string]string{"etc/shadow": "", "etc/profile": "", "etc/profile.d/a.sh": "", "etc/fstab": "//n/x /x cifs credentials=/etc/cred\n", "etc/cred": "",
		"etc/environment": "PATH=\"/usr/bin:/opt/tool/bin:$HOME/x:relative\"\n", "opt/tool/bin/": "", "etc/ld.so.conf": "include ld.so.conf.d/*.conf\n",
		"etc/ld.so.conf.d/x.conf": "# c\n/opt/lib\nhwcap 1 x\n/usr/lib=libc6\n", "etc/ld.so.conf.d/.hidden.conf": "/none\n", "opt/lib/": "", "tmp/": "", "etc/skel/": ""})
	for name, mode := range map[string]uint32{"etc/shadow": 0o640, "tmp": 0o1777, "opt/tool": 0o775, "etc/profile.d/a.sh": 0o666, "opt/lib": 0o775, "etc/cred": 0o600} {
		must(t, unix.Chmod(filepath.Join(at, name), mode))
	}
	must(t, os.Chown(filepath.Join(at, "opt/tool"), 0, 50))
	must(t, os.Chown(filepath.Join(at, "opt/lib"), 0, 51))
	must(t, os.Chown(filepath.Join(at, "etc/skel"), 1000, 7777))
	must(t, os.Symlink("/dev/null", filepath.Join(at, "etc/rc.local")))
	must(t, os.MkdirAll(filepath.Join(at, "dev"), 0o755))
	must(t, unix.Mknod(filepath.Join(at, "dev/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	must(t, unix.Chmod(filepath.Join(at, "dev/null"), 0o666))
	got := map[string]string{}
	for _, f := range read(t, at).Files {
		if f.Exists && (f.Kind != "top" || f.Weak != "") {
			got[f.Kind+" "+f.Path] = strings.TrimSpace(fmt.Sprintf("%s %s %s:%d", f.Text, f.Weak, f.From, f.Line))
		}
	}
	for name, want := range map[string]string{
		"shadow /etc/shadow": "0640 root:root  :0", "temporary /tmp": "1777 root:root  :0", "login /etc/profile.d/a.sh": "0666 root:root everybody :0",
		"path /opt/tool/bin": "0755 root:root  /etc/environment:1", "path /opt/tool": "0775 root:staff the group staff /etc/environment:1",
		"library /opt/lib": "0775 root:empty  /etc/ld.so.conf.d/x.conf:2", "login /etc/skel": "0755 ann:7777 its owner ann :0",
		"credentials /etc/cred": "0600 root:root  /etc/fstab:1", "startup /etc/rc.local": "0666 root:root  :0",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	for _, none := range []string{"path /root/x", "path relative", "library /none", "temporary /dev/shm"} {
		if v, ok := got[none]; ok {
			t.Errorf("%s: %s", none, v)
		}
	}
}

func TestExtra(t *testing.T) {
	at := host(t, map[string]string{"etc/os-release": "ID=debian\n", "etc/motd": "Welcome to DEBIAN\n", "etc/issue": "Hello\n\\S \\r\n", "etc/issue.net": "Go away\n",
		"etc/ld.so.preload": "# x\n/lib/a.so:/lib/b.so\n", "usr/bin/aide": "", "var/lib/aide/aide.db": "", "etc/cron.daily/x": "#!/bin/sh\n# aide\naide --check\n",
		"tmp/systemd-private-1/": "", "tmp/left": "", "var/mail/ann": "From", "var/mail/bob": "", "var/cache/apt/archives/a.deb": "", "var/cache/apt/archives/lock": ""})
	f := read(t, at)
	var banners []string
	for _, b := range f.Banners {
		banners = append(banners, fmt.Sprintf("%s %s %d", b.Path, b.Tells, b.Line))
	}
	if diff := cmp.Diff([]string{"/etc/motd the distribution's name 1", `/etc/issue \r 2`, "/etc/issue.net  0"}, banners); diff != "" {
		t.Error(diff)
	}
	if p := f.Preload; !p.Known || len(p.Libraries) != 2 || p.Libraries[1].Value != "/lib/b.so" || p.Libraries[1].Line != 2 {
		t.Errorf("%+v", p)
	}
	if i := f.Integrity; i.Program != "/usr/bin/aide" || i.Database == "" || !i.Scheduled || i.Schedule != "/etc/cron.daily/x" {
		t.Errorf("%+v", i)
	}
	left := map[string]string{}
	for _, l := range f.Leftovers.Folders {
		if l.Count > 0 {
			left[l.Path] = fmt.Sprint(l.Count, l.First)
		}
	}
	if diff := cmp.Diff(map[string]string{"/tmp": "1left", "/var/mail": "1ann", "/var/cache/apt/archives": "1a.deb"}, left); diff != "" {
		t.Error(diff)
	}
}

// TestCrypt: key files of crypttab, and volumes by what /sys says of them.
func TestCrypt(t *testing.T) {
	at := host(t, map[string]string{"etc/crypttab": "data UUID=1 /root/key luks\nswap /dev/sdb /dev/urandom swap\nx UUID=2 none\n", "root/key": "",
		"sys/dev/block/253:0/dm/uuid": "LVM-x\n", "sys/dev/block/253:0/slaves/dm-1/": "", "sys/class/block/dm-1/dm/uuid": "CRYPT-LUKS2-1-data\n",
		"sys/class/block/dm-1/dm/name": "data\n", "sys/dev/block/254:1/slaves/": "",
		"proc/swaps": "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 1\n/dev/dm-1 partition 1 0 1\n/swap\\040file file 1 0 1\n/dev/none partition 1 0 1\n"})
	r := with(t, at, ext4+"30 27 253:0 / /data rw - xfs /dev/mapper/vg-data rw\n31 27 0:44 / /b rw - btrfs /dev/mapper/data rw\n")
	r.mounted()
	r.encrypted()
	var got []string
	for _, v := range append(r.f.Encrypted.Volumes, r.f.Encrypted.Swaps...) {
		got = append(got, fmt.Sprint(v.Path, " ", v.Known, " ", v.Encrypted))
	}
	want := []string{"/ true false", "/data true true", "/b true true", "/dev/dm-1 true true", "/swap file true false", "/dev/none false false"}
	if diff := cmp.Diff(want, got); diff != "" || !r.f.Encrypted.Any {
		t.Error(diff)
	}
	if k := r.f.Encrypted.Keys; len(k) != 1 || k[0].Path != "/root/key" || k[0].Line != 1 {
		t.Errorf("%+v", k)
	}
}

// TestHostile: whatever stands in place of the files that are read, the answer comes
// soon, and is no answer that all is well.
func TestHostile(t *testing.T) {
	at := host(t, map[string]string{"etc/ld.so.conf": strings.Repeat("include /etc/ld.so.conf\ninclude *\n", 300) + strings.Repeat("/x\n", 100_000), "etc/environment": "PATH=" + strings.Repeat("/a:", 300_000),
		"etc/motd": strings.Repeat("x", 2<<20)})
	for _, name := range []string{"etc/fstab", "etc/ld.so.preload", "etc/crypttab", "etc/issue", "etc/login.defs", "etc/crontab"} {
		must(t, unix.Mkfifo(filepath.Join(at, name), 0o644))
	}
	must(t, os.Symlink("profile", filepath.Join(at, "etc/profile")))
	start := time.Now()
	f := read(t, at)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if f.Table.Known || f.Preload.Known || f.Banners[0].Error == "" || f.Banners[1].Error == "" {
		t.Errorf("%+v %+v %+v", f.Table, f.Preload, f.Banners)
	}
	for _, l := range f.Files {
		if l.Path == "/etc/profile" && l.Error == "" {
			t.Error("a loop of links is no error")
		}
	}
	if len(f.Files) > 5*maxList {
		t.Errorf("%d files", len(f.Files))
	}
}

// TestBounds: a list that is cut says so, and no other does.
func TestBounds(t *testing.T) {
	lines := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, line+"\n", i)
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		most  int
		files func(n int) map[string]string
		want  string
	}{
		"keys": {maxList, func(n int) map[string]string {
			return map[string]string{"etc/crypttab": lines(n, "x /dev/vda%d /key") + "swap /dev/vdb /dev/urandom\n"}
		}, "encrypted.keys"},
		"a directory": {maxDir, func(n int) map[string]string {
			files := map[string]string{}
			for i := range n {
				files[fmt.Sprintf("etc/init.d/%d", i)] = ""
			}
			return files
		}, "files"},
		"PATH": {maxList - 6, func(n int) map[string]string { return map[string]string{"etc/environment": lines(n, "PATH=/a%d")} }, "files"},
		"above PATH": {2*maxList - 8, func(n int) map[string]string {
			return map[string]string{"etc/environment": "PATH=" + strings.Repeat("/a", n)}
		}, "files"},
		"libraries":     {maxList, func(n int) map[string]string { return map[string]string{"etc/ld.so.conf": lines(n, "/a%d")} }, "files"},
		"above those":   {maxList, func(n int) map[string]string { return map[string]string{"etc/ld.so.conf": strings.Repeat("/a", n)} }, "files"},
		"an unreadable": {1 << 20, func(n int) map[string]string { return map[string]string{"etc/ld.so.conf": strings.Repeat("#", n)} }, "files"},
	} {
		for more, want := range []string{"", tt.want} {
			e := env(t, host(t, tt.files(tt.most+more)))
			r := &reader{env: e, root: e.Root, names: &names.Names{}, f: &Facts{}}
			r.files()
			r.crypttab()
			if got := strings.Join(slices.Sorted(maps.Keys(r.f.Meta.Partial)), " "); got != want {
				t.Errorf("%s, %d more: %q, want %q", name, more, r.f.Meta.Partial, want)
			}
		}
	}
	for more, want := range []int{0, 2} {
		r := with(t, host(t, nil), ext4+lines(maxList-1+more, "28 1 0:%d / /mnt rw - nfs4 h:/x rw"))
		for i := range r.order { // each at a place of its own
			r.order[i].Path += strings.Repeat("x", i)
		}
		r.table = r.order.Index()
		if r.mounted(); len(r.f.Mounts) != maxList || len(r.f.Meta.Partial) != want {
			t.Errorf("%d more: %d mounts, %q", more, len(r.f.Mounts), r.f.Meta.Partial)
		}
	}
}

// TestImage: of an image nothing is said that only a running system knows.
func TestImage(t *testing.T) {
	f := read(t, host(t, nil))
	if f.Meta.State != fact.StateKnown || f.Places["/tmp"].Running || !f.Places["/tmp"].Known || f.Encrypted.Known || len(f.Mounts) != 0 || !f.Disk.Known {
		t.Errorf("%+v", f)
	}
	at := host(t, nil)
	must(t, os.Remove(filepath.Join(at, "etc/passwd")))
	if f := read(t, at); f.Meta.State != fact.StateUnknown || f.Meta.Reason == "" {
		t.Errorf("%+v", f.Meta)
	}
}

// TestThisHost: the running system is read, and its root is among its mounts.
func TestThisHost(t *testing.T) {
	r := &reader{env: fact.Env{Now: time.Now}, f: &Facts{Places: map[string]Place{}}}
	var err error
	r.names, err = names.Read(r.root)
	must(t, err)
	r.read()
	if len(r.f.Mounts) == 0 || r.f.Mounts[0].Path != "/" || !r.f.Places["/tmp"].Running {
		t.Errorf("%+v", r.f.Mounts)
	}
	for _, f := range r.f.Files {
		if f.Exists && f.Error == "" && f.Mode < 0 {
			t.Errorf("%+v", f)
		}
	}
}

func FuzzTexts(f *testing.F) {
	f.Add("PATH=/a:/b", "//n/x /x cifs password=p", "Hello \\r")
	f.Add("ENV_SUPATH PATH=/sbin", "ftp://a:b@c/d /x fuse rw", "debian")
	f.Fuzz(func(t *testing.T, line, tab, words string) {
		for _, d := range searchPath(line) {
			if !filepath.IsAbs(d) {
				t.Errorf("%q: %q", line, d)
			}
		}
		for _, e := range mounts.ParseTab([]byte(tab)) {
			if name, raw := hush.Entry(&e); name != "" && !strings.Contains(raw, "…") && len(raw) < maxName-8 {
				t.Errorf("%q: %q", tab, raw)
			}
		}
		var b Banner
		b.look(words, "debian")
		if b.Tells != "" && b.Line < 1 {
			t.Errorf("%q: %+v", words, b)
		}
	})
}
