package witness

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"time"

	"golang.org/x/sys/unix"

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
	// overlapTime is how long the records of two connections are compared.
	overlapTime = 5 * time.Second
)

var (
	// errMove ends one connection to begin another in the mode that fits now.
	errMove = errors.New("audit daemon changed")
	// errYield is errMove where another audit daemon asked for our place.
	errYield = fmt.Errorf("another asked to be the audit daemon: %w", errMove)
	// errStart is errMove where another audit daemon is about to.
	errStart = fmt.Errorf("an audit daemon starts: %w", errMove)
)

// connect reads kernel audit, moving between connections, until it cannot.
func (a *Source) connect(ctx context.Context) (err error) {
	control, err := kaudit.OpenControl()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, control.Close()) }()
	conn, reason, err := a.open(control)
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
			err = errors.Join(err, conn.Close(), a.unstore())
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
		if !errors.Is(err, errMove) {
			return err
		}
		var next *kaudit.Conn
		next, reason, err = a.move(control, conn, err)
		conn = next
		if err != nil {
			return err
		}
	}
}

// open opens the first connection. What waits in sockets that we inherited is read
// before those that are not needed are left.
func (a *Source) open(control *kaudit.Control) (conn *kaudit.Conn, reason string, err error) {
	status, err := control.Status()
	if err != nil {
		return nil, "", err
	}
	if a.cfg.Unicast > 0 {
		conn, reason, err = a.adopt(status)
		if err != nil || conn != nil {
			return conn, reason, err
		}
	}
	mode, reason := a.choose(status)
	if mode == kaudit.Multicast || a.cfg.Inherited == 0 {
		return a.dial(mode, reason)
	}
	// Being the daemon, and what was made since systemd opened its socket.
	listening, _, err := a.dial(kaudit.Multicast, "")
	if err != nil {
		a.log.Warn("the inherited audit socket is not read", "err", err)
		return a.dial(mode, reason)
	}
	conn, reason, err = a.dial(mode, reason)
	if err != nil {
		return nil, "", errors.Join(err, listening.Close())
	}
	return conn, reason, a.finish(listening)
}

// adopt goes on with the socket that an earlier sensor registered. It is nil where the
// kernel does not send to it any more; what is in it was read then.
func (a *Source) adopt(status kaudit.Status) (*kaudit.Conn, string, error) {
	fd := a.cfg.Unicast
	a.cfg.Unicast = 0
	conn, err := kaudit.FromFile(uintptr(fd), kaudit.Unicast)
	if err != nil {
		a.log.Warn("the stored audit socket is not used", "err", err)
		return nil, "", a.unstore()
	}
	alive := status.PID != 0 && unix.Kill(int(status.PID), 0) != unix.ESRCH
	ours := status.PID != 0 && (!alive || status.PID == uint32(os.Getpid()))
	if ours && a.cfg.Mode != Multicast {
		a.daemon = status.PID
		return conn, fmt.Sprintf("going on as the audit daemon that process %d was", status.PID), nil
	}
	return nil, "", errors.Join(a.finish(conn), a.unstore())
}

// dial opens a connection. One that listens is made of the inherited socket where there
// is one: it alone reaches the kernel from a network namespace of our own.
func (a *Source) dial(mode kaudit.Mode, reason string) (*kaudit.Conn, string, error) {
	if mode == kaudit.Multicast && a.cfg.Inherited > 0 {
		fd, err := unix.FcntlInt(uintptr(a.cfg.Inherited), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, "", fmt.Errorf("inherited audit socket: %w", err)
		}
		conn, err := kaudit.FromFile(uintptr(fd), mode)
		return conn, reason, err
	}
	conn, err := kaudit.Open(mode)
	var held *kaudit.HeldError
	if errors.As(err, &held) && a.cfg.Mode == Auto {
		// It registered since we looked.
		return a.dial(kaudit.Multicast, held.Error())
	}
	if err == nil && mode == kaudit.Unicast {
		a.daemon = uint32(os.Getpid())
		a.store(conn)
	}
	return conn, reason, err
}

func (a *Source) store(conn *kaudit.Conn) {
	if a.cfg.Store == nil {
		return
	}
	f, err := conn.File()
	if err == nil {
		err = errors.Join(a.cfg.Store(StoredSocket, f), f.Close())
	}
	if err != nil {
		a.log.Warn("audit records are missed while the sensor restarts", "err", err)
	}
}

func (a *Source) unstore() error {
	if a.cfg.Store == nil {
		return nil
	}
	return a.cfg.Store(StoredSocket, nil)
}

// choose says which mode fits: as configured or, in auto mode, by who is the audit
// daemon now, except that a place that somebody else wants stays free for a while.
func (a *Source) choose(s kaudit.Status) (kaudit.Mode, string) {
	switch a.cfg.Mode {
	case Unicast:
		return kaudit.Unicast, "configured"
	case Multicast, Off:
		return kaudit.Multicast, "configured"
	case Auto:
	}
	mode, why := kaudit.Choose(s)
	if s.PID != 0 && s.PID == a.daemon {
		return kaudit.Unicast, why
	}
	if mode == kaudit.Unicast && time.Now().Before(a.free) {
		return kaudit.Multicast, "the place of the audit daemon is left free for another"
	}
	return mode, why
}

// move opens the connection that fits now before it ends the one there was, so that each
// record comes by one of them or by both. It closes old whatever happens.
func (a *Source) move(control *kaudit.Control, old *kaudit.Conn, why error) (*kaudit.Conn, string, error) {
	switch {
	case errors.Is(why, errYield):
		a.free = time.Now().Add(a.cfg.times.yield)
		a.log.Warn("another audit daemon asks for our place: start it again, we listen beside it", "free_for", a.cfg.times.yield)
	case errors.Is(why, errStart):
		a.free = time.Now().Add(a.cfg.times.start)
	}
	status, err := control.Status()
	if err != nil {
		return nil, "", errors.Join(err, old.Close())
	}
	if old.Mode() == kaudit.Unicast && status.PID == a.daemon && errors.Is(why, errMove) {
		status.PID = 0 // ours, which ends
	}
	mode, reason := a.choose(status)
	next, reason, err := a.dial(mode, reason)
	if err != nil {
		return nil, "", errors.Join(err, old.Close())
	}
	if old.Mode() == kaudit.Unicast && mode == kaudit.Multicast {
		a.daemon = 0
		err = a.unstore()
	}
	if err = errors.Join(err, a.finish(old)); err != nil {
		a.log.Warn("the audit connection before did not end in order", "err", err)
	}
	a.disown(control)
	return next, reason, nil
}

// finish reads what old has, and remembers it: another connection has it too.
func (a *Source) finish(old *kaudit.Conn) error {
	seen := &overlap{seed: maphash.MakeSeed(), records: map[uint64]int{}, until: time.Now().Add(overlapTime)}
	err := old.Finish(func(typ uint16, payload []byte) {
		seen.note(typ, payload)
		a.record(typ, payload, time.Now())
	})
	a.stream.Lock()
	a.stream.overlap = seen
	a.stream.base.overruns += old.Overruns()
	a.stream.moved = time.Now()
	a.stream.Unlock()
	return err
}

// overlap is the records that one connection gave while another was open.
type overlap struct {
	seed    maphash.Seed
	records map[uint64]int
	until   time.Time
}

const maxOverlap = 1 << 18

func (o *overlap) key(typ uint16, payload []byte) uint64 {
	return maphash.Bytes(o.seed, payload) + uint64(typ)
}

func (o *overlap) note(typ uint16, payload []byte) {
	if len(o.records) < maxOverlap {
		o.records[o.key(typ, payload)]++
	}
}

// had reports whether a record came by the other connection, once for each time it did.
func (o *overlap) had(typ uint16, payload []byte) bool {
	k := o.key(typ, payload)
	if o.records[k] == 0 {
		return false
	}
	if o.records[k]--; o.records[k] == 0 {
		delete(o.records, k)
	}
	return true
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
		a.mark()
		if err := control.SetEnabled(true); err != nil {
			return err
		}
		a.enabled = true
		a.log.Info("kernel audit was off and is on while the sensor runs")
	case status.Enabled == 1 && a.marked():
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
	if s, err := control.Status(); err != nil || s.PID == 0 || s.PID == a.daemon {
		return
	}
	a.enabled = false
	if err := a.unmark(); err != nil {
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
		err = errors.Join(err, control.SetEnabled(false), a.unmark())
	}
	if err != nil && !errors.Is(err, kaudit.ErrLocked) {
		return fmt.Errorf("restore kernel audit: %w", err)
	}
	return nil
}
