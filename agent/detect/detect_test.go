package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/process"
	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/finding"
	"seawall/pkg/sigma"
	"seawall/pkg/sigma/rulefile"
	"seawall/pkg/wire"
)

const ruleText = `title: A key is added
id: 11111111-1111-4111-8111-111111111111
logsource: {product: linux, category: file_event}
detection:
    selection: {TargetFilename|endswith: /authorized_keys}
    condition: selection
tags: [attack.persistence, attack.t1098.004]
level: high
---
title: One login fails
id: 22222222-2222-4222-8222-222222222222
name: failed
logsource: {product: linux, service: auditd}
detection:
    selection: {type: USER_AUTH, res: failed}
    condition: selection
---
title: Many logins fail
id: 33333333-3333-4333-8333-333333333333
level: medium
correlation: {type: event_count, rules: [failed], group-by: [addr], timespan: 1m, condition: {gte: 3}}
---
title: sudo is used
id: 44444444-4444-4444-8444-444444444444
logsource: {product: linux, service: auditd}
detection:
    selection: {type: USER_CMD}
    condition: selection
level: low
`

func parse(t testing.TB, text string) []sigma.Rule {
	t.Helper()
	list, err := rulefile.Parse("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// bench is a detector with what it reported.
type bench struct {
	*Detector
	got []finding.Detection
}

func start(t testing.TB, cfg Config) *bench {
	t.Helper()
	b := &bench{}
	if cfg.Rules == nil {
		cfg.Rules = parse(t, ruleText)
	}
	cfg.Report = func(x finding.Detection) { b.got = append(b.got, x) }
	cfg.Processes = process.New(process.Config{Offline: true})
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.Detector = d
	return b
}

func (b *bench) feed(t testing.TB, log string) {
	t.Helper()
	a := audit.NewAssembler(0, b.Observe)
	if _, err := auditlog.Read(strings.NewReader(log), func(typ uint16, payload []byte) { a.Push(typ, payload, time.Unix(1795289500, 0)) }); err != nil {
		t.Fatal(err)
	}
	a.Close()
}

// write is an open for writing, by exe.
func write(serial, second int, exe, name string) string {
	head := fmt.Sprintf("msg=audit(%d.000:%d): ", second, serial)
	return "type=SYSCALL " + head + `arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=2 a2=441 a3=1b6 items=1 ppid=1 pid=77 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="tee" exe="` + exe + `" key=(null)` + "\n" +
		"type=CWD " + head + `cwd="/root/.ssh"` + "\n" +
		"type=PATH " + head + `item=0 name="` + name + `" inode=12 dev=08:01 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL` + "\n" +
		"type=PROCTITLE " + head + "proctitle=746565002D2D746F6B656E3D68756E74657232\n" + // tee --token=hunter2
		"type=EOE " + head + "\n"
}

func failed(serial, second int, addr string) string {
	return fmt.Sprintf("type=USER_AUTH msg=audit(%d.000:%d): pid=9 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=? acct=\"root\" exe=\"/usr/sbin/sshd\" hostname=%s addr=%s terminal=ssh res=failed'\n", second, serial, addr, addr)
}

const t0 = 1795289500

func TestDetection(t *testing.T) {
	b := start(t, Config{User: func(uid uint32) string { return map[uint32]string{0: "root", 1000: "alice"}[uid] }})
	b.feed(t, write(1, t0, "/usr/bin/tee", "authorized_keys")+write(2, t0, "/usr/bin/tee", "known_hosts"))
	if len(b.got) != 1 {
		t.Fatalf("%+v", b.got)
	}
	x := b.got[0]
	s := x.Samples[0]
	if len(x.ID) != 32 || x.Rule != "11111111-1111-4111-8111-111111111111" || x.Severity != finding.SeverityHigh || x.Count != 1 || cmp.Diff([]string{"T1098.004"}, x.Techniques) != "" {
		t.Errorf("%+v", x)
	}
	if s.Command != "tee --token=***" || s.Target != "/root/.ssh/authorized_keys" || s.Syscall != "openat" || s.Actor.Login != "alice" || s.Actor.User != "root" || s.Claimed || len(s.Ancestry) == 0 {
		t.Errorf("%+v", s)
	}
	if len(s.Records) != 3 || !strings.HasPrefix(s.Records[0], "type=SYSCALL arch=c000003e") {
		t.Errorf("%q", s.Records)
	}
	if strings.Contains(fmt.Sprint(x), "hunter2") {
		t.Error("a secret left the host")
	}
}

// TestTold: what programs told is marked, and its secrets are taken out.
func TestTold(t *testing.T) {
	b := start(t, Config{})
	cmd := fmt.Sprintf("%X", "mysql --password=hunter2 -h db")
	b.feed(t, "type=USER_CMD msg=audit(1795289500.000:1): pid=9 uid=0 auid=1000 ses=3 msg='cwd=\"/root\" cmd="+cmd+" exe=\"/usr/bin/sudo\" terminal=pts/0 res=success'\n")
	if len(b.got) != 1 || !b.got[0].Samples[0].Claimed || b.got[0].Samples[0].Syscall != "" {
		t.Fatalf("%+v", b.got)
	}
	if text := fmt.Sprint(b.got); strings.Contains(text, "hunter2") || strings.Contains(text, cmd) || !strings.Contains(text, "mysql --password=***") {
		t.Error(text)
	}
}

// TestStorm: one detection, reported when it begins, when it grew, and when it ends.
func TestStorm(t *testing.T) {
	b := start(t, Config{})
	for i := range 1000 {
		b.feed(t, write(i+1, t0+i/100, "/usr/bin/tee", "authorized_keys"))
	}
	at := time.Unix(t0+9, 0)
	for _, after := range []time.Duration{time.Second, 31 * time.Second, 33 * time.Second, time.Hour} {
		b.Advance(at.Add(after))
	}
	var got []string
	for _, x := range b.got {
		got = append(got, fmt.Sprint(x.Count, len(x.Samples), x.Ended, x.ID == b.got[0].ID, x.Last.Unix()-t0))
	}
	want := []string{"1 1 false true 0", "1000 5 false true 9"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.feed(t, write(2000, t0+7200, "/usr/bin/tee", "authorized_keys")) // another
	if len(b.got) != 3 || b.got[2].ID == b.got[0].ID || b.Stats().Open != 1 || b.Stats().Matches != 1001 {
		t.Errorf("%+v, %+v", b.got[2:], b.Stats())
	}
}

// TestBound: programs without number do not fill memory.
func TestBound(t *testing.T) {
	b := start(t, Config{})
	for i := range 3 * maxOfRule {
		b.feed(t, write(i+1, t0, fmt.Sprintf("/tmp/%d", i), "authorized_keys"))
	}
	b.Close()
	count := uint64(0)
	last := map[string]uint64{}
	for _, x := range b.got {
		last[x.ID] = x.Count
	}
	for _, n := range last {
		count += n
	}
	if len(last) != maxOfRule+1 || count != 3*maxOfRule || b.Stats().Open != 0 {
		t.Errorf("%d detections of %d matches, %+v", len(last), count, b.Stats())
	}
}

// TestFull: while there is no room, detections wait and grow; what ends meanwhile is
// counted.
func TestFull(t *testing.T) {
	full := true
	b := start(t, Config{Full: func() bool { return full }})
	b.feed(t, write(1, t0, "/usr/bin/tee", "authorized_keys")+write(2, t0+1, "/usr/bin/tee", "authorized_keys"))
	b.Advance(time.Unix(t0+15, 0))
	if len(b.got) != 0 {
		t.Fatalf("told without room: %+v", b.got)
	}
	full = false
	b.Advance(time.Unix(t0+30, 0))
	if len(b.got) != 1 || b.got[0].Count != 2 || b.got[0].Ended {
		t.Fatalf("%+v", b.got)
	}
	full = true
	b.feed(t, write(3, t0+40, "/usr/bin/tee", "authorized_keys"))
	b.Close()
	if s := b.Stats(); len(b.got) != 1 || s.Lost != 1 || s.Open != 0 {
		t.Errorf("%d told, %+v", len(b.got), s)
	}
}

// TestText: large samples of many detections are bounded together.
func TestText(t *testing.T) {
	const rules = 30
	var text strings.Builder
	for i := range rules {
		fmt.Fprintf(&text, "---\ntitle: rule %d\nid: 11111111-1111-4111-8111-1111111111%02d\nlogsource: {product: linux, category: file_event}\n"+
			"detection: {s: {TargetFilename|endswith: /authorized_keys}, condition: s}\n", i, i)
	}
	b := start(t, Config{Rules: parse(t, strings.TrimPrefix(text.String(), "---\n"))})
	long := strings.Repeat("x", 900)
	for i := range 50 {
		b.feed(t, write(i+1, t0, fmt.Sprintf("/tmp/%d%s", i, long), long+"/authorized_keys"))
		if b.open.size > maxText+rules*(64<<10) {
			t.Fatalf("%d bytes are held after %d events", b.open.size, i+1)
		}
	}
	counts := map[string]uint64{}
	b.Close()
	for _, x := range b.got {
		counts[x.ID] = x.Count
	}
	var all uint64
	for _, n := range counts {
		all += n
	}
	if all != 50*rules || b.open.size != 0 || b.Stats().Lost != 0 {
		t.Errorf("%d matches told, %d bytes left, %+v", all, b.open.size, b.Stats())
	}
}

func TestCorrelation(t *testing.T) {
	b := start(t, Config{})
	b.feed(t, failed(1, t0, "203.0.113.5")+failed(2, t0+1, "203.0.113.5")+failed(3, t0+1, "203.0.113.6"))
	if len(b.got) != 0 {
		t.Fatalf("too early: %+v", b.got)
	}
	b.feed(t, failed(4, t0+2, "203.0.113.5"))
	if len(b.got) != 1 || b.got[0].Title != "Many logins fail" || b.got[0].Count != 3 || cmp.Diff([]string{"203.0.113.5"}, b.got[0].Group) != "" {
		t.Errorf("%+v", b.got)
	}
}

const allowText = `allow:
  - rule: 11111111-1111-4111-8111-111111111111
    where: {Image: /usr/bin/tee, TargetFilename|startswith: /root/}
    owner: ann@example.com
    reason: keys come from the vault
    expires: 2026-11-30
`

// TestHostileRule: what a rule says of itself is made fit to be sent.
func TestHostileRule(t *testing.T) {
	list := parse(t, ruleText)[:1]
	list[0].Description, list[0].FalsePositives = strings.Repeat("d\xff\x1b", 9999), slices.Repeat([]string{strings.Repeat("f", 999)}, 99)
	list[0].ID = strings.Repeat("i", 99)
	b := start(t, Config{Rules: list})
	b.feed(t, write(1, t0, "/tmp/\x1b\xff", "authorized_keys"))
	if len(b.got) != 1 {
		t.Fatalf("%+v", b.got)
	}
	if _, err := wire.Encode(wire.Record{Time: time.Unix(t0, 0), Detection: &b.got[0]}); err != nil {
		t.Error(err)
	}
}

func TestAllow(t *testing.T) {
	now := time.Unix(t0, 0)
	list, err := ParseAllow("allow.yaml", []byte(allowText), now)
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, Config{Allow: list})
	b.feed(t, write(1, t0, "/usr/bin/tee", "authorized_keys"))
	if len(b.got) != 0 || b.Stats().Suppressed != 1 || len(b.Expired(now)) != 0 {
		t.Errorf("%+v, %+v", b.got, b.Stats())
	}
	b.feed(t, write(2, t0, "/usr/bin/cp", "authorized_keys"))
	over := 30 * 24 * 3600
	b.feed(t, write(3, t0+over, "/usr/bin/tee", "authorized_keys"))
	if len(b.got) != 2 || len(b.Expired(time.Unix(int64(t0+over), 0))) != 1 {
		t.Errorf("%+v", b.got)
	}
	whole := strings.ReplaceAll(strings.Replace(allowText, "    where: {Image: /usr/bin/tee, TargetFilename|startswith: /root/}\n", "", 1), "11111111-1111-4111-8111-111111111111", "33333333-3333-4333-8333-333333333333")
	if list, err = ParseAllow("allow.yaml", []byte(whole), now); err != nil {
		t.Fatal(err)
	}
	b = start(t, Config{Allow: list})
	b.feed(t, failed(1, t0, "203.0.113.5")+failed(2, t0+1, "203.0.113.5")+failed(3, t0+1, "203.0.113.5"))
	if len(b.got) != 0 || b.Stats().Suppressed != 1 {
		t.Errorf("%+v, %+v", b.got, b.Stats())
	}
}

func TestAllowProblems(t *testing.T) {
	now := time.Unix(t0, 0)
	for change, want := range map[[2]string]string{
		{"owner: ann@example.com", "owner: ''"}:   "a.yaml:2:5: owner is missing",
		{"expires: 2026-11-30", "expires: soon"}:  `a.yaml:6:14: "soon" is no day`,
		{"2026-11-30", "2028-11-30"}:              "more than a year ahead",
		{"reason:", "raeson:"}:                    `no key "raeson"`,
		{"allow:", "deny:"}:                       "want allow: and a list",
		{"where: {", "where: x # {"}:              "where wants fields",
		{"allow:\n", "allow:\n  - x\n"}:           "want rule, owner",
		{"    expires: 2026-11-30\n", ""}:         "expires is missing",
		{"keys come", "\"keys: [come"}:            "a.yaml: yaml",
		{"2026-11-30\n", "2026-11-30\n---\nb: c"}: "more than one document",
	} {
		if _, err := ParseAllow("a.yaml", []byte(strings.Replace(allowText, change[0], change[1], 1)), now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", change, err, want)
		}
	}
	for change, want := range map[[2]string]string{
		{"11111111", "99999999"}: "no rule has the id",
		{"11111111-1111-4111-8111-111111111111", "33333333-3333-4333-8333-333333333333"}: "a correlation has no fields",
		{"|startswith", "|nothing"}: "where",
	} {
		list, err := ParseAllow("a.yaml", []byte(strings.Replace(allowText, change[0], change[1], 1)), now)
		if err != nil {
			t.Fatal(err)
		}
		d, err := New(Config{Rules: parse(t, ruleText), Allow: list, Report: func(finding.Detection) {}})
		if d == nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", change, err, want)
		}
	}
	if list, err := ParseAllow("a.yaml", nil, now); list != nil || err != nil {
		t.Errorf("an empty list: %v, %v", list, err)
	}
}

func FuzzAllow(f *testing.F) {
	f.Add([]byte(allowText))
	f.Add([]byte("allow: [{rule: 44444444-4444-4444-8444-444444444444, where: [{type: [a, b]}], owner: o, reason: r, expires: 2026-12-01}]"))
	rules := parse(f, ruleText)
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := ParseAllow("a.yaml", text, time.Unix(t0, 0))
		if err != nil {
			return
		}
		if d, _ := New(Config{Rules: rules, Allow: list, Report: func(finding.Detection) {}}); d == nil {
			t.Error("an allow list took the rules away")
		}
	})
}
