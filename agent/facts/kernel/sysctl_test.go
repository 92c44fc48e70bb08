package kernel

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
	"seawall/pkg/sysctlconf"
)

// TestNext says what a setting will be after the next boot, of an image.
func TestNext(t *testing.T) {
	f := read(t, map[string]string{
		"etc/os-release":               "ID=debian\n",
		"etc/sysctl.d/99-local.conf":   "kernel.sysrq = 0x10\nfs.suid_dumpable=abc\nkernel.core_pattern = |/bin/false x\nnet.ipv4.conf.*.rp_filter = 1\n",
		"etc/sysctl.d/99-later.conf":   "net.ipv4.conf.all.forwarding = 1\n",
		"etc/sysctl.d/99-first.conf":   "net.ipv4.ip_forward = 0\nkernel.dmesg_restrict = 1 # x\n",
		"etc/ufw/ufw.conf":             "# x\nENABLED=yes\n",
		"etc/default/ufw":              "IPT_SYSCTL=/etc/ufw/sysctl.conf\n",
		"etc/ufw/sysctl.conf":          "net/ipv4/conf/all/log_martians=0\n",
		"etc/sysctl.d/50-martian.conf": "net.ipv4.conf.all.log_martians = 1\n",
	})
	for key, want := range map[string]string{
		"kernel.sysrq":                    "16 true /etc/sysctl.d/99-local.conf:1",
		"fs.suid_dumpable":                " false /etc/sysctl.d/99-local.conf:2",
		"kernel.core_pattern":             "|/bin/false x true /etc/sysctl.d/99-local.conf:3",
		"net.ipv4.conf.default.rp_filter": "1 true /etc/sysctl.d/99-local.conf:4",
		"net.ipv4.ip_forward":             "1 true /etc/sysctl.d/99-later.conf:1",
		"net.ipv4.conf.all.forwarding":    "1 true /etc/sysctl.d/99-later.conf:1",
		"net.ipv4.conf.all.log_martians":  "0 true /etc/ufw/sysctl.conf:1",
		"kernel.dmesg_restrict":           " false /etc/sysctl.d/99-first.conf:2", // no comment there: the kernel refuses it
		"kernel.yama.ptrace_scope":        "0 true :0",                            // Debian's
		"kernel.kexec_load_disabled":      "0 true :0",
		"kernel.panic":                    " false :0", // of a configuration that is not there
		"user.max_user_namespaces":        " false :0",
	} {
		s := f.Sysctl[key]
		if got := fmt.Sprintf("%s %v %s:%d", s.After, s.AfterKnown, s.File, s.Line); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
		if !s.Present || s.RunningKnown || s.Unknown == "" || !strings.Contains(s.Text, "not known now") {
			t.Errorf("%s of an image: %+v", key, s)
		}
	}
	if !slices.Contains(f.Meta.Depends, "/etc/ufw/sysctl.conf") || f.Config.DriftKnown || !f.Config.Known {
		t.Errorf("%+v", f.Config)
	}
}

// TestOne has what the check sees of the running kernel and of the next boot.
func TestOne(t *testing.T) {
	env := env(hostfs.Root{})
	now, err := running(env.Root, "kernel.randomize_va_space")
	if err != nil {
		t.Fatal(err)
	}
	config := image.Of(t, map[string]string{"etc/sysctl.d/a.conf": "kernel.randomize_va_space = 7\nnet.ipv4.ip_forward = x\n"})
	s := &settings{env: env, config: sysctlconf.Load(config), starts: map[string]string{"kernel.sysrq": "1"}}
	for _, tt := range []struct{ key, want string }{
		{"kernel.randomize_va_space", now + " now, 7 after the next boot"},
		{"net.ipv4.ip_forward", "now, not known after the next boot"},
		{"kernel.sysrq", "(not set, the kernel's default)"},
		{"kernel.none", "not known now"},
	} {
		if got := s.one(tt.key); !strings.Contains(got.Text, tt.want) {
			t.Errorf("%s: %s, want %s", tt.key, got.Text, tt.want)
		}
	}
	if v := s.one("kernel.none"); v.Present || v.RunningKnown || v.Reason == "" {
		t.Errorf("%+v", v)
	}
	if v := s.one("net.ipv4.ip_forward"); v.Unknown != "/etc/sysctl.d/a.conf sets no number" || len(v.Values) != 1 {
		t.Errorf("%+v", v)
	}
	s.foreign, s.asked = "another network", map[string]string{"net.ipv4.tcp_syncookies": "0x1"}
	if v := s.one("net.ipv4.tcp_syncookies"); v.Running != "1" || !v.RunningKnown || v.Reason != "" {
		t.Errorf("%+v", v)
	}
	if v := s.one("net.ipv4.ip_forward"); v.RunningKnown || v.Reason != "another network" || !v.Present {
		t.Errorf("%+v", v)
	}
}

func TestDrift(t *testing.T) {
	env := env(hostfs.Root{})
	now, err := running(env.Root, "kernel.pid_max")
	if err != nil {
		t.Fatal(err)
	}
	config := image.Of(t, map[string]string{"etc/sysctl.d/a.conf": "kernel.pid_max = " + now + "\nkernel.panic = -777\nkernel.none = 1\nvm.drop_caches = 1\n" +
		"kernel/../kernel/panic = 3\nkernel.printk = \nnet.ipv4.ip_forward = 77\nnet.ipv4.conf.all.forwarding = 88\nkernel.* = 5\n"})
	s := &settings{env: env, config: sysctlconf.Load(config)}
	compared := 0
	var got []string
	drift, more := s.drift(&compared)
	for _, a := range drift {
		got = append(got, a.Key+"="+a.Value)
	}
	want := []string{"kernel.panic=-777", "kernel.printk=", "net.ipv4.conf.all.forwarding=88"}
	if !slices.Equal(got, want) || compared != len(want)+1 || more {
		t.Errorf("got %q of %d, want %q; more: %v", got, compared, want, more)
	}
	for beyond := range 2 {
		compared := maxDrift - len(want) - 1 + beyond
		if _, more := s.drift(&compared); more != (beyond > 0) {
			t.Errorf("%d beyond the bound: more: %v", beyond, more)
		}
	}
}

func TestUnread(t *testing.T) {
	const systemd = "usr/lib/systemd/systemd-sysctl"
	files := map[string]string{systemd: "", "etc/sysctl.conf": "# x\nvm.swappiness = 10\nkernel.sysrq = 0\nkernel.panic = 5\n-kernel.x\n",
		"etc/sysctl.d/a.conf": "kernel.sysrq = 0\nkernel.panic = 6\n"}
	f := read(t, files)
	if u := f.Config.Unread; len(u) != 2 || u[0].Key != "vm.swappiness" || u[0].Line != 2 || u[1].Key != "kernel.panic" {
		t.Errorf("%+v", u)
	}
	if s := f.Sysctl["kernel.panic"]; s.After != "6" {
		t.Errorf("%+v", s)
	}
	delete(files, systemd)
	if f := read(t, files); len(f.Config.Unread) > 0 || f.Sysctl["kernel.panic"].After != "5" {
		t.Errorf("without systemd: %+v", f.Config.Unread)
	}
	files[systemd+"/x"] = "" // a directory
	files["etc/sysctl.conf/x"] = files["etc/sysctl.conf"]
	delete(files, "etc/sysctl.conf")
	files["proc/sys/net/ipv4/ip_forward"] = "0\n"
	f = read(t, files)
	if v := f.Sysctl["net.ipv4.ip_forward"]; f.Config.Known || len(f.Config.Problems) == 0 || v.Unknown == "" {
		t.Errorf("a directory in its place: %+v, %+v", f.Config, v)
	}
}

func TestNumber(t *testing.T) {
	for in, want := range map[string]string{"1": "1", " 0x1b6 ": "438", "010": "8", "-1": "-1", "1 2\t3": "1 2 3", "0b1": "0b1", "1_0": "1_0", "x": "x", "": ""} {
		if got := plain("kernel.sysrq", in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestStarts(t *testing.T) {
	root := image.Of(t, map[string]string{"boot/config-6.1": "# CONFIG_COMPAT_BRK is not set\nCONFIG_MAGIC_SYSRQ_DEFAULT_ENABLE=0x01b6\nCONFIG_BPF_UNPRIV_DEFAULT_OFF=y\n" +
		"CONFIG_DEFAULT_MMAP_MIN_ADDR=65536\nCONFIG_X=" + strings.Repeat("x", 1000) + "\nCONFIG_LDISC_AUTOLOAD=y\n", "lib/modules/6.2/config": "CONFIG_COMPAT_BRK=y\n"})
	got := starts(root, "6.1", "rhel")
	for key, want := range map[string]string{"kernel.randomize_va_space": "2", "kernel.sysrq": "438", "kernel.unprivileged_bpf_disabled": "2",
		"vm.mmap_min_addr": "65536", "dev.tty.ldisc_autoload": "1", "kernel.dmesg_restrict": "0", "kernel.panic": "", "kernel.yama.ptrace_scope": "1"} {
		if got[key] != want {
			t.Errorf("%s: got %q, want %q", key, got[key], want)
		}
	}
	if got := starts(root, "6.2", "other"); got["kernel.randomize_va_space"] != "1" || got["kernel.yama.ptrace_scope"] != "" {
		t.Errorf("%v", got)
	}
	for _, release := range []string{"", "../6.1", "6.3"} {
		if got := starts(root, release, ""); got["kernel.randomize_va_space"] != "" || got["fs.suid_dumpable"] != "0" {
			t.Errorf("%q: %v", release, got)
		}
	}
}
