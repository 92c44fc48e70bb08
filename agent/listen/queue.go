package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"seawall/agent/gaps"
	"seawall/pkg/kaudit"
)

const (
	// roomyLimit is how many records the kernel queues for us at least. auditd's rules say
	// 8192: a value that nobody chooses tells ours from theirs.
	roomyLimit = 8193
	// chosen is a wait up to which somebody meant it who sets one while we are the audit
	// daemon. The kernel comes with a minute, and so do distributions' rules.
	chosen = time.Second
)

// queue has no process sleep because of us while we are the audit daemon. As the kernel
// comes, one that finds the queue full, of 64 records, sleeps up to a minute for each record
// that it makes: as long as we stand still, and all of it where the kernel fails to wake it.
// With a wait of 0 it goes on and the record counts as lost; even one jiffy, of 4 ms, was 60
// for a call of six records. What was found is put back. It is kept in a file, for a sensor
// that is killed.
type queue struct {
	log    *slog.Logger
	dir    string // where the file is; empty for nowhere
	loaded bool
	begun  bool // it was set since we are the daemon
	found  found
	told   bool // that it cannot be changed
}

// found is what was there before us, 0 for what we did not change.
type found struct{ wait, limit uint32 }

// tend sets what fits the audit daemon that we are.
func (q *queue) tend(control *kaudit.Control, s kaudit.Status) error {
	q.load()
	was := q.found
	wait := s.BacklogWaitTime > 0 && (!q.begun || time.Duration(s.BacklogWaitTime)*kaudit.Tick() > chosen)
	limit := !q.begun && s.BacklogLimit > 0 && s.BacklogLimit < roomyLimit-1
	q.begun = true
	if s.Enabled == 2 {
		if wait && !q.told {
			q.told = true
			q.log.Warn("audit settings are locked: a process sleeps while the kernel's queue is full", "up_to", time.Duration(s.BacklogWaitTime)*kaudit.Tick())
		}
		return nil
	}
	if wait {
		q.found.wait = s.BacklogWaitTime
	}
	if limit {
		q.found.limit = s.BacklogLimit
	}
	var err error
	if q.found != was {
		err = q.save()
	}
	if wait {
		err = errors.Join(err, control.SetBacklogWaitTime(0))
	}
	if limit {
		err = errors.Join(err, control.SetBacklogLimit(roomyLimit))
	}
	return err
}

// release puts back what we found, except for what somebody else set since.
func (q *queue) release(control *kaudit.Control) error {
	q.load()
	q.begun = false
	if q.found == (found{}) {
		return nil
	}
	s, err := control.Status()
	if err != nil {
		return err
	}
	if q.found.wait > 0 && s.BacklogWaitTime == 0 {
		err = control.SetBacklogWaitTime(q.found.wait)
	}
	if q.found.limit > 0 && s.BacklogLimit == roomyLimit {
		err = errors.Join(err, control.SetBacklogLimit(q.found.limit))
	}
	if err != nil {
		return err // the next sensor tries again
	}
	q.found = found{}
	if q.dir == "" {
		return nil
	}
	if err := os.Remove(q.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (q *queue) file() string { return filepath.Join(q.dir, "audit-queue") }

// load reads what a sensor that was killed in this boot found.
func (q *queue) load() {
	if q.loaded {
		return
	}
	q.loaded = true
	if q.dir == "" {
		return
	}
	b, err := os.ReadFile(q.file())
	if err != nil {
		return
	}
	q.found = parseFound(string(b), string(gaps.BootID()))
}

// save keeps what we found until release.
func (q *queue) save() error {
	if q.dir == "" {
		return nil
	}
	text := fmt.Sprintf("%d %d %s", q.found.wait, q.found.limit, gaps.BootID())
	if err := os.WriteFile(q.file(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("the kernel's audit queue stays as it is now should the sensor be killed: %w", err)
	}
	return nil
}

// parseFound reads what save wrote: the wait, the limit and the boot that they are of.
func parseFound(text, boot string) (f found) {
	var of string
	n, err := fmt.Sscan(text, &f.wait, &f.limit, &of)
	if n != 3 || err != nil || of == "" || of != strings.TrimSpace(boot) {
		return found{}
	}
	return f
}
