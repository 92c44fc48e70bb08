package syslog

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/alert"
	"seawall/pkg/finding"
	"seawall/scripts/receivers"
)

func parcel(t testing.TB, m alert.Message) alert.Parcel {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return alert.Parcel{ID: m.ID, Kind: alert.KindMessage, Body: data, Made: m.Made}
}

func message() alert.Message {
	at := time.Unix(1_800_000_000, 0)
	return alert.Compose("0123", "my rule", at, []alert.Signal{
		{Topic: alert.Finding, Severity: finding.SeverityHigh, Host: "h1", HostName: "web-1", Check: "ssh-root", Title: "Root ä", Actual: `"]\ yes`, Time: at, Path: "/hosts/h1"},
		{Topic: alert.Silent, Severity: finding.SeverityHigh, Over: true, Host: "h2", Check: "agent-silent", Title: "host is silent", Time: at},
	}, 0)
}

// TestServer: rsyslogd reads what we send over TCP and TLS as what it is, and all of it.
func TestServer(t *testing.T) {
	cert, key := receivers.Cert(t)
	for _, network := range []string{"tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			port := receivers.Port(t)
			c := Config{Network: network, Address: "localhost:" + strconv.Itoa(port), Facility: 16, Dashboard: "https://d"}
			var server *receivers.Syslog
			if network == "tcp" {
				server = receivers.Rsyslog(t, port, "", "")
			} else {
				server = receivers.Rsyslog(t, port, cert, key)
				data, err := os.ReadFile(cert)
				if err != nil {
					t.Fatal(err)
				}
				c.TLS = &tls.Config{ServerName: "localhost", RootCAs: x509.NewCertPool()}
				c.TLS.RootCAs.AppendCertsFromPEM(data)
			}
			s, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Send(t.Context(), parcel(t, message())); err != nil {
				t.Fatal(err)
			}
			if err := s.Send(t.Context(), alert.Parcel{Kind: alert.KindRaw, Made: time.Now(), Body: []byte("{\"a\":1}\n{\"b\":2}\n")}); err != nil {
				t.Fatal(err)
			}
			want := []string{
				`131|seawall|finding|[seawall@32473 id="0123" rule="my rule" state="new" severity="high" hostId="h1" host="web-1" check="ssh-root" actual="\"\]\\ yes" url="https://d/hosts/h1"]|web-1: Root ä`,
				`134|seawall|silent|[seawall@32473 id="0123" rule="my rule" state="resolved" severity="high" hostId="h2" check="agent-silent"]|h2: host is silent: over`,
				`134|seawall|export|-|{"a":1}`, `134|seawall|export|-|{"b":2}`,
			}
			receivers.Until(t, "the lines", func() bool { return len(server.Lines(t)) >= len(want) })
			if d := cmp.Diff(want, server.Lines(t)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestAway: a server that is not there, has another's certificate, or dies while it
// reads gives an error, so that the message comes again.
func TestAway(t *testing.T) {
	s, err := New(Config{Network: "tcp", Address: "localhost:" + strconv.Itoa(receivers.Port(t))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), parcel(t, message())); err == nil {
		t.Error("nobody listens: delivered")
	}
	cert, key := receivers.Cert(t)
	port := receivers.Port(t)
	receivers.Rsyslog(t, port, cert, key)
	if s, err = New(Config{Network: "tls", Address: "localhost:" + strconv.Itoa(port), TLS: &tls.Config{ServerName: "localhost"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), parcel(t, message())); err == nil {
		t.Error("a certificate of nobody: delivered")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
	if s, err = New(Config{Network: "tcp", Address: l.Addr().String()}); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), parcel(t, message())); err == nil {
		t.Error("the server reset the stream: delivered")
	}
}

func TestDatagram(t *testing.T) {
	dir, err := os.MkdirTemp("", "syslog")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "log")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := New(Config{Network: "unix", Address: path, Host: "collector"})
	if err != nil {
		t.Fatal(err)
	}
	test := alert.Message{ID: "1", Test: true, Made: time.Unix(1_800_000_000, 0), Summary: "test"}
	if err := s.Send(t.Context(), parcel(t, test)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1000)
	n, err := l.Read(b)
	if want := `<6>1 2027-01-15T08:00:00.000000Z collector seawall - test [seawall@32473 id="1"] test`; err != nil || string(b[:n]) != want {
		t.Errorf("%q, %v", b[:n], err)
	}
}

// FuzzLine: nothing that a host says ends a field, an element or the line.
func FuzzLine(f *testing.F) {
	f.Add(`a"] b`, `\`, "x y")
	f.Add("ä\u202e", "\x00", "")
	f.Add("", "", "[]")
	s := &Sender{Config{Host: "c"}}
	f.Fuzz(func(t *testing.T, value, other, kind string) {
		line := s.line(finding.SeverityHigh, time.Unix(0, 0), kind, element("v", value, "o", other), "m")
		var version int
		var stamp, host, app, proc, id string
		if n, err := fmt.Sscanf(line, "<3>%d %s %s %s %s %s", &version, &stamp, &host, &app, &proc, &id); err != nil || n != 6 || version != 1 || app != "seawall" {
			t.Fatalf("header of %q: %v", line, err)
		}
		rest, ok := strings.CutPrefix(strings.SplitN(line, " ", 7)[6], "["+data)
		if !ok {
			t.Fatalf("%q: no element after the header", line)
		}
		end, escaped := -1, false
		for i, c := range []byte(rest) {
			if escaped {
				escaped = false
				continue
			}
			if c == '\\' {
				escaped = true
			} else if c == ']' {
				end = i
				break
			}
		}
		if end < 0 || rest[end:] != "] m" {
			t.Fatalf("the element of %q does not end where it should", line)
		}
	})
}

// TestMetadata: nothing is sent to the metadata service, nor tried again.
func TestMetadata(t *testing.T) {
	for _, network := range []string{"tcp", "tls"} {
		s, err := New(Config{Network: network, Address: "169.254.169.254:80", TLS: &tls.Config{ServerName: "siem"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), parcel(t, message())); !errors.Is(err, alert.ErrRefused) {
			t.Errorf("%s: %v", network, err)
		}
	}
}
