package checks

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seawall/agent/facts"
	"seawall/agent/facts/audit"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/sshd"
	"seawall/agent/facts/system"
	"seawall/agent/policy"
	"seawall/pkg/finding"
)

// loaded are the built-in checks as they run: typed here, once, and not again.
var loaded = sync.OnceValues(func() (*policy.Policy, error) {
	sources, err := policy.Sources(files, "baseline")
	if err != nil {
		return nil, err
	}
	if _, err := policy.Load(facts.Facts{}, sources...); err != nil {
		return nil, err
	}
	return Load(facts.Facts{}, nil)
})

func load(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// one is the worst of a check's results, in one line.
func one(p *policy.Policy, f *facts.Facts, id string) string {
	var worst *finding.Result
	rank := []finding.Status{finding.StatusNotApplicable, finding.StatusPass, finding.StatusUnknown, finding.StatusError, finding.StatusFail}
	order := func(s finding.Status) int { return strings.Index(fmt.Sprint(rank), s.String()) }
	results := p.Evaluate(f, time.Time{}, id)
	for i := range results {
		if worst == nil || order(results[i].Status) > order(worst.Status) {
			worst = &results[i]
		}
	}
	if worst == nil {
		return "no result"
	}
	line := fmt.Sprintf("%s: %s", worst.Status, worst.Actual)
	if worst.Status == finding.StatusFail {
		line = fmt.Sprintf("%s %s: %s", worst.Status, worst.Severity, worst.Actual)
	}
	if worst.Resource != "" {
		line = worst.Resource + " " + line
	}
	for _, e := range worst.Evidence {
		if e.File != "" {
			line += fmt.Sprintf(" @%s:%d", e.File, e.Line)
		}
	}
	return line
}

// cases change the good host and say what becomes of one check.
type testCase struct {
	check  string
	change func(*facts.Facts)
	want   string // a part of it
}

// both sets a keyword for everybody, last for the second connection alone.
func both(keyword, value string) func(*facts.Facts) {
	return func(f *facts.Facts) { set(f, 0, keyword, value); set(f, 1, keyword, value) }
}

func last(keyword, value string) func(*facts.Facts) {
	return func(f *facts.Facts) { set(f, 1, keyword, value) }
}

func all(changes ...func(*facts.Facts)) func(*facts.Facts) {
	return func(f *facts.Facts) {
		for _, c := range changes {
			c(f)
		}
	}
}

func sshCases() []testCase {
	return []testCase{
		{"ssh-config-valid", func(f *facts.Facts) {
			f.SSHD.Refused = "line 3: Bad configuration option: x"
			f.SSHD.Meta.State = fact.StateError
		}, "fail high: line 3: Bad"},
		{"ssh-config-valid", func(f *facts.Facts) { f.SSHD.Meta.State, f.SSHD.Meta.Reason = fact.StateError, "unreadable" }, "unknown: unreadable"},
		{"ssh-config-valid", func(f *facts.Facts) {
			f.SSHD.Live, f.SSHD.ByParser, f.SSHD.ParserReason = true, true, "sshd hangs"
		}, "unknown: sshd hangs"},
		{"ssh-config-valid", func(f *facts.Facts) { f.SSHD.ByParser, f.SSHD.ParserReason = true, "an image" }, "pass: accepted"},
		{"ssh-permit-root-login", both("permitrootlogin", "yes"), "fail high: yes @/etc/ssh/sshd_config:"},
		{"ssh-permit-root-login", both("permitrootlogin", "without-password"), "fail low: without-password (prohibit-password)"},
		{"ssh-permit-root-login", both("permitrootlogin", "prohibit-password"), "fail low: prohibit-password"},
		{"ssh-permit-root-login", both("permitrootlogin", "forced-commands-only"), "fail informational"},
		{"ssh-permit-root-login", last("permitrootlogin", "yes"), "pass: no"}, // not root's connection
		{"ssh-permit-root-login", func(f *facts.Facts) { f.SSHD.Connections = f.SSHD.Connections[1:] }, "unknown: nothing to examine"},
		{"ssh-password-authentication", last("passwordauthentication", "yes"), "fail high: yes @"},
		{"ssh-password-authentication", all(both("passwordauthentication", "yes"), both("authenticationmethods", "publickey,password publickey")),
			"fail low: yes, but AuthenticationMethods asks for publickey,password publickey"},
		{"ssh-password-authentication", all(both("passwordauthentication", "yes"), both("authenticationmethods", "publickey password")), "fail high: yes"},
		{"ssh-password-authentication", func(f *facts.Facts) { delete(f.SSHD.Connections[0].Settings, "passwordauthentication") }, "error: let s: no such key"},
		{"ssh-kbd-interactive-authentication", last("kbdinteractiveauthentication", "yes"), "fail high: yes with UsePAM yes"},
		{"ssh-kbd-interactive-authentication", all(both("kbdinteractiveauthentication", "yes"), both("usepam", "no")), "pass: yes with UsePAM no"},
		{"ssh-kbd-interactive-authentication", all(both("kbdinteractiveauthentication", "yes"), both("authenticationmethods", "publickey,keyboard-interactive")), "fail low"},
		{"ssh-permit-empty-passwords", last("permitemptypasswords", "yes"), "fail high: yes, with PasswordAuthentication no"},
		{"ssh-permit-empty-passwords", all(last("permitemptypasswords", "yes"), both("passwordauthentication", "yes")), "fail critical"},
		{"ssh-pubkey-authentication", last("pubkeyauthentication", "no"), "fail medium: no"},
		{"ssh-max-auth-tries", all(both("maxauthtries", "5"), last("maxauthtries", "6")), "fail low: 6"},
		{"ssh-max-auth-tries", last("maxauthtries", "many"), "error: let n"},
		{"ssh-login-grace-time", all(both("logingracetime", "120"), last("logingracetime", "0")), "fail low: 0 (no limit)"},
		{"ssh-login-grace-time", both("logingracetime", "61"), "fail low: 61 seconds"},
		{"ssh-x11-forwarding", last("x11forwarding", "yes"), "fail low: yes"},
		{"ssh-x11-forwarding", all(both("x11forwarding", "yes"), both("disableforwarding", "yes")), "pass: yes with DisableForwarding yes"},
		{"ssh-allow-tcp-forwarding", last("allowtcpforwarding", "local"), "fail low: local"},
		{"ssh-client-alive-interval", last("clientaliveinterval", "0"), "fail low: 0 (never asked)"},
		{"ssh-client-alive-interval", last("clientaliveinterval", "601"), "fail low: 601 seconds"},
		{"ssh-client-alive-count-max", last("clientalivecountmax", "0"), "fail low: 0 (never cut off)"},
		{"ssh-ciphers", both("ciphers", "aes256-ctr,aes128-cbc,3des-cbc,arcfour256"), "fail medium: weak: aes128-cbc, 3des-cbc, arcfour256"},
		{"ssh-ciphers", both("ciphers", "chacha20-poly1305@openssh.com,rijndael-cbc@lysator.liu.se"), "weak: rijndael-cbc@lysator.liu.se"},
		{"ssh-macs", both("macs", "hmac-sha2-512,hmac-sha1,umac-64-etm@openssh.com,hmac-md5-96,hmac-sha1-96-etm@openssh.com"),
			"weak: umac-64-etm@openssh.com, hmac-md5-96, hmac-sha1-96-etm@openssh.com"},
		{"ssh-kex-algorithms", both("kexalgorithms", "curve25519-sha256,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1"),
			"weak: diffie-hellman-group14-sha1, diffie-hellman-group-exchange-sha1"},
		{"ssh-log-level", last("loglevel", "QUIET"), "fail medium: QUIET"},
		{"ssh-log-level", last("loglevel", "SILENT"), "fail medium: SILENT"},
		{"ssh-log-level", last("loglevel", "DEBUG3"), "fail low: DEBUG3"},
		{"ssh-use-pam", both("usepam", "no"), "fail medium: no"},
		{"ssh-strict-modes", both("strictmodes", "no"), "fail medium: no"},
		{"ssh-host-key-strength", func(f *facts.Facts) { f.SSHD.HostKeys[1].Bits = 2048 }, "/etc/ssh/ssh_host_rsa_key fail medium: rsa 2048 bits"},
		{"ssh-host-key-strength", func(f *facts.Facts) { f.SSHD.HostKeys[1].Bits = 1024 }, "fail high"},
		{"ssh-host-key-strength", func(f *facts.Facts) { f.SSHD.HostKeys[0].Type = "dsa" }, "fail high: dsa"},
		{"ssh-host-key-strength", func(f *facts.Facts) { f.SSHD.HostKeys[0].Error = "unreadable" }, "unknown: unreadable"},
		{"ssh-host-key-strength", func(f *facts.Facts) { f.SSHD.HostKeys = nil }, "unknown: no host key was found"},
		{"ssh-host-key-permissions", func(f *facts.Facts) { f.SSHD.Files[2].Mode, f.SSHD.Files[2].GID = 0o640, 1001 }, "fail high: 0640, owner 0, group 1001"},
		{"ssh-host-key-permissions", func(f *facts.Facts) { f.SSHD.Files[2].Mode = 0o640 }, "/etc/ssh/ssh_host_rsa_key fail high: 0640, owner 0, group 0"},
		{"ssh-host-key-permissions", func(f *facts.Facts) {
			f.SSHD.Files[2].Mode, f.SSHD.Files[2].GID, f.SSHD.Files[2].KeysGroup = 0o640, 999, true
		}, "pass"},
		{"ssh-host-key-permissions", func(f *facts.Facts) { f.SSHD.Files[2].UID = 33 }, "fail high: 0600, owner 33"},
		{"ssh-host-key-permissions", func(f *facts.Facts) { f.SSHD.Files[3].Mode = 0o664 }, "ssh_host_rsa_key.pub fail high: 0664"},
		{"ssh-host-key-permissions", func(f *facts.Facts) { f.SSHD.Files[3].Mode, f.SSHD.Files[3].Error = -1, "gone" }, "unknown: gone"},
		{"ssh-config-permissions", func(f *facts.Facts) { f.SSHD.Files[1].Mode = 0o777 }, "/etc/ssh/sshd_config.d fail high: 0777"},
		{"ssh-config-permissions", func(f *facts.Facts) { f.SSHD.Files = f.SSHD.Files[2:] }, "unknown: no configuration file"},
	}
}

func patchCases() []testCase {
	pending := func(label, severity string) func(*facts.Facts) {
		return func(f *facts.Facts) {
			f.Patch.Packages = []patch.Package{{Name: "bash", Arch: "amd64", Installed: "5.2-1", Fixed: "5.2-2", Label: label,
				Origin: "Debian-Security/trixie-security", Severity: severity}}
		}
	}
	extended := func(covered fact.Tri) func(*facts.Facts) {
		return func(f *facts.Facts) {
			l := &f.System.Life
			l.State, l.ExtendedKind, l.ExtendedEnds, l.Covered = system.LifeExtended, "LTS", "2030-06-30", covered
		}
	}
	return []testCase{
		{"patch-security-updates", pending("available", ""), "bash:amd64 fail high: 5.2-1"},
		{"patch-security-updates", pending("held", "Critical"), "bash:amd64 fail critical"},
		{"patch-security-updates", pending("available", "Moderate"), "fail medium"},
		{"patch-security-updates", func(f *facts.Facts) { f.Patch.Installed = 0 }, "unknown: the package database"},
		{"patch-metadata-age", func(f *facts.Facts) { f.Patch.Metadata.RefreshAgeSeconds = 86400 * 8 }, "fail medium: refreshed more than 7 days ago @/var/lib/apt/lists/InRelease:0"},
		{"patch-metadata-age", func(f *facts.Facts) { f.Patch.Metadata.RefreshAgeSeconds = 86400 * 90 }, "fail high: refreshed more than 30 days ago"},
		{"patch-security-updates", func(f *facts.Facts) {
			f.Patch.Packages, f.Patch.Metadata.Expired, f.Patch.Metadata.ValidUntil = nil, true, "2026-11-20"
		}, "unknown: the package lists expired on 2026-11-20"},
		{"patch-metadata-age", func(f *facts.Facts) { f.Patch.Metadata.RefreshAgeSeconds = -1 }, "pass: signed in the last 7 days"},
		{"patch-metadata-age", func(f *facts.Facts) {
			f.Patch.Metadata.Expired, f.Patch.Metadata.ValidUntil = true, "2026-11-20"
		}, "fail high: refreshed in the last 7 days, expired on 2026-11-20"},
		{"patch-metadata-age", func(f *facts.Facts) { f.Patch.Metadata.Known, f.Patch.Metadata.Reason = false, "no Release file" }, "unknown: no Release file"},
		{"os-end-of-life", func(f *facts.Facts) { f.System.Life.State = "ended" }, "fail critical: Debian 13: support ended 2028-08-09"},
		{"os-end-of-life", func(f *facts.Facts) { f.System.Life.State = "ending" }, "fail low: Debian 13: supported until"},
		{"os-end-of-life", extended(fact.Tri{Known: true, Yes: true}), "fail low: Debian 13: standard support ended 2028-08-09, LTS until 2030-06-30"},
		{"os-end-of-life", extended(fact.Tri{Known: true}), "fail critical: Debian 13: standard support ended 2028-08-09, LTS until 2030-06-30, which this host does not get"},
		{"os-end-of-life", extended(fact.Tri{}), "fail high: Debian 13: standard support ended 2028-08-09, LTS until 2030-06-30, not known"},
		{"os-end-of-life", func(f *facts.Facts) { f.System.Life.State, f.System.Life.Reason = "unknown", "not in the table" }, "unknown: not in the table"},
		{"os-reboot-pending", func(f *facts.Facts) { f.System.Reboot.Required.Yes, f.System.Reboot.Newest = true, "6.13" }, "fail medium: running 6.12, newest installed 6.13"},
		{"os-reboot-pending", func(f *facts.Facts) { f.System.Reboot.Required = fact.Tri{Reason: "an image"} }, "unknown: an image"},
		{"os-reboot-pending", func(f *facts.Facts) { f.System.Reboot.Applicable = false }, "not_applicable"},
	}
}

func auditCases() []testCase {
	conf := func(key, value string) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Audit.Conf.Settings[key] = fact.Text{Value: value} }
	}
	number := func(key string, n int) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Audit.Conf.Numbers[key] = n; conf(key, fmt.Sprint(n))(f) }
	}
	absent := func(f *facts.Facts) { f.Audit.Installed.Yes = false }
	kernel := func(change func(*audit.Kernel)) func(*facts.Facts) {
		return func(f *facts.Facts) { change(&f.Audit.Kernel) }
	}
	cases := []testCase{
		{"audit-installed", absent, "fail medium: not installed"},
		{"audit-installed", func(f *facts.Facts) { f.Audit.Installed = fact.Tri{Reason: "?"} }, "unknown: ?"},
		{"audit-enabled", func(f *facts.Facts) { f.Audit.Enabled.Yes = false }, "fail medium: not enabled"},
		{"audit-enabled", func(f *facts.Facts) { f.Audit.Enabled = fact.Tri{Reason: "no D-Bus"} }, "unknown: no D-Bus"},
		{"audit-enabled", absent, "not_applicable: auditd is not installed"},
		{"audit-active", func(f *facts.Facts) { f.Audit.Active.Yes = false }, "fail high: not running"},
		{"audit-active", func(f *facts.Facts) { f.Audit.Active.Known = false }, "unknown: seen"},
		{"audit-backlog-limit", kernel(func(k *audit.Kernel) { k.BacklogLimit = 64 }), "fail medium: 64"},
		{"audit-backlog-limit", kernel(func(k *audit.Kernel) { k.BacklogLimit = 0 }), "fail medium: 0 (no bound)"},
		{"audit-kernel-enabled", kernel(func(k *audit.Kernel) { k.Enabled = 0 }), "fail high: 0 (off)"},
		{"audit-lost", kernel(func(k *audit.Kernel) { k.Lost = 3 }), "fail medium: 3"},
		{"audit-failure-mode", kernel(func(k *audit.Kernel) { k.Failure = 0 }), "fail low: 0 (silent)"},
		{"audit-rules-immutable", kernel(func(k *audit.Kernel) { k.Enabled = 1 }), "fail low: not locked, on disk locked"},
		{"audit-rules-immutable", func(f *facts.Facts) { f.Audit.Rules.DiskImmutable = false }, "fail low: locked, on disk not locked"},
		{"audit-rules-immutable", func(f *facts.Facts) { f.Audit.Rules.DiskKnown, f.Audit.Rules.DiskImmutable = false, false }, "pass: locked"},
		{"audit-rules-loaded", func(f *facts.Facts) { f.Audit.Rules.Missing = f.Audit.Rules.Disk }, "fail medium: 1 loaded, 1 on disk: 1 not loaded, 0 not on disk, 0 refused @/etc/audit/audit.rules:4"},
		{"audit-rules-loaded", func(f *facts.Facts) { f.Audit.Rules.Extra = []string{"-a always,exit -S all"} }, "1 not on disk"},
		{"audit-rules-loaded", func(f *facts.Facts) { f.Audit.Rules.Unchecked = f.Audit.Rules.Disk }, "pass: 1 loaded, 1 on disk: 0 not loaded, 0 not on disk, 0 refused, 1 not compared"},
		{"audit-rules-loaded", func(f *facts.Facts) { f.Audit.Rules.Stale = true }, "fail medium: 1 loaded, 1 on disk: 0 not loaded, 0 not on disk, 0 refused, audit.rules is not"},
		{"audit-rules-loaded", func(f *facts.Facts) { f.Audit.Rules.Known, f.Audit.Rules.Reason = false, "an image" }, "unknown: an image"},
		{"audit-max-log-file", number("max_log_file", 1), "fail low: 1 (default)"},
		{"audit-max-log-file", absent, "not_applicable"},
		{"audit-num-logs", all(number("num_logs", 4), conf("max_log_file_action", "rotate")), "fail low: 4"},
		{"audit-num-logs", number("num_logs", 1), "pass: 1"}, // keep_logs keeps all
		{"audit-max-log-file-action", conf("max_log_file_action", "ignore"), "fail medium: ignore (default)"},
		{"audit-max-log-file-action", conf("max_log_file_action", "ROTATE"), "pass: ROTATE"},
		{"audit-space-left-action", conf("space_left_action", "syslog"), "fail low: syslog"},
		{"audit-space-left-action", conf("space_left_action", "ignore"), "fail medium: ignore"},
		{"audit-space-left-action", conf("space_left_action", "exec /bin/x"), "pass: exec /bin/x"},
		{"audit-admin-space-left-action", conf("admin_space_left_action", "suspend"), "fail low: suspend"},
		{"audit-disk-full-action", conf("disk_full_action", "suspend"), "fail low: suspend"},
		{"audit-disk-error-action", conf("disk_error_action", "ignore"), "fail medium: ignore"},
		{"audit-disk-error-action", func(f *facts.Facts) { f.Audit.Conf.Known, f.Audit.Conf.Reason = false, "line 3: ?" }, "unknown: line 3: ?"},
	}
	return append(cases, bootCases()...)
}

// bootCases are the situations in which other tools go wrong: the running kernel,
// the boot menu and the defaults file disagree.
func bootCases() []testCase {
	running := func(on bool, limit int) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Audit.Boot.Running.AuditOn, f.Audit.Boot.Running.BacklogLimit = on, limit }
	}
	next := func(on bool, limit int) func(*facts.Facts) {
		return func(f *facts.Facts) { f.Audit.Boot.Next[0].AuditOn, f.Audit.Boot.Next[0].BacklogLimit = on, limit }
	}
	entries := func(f *facts.Facts) {
		second := f.Audit.Boot.Next[0]
		second.Title, second.Line, second.AuditOn, second.BacklogLimit, second.Audit = "Debian, old kernel", 30, false, 64, ""
		f.Audit.Boot.Next = append(f.Audit.Boot.Next, second)
	}
	recovery := func(f *facts.Facts) {
		entries(f)
		f.Audit.Boot.Next[1].Recovery = true
	}
	noMenu := func(f *facts.Facts) {
		f.Audit.Boot.Next, f.Audit.Boot.NextKnown, f.Audit.Boot.Reason = nil, false, "no boot loader"
	}
	image := func(f *facts.Facts) { f.Audit.Boot.RunningKnown = false }
	return []testCase{
		{"audit-at-boot", running(false, 0), "fail medium: this boot: audit=1 @/proc/cmdline:0"},
		{"audit-at-boot", next(false, 0), "fail medium: Debian: audit=1 @/boot/grub/grub.cfg:7 @/boot/grub/grub.cfg:7"}, // defaults differ
		{"audit-at-boot", entries, "fail medium: Debian, old kernel: audit is not set @/boot/grub/grub.cfg:30"},
		{"audit-at-boot", recovery, "fail low: Debian, old kernel: audit is not set"},
		{"audit-at-boot", all(recovery, next(false, 0)), "fail medium: Debian: audit=1"},
		{"audit-at-boot", noMenu, "unknown: no boot loader"},
		{"audit-at-boot", all(noMenu, running(false, 0)), "fail medium: this boot"},
		{"audit-at-boot", image, "pass: Debian"},
		{"audit-at-boot", all(image, noMenu), "unknown: no boot loader"},
		{"audit-at-boot", func(f *facts.Facts) { f.Audit.Boot.Next, f.Audit.Boot.RunningKnown = nil, false }, "unknown: no boot entry"},
		{"audit-backlog-limit-at-boot", running(true, 64), "fail low: this boot: audit_backlog_limit=64"},
		{"audit-backlog-limit-at-boot", next(true, 0), "fail low: Debian: audit_backlog_limit is not set"},
		{"audit-backlog-limit-at-boot", entries, "fail low: Debian, old kernel: audit_backlog_limit=64"},
		{"audit-backlog-limit-at-boot", noMenu, "unknown: no boot loader"},
	}
}

func cases() []testCase {
	return slices.Concat(sshCases(), patchCases(), levelCases(), updatesCases(), auditCases(), restartCases(),
		loginCases(), networkCases(), servicesCases(), kernelCases(), recordCases(), filesCases(), tlsCases(), secretCases())
}

func TestCases(t *testing.T) {
	p := load(t)
	for _, c := range cases() {
		f := good()
		c.change(f)
		if got := one(p, f, c.check); !strings.Contains(got, c.want) {
			t.Errorf("%s\ngot  %s\nwant %s", c.check, got, c.want)
		}
	}
}

func TestGoodHostPasses(t *testing.T) {
	for _, r := range load(t).Evaluate(good(), time.Time{}) {
		if r.Status != finding.StatusPass {
			t.Errorf("%s %s: %s: %s", r.Check, r.Resource, r.Status, r.Actual)
		}
		if r.Actual == "" || r.Expected == "" {
			t.Errorf("%s: actual %q, expected %q", r.Check, r.Actual, r.Expected)
		}
	}
}

// TestEveryCheckCanFail: each check has a case in which it fails, and one in which
// it cannot be evaluated, here or by the state of its facts.
func TestEveryCheckCanFail(t *testing.T) {
	fails := map[string]bool{}
	for _, c := range cases() {
		if strings.Contains(c.want, "fail ") || strings.HasPrefix(c.want, "error: dpkg ") || strings.HasPrefix(c.want, "weak:") || strings.HasPrefix(c.want, "1 not") {
			fails[c.check] = true
		}
	}
	for _, c := range load(t).Checks() {
		if !fails[c.ID] {
			t.Errorf("%s never fails in these tests", c.ID)
		}
	}
}

// metas are those of every group.
func metas(f *facts.Facts) []*fact.Meta {
	var all []*fact.Meta
	v := reflect.ValueOf(f).Elem()
	for i := range v.NumField() {
		all = append(all, v.Field(i).FieldByName("Meta").Addr().Interface().(*fact.Meta))
	}
	return all
}

// TestNothingPassesUnread: facts that were never read, or are known to be there
// and empty, or are in any state but known, make no check pass.
func TestNothingPassesUnread(t *testing.T) {
	p := load(t)
	var zero facts.Facts
	empty := facts.Facts{}
	for _, m := range metas(&empty) {
		m.State = fact.StateKnown
	}
	hosts := map[string]*facts.Facts{"zero": &zero, "empty": &empty}
	for _, s := range []fact.State{fact.StateAbsent, fact.StateUnknown, fact.StateError, "?"} {
		f := good()
		for _, m := range metas(f) {
			m.State, m.Reason = s, "because"
		}
		hosts[string(s)] = f
	}
	for name, f := range hosts {
		for _, r := range p.Evaluate(f, time.Time{}) {
			// Who may write the files is known even where sshd refuses what is in them.
			if r.Status == finding.StatusPass && (name != "error" || r.Check != "ssh-config-permissions") {
				t.Errorf("%s facts: %s passes: %s", name, r.Check, r.Actual)
			}
			if name == string(fact.StateError) && r.Status == finding.StatusError && r.Actual != "because" {
				t.Errorf("%s does not say why: %s", r.Check, r.Actual)
			}
		}
	}
}

// TestWorstOfManyConnections: whichever connection has the bad value, the check
// fails and its evidence names that connection.
func TestWorstOfManyConnections(t *testing.T) {
	p := load(t)
	for bad := range 5 {
		f := good()
		conn := f.SSHD.Connections[1]
		f.SSHD.Connections = nil
		for i := range 5 {
			c := conn
			c.Settings = goodSSHD(fact.Meta{}).Connections[0].Settings
			c.Label = fmt.Sprintf("connection %d", i)
			f.SSHD.Connections = append(f.SSHD.Connections, c)
		}
		set(f, bad, "passwordauthentication", "yes")
		r := p.Evaluate(f, time.Time{}, "ssh-password-authentication")
		if len(r) != 1 || r[0].Status != finding.StatusFail {
			t.Fatalf("%d: got %+v", bad, r)
		}
		if got, want := fmt.Sprint(r[0].Evidence), fmt.Sprintf("asked for connection %d", bad); !strings.Contains(got, want) {
			t.Errorf("evidence %s lacks %q", got, want)
		}
	}
}

func TestChecksAreComplete(t *testing.T) {
	for _, c := range load(t).Checks() {
		if len(c.References) == 0 || len(c.Title) > 90 || len(c.Rationale) < 40 || strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s: %q, %d references", c.ID, c.Title, len(c.References))
		}
		if !strings.HasSuffix(c.Rationale, ".") {
			t.Errorf("%s: the rationale is no sentence: %q", c.ID, c.Rationale)
		}
	}
}

func TestLoadOwnChecks(t *testing.T) {
	own := `family: ssh
checks:
  - id: ssh-own
    title: t
    severity: low
    rationale: r
    needs: [sshd]
    pass: sshd.users.size() == 0
    actual: ${sshd.users.map(u, u.name)}
    expected: nobody
    remediation: x
`
	name := "own.yaml"
	p, err := Load(facts.Facts{}, nil, policy.Source{Name: name, Data: []byte(own)})
	if err != nil {
		t.Fatal(err)
	}
	f := good()
	f.SSHD.Users = []sshd.User{{Name: "ann"}, {Name: "bob"}}
	if got := one(p, f, "ssh-own"); got != "fail low: ann, bob" {
		t.Errorf("got %s", got)
	}
	bad := strings.Replace(strings.Replace(own, "u.name", "u.nam", 1), "ssh-own", "ssh-ciphers", 1)
	_, err = Load(facts.Facts{}, nil, policy.Source{Name: name, Data: []byte(bad)})
	for _, want := range []string{name + ":9:34: undefined field 'nam'", "check ssh-ciphers stands in baseline/ssh.yaml:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// BenchmarkFirst is what a run of all checks costs that evaluates once.
func BenchmarkFirst(b *testing.B) {
	f := good()
	b.ReportAllocs()
	for b.Loop() {
		p, err := Load(facts.Facts{}, nil)
		if err != nil {
			b.Fatal(err)
		}
		p.Evaluate(f, time.Time{})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	p, f := load(b), good()
	b.ReportAllocs()
	for b.Loop() {
		p.Evaluate(f, time.Time{})
	}
}
