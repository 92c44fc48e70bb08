package checks

import (
	"maps"

	"seawall/agent/facts"
	"seawall/agent/facts/audit"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/restart"
	"seawall/agent/facts/sshd"
	"seawall/agent/facts/system"
	"seawall/agent/facts/updates"
	"seawall/pkg/bootcfg"
)

// good is a host on which every check passes.
func good() *facts.Facts {
	known := fact.Meta{State: fact.StateKnown}
	f := &facts.Facts{
		SSHD:    goodSSHD(known),
		Audit:   goodAudit(known),
		Updates: goodUpdates(known),
		Patch: patch.Facts{Meta: known, Manager: "dpkg", Installed: 300, Metadata: patch.Freshness{
			Known: true, AgeSeconds: 86400 * 3, RefreshAgeSeconds: 3600, Date: "2026-11-18T00:00:00Z", File: "/var/lib/apt/lists/InRelease",
		}},
		Restart: restart.Facts{Meta: known, Scanned: 90},
		System: system.Facts{Meta: known, ID: "debian", Name: "Debian 13", Family: "debian",
			Life:   system.Life{State: system.LifeSupported, Ends: "2028-08-09", DaysLeft: 600, Source: "table"},
			Reboot: system.Reboot{Applicable: true, Required: fact.Tri{Known: true}, Running: "6.12", Newest: "6.12"}},
	}
	for _, more := range []func(*facts.Facts, fact.Meta){goodLogin, goodNetwork, goodServices, goodKernel, goodRecords, goodFiles, goodTLS, goodSecrets} {
		more(f, known)
	}
	return f
}

func goodUpdates(known fact.Meta) updates.Facts {
	part := updates.Part{Answer: fact.Tri{Known: true, Yes: true, Reason: "as it should be"}}
	return updates.Facts{Meta: known, System: updates.SystemDeb, Automatic: part.Answer,
		Installed: part, Configured: part, Timer: part, LastRun: part}
}

func goodSSHD(known fact.Meta) sshd.Facts {
	values := map[string]string{
		"permitrootlogin": "no", "passwordauthentication": "no", "kbdinteractiveauthentication": "no", "usepam": "yes",
		"permitemptypasswords": "no", "pubkeyauthentication": "yes", "maxauthtries": "4", "logingracetime": "60",
		"x11forwarding": "no", "allowtcpforwarding": "no", "disableforwarding": "no", "clientaliveinterval": "300",
		"clientalivecountmax": "3", "ciphers": "aes256-gcm@openssh.com,aes256-ctr", "macs": "hmac-sha2-256,umac-128@openssh.com",
		"kexalgorithms": "curve25519-sha256,diffie-hellman-group14-sha256", "loglevel": "VERBOSE", "strictmodes": "yes",
		"authenticationmethods": "any",
	}
	settings := map[string]sshd.Setting{}
	for k, v := range values {
		settings[k] = sshd.Setting{Value: v, Values: []string{v}, Set: true, File: "/etc/ssh/sshd_config", Line: len(settings) + 1, Raw: k + " " + v}
	}
	return sshd.Facts{Meta: known, Installed: true,
		Connections: []sshd.Connection{
			{User: "root", Root: true, Public: true, Label: "user root from 203.0.113.9", Settings: settings},
			{User: "ann", Public: true, Label: "user ann from 203.0.113.9", Settings: maps.Clone(settings)},
		},
		HostKeys: []sshd.HostKey{
			{Path: "/etc/ssh/ssh_host_ed25519_key", Type: "ed25519", Bits: 256, Mode: 0o600},
			{Path: "/etc/ssh/ssh_host_rsa_key", Type: "rsa", Bits: 3072, Mode: 0o600},
		},
		Files: []sshd.File{
			{Path: "/etc/ssh/sshd_config", Kind: "config", Mode: 0o644},
			{Path: "/etc/ssh/sshd_config.d", Kind: "config_dir", Mode: 0o755},
			{Path: "/etc/ssh/ssh_host_rsa_key", Kind: "host_key", Mode: 0o600},
			{Path: "/etc/ssh/ssh_host_rsa_key.pub", Kind: "host_key_public", Mode: 0o644},
		},
	}
}

func goodAudit(known fact.Meta) audit.Facts {
	yes := fact.Tri{Known: true, Yes: true, Reason: "seen"}
	line := bootcfg.Line{File: "/proc/cmdline", Text: "audit=1 audit_backlog_limit=8192", Audit: "1", AuditOn: true, BacklogLimit: 8192}
	next := line
	next.Title, next.File, next.Line, next.Raw = "Debian", "/boot/grub/grub.cfg", 7, "linux /vmlinuz "+line.Text
	conf := audit.Conf{Known: true, Path: "/etc/audit/auditd.conf", Settings: map[string]fact.Text{}, Numbers: map[string]int{}}
	for k, v := range map[string]string{"max_log_file_action": "keep_logs", "space_left_action": "email",
		"admin_space_left_action": "single", "disk_full_action": "halt", "disk_error_action": "syslog", "max_log_file": "8", "num_logs": "5"} {
		conf.Settings[k] = fact.Text{Value: v, Set: true, File: conf.Path, Line: len(conf.Settings) + 1, Raw: k + " = " + v}
	}
	conf.Numbers["max_log_file"], conf.Numbers["num_logs"] = 8, 5
	rule := "-w /etc/passwd -p wa -k identity"
	return audit.Facts{Meta: known, Installed: yes, Active: yes, Enabled: yes, Conf: conf,
		Kernel: audit.Kernel{Known: true, Enabled: 2, Failure: 1, PID: 500, BacklogLimit: 8192},
		Boot: bootcfg.Boot{Running: line, RunningKnown: true, Next: []bootcfg.Line{next}, NextKnown: true,
			Defaults: next, DefaultsKnown: true},
		Rules: audit.Rules{Known: true, LoadedKnown: true, Loaded: []string{rule}, DiskKnown: true,
			Disk: []audit.DiskRule{{Text: rule, File: "/etc/audit/audit.rules", Line: 4}}, Immutable: true, DiskImmutable: true},
	}
}

// set changes one setting on the connection with the given index.
func set(f *facts.Facts, connection int, keyword, value string) {
	s := f.SSHD.Connections[connection].Settings
	old := s[keyword]
	old.Value, old.Values = value, []string{value}
	s[keyword] = old
}
