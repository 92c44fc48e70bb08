package kaudit

import (
	"errors"
	"syscall"
	"testing"

	"github.com/elastic/go-libaudit/v2"
	"golang.org/x/sys/unix"
)

// overrun is a kernel that drops the first replies to each request for rules, as it does to
// a reader that is late.
type overrun struct {
	drops, sent int
	queue       []syscall.NetlinkMessage
}

func (k *overrun) Send(syscall.NetlinkMessage) (uint32, error) {
	k.sent++
	message := func(typ uint16, data []byte) syscall.NetlinkMessage {
		return syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: typ, Seq: uint32(k.sent)}, Data: data}
	}
	k.queue = []syscall.NetlinkMessage{message(unix.NLMSG_ERROR, make([]byte, 4)), message(unix.AUDIT_LIST_RULES, []byte("rule")), message(unix.NLMSG_DONE, nil)}
	return uint32(k.sent), nil
}

func (k *overrun) Receive(bool, libaudit.NetlinkParser) ([]syscall.NetlinkMessage, error) {
	if k.sent <= k.drops && len(k.queue) < 3 {
		return nil, unix.ENOBUFS
	}
	next := k.queue[:1]
	k.queue = k.queue[1:]
	return next, nil
}

func (k *overrun) SendNoWait(m syscall.NetlinkMessage) (uint32, error) { return k.Send(m) }

func (k *overrun) Close() error { return nil }

// TestLateReader: rules are asked for again when some of them were dropped, and not for ever.
func TestLateReader(t *testing.T) {
	for drops, want := range map[int]int{0: 1, 1: 2, maxLists - 1: maxLists, maxLists: maxLists, 100: maxLists} {
		c, err := OpenControl()
		if err != nil {
			t.Fatal(err)
		}
		kernel := &overrun{drops: drops}
		c.client = &libaudit.AuditClient{Netlink: kernel}
		wires, err := c.Wires()
		if kernel.sent != want {
			t.Errorf("%d late: asked %d times, want %d", drops, kernel.sent, want)
		}
		if drops < maxLists && (err != nil || len(wires) != 1 || string(wires[0]) != "rule") {
			t.Errorf("%d late: got %q, %v", drops, wires, err)
		}
		if drops >= maxLists && !errors.Is(err, unix.ENOBUFS) {
			t.Errorf("%d late: got %q, %v", drops, wires, err)
		}
		if err := c.net.Close(); err != nil {
			t.Error(err)
		}
	}
}
