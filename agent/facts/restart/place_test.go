package restart

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestPackaged(t *testing.T) {
	for path, want := range map[string]bool{
		"/usr/lib/x.so": true, "/usr/local/bin/x": true, "/lib/x": true, "/lib64/ld.so": true, "/bin/sh": true, "/sbin/init": true, "/opt/x/y": true,
		"/usr": false, "/tmp/x": false, "/home/usr/lib/x": false, "/srv/chroot/usr/lib/x": false, "/memfd:usr/lib/x (deleted)": false,
		"usr/lib/x": false, "": false, "/": false, "//usr/x": false, "[vdso]": false, "/SYSV00000000 (deleted)": false, "/dev/zero (deleted)": false,
		"/libexec/x": false, "/dev/shm/usr": false, "anon_inode:[x]/usr/x": false,
	} {
		if got := packaged([]byte(path)); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
}

// TestJudge has the file systems that this machine has not: the first number of
// their devices is 0.
func TestJudge(t *testing.T) {
	disk, overlay := unix.Mkdev(254, 0), unix.Mkdev(0, 35)
	const x, deleted = "/usr/lib/x", "/usr/lib/x (deleted)"
	at := func(dev, inode uint64) place { return place{there: true, dev: dev, inode: inode} }
	gone := place{gone: true}
	for _, tt := range []struct {
		what string
		m    mapping
		now  places
		want standing
	}{
		{"the same", mapping{disk, 1, []byte(x)}, places{x: at(disk, 1)}, current},
		{"another file", mapping{disk, 1, []byte(x)}, places{x: at(disk, 2)}, other},
		{"another device", mapping{disk, 1, []byte(x)}, places{x: at(overlay, 2)}, current},
		{"overlayfs: other numbers", mapping{overlay, 1, []byte(x)}, places{x: at(overlay, 2)}, current},
		{"gone without a mark", mapping{disk, 1, []byte(x)}, places{x: gone}, current},
		{"not known", mapping{disk, 1, []byte(x)}, places{x: {}}, current},
		{"replaced", mapping{disk, 1, []byte(deleted)}, places{x: at(disk, 2), deleted: gone}, replaced},
		{"overlayfs: replaced", mapping{overlay, 1, []byte(deleted)}, places{x: at(overlay, 2), deleted: gone}, replaced},
		{"removed", mapping{disk, 1, []byte(deleted)}, places{x: gone, deleted: gone}, replaced},
		{"replaced where others may not look", mapping{disk, 1, []byte(deleted)}, places{x: {}, deleted: {}}, replaced},
		{"there again", mapping{disk, 1, []byte(deleted)}, places{x: at(disk, 1), deleted: gone}, current},
		{"another device's file of that number", mapping{disk, 1, []byte(deleted)}, places{x: at(overlay, 1), deleted: gone}, replaced},
		{"btrfs: there again", mapping{overlay, 1, []byte(deleted)}, places{x: at(unix.Mkdev(0, 36), 1), deleted: gone}, current},
		{"really called so", mapping{disk, 1, []byte(deleted)}, places{x: gone, deleted: at(disk, 1)}, current},
		{"really called so, another file", mapping{disk, 1, []byte(deleted)}, places{x: gone, deleted: at(disk, 2)}, other},
		{"elsewhere", mapping{disk, 1, []byte("/tmp/x (deleted)")}, places{}, current},
		{"no file", mapping{disk, 1, []byte("[vdso]")}, places{}, current},
		{"unpacked", mapping{disk, 1, []byte("/opt/a/tmp/x (deleted)")}, places{"/opt/a/tmp/x": gone, "/opt/a/tmp/x (deleted)": gone}, current},
		{"in a temporary folder, replaced", mapping{disk, 1, []byte("/opt/a/tmp/x (deleted)")},
			places{"/opt/a/tmp/x": at(disk, 2), "/opt/a/tmp/x (deleted)": gone}, replaced},
	} {
		if got, _ := tt.now.judge(tt.m); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.what, got, tt.want)
		}
	}
}

// TestPlacesAreBounded: names beyond the limit are looked up, and not kept.
func TestPlacesAreBounded(t *testing.T) {
	p := places{}
	for i := range maxPlaces {
		p[string(rune(i))] = place{}
	}
	if at := p.lookup([]byte("/usr/bin/env")); !at.there || len(p) > maxPlaces {
		t.Errorf("got %+v, %d kept", at, len(p))
	}
}
