package hostile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// liveRoot names the variable by which the test's own program is told to become a
// program that takes a tree for the host it runs on.
const liveRoot = "HOSTILE_LIVE_ROOT"

// inside makes root the root directory, with the kernel's file systems, and becomes a
// program in it. What lies in /over of the tree is mounted over what has the same name
// in the tree. The process has namespaces of its own.
func inside(root string, args []string) error {
	mount := func(source, name, kind string, flags uintptr) error {
		target := filepath.Join(root, name)
		if err := unix.Mount(source, target, kind, flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", target, err)
		}
		return nil
	}
	if err := errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		mount("proc", "proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC),
		mount("/sys", "sys", "", unix.MS_BIND|unix.MS_REC),
	); err != nil {
		return err
	}
	over := filepath.Join(root, "over")
	err := filepath.WalkDir(over, func(path string, d fs.DirEntry, err error) error {
		name, _ := strings.CutPrefix(path, over)
		if err != nil || d.IsDir() && !strings.HasSuffix(name, ".dir") {
			return err
		}
		// What this kernel does not have cannot be hidden.
		if err := mount(path, name, "", unix.MS_BIND); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	if err == nil {
		err = errors.Join(unix.Chroot(root), os.Chdir("/"))
	}
	if err != nil {
		return err
	}
	return os.NewSyscallError("execve", unix.Exec(args[0], args, []string{"PATH=/fake:/usr/bin:/bin:/usr/sbin", "HOME=/root"}))
}

// live is a look by every check at a tree as at the host itself.
func live(t *testing.T, what, root string) (string, answer) {
	t.Helper()
	return within(t, what, maxCPU, maxRSS, liveCommand(t, root, "check", "--profile", "all", "--format", "json"))
}

// liveCommand is the program with a tree for its host: seawall lies in it as /seawall.
func liveCommand(t *testing.T, root string, args ...string) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("only root can make a tree the host")
	}
	for _, dir := range []string{"proc", "sys", "dev", "run", "ran", "over", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		os.Link(filepath.Join(programs, "seawall"), filepath.Join(root, "seawall")),
		unix.Mknod(filepath.Join(root, "dev/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))),
	} {
		if err != nil && !errors.Is(err, fs.ErrExist) {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{"/seawall"}, args...)...)
	cmd.Env = append(os.Environ(), liveRoot+"="+root)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL,
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS}
	return cmd
}

// liveKinds are those of kinds that are put on a host: opening and reading differ there,
// and what is made of the text does not.
var liveKinds = []string{"fifo", "device", "loop", "huge", "invalid", "line"}

// TestLiveFiles is TestHostileFiles for the host itself: everything that an image's
// facts and the kernel's depend on, in the files of the host and those of the kernel.
func TestLiveFiles(t *testing.T) {
	first := wrong(t)
	_, before := live(t, "before", first)
	passed := before.passed()
	names := slices.DeleteFunc(files(depends(t, first)), func(n string) bool {
		return n == "/etc/passwd" || n == "/etc/group" || strings.Contains(n, "bin/") || strings.HasPrefix(n, "/proc/") || strings.HasPrefix(n, "/sys/")
	})
	for _, kind := range kinds {
		if !slices.Contains(liveKinds, kind.name) {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			root := wrong(t)
			for i, n := range names {
				if kind.name != "line" || i%3 == 0 {
					replace(t, filepath.Join(root, n), kind.put)
				}
			}
			_, after := live(t, kind.name, root)
			for name, ok := range after.passed() {
				if ok && kind.shut && !passed[name] && !rightly[name] {
					t.Errorf("%s: passes", name)
				}
			}
		})
	}
}

// kernelFiles are files of the kernel that facts are read from.
var kernelFiles = []string{
	"/proc/cmdline", "/proc/meminfo", "/proc/modules", "/proc/version", "/proc/uptime", "/proc/stat", "/proc/swaps", "/proc/filesystems",
	"/proc/config.gz", "/proc/kallsyms", "/proc/keys", "/proc/crypto", "/proc/mdstat", "/proc/cpuinfo", "/proc/loadavg", "/proc/devices",
	"/proc/partitions", "/proc/1/mountinfo", "/proc/1/mounts", "/proc/1/status", "/proc/1/stat", "/proc/1/maps", "/proc/1/cmdline", "/proc/1/cgroup",
	"/proc/1/environ", "/proc/1/comm", "/proc/1/net/tcp", "/proc/1/net/tcp6", "/proc/1/net/udp", "/proc/1/net/udp6", "/proc/1/net/unix", "/proc/1/net/route",
	"/proc/1/net/if_inet6", "/proc/1/net/dev", "/proc/sys/kernel/tainted", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/core_pattern",
	"/proc/sys/kernel/randomize_va_space", "/proc/sys/kernel/kptr_restrict", "/proc/sys/kernel/modules_disabled", "/proc/sys/kernel/random/boot_id",
	"/proc/sys/fs/suid_dumpable", "/proc/sys/fs/protected_symlinks", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/tcp_syncookies",
	"/proc/sys/net/ipv4/conf/all/rp_filter", "/proc/sys/net/ipv6/conf/all/accept_ra", "/proc/sys/crypto/fips_enabled",
	"/sys/devices/system/cpu/vulnerabilities/meltdown", "/sys/devices/system/cpu/vulnerabilities/spectre_v2", "/sys/kernel/security/lsm",
	"/sys/kernel/security/lockdown", "/sys/module/apparmor/parameters/enabled", "/sys/fs/selinux/enforce", "/sys/class/dmi/id/product_name",
	"/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_serial", "/sys/kernel/kexec_loaded", "/sys/class/net/lo/type",
}

// TestLiveKernel: with anything at all in the place of the kernel's own files, a look
// ends soon. Which of them this kernel has is its own matter; links cannot be mounted.
func TestLiveKernel(t *testing.T) {
	for _, kind := range kinds {
		if kind.name == "loop" || !slices.Contains(liveKinds, kind.name) {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			root := wrong(t)
			for _, n := range kernelFiles {
				// These Go's runtime reads before there is a program.
				if kind.name == "fifo" && (n == "/proc/1/cgroup" || n == "/proc/1/mountinfo") {
					continue
				}
				replace(t, filepath.Join(root, "over", n), kind.put)
			}
			live(t, kind.name, root)
		})
	}
}

// TestFakePrograms: no program is run that others than root could have put there, nor
// any that was found by PATH; sshd alone is run, where root alone can have put it.
func TestFakePrograms(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(sshd string) error
		runs bool
		want string // in what is said of sshd's configuration
	}{
		{"root's own", func(string) error { return nil }, true, ""},
		{"writable by others", func(p string) error { return os.Chmod(p, 0o757) }, false, "writable by others"},
		{"writable by its group", func(p string) error { return os.Chmod(p, 0o775) }, false, "writable by others"},
		{"another user's", func(p string) error { return os.Chown(p, 1000, 0) }, false, "has owner 1000"},
		{"in a directory of others", func(p string) error { return os.Chmod(filepath.Dir(p), 0o777) }, false, "/usr/sbin has owner 0"},
		{"in another user's directory", func(p string) error { return os.Chown(filepath.Dir(p), 1000, 0) }, false, "/usr/sbin has owner 1000"},
		{"a link to another user's", func(p string) error {
			home := filepath.Join(p, "../../../home/ann/sshd")
			return errors.Join(os.Rename(p, home), os.Chown(home, 1000, 1000), os.Symlink("/home/ann/sshd", p))
		}, false, "has owner 1000"},
		{"in PATH alone", os.Remove, false, "sshd"},
		{"a FIFO", func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o755)) }, false, "sshd"},
		{"a loop", func(p string) error { return errors.Join(os.Remove(p), os.Symlink("sshd", p)) }, false, "sshd"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := wrong(t)
			fakes(t, root)
			sshd := filepath.Join(root, "usr/sbin/sshd")
			if err := tt.make(sshd); err != nil {
				t.Fatal(err)
			}
			out, _ := live(t, tt.name, root)
			ran, err := os.ReadDir(filepath.Join(root, "ran"))
			if err != nil || len(ran) > 0 != tt.runs || len(ran) > 1 || tt.runs && ran[0].Name() != "sshd" {
				t.Errorf("ran %v, %v", ran, err)
			}
			if !strings.Contains(out, tt.want) {
				t.Errorf("nothing says %q", tt.want)
			}
		})
	}
}

// fakes puts a program that tells of its being run in the place of every one that a
// careless tool would ask, first of all in PATH.
func fakes(t *testing.T, root string) {
	t.Helper()
	ran, err := os.ReadFile(filepath.Join(programs, "ran"))
	if err != nil {
		t.Fatal(err)
	}
	one := filepath.Join(root, "fake/sshd")
	if err := errors.Join(os.MkdirAll(filepath.Dir(one), 0o777), os.WriteFile(one, ran, 0o755)); err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(`sh bash dash env sudo su id getent passwd nft iptables ip6tables iptables-save ip6tables-save iptables-legacy-save
		ufw firewall-cmd systemctl journalctl systemd-detect-virt systemd-analyze loginctl timedatectl hostnamectl dpkg dpkg-query dpkg-divert
		apt apt-get apt-cache apt-config apt-mark rpm rpmkeys dnf yum zypper docker dockerd podman containerd ctr runc kubelet lxc lxd snap flatpak
		auditctl auditd augenrules ausearch aureport sysctl lsmod modprobe modinfo kmod mount findmnt lsblk blkid cryptsetup dmsetup lvs df swapon
		ss netstat ip ifconfig route lsof ps uname hostname cat ls find stat grep awk sed cut crontab at chronyc chronyd ntpq ntpd openssl certbot
		nginx apache2 apache2ctl apachectl httpd haproxy caddy postconf doveconf named named-checkconf rndc unbound-checkconf squid smbd testparm
		exportfs mysqld mysql psql postgres redis-server mongod ssh ssh-keygen ssh-keyscan sshd visudo cvtsudoers aa-status apparmor_parser
		getenforce sestatus semanage last lastlog lastb who w mokutil efibootmgr dmidecode lscpu grub-mkconfig update-grub grubby needrestart
		needs-restarting checkrestart debsums aide tripwire rkhunter chkrootkit lynis python python3 perl tar gzip xz zstd bzip2`) {
		for _, dir := range []string{"fake", "usr/bin", "usr/sbin", "bin"} {
			p := filepath.Join(root, dir, name)
			if p == one || dir == "usr/bin" && name == "sshd" { // which is one of its places
				continue
			}
			replace(t, p, func(p string) error { return os.Link(one, p) })
		}
	}
	// Its own file: others' modes are not to change with it.
	put(t, filepath.Join(root, "usr/sbin/sshd.new"), ran)
	sshd := filepath.Join(root, "usr/sbin/sshd")
	if err := os.Rename(sshd+".new", sshd); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(root, 0o755); err != nil { // as it is for everything in it
		t.Fatal(err)
	}
}
