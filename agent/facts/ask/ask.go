// Package ask asks other processes of this program for what the sensor may not
// see itself.
//
// For each connection to a socket in /run systemd starts a process that has the
// capabilities for one kind of look and no input; it writes one JSON value and ends.
// Nothing is sent to it. The other end must belong to root, who made the socket, and
// what it says is bounded in time and size; the caller bounds what is in it.
package ask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/text"
)

const (
	askLimit   = 12 * time.Second // for a process to start, look and answer
	serveLimit = askLimit * 4 / 5
	// ReplyLimit is the longest answer in bytes.
	ReplyLimit = 4 << 20
	// keep is how long an answer stands in for one that could not be had.
	keep = 15 * time.Minute
)

// errPeer is returned when somebody else listens on the socket.
var errPeer = errors.New("the other end does not belong to root")

// Asker asks at one socket, and keeps the last answer. It is not for several
// goroutines at once.
type Asker[T any] struct {
	Socket string
	Parse  func([]byte) (T, error) // bounds what is in an answer

	last T
	at   time.Time // of last; zero when there is none
}

// Ask returns the answer, or, where none could be had, that of the last minutes:
// then stale says why.
func (a *Asker[T]) Ask(ctx context.Context, now time.Time) (answer T, stale string, err error) {
	data, err := fetch(ctx, a.Socket)
	if err == nil {
		answer, err = a.Parse(data)
	}
	switch {
	case err == nil:
		a.last, a.at = answer, now
		return answer, "", nil
	case !a.at.IsZero() && now.Sub(a.at) < keep:
		return a.last, text.Clean(err.Error(), text.Limit), nil
	}
	return answer, "", err
}

// fetch connects to socket and reads the answer.
func fetch(ctx context.Context, socket string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := rootListens(conn); err != nil {
		return nil, fmt.Errorf("ask at %s: %w", socket, err)
	}
	data, err := io.ReadAll(io.LimitReader(conn, ReplyLimit+1))
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("ask at %s: no answer: %w", socket, ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("ask at %s: %w", socket, err)
	case len(data) > ReplyLimit:
		return nil, fmt.Errorf("ask at %s: the answer is larger than %d bytes", socket, ReplyLimit)
	case len(data) == 0:
		return nil, fmt.Errorf("ask at %s: the answer is empty", socket)
	}
	return data, nil
}

// rootListens demands that the socket was made by root, as systemd makes it, or by
// the caller itself.
func rootListens(conn net.Conn) error {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return errPeer
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var errPeerCred error
	err = raw.Control(func(fd uintptr) {
		peer, errPeerCred = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	switch {
	case err != nil || errPeerCred != nil:
		return errors.Join(err, errPeerCred)
	case peer.Uid != 0 && int(peer.Uid) != unix.Geteuid():
		return errPeer
	}
	return nil
}

// Serve looks, and writes what was seen to one who asked. It leaves that one time to
// read it.
func Serve[T any](ctx context.Context, w io.Writer, look func(context.Context) (T, error)) error {
	ctx, cancel := context.WithTimeout(ctx, serveLimit)
	defer cancel()
	seen, err := look(ctx)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(seen); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// May reports whether this process has all of these capabilities (CAP_*).
func May(capabilities ...int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	for _, c := range capabilities {
		if data[c/32].Effective&(1<<(c%32)) == 0 {
			return false
		}
	}
	return true
}
