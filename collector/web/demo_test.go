package web_test

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

// demoNow is the time at which the demo fleet stands still.
var demoNow = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

// demo is a fleet in memory: what a store is to the dashboard.
type demo struct {
	mu     sync.Mutex
	now    time.Time
	hosts  []fleet.Host
	asking []fleet.Request
	states map[fleet.HostID][]fleet.State
	checks map[string]finding.CheckInfo
	events []fleet.Event     // newest first
	storms []fleet.Detection // newest first
	subs   map[chan fleet.Update]struct{}
	err    error // of every question, when set
}

func newDemo(now time.Time) *demo {
	return &demo{
		now: now, states: make(map[fleet.HostID][]fleet.State),
		checks: make(map[string]finding.CheckInfo), subs: make(map[chan fleet.Update]struct{}),
	}
}

// Glance knows no scopes: who has one sees nothing.
func (d *demo) Glance(ctx context.Context, scope []string) (fleet.Glance, error) {
	if len(scope) > 0 {
		return fleet.Glance{}, nil
	}
	o, err := d.Overview(ctx)
	g := fleet.Glance{Overview: o, Ages: fleet.Ages{Week: o.Pending}}
	if o.Hosts > 1 {
		g.Never, g.Waived[5], g.Unexplained = 1, min(1, o.BySeverity[5]), 3
		g.Actors = []fleet.Actor{{Name: "mara", Changes: 12}, {Name: hostileStrings()[0], Changes: 2}}
		g.Ending = o.Worst[:min(1, len(o.Worst))]
	}
	return g, err
}

func (d *demo) Overview(context.Context) (fleet.Overview, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := fleet.Overview{Hosts: len(d.hosts), Presence: map[fleet.Presence]int{}, Standing: map[fleet.Standing]int{}, Requests: len(d.asking), Recent: slices.Clone(d.events[:min(20, len(d.events))])}
	for _, h := range d.hosts {
		h = d.count(h)
		o.Presence[h.Presence]++
		if h.Member != nil {
			o.Standing[h.Member.Standing]++
			if h.Member.Standing == fleet.Active && h.Member.Expires.Before(d.now) {
				o.Expired++
			}
		}
		o.Pending += h.Pending
		for s, n := range h.BySeverity {
			o.BySeverity[s] += n
		}
		for s, n := range h.Detected {
			o.Detected[s] += n
		}
		addCounts(&o.Counts, h.Counts)
	}
	o.Detections = slices.Clone(d.storms[:min(5, len(d.storms))])
	o.Worst = slices.DeleteFunc(d.catalogue(), func(c fleet.Check) bool { return c.Hosts == 0 })
	o.Worst = o.Worst[:min(10, len(o.Worst))]
	if len(d.hosts) > 0 {
		for i := range 30 {
			c := o.Counts
			c.Fail += (29 - i) * 3 / 2 * (1 + i%3) / 2
			o.Days = append(o.Days, fleet.Day{Day: d.now.UTC().Truncate(24*time.Hour).AddDate(0, 0, i-29), Counts: c, Changes: (i*i*7)%23 + i%2*9})
		}
	}
	return o, d.err
}

func addCounts(to *fleet.Counts, c fleet.Counts) {
	to.Pass += c.Pass
	to.Fail += c.Fail
	to.NotApplicable += c.NotApplicable
	to.Unknown += c.Unknown
	to.Error += c.Error
	to.Waived += c.Waived
}

// count returns h with the counts of its states.
func (d *demo) count(h fleet.Host) fleet.Host {
	h.Counts, h.BySeverity, h.Pending = fleet.Counts{}, [6]int{}, 0
	for _, s := range d.states[h.ID] {
		h.Counts.Add(s.Result.Status, 1)
		if s.Result.Status == finding.StatusFail {
			h.BySeverity[min(s.Result.Severity, 5)]++
			if s.Result.Check == "patch-security-updates" {
				h.Pending++
			}
		}
	}
	return h
}

func (d *demo) Requests(context.Context) ([]fleet.Request, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asking), d.err
}

// admit makes every host a member, and lets two more wait.
func (d *demo) admit() {
	for i := range d.hosts {
		h := &d.hosts[i]
		h.Member = &fleet.Member{
			Host: h.ID, Standing: fleet.Active, Since: h.FirstSeen, Enrolled: h.FirstSeen, Token: "5eaf00d5eaf00d00",
			Expires: d.now.Add(time.Duration(9*24-i) * time.Hour), Session: uint64(40 + i), Confirmed: true,
		}
	}
	d.asking = []fleet.Request{
		{
			ID: "9c51d03fa2b7e640", Machine: fleet.Machine{HostName: "web-4", DropletID: "481519999", MachineID: strings.Repeat("4e", 32)},
			From: netip.MustParseAddr("203.0.113.77"), Token: "5eaf00d5eaf00d00", Asked: d.now.Add(-90 * time.Minute), Again: d.now.Add(-40 * time.Second), Decision: fleet.Waiting,
		},
		{
			ID: "00a1b2c3d4e5f607", Machine: fleet.Machine{HostName: "web-1"}, CloneOf: d.hosts[0].ID,
			From: netip.MustParseAddr("2001:db8::9"), Asked: d.now.Add(-3 * time.Hour), Again: d.now.Add(-time.Minute), Decision: fleet.Waiting,
		},
		{ID: "0123456789abcdef", Machine: fleet.Machine{HostName: "decided"}, Decision: fleet.Rejected},
	}
}

// quarantine puts one member into as much trouble as there is.
func (d *demo) quarantine(m *fleet.Member) {
	m.Standing, m.Since, m.Reason = fleet.Quarantined, d.now.Add(-26*time.Minute), "a session that was already over was presented, from 203.0.113.9"
	m.CloneOf, m.Recoveries, m.Recovered = "a11cea11cea11cea11cea11cea11cea1", 2, d.now.AddDate(0, 0, -12)
	m.Expires, m.Confirmed = d.now.Add(50*time.Hour), false
}

func (d *demo) Hosts(context.Context) ([]fleet.Host, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hosts := make([]fleet.Host, 0, len(d.hosts))
	for _, h := range d.hosts {
		hosts = append(hosts, d.count(h))
	}
	return hosts, d.err
}

func (d *demo) Host(_ context.Context, id fleet.HostID) (fleet.HostDetail, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.hosts {
		if h.ID == id {
			return fleet.HostDetail{Host: d.count(h), States: slices.Clone(d.states[id]), Checks: maps.Clone(d.checks)}, d.err
		}
	}
	return fleet.HostDetail{}, fmt.Errorf("host: %w", fs.ErrNotExist)
}

func (d *demo) Timeline(_ context.Context, q fleet.TimelineQuery) ([]fleet.Event, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var events []fleet.Event
	for _, e := range d.events {
		if (q.Host == "" || e.Host == q.Host) && (q.Check == "" || e.Change.Result.Check == q.Check) &&
			(q.Before == 0 || e.ID < q.Before) && len(events) < cmp.Or(q.Limit, 50) {
			events = append(events, e)
		}
	}
	return events, d.err
}

// catalogue returns the checks, most bad hosts first.
func (d *demo) catalogue() []fleet.Check {
	var checks []fleet.Check
	for _, id := range slices.Sorted(maps.Keys(d.checks)) {
		c := fleet.Check{Info: d.checks[id]}
		for _, h := range d.hosts {
			bad := false
			for _, s := range d.states[h.ID] {
				if s.Result.Check == id {
					c.Counts.Add(s.Result.Status, 1)
					bad = bad || s.Result.Status.Bad()
				}
			}
			if bad {
				c.Hosts++
			}
		}
		checks = append(checks, c)
	}
	slices.SortStableFunc(checks, func(a, b fleet.Check) int { return b.Hosts - a.Hosts })
	return checks
}

func (d *demo) Checks(context.Context) ([]fleet.Check, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.catalogue(), d.err
}

func (d *demo) Check(_ context.Context, id string) (fleet.CheckDetail, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.catalogue() {
		if c.Info.ID != id {
			continue
		}
		detail := fleet.CheckDetail{Check: c}
		for _, h := range d.hosts {
			for _, s := range d.states[h.ID] {
				if s.Result.Check == id {
					detail.States = append(detail.States, s)
				}
			}
		}
		slices.SortStableFunc(detail.States, func(a, b fleet.State) int { return int(a.Result.Status) - int(b.Result.Status) })
		return detail, d.err
	}
	return fleet.CheckDetail{}, fmt.Errorf("check: %w", fs.ErrNotExist)
}

func (d *demo) Subscribe(buffer int) (<-chan fleet.Update, func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := make(chan fleet.Update, buffer)
	d.subs[c] = struct{}{}
	return c, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.subs, c)
	}
}

// set makes r the state of its check and resource on a host and tells the
// subscribers; it returns the event's id.
func (d *demo) set(host int, r finding.Result) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.apply(host, r, d.now)
	for c := range d.subs {
		c <- fleet.Update{Host: e.Host, Events: []fleet.Event{e}}
	}
	return e.ID
}

func (d *demo) apply(host int, r finding.Result, at time.Time) fleet.Event {
	h := d.hosts[host]
	e := fleet.Event{ID: int64(len(d.events) + 1), Host: h.ID, HostName: h.Labels.Name, Received: at, Change: finding.Change{Result: r}}
	states := d.states[h.ID]
	i := slices.IndexFunc(states, func(s fleet.State) bool { return s.Result.Key() == r.Key() })
	state := fleet.State{Host: h.ID, HostName: h.Labels.Name, Result: r, Since: at}
	if i < 0 {
		d.states[h.ID] = append(states, state)
	} else {
		e.Change.Previous = states[i].Result.Status
		states[i] = state
	}
	d.events = slices.Insert(d.events, 0, e)
	return e
}

// touch tells the subscribers that a host spoke.
func (d *demo) touch(host int, change func(*fleet.Host)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.hosts[host])
	for c := range d.subs {
		c <- fleet.Update{Host: d.hosts[host].ID}
	}
}

func (d *demo) addHost(l finding.Host, p fleet.Presence, seen time.Duration) {
	n := len(d.hosts)
	d.hosts = append(d.hosts, fleet.Host{
		ID: fleet.HostID(fmt.Sprintf("%08x%024x", 0xa11ce000+n*7919, n+1)), Labels: l, Presence: p,
		FirstSeen: d.now.AddDate(0, -2, -n), LastSeen: d.now.Add(-seen),
		Agent: finding.Counters{
			AuditMode: "multicast", AuditReason: "auditd holds the kernel's audit pid", Records: 1_204_551 * uint64(n+1), Events: 240_112,
			EventsMatched: 312, Evaluations: 1804, Changes: 41, SpoolEpoch: 9_120_331, SpoolSeq: 20_411, SpoolBytes: 3 << 20,
			CPUSeconds: 41.73, RSSBytes: 19 << 20, UptimeSeconds: 1_209_600,
			SerialGaps: 3, AuditGaps: 2, AuditFilled: 140, AuditPartial: 1, AuditBacklogHigh: 57, AuditBuffer: 32 << 20,
			AuditRules: 61, AuditRulesRefused: 1, AuditRateLimit: 500,
			Detections: 12, DetectionsSuppressed: 4, DetectionsLost: 1, DetectionRules: 130, DetectionFaults: 2,
		},
	})
}

// demoChecks is id|severity|title|good|bad, for each of the demo's checks.
const demoChecks = `ssh-permit-root-login|5|Root cannot log in over SSH|no|yes
ssh-password-authentication|4|SSH takes no passwords|no|yes
ssh-permit-empty-passwords|5|SSH never takes an empty password|no|yes
ssh-pubkey-authentication|3|SSH takes public keys|yes|no
ssh-keyboard-interactive|4|SSH asks no questions|no|yes
ssh-max-auth-tries|3|Few attempts in one connection|4|6
ssh-login-grace-time|2|Short time to log in|60|120
ssh-x11-forwarding|3|X11 is not forwarded|no|yes
ssh-allow-tcp-forwarding|3|TCP is not forwarded|no|yes
ssh-client-alive-interval|2|Dead sessions end|300|0
ssh-ciphers|4|Only strong ciphers|aes256-gcm@openssh.com,chacha20-poly1305@openssh.com|aes256-gcm@openssh.com,aes128-cbc,3des-cbc
ssh-macs|4|Only strong message authentication|hmac-sha2-512-etm@openssh.com|hmac-sha2-512-etm@openssh.com,hmac-md5
ssh-kex-algorithms|4|Only strong key exchange|sntrup761x25519-sha512@openssh.com|diffie-hellman-group1-sha1
ssh-log-level|2|SSH logs what matters|VERBOSE|QUIET
ssh-use-pam|3|SSH goes through PAM|yes|no
ssh-strict-modes|3|SSH minds file permissions|yes|no
ssh-host-key-strength|4|Host keys are strong|ed25519 256|rsa 1024
ssh-host-key-permissions|4|Host keys are private|0600 root:root|0644 root:root
ssh-config-permissions|3|sshd_config is root's own|0600 root:root|0666 root:root
audit-daemon-installed|3|auditd is installed|installed|not installed
audit-daemon-active|3|auditd runs|active|inactive
audit-daemon-enabled|3|auditd starts at boot|enabled|disabled
audit-at-boot|3|Auditing starts with the kernel|audit=1|not set
audit-backlog-at-boot|2|Room for audit records while booting|audit_backlog_limit=8192|not set
audit-backlog-limit|3|Room for audit records|8192|64
audit-enabled|4|Auditing is on|1|0
audit-lost|3|No audit record was lost|0|118
audit-failure-mode|2|The kernel says when auditing fails|1|0
audit-rules-loaded|4|The rules on disk are loaded|same|3 missing
audit-rules-immutable|2|Audit rules cannot be changed|2|1
audit-max-log-file|1|Logs are large enough|32|8
audit-max-log-file-action|2|Logs are kept|keep_logs|rotate
audit-space-left-action|2|Somebody is told when space is short|email|ignore
patch-metadata-age|3|Package lists are fresh|2 h|23 d
patch-reboot-pending|3|No reboot is pending|no|yes: linux-image-6.1.0-32
os-end-of-life|5|The system is supported|2028-06-30|ended 2024-06-30
`

// demoInfo returns the demo's checks with what passes and what fails.
func demoInfo() (checks []finding.CheckInfo, good, bad map[string]string) {
	good, bad = make(map[string]string), make(map[string]string)
	for line := range strings.Lines(demoChecks) {
		f := strings.Split(strings.TrimSpace(line), "|")
		family, _, _ := strings.Cut(f[0], "-")
		checks = append(checks, finding.CheckInfo{
			ID: f[0], Family: family, Title: f[2], Severity: finding.Severity(f[1][0] - '0'),
			Rationale:   "An attacker who finds this open needs one step less.\nIt is among the first things that scanners try, and nothing legitimate depends on it.",
			Remediation: "# First make sure that your key lets you in: ssh -o PasswordAuthentication=no USER@HOST\necho '" + f[0] + " " + f[3] + "' > /etc/ssh/sshd_config.d/00-" + f[0] + ".conf\nsshd -t && systemctl reload ssh",
			References:  []string{"CIS Debian Linux 12 Benchmark 1.1.0, 5.1.20", "https://www.openssh.com/manual.html", "DISA STIG V-270708"},
		})
		good[f[0]], bad[f[0]] = f[3], f[4]
	}
	checks = append(checks, finding.CheckInfo{ID: "patch-security-updates", Family: "patch", Title: "Security updates are installed", Severity: 4})
	return checks, good, bad
}

// demoCause is a cause as the kernel would have it.
func demoCause(n int, at time.Time) *finding.Cause {
	users := []string{"alice", "bob", "deploy"}
	return &finding.Cause{
		Serial: 48_211 + uint64(n), Time: at, AUID: 1000 + uint32(n%3), LoginUser: users[n%3], UID: 0, User: "root", Session: uint32(4 + n),
		PID: 2210 + uint32(n), TTY: "pts0", Exe: []string{"/usr/bin/vim.basic", "/usr/bin/tee", "/usr/bin/python3.11"}[n%3],
		Command: []string{"vim /etc/ssh/sshd_config.d/50-cloud-init.conf", "tee /etc/ssh/sshd_config.d/99-local.conf", "/usr/bin/python3 /usr/bin/ansible-playbook site.yml --limit web"}[n%3],
		Path:    "/etc/ssh/sshd_config.d/50-cloud-init.conf", Operation: []string{"rename", "write", "attributes"}[n%3],
	}
}

// demoFleet returns a dozen hosts with some sixty results each.
func demoFleet(now time.Time) *demo {
	d := newDemo(now)
	names := []string{"web-1", "web-2", "web-3", "db-primary", "db-replica", "cache-1", "build-runner-7", "mail", "vpn-gateway", "monitoring", "staging", "legacy-billing"}
	for i, name := range names {
		presence, seen := fleet.Online, time.Duration(3+i*4)*time.Second
		if i == 7 || i == 10 {
			presence, seen = fleet.Silent, 11*time.Minute
		} else if i == 11 {
			presence, seen = fleet.Offline, 52*time.Hour
		}
		os, id, kernel := "Debian GNU/Linux 12 (bookworm)", "debian", "6.1.0-32-amd64"
		if i%4 == 3 {
			os, id, kernel = "Ubuntu 24.04.2 LTS", "ubuntu", "6.8.0-55-generic"
		}
		d.addHost(finding.Host{
			Name: name, OS: os, OSID: id, Kernel: kernel, Arch: "x86_64", UptimeSeconds: uint64(86_400*(i*3+1) + 7300), Load1: 0.04 * float64(i), Load5: .11, Load15: .09,
			MemoryTotal: 4 << 30, MemoryFree: 2_900 << 20, CPUs: 2, DropletID: fmt.Sprint(481_516_234 + i*77), Region: []string{"fra1", "nyc3", "ams3"}[i%3],
			Tags: []string{"prod", strings.Split(name, "-")[0]}, AgentVersion: "0.3.1", BootTime: now.AddDate(0, 0, -3*i-1),
		}, presence, seen)
	}
	checks, good, bad := demoInfo()
	for n, c := range checks {
		d.checks[c.ID] = c
		for h := range d.hosts {
			if good[c.ID] != "" {
				d.apply(h, demoResult(c, h, n, good[c.ID], bad[c.ID], now), now.Add(-time.Duration(400-n*10-h)*time.Hour))
			}
		}
	}
	demoUpdates(d, now)
	d.events = d.events[:0]
	for i := range 75 {
		c := checks[(i*11)%36]
		r := demoResult(c, i%12, 2, good[c.ID], bad[c.ID], now)
		if r.Status = finding.StatusFail; i%3 == 1 {
			r.Status = finding.StatusPass
		}
		r.Actual, r.Cause = bad[c.ID], demoCause(i, now.Add(-time.Duration(75-i)*17*time.Minute))
		if i%7 == 0 {
			r.Cause = nil
		}
		d.apply(i%12, r, now.Add(-time.Duration(75-i)*17*time.Minute))
		d.events[0].Change.Previous = finding.StatusPass
		if i%3 == 1 {
			d.events[0].Change.Previous = finding.StatusFail
		}
	}
	for n := range 40 {
		d.detect(n*5%3+n%2, demoDetection(39-n, now))
	}
	d.admit()
	d.quarantine(d.hosts[1].Member)
	d.hosts[2].Member.CloneOf, d.hosts[2].Member.Recoveries = d.hosts[0].ID, 1
	d.hosts[3].Member.Expires = now.Add(50 * time.Hour)
	d.hosts[5].Member.Standing, d.hosts[5].Member.Since, d.hosts[5].Member.Reason = fleet.Revoked, now.AddDate(0, 0, -3), "the machine was sold"
	d.hosts[11].Member.Expires = now.Add(-33 * time.Hour)
	return d
}

// demoUpdates gives the hosts pending updates, as the agent says them.
func demoUpdates(d *demo, now time.Time) {
	sources := []struct{ name, packages, advisory, kept string }{
		{"openssl", "libssl-dev libssl3 openssl", "DSA-5764-1: CVE-2024-6119", ""},
		{"curl", "curl libcurl3-gnutls libcurl4", "DSA-5881-1: CVE-2025-0167, CVE-2025-0725", "pinned: Pin: release n=bookworm has priority 1001 in /etc/apt/preferences.d/curl"},
		{"linux-signed-amd64", "linux-image-amd64", "", ""},
		{"bind9", "bind9-host bind9-libs", "DSA-5854-1: CVE-2024-11187", "held: dpkg has it on hold"},
		{"vim", "vim-common", "", "masked: 2:9.0.1378-2 from Debian/oldstable is newer than the fix"},
		{"sudo", "sudo", "DSA-5949-1: CVE-2025-32462, CVE-2025-32463", ""},
	}
	add := func(h, n, severity int, resource, source string, pending time.Duration, notes ...string) {
		r := finding.Result{
			Check: "patch-security-updates", Resource: resource, Group: source, Status: finding.StatusFail, Severity: finding.Severity(severity),
			Actual: fmt.Sprintf("3.0.%d-1~deb12u%d", 11+n, h%3+1), Expected: fmt.Sprintf("3.0.%d-1~deb12u%d", 15+n, h%3+2),
			Since: now.Add(-pending), Time: now,
		}
		r.Evidence = []finding.Evidence{{Text: r.Expected + " in Debian-Security, source " + source}}
		for _, note := range notes {
			if note != "" {
				r.Evidence = append(r.Evidence, finding.Evidence{Text: note})
			}
		}
		d.apply(h, r, now.Add(-9*time.Hour))
	}
	for h := range d.hosts {
		for n, s := range sources[:(h*5+1)%(len(sources)+1)] {
			for p, name := range strings.Fields(s.packages) {
				kept := s.kept
				if p > 0 && n == 1 {
					kept = ""
				}
				add(h, n+p*(n%2), 2+(n+h)%4, name+":amd64", s.name, time.Duration((n*7+h)*19)*time.Hour, s.advisory, kept)
			}
		}
	}
	for n, name := range []string{"api.example.net", "login.example.net", "www.example.net"} { // a check of one's own
		d.apply(1, finding.Result{
			Check: "site-certificates", Resource: name, Group: "example.net", Status: finding.StatusFail, Severity: 3, Since: now.AddDate(0, 0, -n-2), Time: now,
			Actual: fmt.Sprintf("%d days left", 9-n), Expected: "at least 14 days", Evidence: []finding.Evidence{{File: "/etc/ssl/sites/" + name + ".pem"}},
		}, now.Add(-9*time.Hour))
	}
	for p := range 81 { // a host that was left alone
		add(3, p/4, 2, fmt.Sprintf("libx%d:amd64", p), fmt.Sprintf("xorg-%d", p/4), time.Duration(p/4*19)*time.Hour, "DSA-5901-1")
	}
}

func demoResult(c finding.CheckInfo, host, n int, good, bad string, now time.Time) finding.Result {
	r := finding.Result{
		Check: c.ID, Status: finding.StatusPass, Severity: c.Severity, Actual: good, Expected: good, Time: now,
		Evidence: []finding.Evidence{{File: "/etc/ssh/sshd_config.d/50-cloud-init.conf", Line: 3 + n%40, Text: c.ID + " " + good}},
	}
	switch (host*31 + n*17) % 29 {
	case 0, 1, 2:
		r.Status, r.Actual, r.Evidence[0].Text = finding.StatusFail, bad, c.ID+" "+bad
	case 3:
		r.Status, r.Actual, r.Cause = finding.StatusFail, bad, demoCause(n, now.Add(-31*time.Hour))
	case 4:
		r.Status, r.Actual = finding.StatusUnknown, "systemd does not answer on D-Bus: dial unix /run/dbus/system_bus_socket: connect: permission denied"
	case 5:
		r.Status, r.Actual = finding.StatusNotApplicable, "not installed"
	case 6:
		if host%5 == 0 {
			r.Status, r.Actual = finding.StatusError, "/etc/ssh/sshd_config line 14: Bad configuration option: PermitRotLogin"
		}
	case 7:
		r.Status, r.Actual = finding.StatusWaived, bad
	}
	return r
}
