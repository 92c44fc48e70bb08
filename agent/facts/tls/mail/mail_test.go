package mail

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/tls/site"
	"seawall/pkg/hostfs/image"
)

// show puts down what decides of each site.
func show(r *site.Reader) string {
	r.Finish()
	var b strings.Builder
	for _, s := range r.Sites {
		fmt.Fprintf(&b, "%s: mail %v local %v tls %s @%d, plain login %v (%s) @%d", s.Label, s.Mail, s.Local, s.MailTLS.Value, s.MailTLS.Line, s.PlainLogin, s.PlainLoginWhy, s.PlainLoginSet.Line)
		if s.TLS {
			fmt.Fprintf(&b, "\n  offers %s @%d", strings.Join(s.Configured, " "), s.Protocols.Line)
		}
		if s.DHParams.Value != "" {
			fmt.Fprintf(&b, "\n  %s @%d", s.DHParams.Value, s.DHParams.Line)
		}
		for _, p := range s.Pairs {
			fmt.Fprintf(&b, "\n  %s %s @%s:%d", p.Certificate, p.Key, p.File, p.Line)
		}
		b.WriteString("\n")
	}
	for _, s := range r.Servers {
		fmt.Fprintf(&b, "%s %s %s\n", s.Program, s.State, s.Reason)
	}
	return b.String()
}

const (
	mainCF = `smtpd_tls_cert_file = /etc/ssl/certs/a.pem
smtpd_tls_eccert_file = ec.pem
smtpd_tls_eckey_file = ec.key
smtpd_tls_security_level = may
smtpd_tls_dh1024_param_file = ${config_directory}/dh.pem
smtpd_sasl_auth_enable = yes
smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1
`
	masterCF = `smtp inet n - y - - smtpd
127.0.0.1:10025 inet n - y - - smtpd
submission inet n - y - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_tls_chain_files=/x/chain.pem
smtps inet n - y - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=no
2525 inet n - y - - smtpd -o smtpd_tls_security_level=none
smtp unix - - y - - smtp
pickup unix n - y 60 1 pickup
`
)

func TestPostfix(t *testing.T) {
	r := site.NewReader(image.Of(t, map[string]string{"/etc/postfix/main.cf": mainCF, "/etc/postfix/master.cf": masterCF}))
	Postfix(r)
	want := `postfix smtp: mail true local false tls may @4, plain login true (smtpd_tls_auth_only = no, TLS may) @0
  offers TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 @0
  /etc/postfix/dh.pem @5
  /etc/ssl/certs/a.pem /etc/ssl/certs/a.pem @/etc/postfix/main.cf:1
  /etc/postfix/ec.pem /etc/postfix/ec.key @/etc/postfix/main.cf:2
postfix 127.0.0.1:10025: mail true local true tls may @4, plain login true (smtpd_tls_auth_only = no, TLS may) @0
  offers TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 @0
  /etc/postfix/dh.pem @5
  /etc/ssl/certs/a.pem /etc/ssl/certs/a.pem @/etc/postfix/main.cf:1
  /etc/postfix/ec.pem /etc/postfix/ec.key @/etc/postfix/main.cf:2
postfix submission: mail true local false tls required @3, plain login false (smtpd_tls_auth_only = no, TLS required) @0
  offers TLSv1.1 TLSv1.2 TLSv1.3 @7
  /etc/postfix/dh.pem @5
  /x/chain.pem /x/chain.pem @/etc/postfix/master.cf:3
postfix smtps: mail true local false tls required @4, plain login false (it takes no passwords) @0
  offers TLSv1.1 TLSv1.2 TLSv1.3 @7
  /etc/postfix/dh.pem @5
  /etc/ssl/certs/a.pem /etc/ssl/certs/a.pem @/etc/postfix/main.cf:1
  /etc/postfix/ec.pem /etc/postfix/ec.key @/etc/postfix/main.cf:2
postfix 2525 (plain): mail true local false tls none @8, plain login true (smtpd_tls_auth_only = no, TLS none) @0
postfix known 
`
	if diff := cmp.Diff(want, show(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPostfixLocal(t *testing.T) {
	for interfaces, local := range map[string]bool{"loopback-only": true, "localhost": true, "127.0.0.1, [::1]": true, "all": false, "localhost, 192.0.2.1": false, "$myhostname": false} {
		r := site.NewReader(image.Of(t, map[string]string{"/etc/postfix/main.cf": "myhostname = mail.example.org\ninet_interfaces = " + interfaces + "\n", "/etc/postfix/master.cf": "smtp inet n - y - 1 postscreen\n"}))
		Postfix(r)
		if len(r.Sites) != 1 || r.Sites[0].Local != local || r.Sites[0].TLS {
			t.Errorf("%s: got %s", interfaces, show(r))
		}
	}
	r := site.NewReader(image.Of(t, map[string]string{"/etc/postfix/main.cf": "x\n"}))
	Postfix(r)
	if got := show(r); !strings.HasPrefix(got, "postfix error /etc/postfix/main.cf, line 1: missing '='") {
		t.Errorf("got %s", got)
	}
}

func TestPostfixProtocols(t *testing.T) {
	for text, want := range map[string]string{
		">=TLSv1.2": "TLSv1.2 TLSv1.3", ">=TLSv1, <=TLSv1.1": "TLSv1 TLSv1.1", "!SSLv2, !SSLv3": "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3",
		"TLSv1.2 TLSv1.3": "TLSv1.2 TLSv1.3", "": "SSLv3 TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", ">=x": "SSLv3 TLSv1 TLSv1.1 TLSv1.2 TLSv1.3",
	} {
		if got := strings.Join(postfixProtocols(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })), " "); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

const dovecotConf = `protocols = imap lmtp
ssl_cert = </tls/a.pem
ssl_key = </tls/a.key
ssl_alt_cert = <alt.pem
ssl_min_protocol = TLSv1
ssl_dh = </tls/dh.pem
local_name mail.example.org {
  ssl_cert = </tls/b.pem
  ssl_key = </tls/b.key
}
`

func TestDovecot(t *testing.T) {
	for extra, want := range map[string]string{
		"": "dovecot *: mail true local false tls may @0, plain login false (ssl = yes) @0", "disable_plaintext_auth = no\n": "plain login true (ssl = yes) @11",
		"ssl = required\ndisable_plaintext_auth = no\n": "tls required @11, plain login false (ssl = required) @12", "auth_allow_cleartext = yes\n": "plain login true",
		"ssl = no\n": "dovecot * (plain): mail true local false tls none @11", "listen = 127.0.0.1\n": "dovecot 127.0.0.1: mail true local true",
		"protocols = lmtp\n": "dovecot known", "protocols = lmtp\nprotocols = $protocols pop3\n": "dovecot *: mail",
	} {
		r := site.NewReader(image.Of(t, map[string]string{"/etc/dovecot/dovecot.conf": dovecotConf + extra}))
		Dovecot(r)
		if got := show(r); !strings.Contains(got, want) {
			t.Errorf("%q: got %s, want %s", extra, got, want)
		}
	}
	r := site.NewReader(image.Of(t, map[string]string{"/etc/dovecot/dovecot.conf": dovecotConf}))
	Dovecot(r)
	want := `dovecot *: mail true local false tls may @0, plain login false (ssl = yes) @0
  offers TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 @5
  /tls/dh.pem @6
  /tls/a.pem /tls/a.key @/etc/dovecot/dovecot.conf:2
  /etc/dovecot/alt.pem  @/etc/dovecot/dovecot.conf:4
  /tls/b.pem /tls/b.key @/etc/dovecot/dovecot.conf:8
dovecot known 
`
	if diff := cmp.Diff(want, show(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
