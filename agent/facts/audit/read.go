package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"seawall/agent/facts/audit/cover"
	"seawall/agent/facts/fact"
	"seawall/pkg/bootcfg"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
)

// Read reads the facts. It asks the kernel and D-Bus only where env is live.
func Read(ctx context.Context, env fact.Env) Facts {
	start := env.Now()
	r := &reader{root: env.Root, live: env.Live(), open: kaudit.OpenControl}
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}}
	f.Meta.Depend("/etc/audit/", "/etc/default/grub", "/etc/default/grub.d/",
		"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub2/grubenv", "/boot/loader/entries/",
		"/etc/systemd/system/auditd.service", "/etc/systemd/system/multi-user.target.wants/")
	control := r.kernel(&f.Kernel)
	if control != nil {
		defer control.Close()
	}
	r.daemon(ctx, &f)
	f.Boot = bootcfg.Read(env.Root)
	f.Meta.Depend(f.Boot.Depends...)
	f.Conf = r.conf()
	f.Rules = r.rules(control, f.Kernel)
	r.cover(&f)
	r.files(&f)
	f.Meta.Evidence = evidence(&f)
	f.Meta.Took = env.Now().Sub(start)
	return f
}

// reader holds what the parts share.
type reader struct {
	root hostfs.Root
	live bool
	open func() (*kaudit.Control, error)
	// The rules that could be read, in their order.
	onDisk, inKernel cover.Rules
}

// imageReason says why the running system is not asked.
const imageReason = "not the running system"

// kernel reads the kernel's status. The connection it returns is nil when the
// kernel cannot be asked.
func (r *reader) kernel(k *Kernel) *kaudit.Control {
	if !r.live {
		k.Reason = imageReason
		return nil
	}
	control, err := r.open()
	if err != nil {
		k.Reason = err.Error()
		return nil
	}
	s, err := control.Status()
	if err != nil {
		k.Reason = err.Error()
		_ = control.Close()
		return nil
	}
	*k = Kernel{
		Known: true, Enabled: int(s.Enabled), Failure: int(s.Failure), PID: int(s.PID), RateLimit: int(s.RateLimit),
		BacklogLimit: int(s.BacklogLimit), Lost: int(s.Lost), Backlog: int(s.Backlog), BacklogWaitTime: int(s.BacklogWaitTime),
	}
	if k.PID > 0 {
		if b, err := r.root.ReadFile(fmt.Sprintf("/proc/%d/comm", k.PID), 0); err == nil {
			k.PIDComm = strings.TrimSuffix(string(b), "\n")
		}
	}
	return control
}

// evidence is what a person would look at first.
func evidence(f *Facts) []finding.Evidence {
	var out []finding.Evidence
	if k := f.Kernel; k.Known {
		out = append(out, finding.Evidence{Text: fmt.Sprintf(
			"enabled=%d failure=%d pid=%d rate_limit=%d backlog_limit=%d lost=%d backlog=%d backlog_wait_time=%d",
			k.Enabled, k.Failure, k.PID, k.RateLimit, k.BacklogLimit, k.Lost, k.Backlog, k.BacklogWaitTime)})
	}
	if f.Boot.RunningKnown {
		out = append(out, finding.Evidence{File: f.Boot.Running.File, Line: 1, Text: f.Boot.Running.Raw})
	}
	return out
}

// unreadable says why a file could not be read, for people.
func unreadable(err error) string {
	if errors.Is(err, hostfs.ErrNotRegular) || errors.Is(err, hostfs.ErrTooLarge) {
		return "refused: " + err.Error()
	}
	return err.Error()
}
