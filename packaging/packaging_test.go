package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"seawall/agent/facts/exposure"
	"seawall/agent/facts/exposure/holder"
	"seawall/agent/facts/restart"
	"seawall/agent/roomy"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
)

// exposed is the most that `systemd-analyze security` may say, in tenths.
const exposed = 12

func units(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob("systemd/" + pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no units match %s: %v", pattern, err)
	}
	return paths
}

// TestVerify lets systemd parse every unit. Programs that are not installed are the
// one thing it may miss, so the copies that it reads name programs that are there.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	var copies []string
	for _, path := range units(t, "*") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile(`(?m)^ExecStart=/usr/bin/seawall\S*`).ReplaceAll(text, []byte("ExecStart=/bin/true"))
		name := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, name)
	}
	out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no", "--recursive-errors=no"}, copies...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestExposure(t *testing.T) {
	for _, path := range units(t, "*.service") {
		cmd := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", fmt.Sprintf("--threshold=%d", exposed), path)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if err != nil {
			t.Errorf("%s is exposed by more than %d/10: %v\n%s", path, exposed, err, out)
		}
		if stderr.Len() > 0 {
			t.Errorf("%s: systemd warns: %s", path, stderr.String())
		}
		t.Log(path, lines[len(lines)-1])
	}
}

// TestIdentities compares the users of units, sysusers.d and tmpfiles.d.
func TestIdentities(t *testing.T) {
	made := map[string]bool{"root": true}
	for _, path := range []string{"sysusers.d/seawall.conf", "sysusers.d/seawall-collector.conf"} {
		for _, fields := range fields(t, path) {
			if fields[0] == "u" || fields[0] == "g" {
				made[fields[1]] = true
			}
		}
	}
	setting := regexp.MustCompile(`(?m)^(?:User|Group|SupplementaryGroups)=(\S+)$`)
	for _, path := range units(t, "*.service") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range setting.FindAllSubmatch(text, -1) {
			if !made[string(m[1])] {
				t.Errorf("%s runs as %s, which sysusers.d does not make", path, m[1])
			}
		}
	}
	for _, path := range []string{"tmpfiles.d/seawall.conf", "tmpfiles.d/seawall-collector.conf"} {
		for _, fields := range fields(t, path) {
			if fields[0] == "d" && (!made[fields[3]] || !made[fields[4]]) {
				t.Errorf("%s: %v: owner is not made by sysusers.d", path, fields)
			}
		}
	}
}

// TestSysusers makes the users in an empty root, as an image builder would.
func TestSysusers(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"sysusers.d/seawall.conf", "sysusers.d/seawall-collector.conf"} {
		conf, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("systemd-sysusers", "--root="+root, conf).CombinedOutput(); err != nil {
			t.Fatalf("systemd-sysusers %s: %v\n%s", path, err, out)
		}
	}
	group, err := os.ReadFile(filepath.Join(root, "etc/group"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^seawall-spool:x:\d+:seawall$`).Match(group) {
		t.Errorf("the uplink's user is not alone in the spool's group:\n%s", group)
	}
}

// TestSandboxes names what the design promises of the processes with capabilities and
// no score tells.
func TestSandboxes(t *testing.T) {
	for name, want := range map[string][]string{
		"seawall-sensor.service": {
			"User=seawall-sensor",
			"PrivateNetwork=yes",
			"RestrictAddressFamilies=AF_UNIX AF_NETLINK",
			"AmbientCapabilities=CAP_AUDIT_CONTROL CAP_AUDIT_READ CAP_DAC_READ_SEARCH",
			"CapabilityBoundingSet=CAP_AUDIT_CONTROL CAP_AUDIT_READ CAP_DAC_READ_SEARCH",
			"NoNewPrivileges=yes",
			"NoExecPaths=/",
			"PrivateTmp=yes",
			"ProtectKernelModules=yes",
			// Nothing is lost over a restart: the sockets and the serial seen last stay.
			"NotifyAccess=main",
			"FileDescriptorStoreMax=4",
			"RuntimeDirectoryPreserve=restart",
			"Restart=always",
			"Wants=seawall-sensor-audit.socket",
			"Wants=seawall-buffer.socket",
		},
		"seawall-uplink.service": {
			"CapabilityBoundingSet=",
			"PrivateUsers=yes",
			"UMask=0066",
			"IPAddressDeny=169.254.169.254 fd00:ec2::254",
			"ConditionPathExists=/etc/seawall/uplink.yaml",
		},
		"seawall-sensor-audit.socket": {
			"ListenNetlink=audit 1",
			fmt.Sprintf("ReceiveBuffer=%dM", kaudit.DefaultBuffer>>20),
			"FileDescriptorName=audit-mcast",
		},
		"seawall-buffer@.service": {
			"DynamicUser=yes",
			"StandardInput=socket",
			"PrivateNetwork=yes",
			"RestrictAddressFamilies=AF_UNIX",
			"CapabilityBoundingSet=CAP_NET_ADMIN",
			"AmbientCapabilities=CAP_NET_ADMIN",
			"NoNewPrivileges=yes",
			"NoExecPaths=/",
		},
		"seawall-buffer.socket": {
			"Accept=yes",
			"ListenStream=" + roomy.Socket,
			"SocketUser=seawall-sensor",
			"SocketGroup=root",
			"SocketMode=0600",
		},
		"seawall-restarts@.service": {
			"DynamicUser=yes",
			"StandardInput=null",
			"PrivateNetwork=yes",
			"RestrictAddressFamilies=AF_UNIX",
			"CapabilityBoundingSet=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH",
			"AmbientCapabilities=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH",
			"NoNewPrivileges=yes",
			"NoExecPaths=/",
			"ReadOnlyPaths=/proc",
			"SystemCallFilter=~ptrace process_vm_readv process_vm_writev pidfd_getfd process_madvise kcmp perf_event_open",
		},
		"seawall-network@.service": {
			"DynamicUser=yes",
			"StandardInput=null",
			"RestrictAddressFamilies=AF_NETLINK",
			"CapabilityBoundingSet=CAP_NET_ADMIN",
			"AmbientCapabilities=CAP_NET_ADMIN",
			"ProtectProc=invisible",
			"ProtectKernelModules=yes",
			"UMask=0066",
			"NoNewPrivileges=yes",
			"IPAddressDeny=any",
			"NoExecPaths=/",
			"ReadOnlyPaths=/proc",
			"SystemCallFilter=~@privileged @resources @obsolete @debug @ipc @keyring @aio @timer",
			"SystemCallFilter=~ptrace process_vm_readv process_vm_writev pidfd_getfd process_madvise kcmp perf_event_open",
		},
		"seawall-network.socket": {
			"Accept=yes",
			"ListenStream=" + exposure.SocketPath,
			"SocketUser=seawall-sensor",
			"SocketGroup=root",
			"SocketMode=0600",
		},
		"seawall-restarts.socket": {
			"Accept=yes",
			"ListenStream=" + restart.Socket,
			"ListenStream=" + holder.Socket,
			"SocketUser=seawall-sensor",
			"SocketGroup=root",
			"SocketMode=0600",
		},
	} {
		text, err := os.ReadFile("systemd/" + name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for _, line := range want {
			if !slices.Contains(lines, line) {
				t.Errorf("%s does not say %s", name, line)
			}
		}
	}
}

// TestPlaces compares what a unit shows elsewhere with what it tells its process.
func TestPlaces(t *testing.T) {
	told := regexp.MustCompile(`(?m)^Environment="?` + hostfs.PlacesVariable + `=([^"\n]*)"?$`)
	shown := regexp.MustCompile(`(?m)^BindReadOnlyPaths=(.*)$`)
	for name, want := range map[string]int{"seawall-sensor.service": 3, "seawall-network@.service": 1} {
		text, err := os.ReadFile("systemd/" + name)
		if err != nil {
			t.Fatal(err)
		}
		list := told.FindSubmatch(text)
		if list == nil {
			t.Errorf("%s tells of no places", name)
			continue
		}
		if _, err := hostfs.Placed(string(list[1])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		binds := strings.Fields(string(shown.FindSubmatch(text)[1]))
		places := strings.Fields(string(list[1]))
		for _, p := range places {
			if bind := "-" + strings.Replace(p, "=", ":", 1); !slices.Contains(binds, bind) {
				t.Errorf("%s tells of %s and does not bind %s", name, p, bind)
			}
		}
		if len(places) != want {
			t.Errorf("%s tells of %d places, want %d", name, len(places), want)
		}
	}
}

// TestCleaned: where temporary files are cleaned by age, folders that something is mounted
// on for the sensor stay, as others do not.
func TestCleaned(t *testing.T) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	private := "tmp/systemd-private-" + strings.ReplaceAll(strings.TrimSpace(string(boot)), "-", "") + "-seawall-sensor.service-x/tmp"
	kept, gone := filepath.Join(root, private, "host/modules"), filepath.Join(root, private, "other/modules")
	conf := filepath.Join(root, "rules.conf")
	ours, err := os.ReadFile("tmpfiles.d/seawall.conf")
	if err != nil {
		t.Fatal(err)
	}
	rules := "d /tmp 1777 root root 0\nx /tmp/systemd-private-%b-*\nX /tmp/systemd-private-%b-*/tmp\n" +
		strings.Join(regexp.MustCompile(`(?m)^x .*\n`).FindAllString(string(ours), -1), "")
	for _, err := range []error{os.MkdirAll(kept, 0o755), os.MkdirAll(gone, 0o755), os.WriteFile(conf, []byte(rules), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("systemd-tmpfiles", "--clean", "--root="+root, conf).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-tmpfiles: %v\n%s", err, out)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(gone); err == nil {
		t.Errorf("nothing is cleaned here: %s", out)
	}
}

func fields(t *testing.T, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(f[0], "#") {
			rows = append(rows, f)
		}
	}
	return rows
}
