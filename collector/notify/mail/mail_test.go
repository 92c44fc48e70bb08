package mail

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"seawall/collector/alert"
	"seawall/pkg/finding"
	"seawall/scripts/receivers"
)

func parcel(t *testing.T, m alert.Message) alert.Parcel {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return alert.Parcel{ID: m.ID, Kind: alert.KindMessage, Body: data, Made: m.Made}
}

func message(title string) alert.Message {
	return alert.Compose("0123456789abcdef", "rule", time.Unix(1_800_000_000, 0), []alert.Signal{{Topic: alert.Finding, Severity: finding.SeverityHigh,
		Host: "h", HostName: "web-1", Check: "ssh-root", Title: title, Actual: "yes", Path: "/hosts/h", Time: time.Unix(1_800_000_000, 0)}}, 0)
}

func config(t *testing.T, port int, security Security, cert string) Config {
	t.Helper()
	c := Config{Server: "localhost:" + strconv.Itoa(port), Security: security, From: "Seawall <seawall@example.net>", To: []string{"a@example.net", "b@example.net"},
		Dashboard: "https://d.example.net", TLS: &tls.Config{ServerName: "localhost"}}
	if security != None {
		data, err := os.ReadFile(cert)
		if err != nil {
			t.Fatal(err)
		}
		c.TLS.RootCAs = x509.NewCertPool()
		c.TLS.RootCAs.AppendCertsFromPEM(data)
		c.User, c.Password = "seawall", "correct horse"
	}
	return c
}

// TestSend: a mail arrives by each way of protection, once, at all its recipients.
func TestSend(t *testing.T) {
	cert, key := receivers.Cert(t)
	for _, security := range []Security{StartTLS, Implicit, None} {
		t.Run(string(security), func(t *testing.T) {
			port := receivers.Port(t)
			mode := string(security)
			if security == None {
				mode = "plain"
			}
			server := receivers.SMTP(t, "testdata/server.py", port, mode, cert, key)
			s, err := New(config(t, port, security, cert))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Send(t.Context(), parcel(t, message("Root may log in\nBcc: evil@example.net"))); err != nil {
				t.Fatal(err)
			}
			mails := server.All()
			if len(mails) != 1 {
				t.Fatalf("%d mails", len(mails))
			}
			m := mails[0]
			if strings.Join(m.To, " ") != "a@example.net b@example.net" || m.TLS != (security != None) || m.User != (security != None) {
				t.Errorf("to %v, TLS %v, user %v", m.To, m.TLS, m.User)
			}
			for _, want := range []string{"Message-ID: <0123456789abcdef@seawall.invalid>", "Auto-Submitted: auto-generated", "Subject: ",
				"web-1: Root may log in\\nBcc: evil@example.net", "https://d.example.net/hosts/h", "Content-Type: text/plain"} {
				// Quoted-printable breaks lines with "=".
				if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(m.Data, "=\r\n", ""), "=\n", ""), want) {
					t.Errorf("no %q in\n%s", want, m.Data)
				}
			}
			if head, _, _ := strings.Cut(strings.ReplaceAll(m.Data, "\r\n", "\n"), "\n\n"); strings.Contains(head, "\nBcc:") {
				t.Errorf("a host wrote a header:\n%s", head)
			}
		})
	}
}

// TestErrors: what is final and what is not; nobody gets a mail of which one recipient
// is refused; the password stays secret.
func TestErrors(t *testing.T) {
	cert, key := receivers.Cert(t)
	port := receivers.Port(t)
	server := receivers.SMTP(t, "testdata/server.py", port, "starttls", cert, key)
	for name, tt := range map[string]struct {
		change func(*Config)
		final  bool
	}{
		"refused":     {func(c *Config) { c.To = []string{"a@example.net", "refuse@example.net"} }, true},
		"busy":        {func(c *Config) { c.To = []string{"busy@example.net"} }, false},
		"password":    {func(c *Config) { c.Password = "wrong battery" }, false},
		"certificate": {func(c *Config) { c.TLS = &tls.Config{ServerName: "localhost"} }, false},
		"no server":   {func(c *Config) { c.Server = "localhost:" + strconv.Itoa(receivers.Port(t)) }, false},
	} {
		c := config(t, port, StartTLS, cert)
		tt.change(&c)
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Send(t.Context(), parcel(t, message("x")))
		if err == nil || errors.Is(err, alert.ErrRefused) != tt.final || strings.Contains(err.Error(), c.Password) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(server.All()); n != 0 {
		t.Errorf("%d mails", n)
	}
}

// TestFarewell: a mail that the server took is sent, whatever becomes of the connection.
func TestFarewell(t *testing.T) {
	port := receivers.Port(t)
	server := receivers.SMTP(t, "testdata/server.py", port, "plain", "-", "-")
	s, err := New(config(t, port, None, ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), parcel(t, message("late"))); err != nil {
		t.Errorf("after the server took it: %v", err)
	}
	if n := len(server.All()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestNew(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"server": func(c *Config) { c.Server = "localhost" },
		"port":   func(c *Config) { c.Server = "localhost:smtp" },
		"tls":    func(c *Config) { c.User, c.Security = "x", None },
		"from":   func(c *Config) { c.From = "nobody" },
		"to":     func(c *Config) { c.To = []string{"nobody"} },
		"no to":  func(c *Config) { c.To = nil },
	} {
		c := config(t, 25, None, "")
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestMetadata: nothing is sent to the metadata service, nor tried again.
func TestMetadata(t *testing.T) {
	for _, security := range []Security{StartTLS, Implicit, None} {
		s, err := New(Config{Server: "169.254.169.254:80", Security: security, From: "a@example.net", To: []string{"b@example.net"}, TLS: &tls.Config{ServerName: "mail"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), parcel(t, message("m"))); !errors.Is(err, alert.ErrRefused) || !strings.Contains(err.Error(), "metadata") {
			t.Errorf("%s: %v", security, err)
		}
	}
}
