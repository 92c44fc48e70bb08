package witness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seawall/agent/gaps"
	"seawall/agent/listen"
	"seawall/pkg/kaudit"
)

const (
	// How long the place of the audit daemon is left free for one that asked for it: its
	// own start failed, and somebody or systemd has to start it again.
	yieldTime = 5 * time.Minute
	// How long it is left free for one that starts but has not asked.
	startTime = time.Minute
	// How long it is left free by one that ended: a restart ends it first.
	restartTime = 10 * time.Second
)

// connect reads kernel audit, moving between connections, until it cannot.
func (a *Source) connect(ctx context.Context) (err error) {
	control, err := kaudit.OpenControl()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, control.Close()) }()
	conn, reason, err := a.link.Open(control)
	if err != nil {
		return err
	}
	leave := false
	defer func() {
		if leave {
			err = errors.Join(err, conn.Leave())
			return
		}
		if conn != nil {
			err = errors.Join(err, conn.Close(), a.link.Unstore())
		}
	}()
	if err := a.begin(control, conn.Mode()); err != nil {
		return err
	}
	defer func() {
		if ctx.Err() != nil && a.cfg.Restarting != nil && a.cfg.Restarting() {
			a.log.Info("kernel audit goes on for the sensor that follows")
			leave = true
			return
		}
		err = errors.Join(err, a.end(control))
	}()
	ctx, cancel := context.WithCancel(ctx)
	filled := make(chan struct{})
	go func() {
		defer close(filled)
		a.fill(ctx)
	}()
	defer func() {
		cancel()
		<-filled
	}()
	for {
		a.note(Mode(conn.Mode().String()), reason)
		a.log.Info("reading kernel audit", "mode", conn.Mode().String(), "reason", reason, "buffer", conn.Buffer())
		a.stream.Lock()
		a.stream.conn = conn
		a.stream.Unlock()
		a.noteState(time.Now())
		a.settle()
		err := a.read(ctx, control, conn)
		if !errors.Is(err, listen.ErrMove) {
			return err
		}
		var next *kaudit.Conn
		next, reason, err = a.link.Move(control, conn, err)
		a.disown(control)
		conn = next
		if err != nil {
			return err
		}
	}
}

// finished notes that a connection ended, and what it gave that the next may give too.
func (a *Source) finished(old *kaudit.Conn, seen *listen.Overlap) {
	a.stream.Lock()
	defer a.stream.Unlock()
	a.stream.overlap = seen
	a.stream.base.overruns += old.Overruns()
	a.stream.moved = time.Now()
}

// begin switches kernel audit on where it is off and nobody else decides, and
// loads our rules.
func (a *Source) begin(control *kaudit.Control, mode kaudit.Mode) error {
	status, err := control.Status()
	if err != nil {
		return err
	}
	a.begun = true
	switch {
	case status.Enabled == 0 && (mode == kaudit.Unicast || status.PID == 0):
		if err := gaps.Flag(a.cfg.StateDir).Set(); err != nil {
			a.log.Warn("kernel audit stays on should the sensor be killed", "err", err)
		}
		if err := control.SetEnabled(true); err != nil {
			return err
		}
		a.enabled = true
		a.log.Info("kernel audit was off and is on while the sensor runs")
	case status.Enabled == 1 && gaps.Flag(a.cfg.StateDir).IsSet():
		a.enabled = true // by an earlier sensor that could not switch it off
	}
	a.baseline(status)
	a.rules.Lock()
	defer a.rules.Unlock()
	a.rules.use(control)
	a.load()
	return nil
}

// disown leaves it to another audit daemon, if there is one, whether audit is on.
func (a *Source) disown(control *kaudit.Control) {
	if !a.enabled {
		return
	}
	if s, err := control.Status(); err != nil || s.PID == 0 || a.link.Ours(s) {
		return
	}
	a.enabled = false
	if err := gaps.Flag(a.cfg.StateDir).Clear(); err != nil {
		a.log.Warn("the mark that kernel audit is on because of us stays", "err", err)
	}
}

// end takes our rules out and puts the enabled flag back.
func (a *Source) end(control *kaudit.Control) error {
	a.rules.Lock()
	defer a.rules.Unlock()
	err := a.rules.close()
	a.disown(control)
	if a.enabled {
		a.enabled = false
		err = errors.Join(err, control.SetEnabled(false), gaps.Flag(a.cfg.StateDir).Clear())
	}
	if err != nil && !errors.Is(err, kaudit.ErrLocked) {
		return fmt.Errorf("restore kernel audit: %w", err)
	}
	return nil
}
