// Package site describes what a host's servers offer over TLS, and collects it for
// the readers of the servers' configurations: packages web (nginx, Apache), proxy
// (HAProxy, Caddy) and mail (Postfix, Dovecot).
//
// A site is a server block, a VirtualHost, a bind line, a Caddy address, an smtpd
// of master.cf, or Dovecot as a whole. Plain HTTP sites are listed too, since what
// they redirect matters. Nothing that a configuration makes only at run time is
// seen: certificates by variables or scripts, macros, configuration kept by an API.
// What was not followed is said in [Server].Unread. What a host's OpenSSL makes of
// the protocols and ciphers is filled in by package tls.
package site

// Setting is a setting as written: its value and where it stands. One that is not
// set has Set false, the value in force (a default) and no line.
type Setting struct {
	Value string `json:"value"`
	Set   bool   `json:"set"`
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	Raw   string `json:"raw,omitempty"` // the whole line, for evidence
}

// Server is one program's configuration.
type Server struct {
	Program string    `json:"program"` // nginx, apache, haproxy, caddy, postfix, dovecot
	State   string    `json:"state"`   // as of package fact: known, unknown (it may not be read), error (its program would refuse it)
	Reason  string    `json:"reason,omitempty"`
	File    string    `json:"file"` // where it begins, or where it is refused
	Line    int       `json:"line"`
	Sites   int       `json:"sites"`  // with TLS
	Unread  []Setting `json:"unread"` // what decides only when the server runs
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
	// Configured are the protocols of the setting, worked out; Bounded says that no
	// bounds of openssl.cnf hold beside them, and OwnTLS that OpenSSL is not used.
	Configured []string `json:"configured"`
	Bounded    bool     `json:"-"`
	OwnTLS     bool     `json:"-"`
	// Protocols as configured, Offered what remains of them once the host's OpenSSL
	// has had its say: SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.
	Protocols  Setting  `json:"protocols"`
	Offered    []string `json:"offered"`
	OfferedWhy string   `json:"offered_why"` // what took one away
	Ciphers    Setting  `json:"ciphers"`
	// WeakCiphers are those that the configuration asks for and that are broken;
	// Legacy those in force without forward secrecy or without authenticated
	// encryption.
	WeakCiphers   []string `json:"weak_ciphers"`
	LegacyCiphers []string `json:"legacy_ciphers"`
	HSTS          Setting  `json:"hsts"`
	HSTSSeconds   int      `json:"hsts_seconds"` // max-age, 0 where it is not sent
	Redirect      Setting  `json:"redirect"`     // of plain HTTP: to https
	Plain443      bool     `json:"plain_443"`    // it listens on 443 without TLS
	Stapling      bool     `json:"stapling"`
	DHParams      Setting  `json:"dh_params"` // a file
	Compression   Setting  `json:"compression"`
	Renegotiation Setting  `json:"renegotiation"` // insecure renegotiation allowed
	WebRoots      []string `json:"web_roots"`
	// Of mail servers: whether TLS is offered (none, may, required), and whether a
	// password is taken without it.
	MailTLS       Setting `json:"mail_tls"`
	PlainLogin    bool    `json:"plain_login"`
	PlainLoginWhy string  `json:"plain_login_why"`
	PlainLoginSet Setting `json:"plain_login_set"`
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
