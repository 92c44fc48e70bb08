package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"seawall/agent/look"
	"seawall/pkg/audit"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
	"seawall/pkg/redact"
)

// tidy is how often events that did not end are given up, and losses looked for.
const tidy = time.Second

// listen prints what kernel audit reports until ctx ends, which is no error.
func (p *program) listen(ctx context.Context, v view, hide *redact.Redactor) error {
	conn, err := kaudit.Open(kaudit.Multicast)
	if err != nil {
		return hint(err, v)
	}
	defer conn.Close()
	if reason := silent(); reason != "" {
		fmt.Fprintf(p.Stderr, "seawall: %s\n", reason)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex // guards all below
	r, lost := newReader(hostfs.Root{}, hide), uint64(0)
	asm := audit.NewAssembler(0, func(e *audit.Event) {
		if err := p.event(r, e, v); err != nil {
			cancel(err)
		}
	})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() {
		tick := time.NewTicker(tidy)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				mu.Lock()
				asm.Flush(now)
				if n := conn.Overruns(); n > lost {
					fmt.Fprintln(p.Stderr, "seawall: events are missing here: they came faster than they could be printed")
					lost = n
				}
				mu.Unlock()
			}
		}
	})
	err = conn.Receive(ctx, func(typ uint16, payload []byte) {
		mu.Lock()
		defer mu.Unlock()
		asm.Push(typ, payload, time.Now())
	})
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// event prints one event, if it is of those that are wanted.
func (p *program) event(r *reader, e *audit.Event, v view) error {
	x := r.read(e)
	switch {
	case e.PID == uint32(os.Getpid()) && e.HasSyscall, v.changes && len(x.Changes) == 0:
		return nil
	case v.format == "json":
		return look.Line(p.Stdout, x)
	case v.changes:
		return p.change(x)
	}
	return p.row(x)
}

// hint says what can be done where listening is refused.
func hint(err error, v view) error {
	switch {
	case errors.Is(err, kaudit.ErrPermission):
		what := "--raw"
		if v.changes {
			what = "--changes"
		}
		return fmt.Errorf("only root may listen to kernel audit, or who has the capability AUDIT_READ: sudo seawall watch %s", what)
	case errors.Is(err, kaudit.ErrNamespace):
		return fmt.Errorf("listen to kernel audit: %w; run it on the host", err)
	}
	return fmt.Errorf("listen to kernel audit: %w", err)
}

// silent says why nothing may come, or "". Who may not ask the kernel is not told.
func silent() string {
	control, err := kaudit.OpenControl()
	if err != nil {
		return ""
	}
	defer control.Close()
	if status, err := control.Status(); err == nil && status.Enabled == 0 {
		return "kernel audit is off and reports nothing: the sensor switches it on, or auditctl -e 1"
	}
	if rules, err := control.Rules(); err == nil && len(rules) == 0 {
		return "kernel audit has no rules: only what programs report of themselves will be seen"
	}
	return ""
}
