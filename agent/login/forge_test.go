package login

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/audit"
	"seawall/pkg/kaudit"
)

const (
	forger = "SEAWALL_TEST_FORGER"
	forged = "203.0.113.146" // where no other session of this machine claims to be from
)

// forge begins a session as a login does, and then sends what sshd would send.
func forge(t *testing.T) {
	runtime.LockOSThread() // a thread begins its own session, and no other's
	if err := os.WriteFile("/proc/thread-self/loginuid", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	const text = `op=PAM:session_open acct="root" exe="/usr/sbin/sshd" hostname=` + forged + ` addr=` + forged + ` terminal=ssh res=success`
	msg := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(text)+1))
	msg = binary.NativeEndian.AppendUint16(msg, typeUserStart)
	msg = binary.NativeEndian.AppendUint16(msg, unix.NLM_F_REQUEST)
	msg = append(msg, make([]byte, 8)...) // number and sender, by the kernel
	msg = append(append(msg, text...), 0)
	if err := unix.Sendto(fd, msg, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Fatal(err)
	}
}

// TestRealForgery has root begin a session and claim to be sshd, by the real kernel.
func TestRealForgery(t *testing.T) {
	if os.Getenv(forger) != "" {
		forge(t)
		return
	}
	control := lockAudit(t)
	conn, err := kaudit.Open(kaudit.Unicast)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := control.SetEnabled(true); err != nil {
		t.Fatal(err)
	}
	table, sessions := enrichment(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var claimed, session uint32
	assembler := audit.NewAssembler(0, func(e *audit.Event) {
		table.Observe(e)
		sessions.Observe(e)
		if len(e.Records) == 1 && e.Records[0].Type == typeUserStart && bytes.Contains(e.Message, []byte(forged)) {
			claimed, session = e.PID, e.Session
			cancel()
		}
	})
	done := make(chan error, 1)
	go func() {
		done <- conn.Receive(ctx, func(typ uint16, payload []byte) { assembler.Push(typ, payload, time.Now()) })
	}()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestRealForgery$")
	cmd.Env = append(os.Environ(), forger+"=1")
	var said bytes.Buffer
	cmd.Stdout = &said
	in, err := cmd.StdinPipe() // it waits until it was looked at
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	err = <-done
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Errorf("%v: %s", err, &said)
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if p := table.Lookup(claimed, time.Time{}); p == nil || p.Exe == "" {
		t.Errorf("the sender's program is not known: %+v", p)
	}
	n := sessions.Lookup(session, 0, time.Now())
	if n == nil || int(n.Leader) != cmd.Process.Pid || n.Leader != claimed {
		t.Fatalf("the session is not seen: %+v, record of %d", n, claimed)
	}
	if st := sessions.Stats(); n.Origin.Address.IsValid() || st.Believed != 0 || st.Rejected != 1 {
		t.Errorf("%+v, %+v", n, st)
	}
}
