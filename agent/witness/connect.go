package witness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seawall/agent/listen"
	"seawall/pkg/execwatch"
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
	defer func() { err = errors.Join(err, a.leave(ctx, control, conn)) }()
	if err := a.begin(control, conn.Mode()); err != nil {
		return err
	}
	if a.cfg.Mode == Auto {
		starts, err := execwatch.New(auditd, func() { wake(a.stream.starts) })
		if err != nil {
			a.log.Debug("the start of an audit daemon is seen by its event alone", "err", err)
		}
		defer starts.Close()
	}
	filling, cancel := context.WithCancel(ctx)
	filled := make(chan struct{})
	go func() {
		defer close(filled)
		a.fill(filling)
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
		conn = next
		if err != nil {
			return err
		}
	}
}

// leave ends what connect began, unless another sensor is to go on with it; conn is nil
// where it ended already.
func (a *Source) leave(ctx context.Context, control *kaudit.Control, conn *kaudit.Conn) error {
	if conn != nil && ctx.Err() != nil && a.cfg.Restarting != nil && a.cfg.Restarting() {
		a.log.Info("kernel audit goes on for the sensor that follows")
		return conn.Leave()
	}
	err := a.end(control)
	if conn != nil {
		err = errors.Join(err, conn.Close(), a.link.Unstore())
	}
	return err
}

// finished notes that a connection ended, and what it gave that the next may give too.
func (a *Source) finished(old *kaudit.Conn, seen *listen.Overlap) {
	a.stream.Lock()
	defer a.stream.Unlock()
	a.stream.overlap = seen
	a.stream.base.overruns += old.Overruns()
	a.stream.moved = time.Now()
}

// begin has kernel audit on and loads our rules.
func (a *Source) begin(control *kaudit.Control, mode kaudit.Mode) error {
	status, err := control.Status()
	if err != nil {
		return err
	}
	a.begun = true
	if err := a.link.Begin(control, status, mode); err != nil {
		return err
	}
	a.baseline(status)
	a.rules.Lock()
	defer a.rules.Unlock()
	a.rules.use(control)
	a.load()
	return nil
}

// end takes our rules out and puts the kernel's settings back.
func (a *Source) end(control *kaudit.Control) error {
	a.rules.Lock()
	defer a.rules.Unlock()
	err := a.rules.close()
	if status, serr := control.Status(); serr == nil && a.begun {
		a.watchStatus(status, time.Now()) // what was lost since the last look
	}
	err = errors.Join(err, a.link.End(control))
	if err != nil && !errors.Is(err, kaudit.ErrLocked) {
		return fmt.Errorf("restore kernel audit: %w", err)
	}
	return nil
}
