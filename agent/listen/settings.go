package listen

import (
	"errors"

	"seawall/agent/gaps"
	"seawall/pkg/kaudit"
)

// Begin switches kernel audit on where it is off and nobody else decides, and tends its
// queue.
func (l *Link) Begin(control *kaudit.Control, s kaudit.Status, mode kaudit.Mode) error {
	flag := gaps.Flag(l.Dir)
	switch {
	case s.Enabled == 0 && (mode == kaudit.Unicast || s.PID == 0):
		if err := flag.Set(); err != nil {
			l.Log.Warn("kernel audit stays on should the sensor be killed", "err", err)
		}
		if err := control.SetEnabled(true); err != nil {
			return err
		}
		l.enabled = true
		l.Log.Info("kernel audit was off and is on while the sensor runs")
	case s.Enabled == 1 && flag.IsSet():
		l.enabled = true // by an earlier sensor that could not switch it off
	}
	l.Tend(control, s)
	return nil
}

// Tend has no process sleep because of us while the audit daemon is us.
func (l *Link) Tend(control *kaudit.Control, s kaudit.Status) {
	l.queue.log, l.queue.dir = l.Log, l.Dir
	var err error
	switch {
	case l.Ours(s):
		err = l.queue.tend(control, s)
	case s.PID != 0: // what one before us that was killed left
		err = l.queue.release(control)
	}
	if err != nil {
		l.Log.Warn("the kernel's audit queue is not as it should be", "err", err)
	}
}

// End puts the kernel's settings back, also those that a sensor which was killed left. While
// there is another audit daemon, it decides whether audit is on.
func (l *Link) End(control *kaudit.Control) error {
	l.queue.log, l.queue.dir = l.Log, l.Dir
	err := l.queue.release(control)
	flag := gaps.Flag(l.Dir)
	if !l.enabled && !flag.IsSet() {
		return err
	}
	l.enabled = false
	s, serr := control.Status()
	err = errors.Join(err, serr)
	if serr == nil && (s.PID == 0 || l.Ours(s)) {
		err = errors.Join(err, control.SetEnabled(false))
	}
	return errors.Join(err, flag.Clear())
}
