package kaudit

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/elastic/go-libaudit/v2"
	"golang.org/x/sys/unix"

	"seawall/pkg/auditrule"
)

const (
	maskEnabled         = 1
	maskBacklogLimit    = 16
	maskBacklogWaitTime = 32
)

// Status is the kernel's struct audit_status, in JSON with auditctl's names.
type Status struct {
	Enabled         uint32 `json:"enabled"` // 0 off, 1 on, 2 on and locked until reboot
	Failure         uint32 `json:"failure"` // 0 silent, 1 printk, 2 panic
	PID             uint32 `json:"pid"`     // the audit daemon, 0 when none
	RateLimit       uint32 `json:"rate_limit"`
	BacklogLimit    uint32 `json:"backlog_limit"`
	Lost            uint32 `json:"lost"`
	Backlog         uint32 `json:"backlog"`
	BacklogWaitTime uint32 `json:"backlog_wait_time"`        // in jiffies, of Tick
	BacklogWaited   uint32 `json:"backlog_wait_time_actual"` // how long processes slept, in jiffies, since boot or a reset
}

// Control asks the kernel and changes its configuration. It may be used by
// several goroutines.
type Control struct {
	mu     sync.Mutex
	net    *netlink
	client *libaudit.AuditClient
	// request is net's; a test puts the kernel's answers in its place.
	request func(typ uint16, data []byte, other func(msg)) error
}

// OpenControl opens a control connection. That alone needs no permission.
func OpenControl() (*Control, error) {
	s, err := dial(0)
	if err != nil {
		return nil, err
	}
	setBuffer(s.fd, controlBuffer)
	n := &netlink{socket: s, buf: make([]byte, maxReply)}
	return &Control{net: n, client: &libaudit.AuditClient{Netlink: n}, request: n.request}, nil
}

// Support says why kernel audit cannot be controlled here: nil when it can, else
// an error that wraps ErrUnsupported, ErrNamespace or ErrPermission.
func Support() error {
	c, err := OpenControl()
	if err != nil {
		return err
	}
	_, err = c.Status()
	return errors.Join(err, c.Close())
}

// Status returns the kernel's status.
func (c *Control) Status() (Status, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.net.forget()
	s, err := c.client.GetStatus()
	if err != nil {
		return Status{}, reason("read audit status", err)
	}
	return Status{
		Enabled: s.Enabled, Failure: s.Failure, PID: s.PID, RateLimit: s.RateLimit,
		BacklogLimit: s.BacklogLimit, Lost: s.Lost, Backlog: s.Backlog, BacklogWaitTime: s.BacklogWaitTime,
		BacklogWaited: s.BacklogWaitTimeActual,
	}, nil
}

// SetEnabled turns kernel audit on or off.
func (c *Control) SetEnabled(on bool) error {
	var value uint32
	if on {
		value = 1
	}
	return c.change("set audit enabled", msgSet, statusWire(maskEnabled, value))
}

// SetBacklogLimit sets how many records the kernel queues.
func (c *Control) SetBacklogLimit(limit uint32) error {
	return c.change("set audit backlog limit", msgSet, statusWire(maskBacklogLimit, limit))
}

// SetBacklogWaitTime sets for how many jiffies ([Tick]) a process sleeps that finds the
// kernel's queue full, for each record that it makes; 0 is not at all.
func (c *Control) SetBacklogWaitTime(jiffies uint32) error {
	return c.change("set audit backlog wait time", msgSet, statusWire(maskBacklogWaitTime, jiffies))
}

// Tick returns how long a jiffy of the running kernel is, 1/CONFIG_HZ: what its clocks that
// go by the tick resolve.
func Tick() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &t); err != nil || t.Nano() <= 0 {
		return time.Second / 250 // as distributions build it
	}
	return time.Duration(t.Nano())
}

// Wires lists the rules in the kernel as the kernel has them, struct audit_rule_data.
func (c *Control) Wires() ([][]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var wires [][]byte
	err := error(unix.ENOBUFS)
	for range maxLists {
		if !errors.Is(err, unix.ENOBUFS) {
			break
		}
		c.net.forget()
		wires, err = c.client.GetRules()
	}
	return wires, reason("list audit rules", err)
}

const (
	// controlBuffer holds the replies of some thousand rules, where it is granted. Without
	// CAP_NET_ADMIN it is a tenth of that.
	controlBuffer = 4 << 20
	// maxLists bounds how often rules are asked for. The kernel sends them all at once, and
	// gives up on a reader that has not made room for a tenth of a second.
	maxLists = 5
)

// Rules lists the rules in the kernel in their order.
func (c *Control) Rules() ([]auditrule.Rule, error) {
	wires, err := c.Wires()
	if err != nil {
		return nil, err
	}
	rules := make([]auditrule.Rule, 0, len(wires))
	for _, w := range wires {
		r, err := auditrule.FromWire(w)
		if err != nil {
			return nil, fmt.Errorf("list audit rules: %w", err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// Add appends a rule. A rule that is there already is ErrExists.
func (c *Control) Add(r auditrule.Rule) error { return c.change("add audit rule", msgAdd, r.Wire) }

// Delete removes a rule. A rule that is not there is ErrNoRule.
func (c *Control) Delete(r auditrule.Rule) error {
	return c.change("delete audit rule", msgDel, r.Wire)
}

// change sends a request and tells the kernel's refusals apart: EPERM is a locked
// configuration when we may do everything else.
func (c *Control) change(doing string, typ uint16, data []byte) error {
	c.mu.Lock()
	err := c.request(typ, data, nil)
	c.mu.Unlock()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EEXIST):
		return fmt.Errorf("%s: %w", doing, ErrExists)
	case errors.Is(err, unix.ENOENT) && typ == msgDel:
		return fmt.Errorf("%s: %w", doing, ErrNoRule)
	case errors.Is(err, unix.EPERM):
		if s, serr := c.Status(); serr == nil && s.Enabled == 2 {
			return fmt.Errorf("%s: %w: %w", doing, ErrLocked, err)
		}
	}
	return reason(doing, err)
}

// Close closes the connection.
func (c *Control) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client.Close()
}

// Choose says which mode fits the kernel's status: multicast beside a living
// audit daemon, else unicast. why is for people.
func Choose(s Status) (mode Mode, why string) {
	switch {
	case s.PID == 0:
		return Unicast, "no audit daemon is registered"
	case s.PID == uint32(os.Getpid()):
		return Unicast, "this process is the audit daemon"
	case unix.Kill(int(s.PID), 0) == unix.ESRCH:
		return Unicast, fmt.Sprintf("the registered audit daemon, process %d, is gone", s.PID)
	}
	return Multicast, fmt.Sprintf("process %d is the audit daemon", s.PID)
}
