package roomy

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"seawall/agent/usage"
	"seawall/pkg/kaudit"
)

// Socket is where systemd listens for a sensor that asks.
const Socket = "/run/seawall-buffer.sock"

// limit is how long the helper is waited for. It does what it is asked when it comes later,
// too.
const limit = 3 * time.Second

var (
	errPeer  = errors.New("the other end does not belong to root")
	errSmall = errors.New("the buffer is as small as before")
	errAsked = errors.New("that is no audit socket")
)

// Before returns store, a function that leaves a socket with systemd, such that the socket
// first gets its buffer. It is left all the same where that cannot be had.
func Before(log *slog.Logger, store func(name string, f *os.File) error) func(string, *os.File) error {
	return func(name string, f *os.File) error {
		if f != nil {
			if err := Ask(Socket, f); err != nil {
				log.Warn("the audit socket's receive buffer is small", "err", err)
			}
		}
		return store(name, f)
	}
}

// Ask has the helper behind a socket enlarge the buffer of f, unless it is large enough.
func Ask(socket string, f *os.File) error {
	if large(int(f.Fd())) {
		return nil
	}
	d := net.Dialer{Timeout: limit}
	dialed, err := d.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer dialed.Close()
	conn, ok := dialed.(*net.UnixConn)
	if !ok {
		return errPeer
	}
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	if err := rootListens(conn); err != nil {
		return fmt.Errorf("ask at %s: %w", socket, err)
	}
	if _, _, err := conn.WriteMsgUnix([]byte{0}, unix.UnixRights(int(f.Fd())), nil); err != nil {
		return fmt.Errorf("ask at %s: %w", socket, err)
	}
	// The answer is the end of the connection.
	if _, err := io.Copy(io.Discard, io.LimitReader(conn, 64)); err != nil {
		return fmt.Errorf("ask at %s: %w", socket, err)
	}
	if !large(int(f.Fd())) {
		return fmt.Errorf("ask at %s: %w", socket, errSmall)
	}
	return nil
}

// rootListens demands that the socket was made by root, as systemd makes it, or by the
// caller itself: whoever has the descriptor reads what the kernel tells.
func rootListens(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		peer, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	switch {
	case err != nil || credErr != nil:
		return errors.Join(err, credErr)
	case peer.Uid != 0 && int(peer.Uid) != unix.Geteuid():
		return errPeer
	}
	return nil
}

func large(fd int) bool {
	size, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return err == nil && size >= 2*kaudit.DefaultBuffer // the kernel doubles it
}

// Serve takes one descriptor from a connection and, if it is an audit socket, enlarges its
// buffer.
func Serve(conn int) error {
	fd, err := receive(conn)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for option, want := range map[int]int{unix.SO_DOMAIN: unix.AF_NETLINK, unix.SO_PROTOCOL: unix.NETLINK_AUDIT} {
		if got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option); err != nil || got != want {
			return errAsked
		}
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, kaudit.DefaultBuffer); err != nil {
		return fmt.Errorf("enlarge the audit socket's buffer: %w", err)
	}
	return nil
}

// receive takes one descriptor, and closes what else comes.
func receive(conn int) (int, error) {
	wait := unix.NsecToTimeval(int64(limit))
	if err := unix.SetsockoptTimeval(conn, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return 0, fmt.Errorf("standard input: %w", err)
	}
	text, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(conn, text, rights, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("standard input: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return 0, errAsked
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
		return 0, errAsked
	}
	return fds[0], nil
}

// Command is what systemd starts for a sensor that asks.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "buffer --enlarge",
		Short: "Enlarge the sensor's audit socket's receive buffer",
		Long: `Buffer takes an audit socket from the sensor by standard input and enlarges its
receive buffer, which the sensor may not itself. It writes nothing.`,
		Hidden: true,
		Args:   usage.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return Serve(unix.Stdin) },
	}
	cmd.Flags().Bool("enlarge", false, "take one socket")
	cmd.MarkFlagsOneRequired("enlarge")
	return cmd
}
