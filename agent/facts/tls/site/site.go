// Package site finds what a host's servers offer over TLS: the sites in the
// configurations of nginx, Apache, HAProxy, Caddy, Postfix and Dovecot, each as its
// program reads it, with the certificates, protocols, ciphers and names that hold
// there and the lines that say so.
//
// A site is a server block, a VirtualHost, a bind line, a Caddy address, an smtpd
// of master.cf, or Dovecot as a whole. Plain HTTP sites are listed too, since what
// they redirect matters. Nothing that a configuration makes only at run time is
// seen: certificates by variables or scripts, macros, configuration kept by an API.
// What was not followed is said in [Server].Unread.
package site

import "seawall/agent/facts/fact"

// The programs whose configurations are read.
const (
	NGINX   = "nginx"
	Apache  = "apache"
	HAProxy = "haproxy"
	Caddy   = "caddy"
	Postfix = "postfix"
	Dovecot = "dovecot"
)

// Server is one program's configuration.
type Server struct {
	Program string      `json:"program"`
	State   fact.State  `json:"state"` // known, unknown (it may not be read), error (its program would refuse it)
	Reason  string      `json:"reason,omitempty"`
	File    string      `json:"file"` // where it begins, or where it is refused
	Line    int         `json:"line"`
	Sites   int         `json:"sites"`  // with TLS
	Unread  []fact.Text `json:"unread"` // what decides only when the server runs
}

// Site is one place where a server answers.
type Site struct {
	Program  string   `json:"program"`
	Label    string   `json:"label"`  // for people, unique: "nginx example.org"
	Names    []string `json:"names"`  // host names it answers to, in lower case, wildcards as written
	Listen   []string `json:"listen"` // addresses, as written
	TLS      bool     `json:"tls"`
	CatchAll bool     `json:"catch_all"` // it only answers those who ask for no site of this host
	Mail     bool     `json:"mail"`
	Local    bool     `json:"local"` // it listens on loopback addresses alone
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Raw      string   `json:"raw"`
	Pairs    []Pair   `json:"pairs"`
	// Managed says that the server gets and renews its certificates itself.
	Managed bool `json:"managed"`
	// Protocols as configured, Offered what remains of them once the host's OpenSSL
	// has had its say: SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.
	Protocols  fact.Text `json:"protocols"`
	Offered    []string  `json:"offered"`
	OfferedWhy string    `json:"offered_why"` // what took one away
	Ciphers    fact.Text `json:"ciphers"`
	// WeakCiphers are those that the configuration asks for and that are broken;
	// Legacy those in force without forward secrecy or without authenticated
	// encryption.
	WeakCiphers   []string  `json:"weak_ciphers"`
	LegacyCiphers []string  `json:"legacy_ciphers"`
	HSTS          fact.Text `json:"hsts"`
	HSTSSeconds   int       `json:"hsts_seconds"` // max-age, 0 where it is not sent
	Redirect      fact.Text `json:"redirect"`     // of plain HTTP: to https
	Plain443      bool      `json:"plain_443"`    // it listens on 443 without TLS
	Stapling      bool      `json:"stapling"`
	DHParams      fact.Text `json:"dh_params"` // a file
	Compression   fact.Text `json:"compression"`
	Renegotiation fact.Text `json:"renegotiation"` // insecure renegotiation allowed
	WebRoots      []string  `json:"web_roots"`
	// Of mail servers: whether TLS is offered (none, may, required), and whether a
	// password is taken without it.
	MailTLS       fact.Text `json:"mail_tls"`
	PlainLogin    fact.Tri  `json:"plain_login"`
	PlainLoginSet fact.Text `json:"plain_login_set"`
}

// Pair is a certificate file and its key's, as one line names them. Key is the
// certificate's own file where both are in one, and "" where none is named.
type Pair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	Chain       string `json:"chain,omitempty"` // further certificates that are sent
	File        string `json:"file"`
	Line        int    `json:"line"`
	Raw         string `json:"raw"`
}
