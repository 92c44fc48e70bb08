package listen

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/kaudit"
)

// Mode is how kernel audit is to be read.
type Mode string

// The modes. Auto listens beside a running audit daemon and is the audit daemon
// where there is none, and moves between the two when that changes.
const (
	Auto      Mode = "auto"
	Unicast   Mode = "unicast"
	Multicast Mode = "multicast"
	Off       Mode = "off"
)

// StoredSocket is the name of the registered socket in systemd's descriptor store.
const StoredSocket = "audit-unicast"

// Why one connection ends for another.
var (
	// ErrMove: another mode fits now.
	ErrMove = errors.New("audit daemon changed")
	// ErrYield is ErrMove where another audit daemon asked for our place.
	ErrYield = fmt.Errorf("another asked to be the audit daemon: %w", ErrMove)
	// ErrStart is ErrMove where another audit daemon is about to.
	ErrStart = fmt.Errorf("an audit daemon starts: %w", ErrMove)
)

// Link opens connections to kernel audit, one after the other. All fields but Dir, Inherited,
// Unicast and Store are required. It belongs to one goroutine, except for Choose and Ours.
type Link struct {
	Log  *slog.Logger
	Mode Mode
	// Dir is a directory for what outlives us, or empty.
	Dir string
	// Inherited is an audit multicast socket that systemd opened, or 0; Unicast one that
	// an earlier process registered and left with systemd, or 0.
	Inherited, Unicast int
	// Store leaves a socket with systemd, or with a nil file takes it back.
	Store func(name string, f *os.File) error
	// Yield is how long the place of the audit daemon is left free for one that asked for
	// it, Start for one that starts, Restart by one that ended: a restart ends it first.
	Yield, Start, Restart time.Duration
	// Record takes the records that a connection which ends has still, and Finished word
	// of its end, with what another connection gives too.
	Record   func(typ uint16, payload []byte)
	Finished func(old *kaudit.Conn, seen *Overlap)

	free    atomic.Int64  // until when the place is left free, in nanoseconds
	gone    time.Time     // since when there is no audit daemon beside whom we listen
	daemon  atomic.Uint32 // the process that the kernel has for the audit daemon when it is us
	enabled bool          // kernel audit was off and is on because of us
	queue   queue
}

// Ours reports whether the kernel has this process for the audit daemon, or the one before
// whose socket we have.
func (l *Link) Ours(s kaudit.Status) bool { return s.PID != 0 && s.PID == l.daemon.Load() }

// Open opens the first connection. What waits in sockets that we inherited is read
// before those that are not needed are left.
func (l *Link) Open(control *kaudit.Control) (conn *kaudit.Conn, reason string, err error) {
	status, err := control.Status()
	if err != nil {
		return nil, "", err
	}
	if l.Unicast > 0 {
		conn, reason, err = l.adopt(status)
		if err != nil || conn != nil {
			return conn, reason, err
		}
	}
	mode, reason := l.Choose(status)
	if mode == kaudit.Multicast || l.Inherited == 0 {
		return l.dial(mode, reason)
	}
	// Being the daemon, and what was made since systemd opened its socket.
	listening, _, err := l.dial(kaudit.Multicast, "")
	if err != nil {
		l.Log.Warn("the inherited audit socket is not read", "err", err)
		return l.dial(mode, reason)
	}
	conn, reason, err = l.dial(mode, reason)
	if err != nil {
		return nil, "", errors.Join(err, listening.Close())
	}
	return conn, reason, l.finish(listening)
}

// adopt goes on with the socket that an earlier sensor registered. It is nil where the
// kernel does not send to it any more; what is in it was read then.
func (l *Link) adopt(status kaudit.Status) (*kaudit.Conn, string, error) {
	fd := l.Unicast
	l.Unicast = 0
	conn, err := kaudit.FromFile(uintptr(fd), kaudit.Unicast)
	if err != nil {
		l.Log.Warn("the stored audit socket is not used", "err", err)
		return nil, "", l.Unstore()
	}
	alive := status.PID != 0 && unix.Kill(int(status.PID), 0) != unix.ESRCH
	ours := status.PID != 0 && (!alive || status.PID == uint32(os.Getpid()))
	if ours && l.Mode != Multicast {
		l.daemon.Store(status.PID)
		return conn, fmt.Sprintf("going on as the audit daemon that process %d was", status.PID), nil
	}
	return nil, "", errors.Join(l.finish(conn), l.Unstore())
}

// dial opens a connection. One that listens is made of the inherited socket where there
// is one: it alone reaches the kernel from a network namespace of our own.
func (l *Link) dial(mode kaudit.Mode, reason string) (*kaudit.Conn, string, error) {
	if mode == kaudit.Multicast && l.Inherited > 0 {
		fd, err := unix.FcntlInt(uintptr(l.Inherited), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, "", fmt.Errorf("inherited audit socket: %w", err)
		}
		conn, err := kaudit.FromFile(uintptr(fd), mode)
		return conn, reason, err
	}
	conn, err := kaudit.Open(mode)
	var held *kaudit.HeldError
	if errors.As(err, &held) && l.Mode == Auto {
		// It registered since we looked.
		return l.dial(kaudit.Multicast, held.Error())
	}
	if err == nil && mode == kaudit.Unicast {
		l.daemon.Store(uint32(os.Getpid()))
		l.store(conn)
	}
	return conn, reason, err
}

func (l *Link) store(conn *kaudit.Conn) {
	if l.Store == nil {
		return
	}
	f, err := conn.File()
	if err == nil {
		err = errors.Join(l.Store(StoredSocket, f), f.Close())
	}
	if err != nil {
		l.Log.Warn("audit records are missed while the sensor restarts", "err", err)
	}
}

// Unstore takes the socket back from systemd.
func (l *Link) Unstore() error {
	if l.Store == nil {
		return nil
	}
	return l.Store(StoredSocket, nil)
}

// Choose says which mode fits: as configured or, in auto mode, by who is the audit
// daemon now, except that a place that somebody else wants stays free for a while.
func (l *Link) Choose(s kaudit.Status) (kaudit.Mode, string) {
	switch l.Mode {
	case Unicast:
		return kaudit.Unicast, "configured"
	case Multicast, Off:
		return kaudit.Multicast, "configured"
	case Auto:
	}
	mode, why := kaudit.Choose(s)
	if l.Ours(s) {
		return kaudit.Unicast, why
	}
	if mode == kaudit.Unicast && time.Now().UnixNano() < l.free.Load() {
		return kaudit.Multicast, "the place of the audit daemon is left free for another"
	}
	return mode, why
}

// Move opens the connection that fits now before it ends the one there was, so that each
// record comes by one of them or by both. It closes old whatever happens.
func (l *Link) Move(control *kaudit.Control, old *kaudit.Conn, why error) (*kaudit.Conn, string, error) {
	switch {
	case errors.Is(why, ErrYield):
		l.free.Store(time.Now().Add(l.Yield).UnixNano())
		l.Log.Warn("another audit daemon asks for our place: start it again, we listen beside it", "free_for", l.Yield)
	case errors.Is(why, ErrStart):
		l.free.Store(time.Now().Add(l.Start).UnixNano())
	}
	var status kaudit.Status // to ask takes longer than a daemon that starts waits
	if !errors.Is(why, ErrStart) {
		var err error
		if status, err = control.Status(); err != nil {
			return nil, "", errors.Join(err, old.Close())
		}
	}
	if old.Mode() == kaudit.Unicast && l.Ours(status) && errors.Is(why, ErrMove) {
		status.PID = 0 // ours, which ends
	}
	l.gone = time.Time{}
	mode, reason := l.Choose(status)
	next, reason, err := l.dial(mode, reason)
	if err != nil {
		return nil, "", errors.Join(err, old.Close())
	}
	left := old.Mode() == kaudit.Unicast && mode == kaudit.Multicast
	if left {
		l.daemon.Store(0)
		err = l.Unstore()
	}
	err = errors.Join(err, l.finish(old))
	if left {
		// Before whoever follows sets its own.
		err = errors.Join(err, l.queue.release(control))
	}
	if err != nil {
		l.Log.Warn("the audit connection before did not end in order", "err", err)
	}
	return next, reason, nil
}

// finish reads what old has, and remembers it: another connection has it too.
func (l *Link) finish(old *kaudit.Conn) error {
	seen := newOverlap()
	err := old.Finish(func(typ uint16, payload []byte) {
		seen.note(typ, payload)
		l.Record(typ, payload)
	})
	l.Finished(old, seen)
	return err
}

// Over reports whether a connection's mode no longer fits the kernel's status, and if not
// now, whether that is to be asked again soon.
func (l *Link) Over(mode kaudit.Mode, s kaudit.Status, now time.Time) (over, soon bool) {
	fits, _ := l.Choose(s)
	switch {
	case mode == kaudit.Unicast && !l.Ours(s):
		return true, false
	case fits == mode:
		l.gone = time.Time{}
		return false, false
	case mode == kaudit.Unicast:
		return true, false
	case l.gone.IsZero():
		l.gone = now
	}
	return now.Sub(l.gone) >= l.Restart, true
}
