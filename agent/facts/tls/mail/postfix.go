// Package mail reads what Postfix and Dovecot offer over TLS: each smtpd of
// master.cf with its options is a site, and Dovecot as a whole is one.
package mail

import (
	"slices"
	"strings"

	"seawall/agent/facts/tls/site"
	"seawall/pkg/postfixconf"
)

// The programs, as findings name them.
const (
	programPostfix = "postfix"
	programDovecot = "dovecot"
)

// What a mail server says of TLS.
const (
	mailNone     = "none"
	mailMay      = "may"
	mailRequired = "required"
)

// Postfix reads the smtpd services of Postfix.
func Postfix(f *site.Reader) {
	conf, err := postfixconf.Load(f.Root, postfixconf.DefaultDir)
	f.Depend(conf.Files...)
	server := f.Server(programPostfix, conf.Files[0], err)
	if server == nil || err != nil {
		return
	}
	for i := range conf.Services {
		s := &conf.Services[i]
		if s.Type == "inet" && (s.Command == "smtpd" || s.Command == "postscreen") {
			smtpd(f, conf, s)
		}
	}
}

func smtpd(f *site.Reader, conf *postfixconf.Config, s *postfixconf.Service) {
	get := func(name, fallback string) site.Setting { return site.Setting(conf.GetFor(s, name, fallback)) }
	yes := func(name string) bool { return strings.EqualFold(get(name, "no").Value, "yes") }
	out := site.Site{Program: programPostfix, Mail: true, File: s.File, Line: s.Line, Raw: s.Raw, Listen: []string{s.Name}}
	out.Local = site.Loopback(s.Name)
	if !strings.Contains(s.Name, ":") {
		where := conf.GetFor(s, "inet_interfaces", "all").Words()
		out.Local = !slices.ContainsFunc(where, func(w string) bool {
			return w != "loopback-only" && w != "localhost" && !site.Loopback(w) && w != "::1"
		})
	}
	level := get("smtpd_tls_security_level", "")
	switch {
	case level.Value == "" && yes("smtpd_enforce_tls"), yes("smtpd_tls_wrappermode"):
		level.Value = mailRequired
	case level.Value == "" && yes("smtpd_use_tls"):
		level.Value = mailMay
	case level.Value == "encrypt":
		level.Value = mailRequired
	case level.Value == "":
		level.Value = mailNone
	}
	out.MailTLS = level
	out.TLS = level.Value != mailNone
	only := get("smtpd_tls_auth_only", "no")
	out.PlainLoginWhy = "it takes no passwords"
	if yes("smtpd_sasl_auth_enable") {
		out.PlainLogin = level.Value != mailRequired && !strings.EqualFold(only.Value, "yes")
		out.PlainLoginWhy = "smtpd_tls_auth_only = " + only.Value + ", TLS " + level.Value
		out.PlainLoginSet = only
	}
	if out.TLS {
		smtpdTLS(&out, conf, s)
	}
	f.Add(out)
}

// smtpdTLS takes the certificates and protocols.
func smtpdTLS(out *site.Site, conf *postfixconf.Config, s *postfixconf.Service) {
	chains := conf.GetFor(s, "smtpd_tls_chain_files", "")
	for _, name := range chains.Words() {
		out.Pairs = append(out.Pairs, site.Pair{Certificate: name, Key: name, File: chains.File, Line: chains.Line, Raw: chains.Raw})
	}
	for _, kind := range []string{"", "ec", "d"} {
		c := conf.GetFor(s, "smtpd_tls_"+kind+"cert_file", "")
		key := conf.GetFor(s, "smtpd_tls_"+kind+"key_file", "$smtpd_tls_"+kind+"cert_file")
		if len(chains.Words()) == 0 && c.Value != "" && c.Value != mailNone {
			out.Pairs = append(out.Pairs, site.Pair{Certificate: site.Below(postfixconf.DefaultDir, c.Value), Key: site.Below(postfixconf.DefaultDir, key.Value),
				File: c.File, Line: c.Line, Raw: c.Raw})
		}
	}
	name := "smtpd_tls_protocols"
	if out.MailTLS.Value == mailRequired {
		name = "smtpd_tls_mandatory_protocols"
	}
	p := conf.GetFor(s, name, ">=TLSv1")
	out.Protocols = site.Setting(p)
	out.Configured, out.Bounded = postfixProtocols(p.Words()), true
	if dh := conf.GetFor(s, "smtpd_tls_dh1024_param_file", ""); strings.HasPrefix(dh.Value, "/") {
		out.DHParams = site.Setting(dh)
	}
}

// postfixProtocols works out ">=TLSv1.2", "!SSLv3, !TLSv1" or "TLSv1.2, TLSv1.3".
func postfixProtocols(words []string) []string {
	all := site.Versions()[1:]
	var named []string
	for _, w := range words {
		name := site.VersionName(strings.TrimLeft(w, "!<>="))
		i := slices.Index(all, name)
		switch {
		case strings.HasPrefix(w, "!"):
			all = slices.DeleteFunc(all, func(v string) bool { return v == name })
		case i < 0:
		case strings.HasPrefix(w, ">="):
			all = all[i:]
		case strings.HasPrefix(w, "<="):
			all = all[:i+1]
		default:
			named = append(named, name)
		}
	}
	if len(named) > 0 {
		return slices.DeleteFunc(all, func(v string) bool { return !slices.Contains(named, v) })
	}
	return all
}
