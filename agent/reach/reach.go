// Package reach makes one connection to the collector and says, where it does not come
// about, why: in words of people who run hosts, the same each time, with what to look
// at. gRPC's own words of it name port numbers that differ from attempt to attempt and
// quote each other.
//
// What goes wrong after TLS is agreed on is none of its business.
package reach

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/credentials"
)

// Line is the way to the collector. Use one for each connection.
type Line struct {
	// Open makes the connection; nil stands for TCP.
	Open func(ctx context.Context, address string) (net.Conn, error)
	// Patience is how long that may take.
	Patience time.Duration

	address atomic.Pointer[string]
	cause   atomic.Pointer[error] // of the last attempt
}

// Dial connects to an address, host:port.
func (l *Line) Dial(ctx context.Context, address string) (net.Conn, error) {
	l.address.Store(&address)
	l.cause.Store(nil)
	open := l.Open
	if open == nil {
		dialer := net.Dialer{Timeout: l.Patience}
		open = func(ctx context.Context, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", address)
		}
	}
	c, err := open(ctx, address)
	if err != nil {
		l.note(err)
	}
	return c, err
}

// TLS returns config for gRPC.
func (l *Line) TLS(config *tls.Config) credentials.TransportCredentials {
	return &watched{credentials.NewTLS(config), l}
}

func (l *Line) note(err error) { l.cause.Store(&err) }

// Explain returns err, or why the connection did not come about, if that is it. What
// err says to gRPC's status package is lost then: the collector never said a word.
func (l *Line) Explain(err error) error {
	cause, address := l.cause.Load(), l.address.Load()
	if err == nil || cause == nil || address == nil {
		return err
	}
	return &problem{explain(*address, *cause, l.Patience), *cause}
}

// problem is an error in other words.
type problem struct {
	words string
	err   error
}

// Error says what is wrong, and what to look at.
func (p *problem) Error() string { return p.words }

// Unwrap returns what went wrong.
func (p *problem) Unwrap() error { return p.err }

// watched tells the line of a handshake that failed.
type watched struct {
	credentials.TransportCredentials
	line *Line
}

// ClientHandshake agrees on TLS.
func (w *watched) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		w.line.note(&handshake{err})
	}
	return c, info, err
}

// Clone returns credentials that tell the same line.
func (w *watched) Clone() credentials.TransportCredentials {
	return &watched{w.TransportCredentials.Clone(), w.line}
}

// handshake is the error of one.
type handshake struct{ error }

// Unwrap returns what went wrong.
func (h *handshake) Unwrap() error { return h.error }

// explain says what is wrong with address, and what to look at.
func explain(address string, err error, patience time.Duration) string {
	var name *net.DNSError
	var late net.Error
	is := func(list ...error) bool {
		for _, one := range list {
			if errors.Is(err, one) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.As(err, new(*handshake)):
		return unsecured(address, err)
	case errors.As(err, &name):
		return unnamed(name)
	case is(unix.ECONNREFUSED):
		return address + ": connection refused: does the collector run there, on this port?"
	case is(unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EADDRNOTAVAIL, unix.ENETDOWN):
		return address + ": network is unreachable: is this host's network up, and routed there?"
	case is(unix.EPERM, unix.EACCES):
		return address + ": this host lets no connection out: see its firewall, and IPAddressDeny= of seawall-uplink.service"
	case is(context.DeadlineExceeded, os.ErrDeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return fmt.Sprintf("%s: no answer within %v: is the address right, and no firewall between?", address, patience)
	}
	return address + ": " + err.Error()
}

func unnamed(name *net.DNSError) string {
	if name.IsNotFound {
		return fmt.Sprintf("%s: no such host: is the name right, and this host's network up?", name.Name)
	}
	return fmt.Sprintf("%s: no resolver answers: is this host's network up, and /etc/resolv.conf right?", name.Name)
}

func unsecured(address string, err error) string {
	var late net.Error
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &header):
		return address + ": what answers does not speak TLS: is the port right?"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return address + ": what takes the connection says nothing: is the port right?"
	case errors.Is(err, io.EOF), errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE):
		return address + ": connection closed before TLS was agreed on: is the port right?"
	}
	return address + ": " + err.Error()
}
