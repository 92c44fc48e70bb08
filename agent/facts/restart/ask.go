package restart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

const (
	askLimit   = 5 * time.Second // for a process to start, look and answer
	replyLimit = 4 << 20
)

// errPeer is returned when somebody else listens on the socket.
var errPeer = errors.New("the other end does not belong to root")

// ask connects to socket, where systemd starts whoever may look, and reads the
// answer. Nothing is sent.
func ask(ctx context.Context, socket string) (Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return Facts{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := rootListens(conn); err != nil {
		return Facts{}, fmt.Errorf("ask at %s: %w", socket, err)
	}
	data, err := io.ReadAll(io.LimitReader(conn, replyLimit+1))
	switch {
	case ctx.Err() != nil:
		return Facts{}, fmt.Errorf("ask at %s: no answer: %w", socket, ctx.Err())
	case err != nil:
		return Facts{}, fmt.Errorf("ask at %s: %w", socket, err)
	case len(data) > replyLimit:
		return Facts{}, fmt.Errorf("ask at %s: the answer is larger than %d bytes", socket, replyLimit)
	case len(data) == 0:
		return Facts{}, fmt.Errorf("ask at %s: the answer is empty", socket)
	}
	return parseReply(data)
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

// parseReply reads an answer, and bounds what is in it as Scan does. What it does
// not know in it is left out: the other end can be newer.
func parseReply(data []byte) (Facts, error) {
	f := empty()
	if err := json.Unmarshal(data, &f); err != nil {
		return Facts{}, fmt.Errorf("parse the answer: %w", err)
	}
	f.Meta = fact.Meta{State: fact.StateKnown}
	if f.Scanned < 1 || f.Denied < 0 || f.Partial < 0 || f.More < 0 || f.MoreUnits < 0 {
		return Facts{}, errors.New("parse the answer: nothing was looked at")
	}
	f.Processes, f.Units = first(f.Processes, maxProcesses), first(f.Units, maxUnits)
	for i := range f.Processes {
		p := &f.Processes[i]
		clean(&p.Comm, &p.Exe, &p.Unit, &p.User)
		p.Files = files(p.Files)
	}
	for i := range f.Units {
		u := &f.Units[i]
		clean(&u.Name, &u.Kind, &u.Command)
		u.Files, u.PIDs = files(u.Files), first(u.PIDs, maxPIDs)
	}
	f.Limited, f.Stale = text.Clean(f.Limited, text.Limit), ""
	return f, nil
}

// first returns at most n of list, which is never nil.
func first[E any](list []E, n int) []E {
	if list == nil {
		return []E{}
	}
	return list[:min(len(list), n)]
}

func files(names []string) []string {
	names = first(names, maxFiles)
	for i := range names {
		clean(&names[i])
	}
	return names
}

func clean(words ...*string) {
	for _, w := range words {
		*w = text.Clean(*w, maxCommand)
	}
}
