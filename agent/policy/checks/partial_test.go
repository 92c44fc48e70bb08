package checks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"seawall/agent/facts"
	"seawall/agent/facts/accounts"
	"seawall/agent/facts/clock"
	"seawall/agent/facts/containers"
	"seawall/agent/facts/exposure"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/firewall"
	"seawall/agent/facts/logging"
	"seawall/agent/facts/schedule"
	"seawall/agent/facts/sockets"
	"seawall/pkg/hostfs/image"
)

// TestPartial: of a list that is not all there is nothing passes that rests on it. The
// names are those that the readers say, which the checks must write the same.
func TestPartial(t *testing.T) {
	p := load(t)
	for list, checks := range map[string]string{
		"logging.files":                "logging-files-writable logging-files-private logging-files-permissions",
		"logging.logrotate.uncovered":  "logging-logrotate-covers",
		"logging.rsyslog.inputs":       "logging-rsyslog-receive",
		"logging.rsyslog.forwards":     "logging-remote logging-remote-tls logging-rsyslog-auth",
		"logging.rsyslog.outputs":      "logging-rsyslog-auth",
		"schedule.paths":               "cron-files-writable cron-files-private cron-user-crontabs cron-allow-permissions cron-at-allow-permissions",
		"schedule.access":              "cron-allow cron-at-allow",
		"schedule.jobs":                "cron-root-programs cron-root-path cron-departed",
		"schedule.timers":              "cron-timer-programs",
		"schedule.ignored":             "cron-ignored",
		"schedule.broken":              "cron-broken",
		"sockets.sockets":              "network-exposed-database network-listener-temporary network-listener-deleted network-listener-root firewall-container-ports",
		"sockets.interfaces":           "network-promiscuous network-wireless",
		"sockets.names.hosts":          "network-hosts-localhost network-hosts-valid network-hosts-redirected",
		"sockets.names.servers":        "network-resolver",
		"sockets.names.sources":        "network-name-order",
		"sockets.names.ahead":          "network-name-order",
		"containers.docker":            "containers-docker-config containers-docker-tcp containers-docker-icc containers-docker-log-limits containers-docker-group",
		"containers.docker.hosts":      "containers-docker-tcp",
		"containers.docker.insecure":   "containers-docker-insecure-registries",
		"containers.docker.members":    "containers-docker-group",
		"containers.docker.firewall":   "containers-published-past-ufw",
		"containers.lxd.members":       "containers-lxd-group",
		"containers.containers":        "containers-privileged containers-user",
		"containers.containers.list":   "containers-privileged containers-sensitive-mounts containers-published-services",
		"containers.podman":            "containers-podman-insecure-registries containers-podman-short-names",
		"containers.podman.insecure":   "containers-podman-insecure-registries",
		"containers.kubelet":           "containers-kubelet-anonymous containers-kubelet-authorization containers-kubelet-read-only-port",
		"firewall.loaded.open":         "firewall-wide-openings firewall-stale-openings",
		"firewall.ufw.rules":           "firewall-ufw-allow-all",
		"firewall.firewalld.zones":     "firewall-firewalld-target firewall-firewalld-services",
		"accounts.shells":              "accounts-shells-nologin",
		"accounts.umask":               "accounts-umask",
		"accounts.timeout":             "accounts-shell-timeout",
		"accounts.root_umasks":         "accounts-root-umask",
		"accounts.root_path":           "accounts-root-path",
		"boot.files":                   "boot-files boot-password-readable boot-config-permissions",
		"boot.grub.password":           "boot-loader-password",
		"filesystem.mounts":            "filesystem-space filesystem-inodes filesystem-read-only filesystem-network-mounts",
		"filesystem.encrypted.keys":    "filesystem-crypt-keys",
		"filesystem.encrypted.volumes": "filesystem-volumes-encrypted",
		"filesystem.files":             "filesystem-path-directories filesystem-library-path filesystem-login-scripts filesystem-startup-files filesystem-loader-files",
		"clock.daemons":                "time-sources time-sources-several time-sources-authenticated time-daemon-open",
		"cloud.image.items":            "cloud-image-passwords cloud-image-histories cloud-image-logs cloud-image-ssh-keys",
		"cloud.init.passwords":         "cloud-init-passwords",
		"kernel.sysctl_config.drift":   "kernel-sysctl-drift",
		"tls.sites":                    "tls-protocols tls-redirect tls-plain-443",
		"tls.certificates":             "tls-certificate-expired tls-certificate-names",
		"tls.clients":                  "tls-renewal-active tls-renewal-success",
		"tls.keys":                     "tls-key-permissions",
		"tls.parameters":               "tls-dh-parameters",
		"tls.trust.open":               "tls-trust-store",
		"tls.trust.added":              "tls-trust-added",
		"pam.quality.settings":         "accounts-password-complexity accounts-password-difok",
		"pam.quality.shortest":         "accounts-password-length",
		"pam.quality.enforced":         "accounts-password-quality",
	} {
		group, rest, _ := strings.Cut(list, ".")
		for _, check := range strings.Fields(checks) {
			f := good()
			before := one(p, f, check)
			groups(f)[group].Leave(rest, "there is more")
			if got := one(p, f, check); strings.Contains(before, "unknown") || !strings.HasPrefix(got, "unknown: there is more") {
				t.Errorf("%s, %s: %s, before %s", list, check, got, before)
			}
		}
	}
}

// groups are what the readers say of themselves, by the names of their groups.
func groups(f *facts.Facts) map[string]*fact.Meta {
	return map[string]*fact.Meta{"logging": &f.Logging.Meta, "schedule": &f.Schedule.Meta, "sockets": &f.Sockets.Meta, "containers": &f.Containers.Meta,
		"firewall": &f.Firewall.Meta, "accounts": &f.Accounts.Meta, "boot": &f.Boot.Meta, "filesystem": &f.Filesystem.Meta, "clock": &f.Clock.Meta,
		"cloud": &f.Cloud.Meta, "kernel": &f.Kernel.Meta, "tls": &f.TLS.Meta, "pam": &f.PAM.Meta}
}

// TestCut: what a reader cuts is nothing that passes. Each is read to the bound, and one
// beyond it.
func TestCut(t *testing.T) {
	p := load(t)
	lines := func(line string, n int) string { return strings.Repeat(line+"\n", n) }
	for _, tt := range []struct {
		check string
		most  int
		files func(n int) map[string]string
		into  func(f *facts.Facts, env fact.Env)
	}{
		{"logging-remote-tls", 500, func(n int) map[string]string {
			return map[string]string{"/usr/sbin/rsyslogd": "", "/etc/rsyslog.conf": lines("*.* @@10.0.0.2", n)}
		}, func(f *facts.Facts, env fact.Env) {
			read := logging.Read(t.Context(), env)
			f.Logging.Meta, f.Logging.Rsyslog.Forwards = read.Meta, read.Rsyslog.Forwards
		}},
		{"logging-files-writable", 300, func(n int) map[string]string {
			files := map[string]string{}
			for i := range n { // 0644, and private is 0640 at most
				files[fmt.Sprintf("/var/log/%03d", i)] = ""
			}
			return files
		}, func(f *facts.Facts, env fact.Env) {
			read := logging.Read(t.Context(), env)
			f.Logging.Meta, f.Logging.Files = read.Meta, read.Files
		}},
		{"cron-timer-programs", 500, func(n int) map[string]string {
			files := map[string]string{}
			for i := range n {
				files[fmt.Sprintf("/etc/systemd/system/timers.target.wants/%d.timer", i)] = "[Timer]\n"
			}
			return files
		}, func(f *facts.Facts, env fact.Env) { f.Schedule.Meta, f.Schedule.Timers = scheduled(t, env) }},
		{"cron-broken", 2000, func(n int) map[string]string {
			return map[string]string{"/etc/crontab": lines("@daily root true", n)}
		}, func(f *facts.Facts, env fact.Env) { f.Schedule.Meta, _ = scheduled(t, env) }},
		{"network-hosts-valid", 500, func(n int) map[string]string {
			return map[string]string{"/etc/hosts": lines("10.0.0.2 db", n)}
		}, func(f *facts.Facts, env fact.Env) {
			f.Sockets.Meta = sockets.Read(t.Context(), env, exposure.NewReader("/nowhere")).Meta
		}},
		{"containers-docker-group", 200, func(n int) map[string]string {
			var members strings.Builder
			for i := range n {
				fmt.Fprintf(&members, "%du,", i)
			}
			return map[string]string{"/usr/bin/dockerd": "", "/etc/passwd": "root:x:0:0::/:\n", "/etc/group": "docker:x:999:" + members.String() + "\nsudo:x:27:" + members.String() + "\n"}
		}, func(f *facts.Facts, env fact.Env) { f.Containers = containers.Read(t.Context(), env) }},
		{"firewall-ufw-allow-all", 1000, func(n int) map[string]string {
			return map[string]string{"/usr/sbin/ufw": "", "/etc/ufw/user.rules": lines("### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", n)}
		}, func(f *facts.Facts, env fact.Env) {
			read := firewall.Read(t.Context(), env, exposure.NewReader("/nowhere"))
			f.Firewall.Meta, f.Firewall.UFW.Rules = read.Meta, read.UFW.Rules
		}},
		{"accounts-shells-nologin", 500, func(n int) map[string]string {
			return map[string]string{"/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "/etc/group": "root:x:0:\n", "/etc/shells": lines("/bin/sh", n)}
		}, func(f *facts.Facts, env fact.Env) {
			read := accounts.Read(t.Context(), env)
			f.Accounts.Meta, f.Accounts.Shells = read.Meta, read.Shells
		}},
		{"time-sources-authenticated", 200, func(n int) map[string]string {
			return map[string]string{"/etc/passwd": "root:x:0:0::/root:\n", "/etc/systemd/system/multi-user.target.wants/chrony.service": "",
				"/usr/lib/systemd/system/chrony.service": "[Service]\nExecStart=/usr/sbin/chronyd\n", "/etc/chrony/chrony.conf": lines("server a nts", n)}
		}, func(f *facts.Facts, env fact.Env) { f.Clock = clock.Read(t.Context(), env) }},
	} {
		for more, want := range []string{"pass", "unknown"} {
			f := good()
			tt.into(f, fact.Env{Root: image.Of(t, tt.files(tt.most+more)), Now: time.Now})
			if got := one(p, f, tt.check); !strings.HasPrefix(got, want+": ") || more > 0 && !strings.Contains(got, "than are looked at") {
				t.Errorf("%s, %d more: %s", tt.check, more, got)
			}
		}
	}
}

// scheduled reads what runs by the clock.
func scheduled(t *testing.T, env fact.Env) (fact.Meta, []schedule.Timer) {
	f := schedule.Read(t.Context(), env)
	return f.Meta, f.Timers
}
