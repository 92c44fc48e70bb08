package fill

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// ID returns the id of a host by its number.
func ID(n int) fleet.HostID { return fleet.HostID(fmt.Sprintf("%032x", 0x5ea0000000+n)) }

// host is a simulated host: what of it is to be known to say what comes next.
type host struct {
	n        int
	random   *rand.Rand
	checks   *catalogue
	bad      [Checks]bool
	pending  map[string]bool // packages
	sequence map[string]uint64
	days     int
	until    int // the last day on which it speaks
}

func newHost(n, days int, seed uint64, checks *catalogue) *host {
	h := &host{n: n, random: rand.New(rand.NewPCG(seed, uint64(n))), checks: checks, pending: make(map[string]bool), sequence: make(map[string]uint64), days: days, until: days}
	wrong := h.random.IntN(30) // in a hundred
	for i := range h.bad {
		h.bad[i] = h.random.IntN(100) < wrong
	}
	for range h.random.IntN(4) {
		h.pending[h.oneOf(packages())] = true
	}
	switch {
	case n%100 == 99:
		h.until = 0
	case n%50 == 48:
		h.until = 1 + h.random.IntN(max(days-1, 1))
	}
	return h
}

func (h *host) oneOf(values []string) string { return values[h.random.IntN(len(values))] }

// deliver makes a delivery of a record.
func (h *host) deliver(lane string, r finding.Record) (fleet.Delivery, error) {
	payload, err := wire.Encode(r)
	if err != nil {
		return fleet.Delivery{}, fmt.Errorf("encode a record of host %d: %w", h.n, err)
	}
	h.sequence[lane]++
	return fleet.Delivery{Lane: lane, Epoch: 1, Sequence: h.sequence[lane], Record: r, Payload: payload, Size: len(payload)}, nil
}

// first is what a host says first: the checks' text, its whole state, a heartbeat.
func (h *host) first(at time.Time) ([]fleet.Delivery, error) {
	var records []finding.Record
	p := h.checks.packs[h.n%len(systems())]
	for part := range slices.Chunk(p.Checks, 100) { // a record is 64 KiB at most
		records = append(records, finding.Record{Time: at, Pack: &finding.Pack{Digest: p.Digest, Checks: part}})
	}
	var state []finding.Result
	for i, check := range h.checks.checks {
		if check.ID == updates {
			continue
		}
		state = append(state, result(i, check, "", h.status(i), at))
	}
	for name := range h.pending {
		state = append(state, h.update(name, finding.StatusFail, at))
	}
	for _, part := range wire.SplitState(state, 0) {
		part.ID = 1
		records = append(records, finding.Record{Time: at, State: &part})
	}
	return h.deliverAll("posture", append(records, h.heartbeat(at)))
}

func (h *host) deliverAll(lane string, records []finding.Record) ([]fleet.Delivery, error) {
	out := make([]fleet.Delivery, len(records))
	for i, r := range records {
		var err error
		if out[i], err = h.deliver(lane, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (h *host) status(check int) finding.Status {
	switch {
	case h.bad[check]:
		return finding.StatusFail
	case (check+h.n)%11 == 0:
		return finding.StatusNotApplicable
	}
	return finding.StatusPass
}

func (h *host) update(name string, status finding.Status, at time.Time) finding.Result {
	r := result(0, finding.CheckInfo{ID: updates, Family: "patch"}, name, status, at)
	r.Severity, r.Actual, r.Expected, r.Since = finding.SeverityHigh, "1.2.3-4", "1.2.3-4+deb13u1", at
	// The vendor's metadata on these hosts name the advisory and what it mends.
	if systems()[h.n%len(systems())].id == "rocky" && status == finding.StatusFail {
		n := slices.Index(packages(), name)
		r.Evidence = []finding.Evidence{{Text: fmt.Sprintf("Important RLSA-2026:%d: CVE-2026-%d, CVE-2026-%d, CVE-2026-%d", 1000+n, 20000+3*n, 20001+3*n, 20002+3*n)}}
	}
	return r
}

// day is what a host says on a day, nothing on most.
func (h *host) day(day int, at time.Time) ([]fleet.Delivery, error) {
	var records []finding.Record
	for range h.random.IntN(3) {
		records = append(records, finding.Record{Time: at, Change: h.change(at)})
	}
	records = append(records, h.patch(day, at)...)
	if day%30 == 29 || day == h.days {
		records = append(records, h.heartbeat(at))
	}
	out, err := h.deliverAll("posture", records)
	if err != nil || h.random.IntN(50) > 0 {
		return out, err
	}
	seen, err := h.deliver("detection", finding.Record{Time: at, Detection: h.detection(at)})
	return append(out, seen), err
}

// change turns a check.
func (h *host) change(at time.Time) *finding.Change {
	i := h.random.IntN(Checks)
	for h.checks.checks[i].ID == updates {
		i = h.random.IntN(Checks)
	}
	before := h.status(i)
	h.bad[i] = !h.bad[i]
	c := &finding.Change{Result: result(i, h.checks.checks[i], "", h.status(i), at), Previous: before}
	if h.random.IntN(3) == 0 {
		c.Result.Cause = cause(h.random.IntN(5000), c.Result.Evidence[0].File, at)
	}
	return c
}

// patch is the updates that come or are installed.
func (h *host) patch(day int, at time.Time) (records []finding.Record) {
	switch day % 7 {
	case 3:
		name := packages()[(day/7)%len(packages())]
		if !h.pending[name] && h.random.IntN(4) > 0 {
			h.pending[name] = true
			r := h.update(name, finding.StatusFail, at)
			records = append(records, finding.Record{Time: at, Change: &finding.Change{Result: r}})
		}
	case 4:
		for _, name := range packages() {
			if h.pending[name] && h.random.IntN(2) == 0 {
				delete(h.pending, name)
				r := h.update(name, finding.StatusPass, at)
				records = append(records, finding.Record{Time: at, Change: &finding.Change{Result: r, Previous: finding.StatusFail, Removed: true}})
			}
		}
	}
	return records
}

func (h *host) heartbeat(at time.Time) finding.Record {
	on := systems()[h.n%len(systems())]
	regions := []string{"fra1", "ams3", "nyc3", "sgp1", "lon1"}
	role := []string{"web", "db", "cache", "queue"}[h.n%7%4]
	return finding.Record{Time: at, Heartbeat: &finding.Heartbeat{
		Host: finding.Host{
			Name: fmt.Sprintf("%s-%05d.example.net", role, h.n), OS: on.name, OSID: on.id, OSVersion: on.version,
			Kernel: "6.12.48+deb13-amd64", Arch: "x86_64", BootTime: at.Add(-100 * time.Hour), UptimeSeconds: 360_000, Load1: .2, Load5: .3, Load15: .2,
			MemoryTotal: 8 << 30, MemoryFree: 3 << 30, CPUs: 4, DropletID: fmt.Sprint(500_000_000 + h.n), Region: regions[h.n%5],
			Tags: []string{role, "env-" + []string{"prod", "stage"}[h.n%10/9]}, AgentVersion: "0.8.0",
		},
		Counter: finding.Counters{AuditMode: "multicast", Records: 1e6, Events: 3e5, Evaluations: 4e5, Changes: 90, SpoolSeq: h.sequence["posture"], CPUSeconds: 90, RSSBytes: 40 << 20, UptimeSeconds: 360_000},
	}}
}

func (h *host) detection(at time.Time) *finding.Detection {
	d := detections()[h.random.IntN(len(detections()))]
	return &finding.Detection{
		ID: fmt.Sprintf("%016x", h.random.Uint64()), Rule: d.rule, Title: d.title, Severity: d.severity,
		Techniques: []string{d.technique}, Description: "What the rule looks for was done on this host.",
		Count: uint64(1 + h.random.IntN(50)), First: at.Add(-time.Minute), Last: at, Ended: true,
		Samples: []finding.Sample{{Time: at, Serial: 4711, Command: d.command, Target: d.target, Syscall: "execve",
			Actor:    finding.Actor{AUID: 1000, Login: "alice", User: "root", From: "192.0.2.7", Text: "alice as root from 192.0.2.7"},
			Ancestry: []finding.Process{{PID: 3107, Exe: d.exe, Command: d.command}, {PID: 2985, Exe: "/usr/bin/bash", Command: "-bash"}, {PID: 2984, Exe: "/usr/bin/sudo", Command: "sudo -i"}, {PID: 1201, Exe: "/usr/sbin/sshd", Command: "sshd: alice@pts/0"}}}},
	}
}
