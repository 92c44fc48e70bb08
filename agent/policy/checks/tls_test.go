package checks

import (
	"strings"
	"testing"

	"seawall/agent/facts"
	"seawall/agent/facts/fact"
	"seawall/agent/facts/tls"
	"seawall/agent/facts/tls/renewal"
	"seawall/agent/facts/tls/site"
)

// goodTLS fills in a host with a web site and a mail server.
func goodTLS(f *facts.Facts, known fact.Meta) {
	yes := fact.Tri{Known: true, Yes: true, Reason: "seen"}
	line := func(n int, value string) site.Setting {
		return site.Setting{Value: value, Set: true, File: "/etc/nginx/nginx.conf", Line: n, Raw: value + ";"}
	}
	offered := []string{"TLSv1.2", "TLSv1.3"}
	pair := site.Pair{Certificate: "/le/a/fullchain.pem", Key: "/le/a/privkey.pem", File: "/etc/nginx/nginx.conf", Line: 9, Raw: "ssl_certificate /le/a/fullchain.pem"}
	web := site.Site{Program: "nginx", Label: "nginx a.example", Names: []string{"a.example"}, Listen: []string{"443"}, TLS: true,
		File: pair.File, Line: 5, Raw: "server_name a.example", Pairs: []site.Pair{pair}, Protocols: line(6, "ssl_protocols"), Configured: offered,
		Offered: offered, Ciphers: line(7, "ECDHE+AESGCM"), HSTS: line(8, "max-age"), HSTSSeconds: 31536000, Stapling: true, DHParams: line(10, "/dh")}
	plain := site.Site{Program: "nginx", Label: "nginx a.example (plain)", Names: web.Names, Listen: []string{"80"}, File: pair.File, Line: 20,
		Redirect: line(21, "return 301")}
	mail := site.Site{Program: "postfix", Label: "postfix smtp", Mail: true, TLS: true, Offered: offered, Configured: offered,
		File: "/etc/postfix/master.cf", Line: 2, Raw: "smtp inet", MailTLS: site.Setting{Value: "may"}, PlainLoginWhy: "no passwords"}
	client := renewal.Client{Name: "certbot", Directory: "/etc/letsencrypt/renewal", Active: yes, LastRun: yes, File: "/link", Log: "/log",
		Lineages: []renewal.Lineage{{Client: "certbot", Name: "a", File: "/renewal/a.conf", Unattended: yes, Server: "https://acme"}}}
	f.TLS = tls.Facts{Meta: known, Sites: []site.Site{web, plain, mail},
		Servers: []site.Server{{Program: "nginx", State: "known", File: pair.File}, {Program: "postfix", State: "known", File: mail.File}},
		Certificates: []tls.Certificate{{File: pair.Certificate, State: fact.StateKnown, UsedBy: []string{web.Label}, Uses: []site.Pair{pair}, Web: true,
			Subject: "a.example", Issuer: "R1", Names: web.Names, NotBefore: "2026-11-01T00:00:00Z", NotAfter: "2027-01-30T00:00:00Z", DaysLeft: 69, LifeDays: 90,
			ServerUse: true, MustStaple: true, KeyType: "ECDSA", KeyBits: 256, Sent: 2, Chain: yes, Trusted: yes, KeyFile: pair.Key, KeyMatches: yes, Lineage: "a"}},
		Keys:       []tls.Key{{File: pair.Key, State: fact.StateKnown, Mode: 0o640, UsedBy: []string{web.Label}}},
		Parameters: []tls.Parameters{{File: "/dh", Bits: 2048, UsedBy: []string{web.Label}}},
		Clients:    []renewal.Client{client},
		OpenSSL:    tls.OpenSSL{Installed: true, Version: "3", File: "/etc/ssl/openssl.cnf", Level: 2, LevelKnown: true, Policy: fact.Text{Value: "DEFAULT", Set: true}},
		Trust:      tls.Trust{File: "/etc/ssl/certs/ca-certificates.crt"},
	}
}

// Changes of the good host's parts.
func web(change func(*site.Site)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.TLS.Sites[0]) }
}

func mail(change func(*site.Site)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.TLS.Sites[2]) }
}

func certificate(change func(*tls.Certificate)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.TLS.Certificates[0]) }
}

func serverKey(change func(*tls.Key)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.TLS.Keys[0]) }
}

func client(change func(*renewal.Client)) func(*facts.Facts) {
	return func(f *facts.Facts) { change(&f.TLS.Clients[0]) }
}

func unreadServer(f *facts.Facts) {
	f.TLS.Servers[0].State, f.TLS.Servers[0].Reason = "unknown", "permission denied"
}

func noTLS(f *facts.Facts) {
	f.TLS.Sites, f.TLS.Certificates, f.TLS.Keys, f.TLS.Parameters, f.TLS.Clients, f.TLS.Servers = nil, nil, nil, nil, nil, nil
}

func tlsCases() []testCase {
	return append(certificateCases(), append(siteCases(), renewalCases()...)...)
}

func certificateCases() []testCase {
	no := fact.Tri{Known: true, Reason: "the certificate of R1 is missing"}
	staging := func(f *facts.Facts) { f.TLS.Clients[0].Lineages[0].Staging = true }
	return []testCase{
		{"tls-configuration", func(f *facts.Facts) {
			s := &f.TLS.Servers[0]
			s.State, s.Reason, s.Line = "error", `unexpected "}"`, 3
		}, `nginx fail medium: unexpected "}" @/etc/nginx/nginx.conf:3`},
		{"tls-configuration", unreadServer, "nginx unknown: permission denied"},
		{"tls-configuration", func(f *facts.Facts) { f.TLS.Servers[0].Unread = []site.Setting{{File: "/x", Line: 4}} }, "unknown: certificates or settings are chosen only when the server runs: /x:4"},
		{"tls-configuration", noTLS, "not_applicable: no server"},
		{"tls-certificate-readable", certificate(func(c *tls.Certificate) { c.State, c.Reason = fact.StateAbsent, "the file does not exist" }),
			"/le/a/fullchain.pem fail high: the file does not exist @/etc/nginx/nginx.conf:9"},
		{"tls-certificate-readable", certificate(func(c *tls.Certificate) { c.State, c.Reason = fact.StateUnknown, "permission denied" }), "unknown: permission denied"},
		{"tls-certificate-readable", unreadServer, "unknown: not every server's"},
		{"tls-certificate-readable", noTLS, "not_applicable: no server offers TLS"},
		{"tls-certificate-expired", certificate(func(c *tls.Certificate) { c.Expired = true }), "fail high: expired on 2027-01-30T00:00:00Z @/le/a/fullchain.pem:0"},
		{"tls-certificate-expired", certificate(func(c *tls.Certificate) { c.Expired, c.Web = true, false }), "fail medium: expired"},
		{"tls-certificate-expired", certificate(func(c *tls.Certificate) { c.State = fact.StateAbsent }), "unknown: nothing to examine"},
		{"tls-certificate-expiring", certificate(func(c *tls.Certificate) { c.DaysLeft = 13 }), "fail medium: valid until 2027-01-30T00:00:00Z"},
		{"tls-certificate-expiring", certificate(func(c *tls.Certificate) { c.DaysLeft = 2 }), "fail high: valid until"},
		{"tls-certificate-expiring", certificate(func(c *tls.Certificate) { c.DaysLeft, c.LifeDays = 2, 6 }), "pass: valid until"},
		{"tls-certificate-expiring", certificate(func(c *tls.Certificate) { c.DaysLeft, c.Expired = -2, true }), "pass: valid until"}, // the other check's
		{"tls-certificate-not-yet-valid", certificate(func(c *tls.Certificate) { c.NotYet = true }), "fail medium: valid from 2026-11-01"},
		{"tls-certificate-names", certificate(func(c *tls.Certificate) { c.Missing = []string{"b.example"} }), "fail medium: does not name b.example"},
		{"tls-certificate-names", web(func(s *site.Site) { s.Names = nil }), "not_applicable: no site with TLS has a name"},
		{"tls-certificate-self-signed", certificate(func(c *tls.Certificate) { c.SelfSigned, c.Trusted = true, fact.Tri{Known: true} }), "fail medium: self-signed"},
		{"tls-certificate-self-signed", certificate(func(c *tls.Certificate) {
			c.SelfSigned, c.Trusted, c.UsedBy = true, fact.Tri{Known: true}, []string{"postfix smtp"}
		}), "fail low: self-signed"},
		{"tls-certificate-self-signed", certificate(func(c *tls.Certificate) { c.SelfSigned = true }), "pass: self-signed, and trusted by this host"},
		{"tls-certificate-self-signed", certificate(func(c *tls.Certificate) { c.Web = false }), "not_applicable: no certificate is checked"},
		{"tls-certificate-chain", certificate(func(c *tls.Certificate) { c.Chain = no }), "fail high: the certificate of R1 is missing"},
		{"tls-certificate-chain", certificate(func(c *tls.Certificate) { c.Chain = fact.Tri{Reason: "an authority of one's own"} }), "unknown: an authority"},
		{"tls-certificate-chain-expiry", certificate(func(c *tls.Certificate) { c.ChainExpires = "2026-12-01T00:00:00Z" }), "fail low: one ends on 2026-12-01T00:00:00Z, before"},
		{"tls-certificate-trusted", certificate(func(c *tls.Certificate) { c.Trusted = no }), "fail low: the certificate of R1"},
		{"tls-certificate-trusted", certificate(func(c *tls.Certificate) { c.Trusted = fact.Tri{Reason: "no store"} }), "unknown: no store"},
		{"tls-certificate-key-strength", certificate(func(c *tls.Certificate) { c.KeyType, c.KeyBits = "RSA", 1024 }), "fail high: RSA 1024 bits"},
		{"tls-certificate-key-strength", certificate(func(c *tls.Certificate) { c.KeyType, c.KeyBits = "DSA", 3072 }), "fail high: DSA"},
		{"tls-certificate-key-strength", certificate(func(c *tls.Certificate) { c.KeyBits = 224 }), "fail high: ECDSA 224"},
		{"tls-certificate-signature", certificate(func(c *tls.Certificate) { c.WeakSignatures = []string{"SHA-1 on a.example"} }), "fail high: SHA-1 on a.example"},
		{"tls-certificate-server-use", certificate(func(c *tls.Certificate) { c.ServerUse = false }), "fail medium: for something else"},
		{"tls-certificate-authority", certificate(func(c *tls.Certificate) { c.Authority = true }), "fail low: it may sign others"},
		{"tls-certificate-lifetime", certificate(func(c *tls.Certificate) { c.LifeDays = 3650 }), "fail low: made for 3650 days"},
		{"tls-certificate-key-match", certificate(func(c *tls.Certificate) { c.KeyMatches = fact.Tri{Known: true, Reason: "not the certificate of /k"} }), "fail high: not the certificate of /k"},
		{"tls-certificate-key-match", certificate(func(c *tls.Certificate) { c.KeyMatches = fact.Tri{Reason: "the key is encrypted"} }), "unknown: the key is encrypted"},
		{"tls-must-staple", web(func(s *site.Site) { s.Stapling = false }), "fail medium: not stapled by nginx a.example"},
		{"tls-key-permissions", serverKey(func(k *tls.Key) { k.Mode = 0o644 }), "/le/a/privkey.pem fail high: mode 644, owner 0, group 0"},
		{"tls-key-permissions", serverKey(func(k *tls.Key) { k.Mode = 0o660 }), "fail high: mode 660"},
		{"tls-key-permissions", serverKey(func(k *tls.Key) { k.Mode, k.State, k.Reason = -1, fact.StateUnknown, "refused" }), "unknown: refused"},
		{"tls-key-owner", serverKey(func(k *tls.Key) { k.UID = 1000 }), "fail high: owner 1000"},
		{"tls-key-directory", serverKey(func(k *tls.Key) { k.OpenDir = "/srv" }), "fail high: everybody may write in /srv @/srv:0"},
		{"tls-key-web-root", serverKey(func(k *tls.Key) { k.WebRoot = "/var/www" }), "fail critical: below the web root /var/www"},
		{"tls-dh-parameters", func(f *facts.Facts) { f.TLS.Parameters[0].Bits = 1024 }, "/dh fail medium: 1024 bits"},
		{"tls-dh-parameters", func(f *facts.Facts) { f.TLS.Parameters[0].Bits, f.TLS.Parameters[0].Reason = 0, "no such file" }, "unknown: no such file"},
		{"tls-renewal-staging", staging, "a fail medium: https://acme"},
	}
}

func siteCases() []testCase {
	offer := func(versions ...string) func(*facts.Facts) {
		return web(func(s *site.Site) { s.Offered, s.Configured = versions, versions })
	}
	return []testCase{
		{"tls-protocols", offer("TLSv1.1", "TLSv1.2"), "nginx a.example fail medium: TLSv1.1, TLSv1.2 @/etc/nginx/nginx.conf:6"},
		{"tls-protocols", offer("SSLv3", "TLSv1.2"), "fail high: SSLv3"},
		{"tls-protocols", mail(func(s *site.Site) { s.Offered = []string{"TLSv1"} }), "pass"}, // better than none
		{"tls-protocols", mail(func(s *site.Site) { s.Offered, s.MailTLS.Value = []string{"TLSv1"}, "required" }), "postfix smtp fail medium: TLSv1"},
		{"tls-protocols", unreadServer, "unknown: not every server's configuration"},
		{"tls-protocols-configured", web(func(s *site.Site) { s.Configured = []string{"TLSv1", "TLSv1.2"} }), "fail low: TLSv1, TLSv1.2"},
		{"tls-protocol-13", offer("TLSv1.2"), "fail low: TLSv1.2"},
		{"tls-ciphers", web(func(s *site.Site) { s.WeakCiphers = []string{"RC4-SHA", "NULL-SHA"} }), "fail high: RC4-SHA, NULL-SHA @/etc/nginx/nginx.conf:7"},
		{"tls-ciphers", web(func(s *site.Site) { s.WeakCiphers = strings.Split(strings.Repeat("x ", 19)+"x", " ") }), "x and 8 more"},
		{"tls-ciphers-legacy", web(func(s *site.Site) { s.LegacyCiphers = []string{"AES128-SHA", "x"} }), "fail low: 2 without, AES128-SHA among them"},
		{"tls-compression", web(func(s *site.Site) { s.Compression = s.Ciphers }), "fail medium: on"},
		{"tls-renegotiation", web(func(s *site.Site) { s.Renegotiation = s.Ciphers }), "fail medium: allowed"},
		{"tls-hsts", web(func(s *site.Site) { s.HSTS, s.HSTSSeconds = site.Setting{}, 0 }), "fail informational: not sent"},
		{"tls-hsts", web(func(s *site.Site) { s.HSTSSeconds = 300 }), "fail informational: for 300 seconds @/etc/nginx/nginx.conf:8"},
		{"tls-hsts", web(func(s *site.Site) { s.Local = true }), "not_applicable"},
		{"tls-redirect", func(f *facts.Facts) { f.TLS.Sites[1].Redirect = site.Setting{} }, "nginx a.example (plain) fail low: answers in the clear @/etc/nginx/nginx.conf:20"},
		{"tls-redirect", func(f *facts.Facts) { f.TLS.Sites[1].Names = []string{"other.example"} }, "not_applicable"},
		{"tls-plain-443", func(f *facts.Facts) { f.TLS.Sites[1].Plain443 = true }, "nginx a.example (plain) fail medium: in the clear"},
		{"tls-plain-443", unreadServer, "unknown: not every"},
		{"tls-mail-offered", mail(func(s *site.Site) { s.TLS, s.MailTLS.Value = false, "none" }), "postfix smtp fail medium: not offered @/etc/postfix/master.cf:2"},
		{"tls-mail-offered", mail(func(s *site.Site) { s.Local = true }), "not_applicable"},
		{"tls-mail-passwords", mail(func(s *site.Site) { s.PlainLogin, s.PlainLoginWhy = true, "smtpd_tls_auth_only = no" }), "fail high: taken in the clear (smtpd_tls_auth_only = no)"},
	}
}

func renewalCases() []testCase {
	policy := func(value string) func(*facts.Facts) {
		return func(f *facts.Facts) { f.TLS.OpenSSL.Policy = fact.Text{Value: value, Set: value != ""} }
	}
	return []testCase{
		{"tls-renewal-configured", certificate(func(c *tls.Certificate) { c.Lineage = "" }), "fail medium: no client on this host keeps it"},
		{"tls-renewal-configured", certificate(func(c *tls.Certificate) { c.Lineage, c.Managed = "", true }), "pass: the server renews it"},
		{"tls-renewal-configured", certificate(func(c *tls.Certificate) { c.LifeDays = 365 }), "not_applicable"},
		{"tls-renewal-active", client(func(c *renewal.Client) { c.Active = fact.Tri{Known: true, Reason: "certbot.timer is masked"} }), "certbot fail high: certbot.timer is masked"},
		{"tls-renewal-active", client(func(c *renewal.Client) { c.Active = fact.Tri{Reason: "refused"} }), "certbot unknown: refused"},
		{"tls-renewal-active", noTLS, "not_applicable: no ACME client"},
		{"tls-renewal-success", client(func(c *renewal.Client) { c.LastRun = fact.Tri{Known: true, Reason: "the last run failed: x"} }), "certbot fail medium: the last run failed: x @/log:0"},
		{"tls-renewal-success", client(func(c *renewal.Client) { c.LastRun = fact.Tri{} }), "unknown: nothing is known"},
		{"tls-renewal-unattended", client(func(c *renewal.Client) { c.Lineages[0].Unattended = fact.Tri{Known: true, Reason: "manual"} }), "a fail medium: manual"},
		{"tls-renewal-overdue", certificate(func(c *tls.Certificate) { c.DaysLeft = 20 }), "fail high: of 90 days, until 2027-01-30T00:00:00Z"},
		{"tls-openssl-level", func(f *facts.Facts) { f.TLS.OpenSSL.Level = 0 }, "fail medium: 0 @/etc/ssl/openssl.cnf:0"},
		{"tls-openssl-level", func(f *facts.Facts) { f.TLS.OpenSSL.LevelKnown, f.TLS.OpenSSL.Reason = false, "too large" }, "unknown: too large"},
		{"tls-openssl-min-protocol", func(f *facts.Facts) {
			f.TLS.OpenSSL.MinProtocol = fact.Text{Value: "TLSv1", Set: true, File: "/etc/ssl/openssl.cnf", Line: 8}
		}, "fail medium: TLSv1 @/etc/ssl/openssl.cnf:8"},
		{"tls-crypto-policy", policy("LEGACY"), "fail medium: LEGACY"},
		{"tls-crypto-policy", policy("DEFAULT:SHA1"), "fail medium: DEFAULT:SHA1"},
		{"tls-crypto-policy", policy(""), "not_applicable"},
		{"tls-trust-store", func(f *facts.Facts) { f.TLS.Trust.Open = []fact.Text{{File: "/etc/ssl/certs", Value: "drwxrwxrwx"}} }, "fail high: others may write /etc/ssl/certs @/etc/ssl/certs:0"},
		{"tls-trust-added", func(f *facts.Facts) { f.TLS.Trust.Added = []fact.Text{{File: "/l/x.crt", Value: "x.crt"}} }, "fail informational: x.crt @/l/x.crt:0"},
	}
}

// TestClockAndCertificates: a certificate that is a day older gives the same
// results, so that a host with nothing new says nothing.
func TestClockAndCertificates(t *testing.T) {
	p := load(t)
	for _, c := range p.Checks() {
		if !strings.HasPrefix(c.ID, "tls-") {
			continue
		}
		f := good()
		before := one(p, f, c.ID)
		f.TLS.Certificates[0].DaysLeft--
		if after := one(p, f, c.ID); after != before {
			t.Errorf("%s: %s, a day later %s", c.ID, before, after)
		}
	}
}
