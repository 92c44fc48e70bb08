package effect

import (
	"compress/gzip"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
)

var nametypes = map[string]audit.Nametype{
	"NORMAL": audit.NametypeNormal, "PARENT": audit.NametypeParent,
	"CREATE": audit.NametypeCreate, "DELETE": audit.NametypeDelete,
}

// capture gives the events of package audit's capture to handle.
func capture(t *testing.T, handle func(*audit.Event)) {
	t.Helper()
	f, err := os.Open("../audit/testdata/capture.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	a := audit.NewAssembler(0, handle)
	if _, err := auditlog.Read(z, func(typ uint16, payload []byte) { a.Push(typ, payload, time.Unix(0, 0)) }); err != nil {
		t.Fatal(err)
	}
	a.Close()
}

// call makes an event of an x86-64 system call run in /etc, with paths written
// as "NAMETYPE name".
func call(number int, args [4]uint64, paths ...string) *audit.Event {
	e := &audit.Event{HasSyscall: true, Success: true, Arch: 0xc000003e, Syscall: number, Args: args, CWD: []byte("/etc")}
	for i, p := range paths {
		var kind, name string
		fmt.Sscanf(p, "%s %s", &kind, &name)
		path := audit.Path{Item: i, Inode: uint64(i + 1), Nametype: nametypes[kind]}
		if name != "" {
			path.Name = []byte(name)
		}
		e.Paths = append(e.Paths, path)
	}
	return e
}

const (
	cwd     = 0xffffff9c // AT_FDCWD
	cwdLong = 0xffffffffffffff9c
)

func TestChangedPaths(t *testing.T) {
	for _, tt := range []struct {
		name string
		e    *audit.Event
		want []Change
	}{
		{"open to read", call(257, [4]uint64{cwd, 0, 0}, "NORMAL /etc/ssh/sshd_config"), nil},
		{"open to write", call(257, [4]uint64{cwd, 0, 1}, "NORMAL /etc/ssh//./sshd_config"),
			[]Change{{Path: "/etc/ssh/sshd_config", Operation: Write}}},
		{"open to append, relative", call(2, [4]uint64{0, 0o2001}, "NORMAL ssh/../passwd"),
			[]Change{{Path: "/etc/passwd", Operation: Write}}},
		{"truncate by open to read", call(257, [4]uint64{cwd, 0, 0o1000}, "NORMAL x"), []Change{{Path: "/etc/x", Operation: Write}}},
		{"create by open to read", call(257, [4]uint64{cwd, 0, 0o100}, "PARENT /etc", "CREATE new"),
			[]Change{{Path: "/etc/new", Operation: Create}}},
		{"temporary file", call(257, [4]uint64{cwd, 0, 0o20200002}, "NORMAL /etc"), nil},
		{"openat2, flags unknown", call(437, [4]uint64{cwd}, "NORMAL a"), []Change{{Path: "/etc/a", Operation: Write}}},
		{"creat", call(85, [4]uint64{}, "NORMAL a"), []Change{{Path: "/etc/a", Operation: Write}}},
		{"rename", call(82, [4]uint64{}, "PARENT /etc", "PARENT /etc/ssh/", "DELETE a", "CREATE /etc/ssh/b"),
			[]Change{{Path: "/etc/a", Operation: Rename}, {Path: "/etc/ssh/b", Operation: Rename}}},
		{"rename over", call(82, [4]uint64{}, "PARENT /etc", "PARENT /etc", "DELETE a", "DELETE b", "CREATE b"),
			[]Change{{Path: "/etc/a", Operation: Rename}, {Path: "/etc/b", Operation: Rename}}},
		{"renameat2", call(316, [4]uint64{cwdLong, 0, cwdLong, 0}, "PARENT /etc", "PARENT /etc", "DELETE a", "CREATE b"),
			[]Change{{Path: "/etc/a", Operation: Rename}, {Path: "/etc/b", Operation: Rename}}},
		{"renameat of descriptors", call(264, [4]uint64{3, 0, cwd, 0}, "PARENT /etc", "PARENT /etc", "DELETE a", "CREATE b"),
			[]Change{{Path: "a", Operation: Rename, Relative: true}, {Path: "/etc/b", Operation: Rename}}},
		{"unlinkat of a descriptor", call(263, [4]uint64{5}, "PARENT /root", "DELETE sshd_config"),
			[]Change{{Path: "sshd_config", Operation: Delete, Relative: true}}},
		{"unlink", call(87, [4]uint64{}, "PARENT /etc/", "DELETE /etc/a"), []Change{{Path: "/etc/a", Operation: Delete}}},
		{"mkdir", call(83, [4]uint64{}, "PARENT /etc", "CREATE d"), []Change{{Path: "/etc/d", Operation: Create}}},
		{"rmdir", call(84, [4]uint64{}, "PARENT /etc", "DELETE d"), []Change{{Path: "/etc/d", Operation: Delete}}},
		{"link", call(86, [4]uint64{}, "NORMAL a", "PARENT /etc", "CREATE b"), []Change{{Path: "/etc/b", Operation: Link}}},
		{"symlinkat", call(266, [4]uint64{0, cwd, 0}, "PARENT /etc", "CREATE l"), []Change{{Path: "/etc/l", Operation: Link}}},
		{"chmod", call(90, [4]uint64{}, "NORMAL a"), []Change{{Path: "/etc/a", Operation: Attributes}}},
		{"fchownat", call(260, [4]uint64{cwd}, "NORMAL a"), []Change{{Path: "/etc/a", Operation: Attributes}}},
		{"fchmod", call(91, [4]uint64{3}, "NORMAL"), []Change{{Operation: Attributes, Relative: true}}},
		{"setxattr", call(188, [4]uint64{}, "NORMAL a"), []Change{{Path: "/etc/a", Operation: Attributes}}},
		{"truncate", call(76, [4]uint64{}, "NORMAL a"), []Change{{Path: "/etc/a", Operation: Write}}},
		{"a socket", call(49, [4]uint64{}, "PARENT /etc", "CREATE sock"), []Change{{Path: "/etc/sock", Operation: Create}}},
		{"stat", call(4, [4]uint64{}, "NORMAL a"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Changes(tt.e)
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Change{}, "Inode", "Dir"), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			tt.e.Success = false
			if got := Changes(tt.e); got != nil {
				t.Errorf("a call that failed changed %v", got)
			}
		})
	}
}

// TestURing holds that what io_uring did counts as its kind, and several kinds at once as
// the worst of them.
func TestURing(t *testing.T) {
	for op, want := range map[int]string{18: Write, 35: "", -1: Write} {
		e := call(op, [4]uint64{}, "NORMAL /etc/a", "CREATE /etc/b")
		e.Uring, e.Arch = true, 0
		if got := Did(e, 0); got != want {
			t.Errorf("operation %d did %q, want %q", op, got, want)
		}
		if got := Did(e, 1); got == "" {
			t.Errorf("operation %d created nothing", op)
		}
	}
}

func TestChangedPathsInodes(t *testing.T) {
	got := Changes(call(82, [4]uint64{}, "PARENT /etc", "PARENT /etc/ssh/", "DELETE a", "CREATE /etc/ssh/b"))
	want := []Change{
		{Path: "/etc/a", Operation: Rename, Inode: 3, Dir: 1},
		{Path: "/etc/ssh/b", Operation: Rename, Inode: 4, Dir: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestChangedPathsOfPartialEvent(t *testing.T) {
	e := call(82, [4]uint64{}, "PARENT /etc/ssh/")
	e.Partial = true
	want := []Change{{Path: "/etc/ssh", Operation: Write, Inode: 1}}
	if diff := cmp.Diff(want, Changes(e)); diff != "" {
		t.Error(diff)
	}
}

// TestCaptureChanges follows a program that did each kind of change.
func TestCaptureChanges(t *testing.T) {
	var got []string
	capture(t, func(e *audit.Event) {
		if e.PID != 9101 {
			return
		}
		for _, c := range Changes(e) {
			got = append(got, Call(e)+" "+c.Operation+" "+c.Path)
		}
	})
	const dir = "/tmp/auditbench/capdir/"
	want := []string{
		"openat create " + dir + "f1",
		"rename rename " + dir + "f1", "rename rename " + dir + "f2 renamed",
		"symlink link " + dir + "ln k",
		"link link " + dir + "hard",
		"chmod attributes " + dir + "f2 renamed",
		"mkdir create " + dir + "new dir",
		"rename rename " + dir + "f2 renamed", "rename rename " + dir + "new dir/f3",
		"unlink delete " + dir + "hard",
		"unlink delete " + dir + "ln k",
		"setxattr attributes " + dir + "new dir/f3",
		"truncate write " + dir + "new dir/f3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
