package kaudit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/elastic/go-libaudit/v2"
	"golang.org/x/sys/unix"
)

const (
	headerSize = unix.NLMSG_HDRLEN
	// maxMessage is room for the kernel's longest record (8970 bytes) with its
	// header; longer netlink messages (rule lists) have their own buffer.
	maxMessage = 9216
	maxReply   = 512 << 10
	replyTime  = 2 * time.Second
)

// socket is a netlink socket of the audit family. It is non-blocking.
type socket struct {
	fd  int
	seq uint32
}

// dial opens a socket that receives replies, and the given multicast groups.
func dial(groups uint32) (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_AUDIT)
	if err != nil {
		return nil, reason("open audit socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return nil, reason("bind audit socket", err)
	}
	return &socket{fd: fd}, nil
}

// send sends one message and returns its sequence number.
func (s *socket) send(typ, flags uint16, data []byte) (uint32, error) {
	s.seq++
	b := make([]byte, headerSize, headerSize+len(data))
	binary.NativeEndian.PutUint32(b[0:], uint32(headerSize+len(data)))
	binary.NativeEndian.PutUint16(b[4:], typ)
	binary.NativeEndian.PutUint16(b[6:], flags|unix.NLM_F_REQUEST)
	binary.NativeEndian.PutUint32(b[8:], s.seq)
	b = append(b, data...)
	for {
		err := unix.Sendto(s.fd, b, unix.MSG_DONTWAIT, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if err != unix.EINTR {
			return s.seq, err
		}
	}
}

// recv reads one message into b, waiting at most until deadline. What does not
// come from the kernel is passed over.
func (s *socket) recv(b []byte, deadline time.Time) (msg, error) {
	for {
		n, _, flags, from, err := unix.Recvmsg(s.fd, b, nil, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			if err := s.wait(deadline); err != nil {
				return msg{}, err
			}
		case err != nil:
			return msg{}, err
		default:
			if sa, ok := from.(*unix.SockaddrNetlink); !ok || sa.Pid != 0 {
				continue
			}
			if n < headerSize || flags&unix.MSG_TRUNC != 0 {
				return msg{}, fmt.Errorf("netlink message of %d bytes: %w", n, unix.EBADMSG)
			}
			return parse(b[:n]), nil
		}
	}
}

// wait waits until the socket can be read.
func (s *socket) wait(deadline time.Time) error {
	left := time.Until(deadline)
	if left <= 0 {
		return unix.EAGAIN
	}
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
	_, err := unix.Poll(fds, int(left.Milliseconds())+1)
	if err == unix.EINTR {
		return nil
	}
	return err
}

// msg is one netlink message. The length in its header is not used: for audit
// records the kernel leaves out the header's own size, and a datagram holds one
// message.
type msg struct {
	typ  uint16
	seq  uint32
	data []byte
}

func parse(b []byte) msg {
	return msg{binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint32(b[8:]), b[headerSize:]}
}

// ackError returns what a NLMSG_ERROR message says, nil for an acknowledgement.
func ackError(m msg) error {
	if len(m.data) < 4 {
		return fmt.Errorf("short netlink acknowledgement: %w", unix.EBADMSG)
	}
	errno := -int32(binary.NativeEndian.Uint32(m.data))
	if errno == 0 {
		return nil
	}
	return syscall.Errno(errno)
}

// request sends a message and waits for its acknowledgement. Everything else that
// arrives meanwhile is given to other, which may be nil.
func (s *socket) request(typ uint16, data []byte, other func(msg)) error {
	seq, err := s.send(typ, unix.NLM_F_ACK, data)
	if err != nil {
		return err
	}
	buf := make([]byte, maxMessage)
	deadline := time.Now().Add(replyTime)
	for {
		m, err := s.recv(buf, deadline)
		switch {
		case errors.Is(err, unix.ENOBUFS): // records were dropped, acknowledgements are not
			continue
		case errors.Is(err, unix.EAGAIN):
			return fmt.Errorf("no answer from the kernel within %v", replyTime)
		case err != nil:
			return err
		case m.typ == unix.NLMSG_ERROR && m.seq == seq:
			return ackError(m)
		case other != nil:
			other(m)
		}
	}
}

// netlink lends the socket to go-libaudit's AuditClient.
type netlink struct {
	*socket
	buf []byte
}

var _ libaudit.NetlinkSendReceiver = (*netlink)(nil)

// Send implements libaudit.NetlinkSender.
func (n *netlink) Send(m syscall.NetlinkMessage) (uint32, error) {
	return n.send(m.Header.Type, m.Header.Flags, m.Data)
}

// SendNoWait implements libaudit.NetlinkSender; no send waits here.
func (n *netlink) SendNoWait(m syscall.NetlinkMessage) (uint32, error) { return n.Send(m) }

// Receive implements libaudit.NetlinkReceiver. It waits a little even when asked
// not to: the client polls with sleeps otherwise.
func (n *netlink) Receive(_ bool, p libaudit.NetlinkParser) ([]syscall.NetlinkMessage, error) {
	m, err := n.recv(n.buf, time.Now().Add(replyTime/10))
	if err != nil {
		return nil, err
	}
	return p(n.buf[:headerSize+len(m.data)])
}

// forget reads answers to requests that nobody waits for any more, which the
// client would take for a fault of the next.
func (n *netlink) forget() {
	for {
		if _, err := n.recv(n.buf, time.Time{}); err != nil && err != unix.ENOBUFS {
			return
		}
	}
}

// Close implements io.Closer.
func (n *netlink) Close() error { return unix.Close(n.fd) }
