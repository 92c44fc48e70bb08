package auditcmd

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/gaps"
	"seawall/pkg/kaudit"
)

// statusPage is what is known of how kernel audit is read.
type statusPage struct {
	Kernel      *kaudit.Status `json:"kernel"` // nil when it could not be asked
	KernelError string         `json:"kernel_error,omitempty"`
	Daemon      string         `json:"daemon"` // the registered audit daemon's program
	Running     bool           `json:"running"`
	Age         float64        `json:"age_seconds"` // of what the sensor wrote
	Sensor      *gaps.State    `json:"sensor"`      // nil when it wrote nothing
	SensorError string         `json:"sensor_error,omitempty"`
	Gaps        int            `json:"gaps"`
	Missing     uint64         `json:"missing"`
	Filled      uint64         `json:"filled"`
	Left        uint64         `json:"left"`
	Problems    int            `json:"problems"` // how many things there are to look at

	ledger *gaps.Ledger
}

// status gathers what can be had. It is an error only when nothing can.
func (p *program) status(dir string) (*statusPage, error) {
	st := &statusPage{}
	kerr := p.kernel(func(c *kaudit.Control) error {
		s, err := c.Status()
		st.Kernel = &s
		return err
	})
	if kerr != nil {
		st.Kernel, st.KernelError = nil, kerr.Error()
	}
	l, lerr := p.ledger(dir)
	if lerr != nil {
		if kerr != nil {
			return nil, errors.Join(kerr, lerr)
		}
		st.SensorError = lerr.Error()
	}
	if k := st.Kernel; k != nil && k.PID != 0 {
		if comm, err := p.root.ReadFile(fmt.Sprintf("/proc/%d/comm", k.PID), 64); err == nil {
			st.Daemon = strings.TrimSpace(string(comm))
		}
	}
	if l != nil {
		age := p.now().Sub(l.State.Time)
		st.Age, st.Sensor, st.ledger = age.Seconds(), &l.State, l
		st.Running = age.Abs() < stale && l.State.PID != 0 && unix.Kill(l.State.PID, 0) != unix.ESRCH
		st.Gaps, st.Missing, st.Filled, st.Left = len(l.Gaps), l.Missing, l.Filled+l.Late, l.Left()
	}
	st.Problems = st.problems()
	return st, nil
}

func (st *statusPage) problems() (n int) {
	for _, bad := range []bool{
		st.Kernel == nil || st.Kernel.Enabled == 0,
		!st.Running || st.Sensor.Mode == "off",
		st.Left > 0,
		st.Sensor != nil && len(st.Sensor.RulesRefused)+len(st.Sensor.Problems) > 0,
	} {
		if bad {
			n++
		}
	}
	return n
}

func (st *statusPage) print(p *page) {
	st.printSensor(p)
	st.printKernel(p)
	s := st.Sensor
	if s == nil {
		return
	}
	switch {
	case st.Missing == 0:
		p.row("missing", "nothing, since %s", day(st.ledger.Since))
	case st.Left == 0:
		p.row("missing", "nothing now: all of %s in %s came later", plural(st.Missing, "event"), plural(uint64(st.Gaps), "gap"))
	default:
		p.row("missing", "%s of %s in %s since %s; \"seawall audit gaps\" lists them", thousands(st.Left), plural(st.Missing, "event"), plural(uint64(st.Gaps), "gap"), day(st.ledger.Since))
	}
	p.row("read", "%s of %s, %d incomplete, %d overruns of the buffer", plural(s.Events, "event"), plural(s.Records, "record"), s.Partial, s.Overruns)
	p.row("buffer", "%s", buffer(s.Buffer))
	st.printRules(p)
	if s.LogFile != "" {
		p.row("auditd's log", "%s", s.LogFile)
	}
}

func (st *statusPage) printSensor(p *page) {
	s := st.Sensor
	switch {
	case s == nil:
		p.row("sensor", "not known: %s", st.SensorError)
		return
	case st.Running:
		p.row("sensor", "running (process %d); what it says here is %.0f s old", s.PID, max(st.Age, 0))
	default:
		p.row("sensor", "not running: what it wrote is of %s", day(s.Time))
	}
	mode := map[string]string{
		"unicast": "unicast, the sensor is the audit daemon", "multicast": "multicast, beside the audit daemon", "off": "off, kernel audit is not read",
	}[s.Mode]
	p.row("mode", "%s (%s)", cmp.Or(mode, s.Mode), s.Reason)
}

func (st *statusPage) printKernel(p *page) {
	k := st.Kernel
	if k == nil {
		p.row("kernel", "not known: %s", st.KernelError)
		return
	}
	on := map[uint32]string{0: "off", 1: "on", 2: "on, locked until reboot"}[k.Enabled]
	failure := map[uint32]string{0: "losses are silent", 1: "losses are printed to the kernel's log", 2: "the kernel PANICS on a loss"}[k.Failure]
	p.row("kernel audit", "%s; %s", cmp.Or(on, strconv.Itoa(int(k.Enabled))), cmp.Or(failure, "failure "+strconv.Itoa(int(k.Failure))))
	switch {
	case k.PID == 0:
		p.row("daemon", "none is registered")
	case st.Daemon != "":
		p.row("daemon", "%s (process %d)", st.Daemon, k.PID)
	default:
		p.row("daemon", "process %d, which is gone", k.PID)
	}
	high := ""
	if st.Sensor != nil {
		high = fmt.Sprintf(", %d at most", max(st.Sensor.BacklogHigh, k.Backlog))
	}
	p.row("queue", "%d of %d records%s; when it is full, processes %s", k.Backlog, k.BacklogLimit, high, wait(k.BacklogWaitTime))
	if k.RateLimit > 0 {
		p.row("rate limit", "%d records a second: what is more is lost", k.RateLimit)
	}
	p.row("lost", "%s by the kernel since boot", thousands(uint64(k.Lost)))
}

func (st *statusPage) printRules(p *page) {
	s := st.Sensor
	said := fmt.Sprintf("profile %s and watches: %d of %d kernel rules are loaded", s.Profile, s.RulesLoaded, s.RulesWanted)
	if s.RulesShared > 0 {
		said += fmt.Sprintf(", %d are left to rules of yours that report the same", s.RulesShared)
	}
	if n := len(s.RulesRefused); n > 0 {
		said += fmt.Sprintf(", %d not", n)
	}
	p.row("rules", "%s", said)
	// More of them stand in the list of rules.
	const most = 5
	for i, why := range append(append([]string(nil), s.Problems...), s.RulesRefused...) {
		if i == most {
			p.row("", "… \"seawall audit rules\" lists the rest")
			break
		}
		p.row("", "- %s", short(why))
	}
}

// buffer says how much room a socket has. A record takes some 922 bytes of it.
func buffer(bytes int) string {
	const record, little = 922, 4 << 20
	s := fmt.Sprintf("%d KiB, some %s records", bytes>>10, thousands(uint64(bytes/record)))
	if bytes >= 1<<20 {
		s = fmt.Sprintf("%d MiB, some %s records", bytes>>20, thousands(uint64(bytes/record)))
	}
	if bytes < little {
		s += "; small: raise net.core.rmem_max to 16777216"
	}
	return s
}

// wait says how long a process waits, which the kernel has in jiffies: 1/250 of a second
// as distributions build it.
func wait(jiffies uint32) string {
	if jiffies == 0 {
		return "do not wait: what is more is lost"
	}
	return fmt.Sprintf("wait up to %s (%d jiffies at HZ 250)", seconds(jiffies, 250), jiffies)
}

func seconds(jiffies uint32, hertz float64) string {
	return strconv.FormatFloat(float64(jiffies)/hertz, 'f', -1, 64) + " s"
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// short is a rule's text without the long list of its system calls.
func short(rule string) string {
	words := strings.Split(rule, " ")
	for i, w := range words {
		if i == 0 || words[i-1] != "-S" {
			continue
		}
		if calls := strings.Split(w, ","); len(calls) > 4 {
			words[i] = fmt.Sprintf("%s,%s,… (%d calls)", calls[0], calls[1], len(calls))
		}
	}
	return strings.Join(words, " ")
}
