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

// Disown leaves it to another audit daemon, if there is one, whether audit is on.
func (l *Link) Disown(control *kaudit.Control) {
	if !l.enabled {
		return
	}
	if s, err := control.Status(); err != nil || s.PID == 0 || l.Ours(s) {
		return
	}
	l.enabled = false
	if err := gaps.Flag(l.Dir).Clear(); err != nil {
		l.Log.Warn("the mark that kernel audit is on because of us stays", "err", err)
	}
}

// End puts the kernel's settings back, also those that a sensor which was killed left.
func (l *Link) End(control *kaudit.Control) error {
	l.queue.log, l.queue.dir = l.Log, l.Dir
	err := l.queue.release(control)
	flag := gaps.Flag(l.Dir)
	l.enabled = l.enabled || flag.IsSet()
	l.Disown(control)
	if l.enabled {
		l.enabled = false
		err = errors.Join(err, control.SetEnabled(false), flag.Clear())
	}
	return err
}
