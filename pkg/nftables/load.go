package nftables

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	genSize   = 4 // of an nfgenmsg
	maxAnswer = 64 << 20
	patience  = 2 // seconds that the kernel may take for a part of an answer
	attempts  = 4
)

// errChanged is returned when the rules were changed while they were read.
var errChanged = errors.New("the rules keep changing")

// Load reads the rules of the caller's network namespace.
func Load() (*Ruleset, error) {
	raw, err := Dump()
	if err != nil {
		return nil, err
	}
	return Decode(raw)
}

// Dump returns the kernel's messages that hold the rules, one after another.
func Dump() ([]byte, error) {
	var raw []byte
	err := errChanged
	for i := 0; i < attempts && errors.Is(err, errChanged); i++ {
		raw, err = dump()
	}
	return raw, err
}

func dump() ([]byte, error) {
	c, err := dial()
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	defer c.close()
	before, err := c.generation()
	if err != nil {
		return nil, fmt.Errorf("ask for the generation of the rules: %w", err)
	}
	for _, kind := range []uint16{unix.NFT_MSG_GETTABLE, unix.NFT_MSG_GETCHAIN, unix.NFT_MSG_GETRULE, unix.NFT_MSG_GETSET} {
		if err := c.ask(kind, unix.NLM_F_DUMP, 0, nil); err != nil {
			return nil, fmt.Errorf("ask for the rules: %w", err)
		}
	}
	r, err := Decode(c.raw)
	if err != nil {
		return nil, err
	}
	for _, s := range r.Sets {
		names := appendText(nil, unix.NFTA_SET_ELEM_LIST_TABLE, s.Table)
		names = appendText(names, unix.NFTA_SET_ELEM_LIST_SET, s.Name)
		if err := c.ask(unix.NFT_MSG_GETSETELEM, unix.NLM_F_DUMP, s.Family, names); err != nil {
			return nil, fmt.Errorf("ask for the elements of %q: %w", s.Name, err)
		}
	}
	after, err := c.generation()
	if err == nil && after != before {
		err = errChanged
	}
	return c.raw, err
}

func appendText(b []byte, kind uint16, s string) []byte {
	n := unix.SizeofNlAttr + len(s) + 1
	b = binary.NativeEndian.AppendUint16(b, uint16(n))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(append(b, s...), 0)
	return append(b, make([]byte, (4-n%4)%4)...)
}

// conn is a socket to the kernel's netfilter, and what it answered.
type conn struct {
	fd  int
	buf []byte
	seq uint32
	raw []byte
}

func dial() (*conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: patience})
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &conn{fd: fd, buf: make([]byte, 64<<10)}, nil
}

func (c *conn) close() { _ = unix.Close(c.fd) }

// generation returns the number of the rules' last change. Its message is not kept.
func (c *conn) generation() (uint32, error) {
	start := len(c.raw)
	if err := c.ask(unix.NFT_MSG_GETGEN, 0, 0, nil); err != nil {
		return 0, err
	}
	answer := c.raw[start:]
	c.raw = c.raw[:start]
	id, _ := Number(answer[min(unix.SizeofNlMsghdr+genSize, len(answer)):], unix.NFTA_GEN_ID)
	return id, nil
}

// ask sends one request and keeps the messages of the answer.
func (c *conn) ask(kind, flags uint16, family uint8, data []byte) error {
	c.seq++
	m := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+genSize+len(data)))
	m = binary.NativeEndian.AppendUint16(m, unix.NFNL_SUBSYS_NFTABLES<<8|kind)
	m = binary.NativeEndian.AppendUint16(m, unix.NLM_F_REQUEST|flags)
	m = binary.NativeEndian.AppendUint32(m, c.seq)
	m = append(m, 0, 0, 0, 0, family, unix.NFNETLINK_V0, 0, 0)
	if err := unix.Sendto(c.fd, append(m, data...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for len(c.raw) < maxAnswer {
		n, from, err := unix.Recvfrom(c.fd, c.buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		}
		if kernel, ok := from.(*unix.SockaddrNetlink); !ok || kernel.Pid != 0 {
			continue // another process's
		}
		if done, err := c.take(c.buf[:n], flags == 0); done || err != nil {
			return err
		}
	}
	return ErrTooLarge
}

// take keeps the messages of one datagram. It is done at the answer's end: of a
// single one, that is the first message.
func (c *conn) take(b []byte, single bool) (done bool, err error) {
	for len(b) > 0 {
		m, rest, err := split(b)
		if err != nil {
			return false, err
		}
		b = rest
		switch kind, flags := m.kind(), binary.NativeEndian.Uint16(m[6:]); {
		case binary.NativeEndian.Uint32(m[8:]) != c.seq:
			continue
		case flags&unix.NLM_F_DUMP_INTR != 0:
			return false, errChanged
		case kind == unix.NLMSG_DONE:
			return true, nil
		case kind == unix.NLMSG_ERROR:
			return true, errno(m[unix.SizeofNlMsghdr:])
		}
		c.raw = append(c.raw, m...)
		c.raw = append(c.raw, make([]byte, (4-len(m)%4)%4)...)
		if single {
			return true, nil
		}
	}
	return false, nil
}

// message is one with its header.
type message []byte

func (m message) kind() uint16 { return binary.NativeEndian.Uint16(m[4:]) }

var errShort = errors.New("a message is cut short")

// split returns the first message of b and what follows it.
func split(b []byte) (m message, rest []byte, err error) {
	if len(b) < unix.SizeofNlMsghdr {
		return nil, nil, errShort
	}
	n := int(binary.NativeEndian.Uint32(b))
	if n < unix.SizeofNlMsghdr || n > len(b) {
		return nil, nil, errShort
	}
	return message(b[:n]), b[min((n+3)&^3, len(b)):], nil
}

// errno reads the body of an NLMSG_ERROR.
func errno(body []byte) error {
	if len(body) < 4 {
		return errShort
	}
	n := int32(binary.NativeEndian.Uint32(body))
	switch e := unix.Errno(-n); {
	case n == 0:
		return nil
	case e == unix.EINTR: // the dump was disturbed
		return errChanged
	default:
		return e
	}
}
