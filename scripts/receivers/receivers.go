// Package receivers starts real servers for tests of deliveries: a mail server
// (Debian's aiosmtpd) and a syslog server (rsyslogd), and makes certificates for them.
package receivers

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Cert writes a certificate for 127.0.0.1 and localhost, which is its own authority, and
// its key, and returns the two names.
func Cert(t testing.TB) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	Write(t, cert, 0o644, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	Write(t, key, 0o600, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})))
	return cert, key
}

// Write writes a file.
func Write(t testing.TB, name string, mode os.FileMode, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// Port returns a port of the loopback that nobody listens on.
func Port(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Until waits until ok, and fails the test after 30 seconds.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: not in time", what)
		}
	}
}

// Mail is a mail that a server took.
type Mail struct {
	From string   `json:"from"`
	To   []string `json:"to"`
	Data string   `json:"data"`
	TLS  bool     `json:"tls"`
	User bool     `json:"user"`
}

// Mails is a mail server that runs.
type Mails struct {
	mu    sync.Mutex
	mails []Mail
	ready bool
	Stop  func()
}

// All stops the server, so that nothing is under way any more, and returns the mails that
// it took.
func (m *Mails) All() []Mail {
	m.Stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Mail{}, m.mails...)
}

// SMTP starts a mail server on a port: mode plain, starttls or tls; see its script.
func SMTP(t testing.TB, script string, port int, mode, cert, key string) *Mails {
	t.Helper()
	m := &Mails{}
	cmd := exec.Command("/usr/bin/python3", script, strconv.Itoa(port), mode, cert, key)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start a mail server: %v", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var mail Mail
			m.mu.Lock()
			if lines.Text() == "ready" {
				m.ready = true
			} else if err := json.Unmarshal(lines.Bytes(), &mail); err != nil {
				t.Errorf("the mail server says %q", lines.Text())
			} else {
				m.mails = append(m.mails, mail)
			}
			m.mu.Unlock()
		}
	}()
	m.Stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-done
		_ = cmd.Wait()
	})
	t.Cleanup(func() {
		m.Stop()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	Until(t, "the mail server", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.ready })
	return m
}

// Syslog is a syslog server that runs.
type Syslog struct {
	file string
	Stop func()
}

// Lines returns what the server wrote so far: PRI, APP-NAME, MSGID, STRUCTURED-DATA and
// MSG of each message, with bars between them.
func (s *Syslog) Lines(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile(s.file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	_, ours, _ := strings.Cut(string(data), "\n") // the first is the one that opened the file
	return strings.Split(strings.TrimSuffix(ours, "\n"), "\n")
}

// Rsyslog starts a syslog server on a TCP port, with TLS when cert is not empty.
func Rsyslog(t testing.TB, port int, cert, key string) *Syslog {
	t.Helper()
	dir, err := os.MkdirTemp("", "rsyslog")
	if err != nil {
		t.Fatal(err)
	}
	s := &Syslog{file: filepath.Join(dir, "log")}
	input, driver := "", ""
	if cert != "" {
		driver = fmt.Sprintf("global(DefaultNetstreamDriver=\"ossl\" DefaultNetstreamDriverCAFile=%q DefaultNetstreamDriverCertFile=%q DefaultNetstreamDriverKeyFile=%q)\n", cert, cert, key)
		input = ` StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"`
	}
	conf, local := filepath.Join(dir, "conf"), filepath.Join(dir, "socket")
	Write(t, conf, 0o600, fmt.Sprintf(`global(workDirectory=%q maxMessageSize="64k" parser.escapeControlCharactersOnReceive="on")
%smodule(load="imtcp"%s)
module(load="imuxsock" SysSock.Use="off")
input(type="imtcp" address="127.0.0.1" port="%d")
input(type="imuxsock" Socket=%q)
template(name="t" type="string" string="%%pri%%|%%app-name%%|%%msgid%%|%%structured-data%%|%%msg%%\n")
action(type="omfile" file=%q template="t" asyncWriting="off" flushOnTXEnd="on")
`, dir, driver, input, port, local, s.file))
	cmd := exec.Command("/usr/sbin/rsyslogd", "-n", "-f", conf, "-i", filepath.Join(dir, "pid"))
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("start a syslog server: %v", err)
	}
	s.Stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		os.RemoveAll(dir)
	})
	t.Cleanup(s.Stop)
	// A TLS connection's end closes its descriptor twice (rsyslog pull request 6375). A file that is
	// opened in between gets the number, and then the next connection, what is written to the file. So
	// it is opened before there is a connection.
	Until(t, "the local socket of the syslog server", func() bool {
		c, err := net.Dial("unixgram", local)
		if err == nil {
			_, err = c.Write([]byte("<13>opens: the file"))
			c.Close()
		}
		return err == nil
	})
	Until(t, "the file of the syslog server", func() bool {
		data, err := os.ReadFile(s.file)
		return err == nil && strings.HasSuffix(string(data), "\n")
	})
	Until(t, "the syslog server", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return s
}
