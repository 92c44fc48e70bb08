package modprobe

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

var update = flag.Bool("update", false, "ask the real modprobe again (as root)")

// shows lists a configuration as modprobe -c does.
func (c *Config) shows() string {
	var b strings.Builder
	for _, l := range c.blacklist {
		fmt.Fprintf(&b, "blacklist %s\n", l.Name)
	}
	for _, l := range c.install {
		fmt.Fprintf(&b, "install %s %s\n", l.Name, l.Command)
	}
	return b.String()
}

// TestModprobe compares with what the real modprobe printed.
func TestModprobe(t *testing.T) {
	const name = "testdata/config.txtar"
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range a.Files[:len(a.Files)-1] {
		files[f.Name] = string(f.Data)
	}
	want := &a.Files[len(a.Files)-1]
	if *update {
		want.Data = ask(t, files)
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := Load(image.Of(t, files))
	if diff := cmp.Diff(string(want.Data), c.shows()); diff != "" {
		t.Error(diff)
	}
	if len(c.Problems) > 0 || !slices.Contains(c.Depends, "/etc/modprobe.d/") {
		t.Errorf("%q %q", c.Problems, c.Depends)
	}
}

// ask runs modprobe -c over the files, in a mount namespace of its own.
func ask(t *testing.T, files map[string]string) []byte {
	t.Helper()
	tree := t.TempDir()
	for name, text := range files {
		name = filepath.Join(tree, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-ec", `mount -t tmpfs tmpfs /run; mkdir /run/modprobe.d
		for d in etc run lib; do mount --bind "$1/$d/modprobe.d" /$d/modprobe.d; done
		modprobe -c | grep -E '^(blacklist|install) '`, "ask", tree)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLookup(t *testing.T) {
	c := &Config{}
	c.parse("/f", []byte("install glob-* /bin/false\ninstall usb-storage /sbin/modprobe x; true\ninstall usb_storage /bin/false\nblacklist hfs-plus\n"+
		"install [!b]at\\\n /bin/true\n"))
	c.CommandLine("/proc/cmdline", `ro "modprobe.blacklist=one,two-b" module_blacklist=three x`)
	for name, want := range map[string]string{
		"usb-storage": "/f:2 false", "glob_a": "/f:1 true", "glob": "", "cat": "/f:5 true", "bat": "", "three": "/proc/cmdline:0 true", "one": "",
	} {
		got := ""
		if l, ok := c.Install(name); ok {
			got = fmt.Sprintf("%s:%d %v", l.File, l.Line, l.Inert())
		}
		if got != want {
			t.Errorf("install %s: got %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{"hfs_plus": true, "hfs-plus": true, "one": true, "two_b": true, "three": false, "hfs": false} {
		if l, ok := c.Blacklist(name); ok != want {
			t.Errorf("blacklist %s: %+v", name, l)
		}
	}
}

func TestInert(t *testing.T) {
	for command, want := range map[string]bool{
		"/bin/false": true, "/usr/bin/true ": true, "false": true, "/sbin/nologin": true, "": false, "/bin/false; insmod x": false, "/bin/false # x": true, "#": false,
		"/sbin/modprobe x": false, "/bin/falsely": false,
	} {
		if got := (Line{Command: command}).Inert(); got != want {
			t.Errorf("%q: %v", command, got)
		}
	}
}

func TestFind(t *testing.T) {
	long := "kernel/fs/udf/udf.ko: " + strings.Repeat("kernel/lib/crc-itu-t.ko.xz ", 1<<14) + "\nkernel/fs/hfs/hfs.ko:\n"
	files := map[string]string{
		"lib/modules/6.1/modules.dep":         "kernel/drivers/usb/storage/usb-storage.ko.xz: kernel/x/cramfs.ko.xz\nkernel/net/sctp/sctp.ko.zst:\n" + long,
		"lib/modules/6.1/modules.builtin":     "kernel/fs/squashfs/squashfs.ko\nkernel/fs/jffs2/jffs2.ko\n",
		"lib/modules/6.2/modules.dep":         "kernel/fs/jffs2/jffs2.ko:\n",
		"lib/modules/6.2/modules.builtin":     "kernel/fs/squashfs/squashfs.ko\n",
		"lib/modules/gone/kernel/left/x.ko":   "",
		"lib/modules/plain":                   "a file",
		"lib/modules/6.1/kernel/fs/cramfs.ko": "",
	}
	names := []string{"usb_storage", "sctp", "cramfs", "udf", "hfs", "squashfs", "jffs2"}
	got, err := Find(image.Of(t, files), names)
	if err != nil {
		t.Fatal(err)
	}
	want := Files{Loadable: map[string]bool{"usb_storage": true, "sctp": true, "udf": true, "hfs": true, "jffs2": true},
		Builtin: map[string]bool{"squashfs": true, "jffs2": false}, Releases: []string{"6.1", "6.2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, files := range []map[string]string{{}, {"lib/modules/6.1/other": ""}} {
		if _, err := Find(image.Of(t, files), names); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", files, err)
		}
	}
	files = map[string]string{"lib/modules/6.1/modules.dep/x": ""}
	if _, err := Find(image.Of(t, files), names); !errors.Is(err, hostfs.ErrNotRegular) {
		t.Errorf("a directory: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("install a /bin/false\nblacklist b\\\n c\n", "modprobe.blacklist=a,b")
	f.Add("install [a-]b \\\\\\\n x\n\\", "\"module_blacklist=,,")
	f.Fuzz(func(t *testing.T, s, line string) {
		c := &Config{}
		c.parse("/f", []byte(s))
		c.CommandLine("/c", line)
		for _, l := range append(c.install, c.blacklist...) {
			if l.File == "/f" && (l.Line < 1 || l.Line > 1+strings.Count(s, "\n")) {
				t.Errorf("%+v", l)
			}
		}
		c.Install("usb-storage")
		c.Blacklist("usb-storage")
	})
}
