package reach

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestExplain(t *testing.T) {
	const address = "c.example.net:9443"
	dial := func(n unix.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", n)}
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{dial(unix.ECONNREFUSED), "c.example.net:9443: connection refused"},
		{dial(unix.ENETUNREACH), "c.example.net:9443: network is unreachable"},
		{dial(unix.EHOSTUNREACH), "network up"},
		{dial(unix.EPERM), "IPAddressDeny="},
		{dial(unix.ETIMEDOUT), "no answer within 3s"},
		{context.DeadlineExceeded, "no answer within 3s"},
		{&net.DNSError{Name: "c.example.net", IsNotFound: true}, "c.example.net: no such host"},
		{&net.DNSError{Name: "c.example.net", Err: "read udp 127.0.0.1:42042->127.0.0.1:53: connection refused"}, "no resolver answers"},
		{&handshake{tls.RecordHeaderError{Msg: "first record does not look like one"}}, "does not speak TLS"},
		{&handshake{io.EOF}, "before TLS"},
		{&handshake{context.DeadlineExceeded}, "says nothing"},
		{&handshake{errors.New("collector's certificate: another's")}, "c.example.net:9443: collector's certificate: another's"},
		{errors.New("else"), "c.example.net:9443: else"},
	} {
		got := explain(address, tt.err, 3*time.Second)
		if !strings.Contains(got, tt.want) || strings.Contains(got, "42042") {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}

// attempt makes one call of a method that nobody has, as the uplink does.
func attempt(t *testing.T, line *Line, address string, config *tls.Config) error {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(line.TLS(config)), grpc.WithContextDialer(line.Dial))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return line.Explain(conn.Invoke(t.Context(), "/none/none", nil, nil))
}

// TestLine: real connections that fail, in the same words each time.
func TestLine(t *testing.T) {
	listen := func(serve func(net.Conn)) string {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				serve(c)
				c.Close()
			}
		}()
		return l.Addr().String()
	}
	none, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	none.Close()
	disbelief := errors.New("no such friend")
	for want, address := range map[string]string{
		"connection refused": none.Addr().String(),
		"does not speak TLS": listen(func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-OpenSSH_9.2\r\n"); _, _ = io.Copy(io.Discard, c) }),
		"before TLS":         listen(func(net.Conn) {}),
	} {
		said := ""
		for range 3 {
			err := attempt(t, &Line{Patience: time.Minute}, address, &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(tls.ConnectionState) error { return disbelief }})
			if err == nil || !strings.Contains(err.Error(), want) || said != "" && err.Error() != said {
				t.Errorf("%v, after %q, want %q", err, said, want)
			}
			if status.Code(err) != codes.Unknown {
				t.Errorf("%v has gRPC's status %v", err, status.Code(err))
			}
			said = err.Error()
		}
	}
}

// TestNothingToExplain: an error of a connection that came about is left as it is.
func TestNothingToExplain(t *testing.T) {
	err := errors.New("later")
	line := &Line{Open: func(context.Context, string) (net.Conn, error) { return nil, nil }}
	if got := line.Explain(err); got != err {
		t.Errorf("before: %v", got)
	}
	if _, err := line.Dial(t.Context(), "x:1"); err != nil {
		t.Fatal(err)
	}
	if got := line.Explain(err); got != err {
		t.Errorf("after: %v", got)
	}
	line.note(io.EOF)
	if got := line.Explain(err); !errors.Is(got, io.EOF) {
		t.Errorf("the cause is lost: %v", got)
	}
	if line.Explain(nil) != nil {
		t.Error("no error is explained")
	}
}
