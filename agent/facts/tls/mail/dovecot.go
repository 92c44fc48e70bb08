package mail

import (
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/tls/site"
	"seawall/pkg/dovecotconf"
)

const maxPairs = 1000

// Dovecot reads Dovecot as one site.
func Dovecot(f *site.Reader) {
	conf, err := dovecotconf.Load(f.Root, dovecotconf.DefaultPath)
	f.Depend(conf.Watch...)
	server := f.Server(programDovecot, dovecotconf.DefaultPath, err)
	if server == nil || err != nil {
		return
	}
	d := &dovecotReader{conf: conf}
	listen := d.words("listen", "*, ::")
	out := site.Site{Program: programDovecot, Mail: true, File: dovecotconf.DefaultPath, Listen: listen, MailTLS: d.get("ssl", "yes")}
	out.Local = !slices.ContainsFunc(listen, func(l string) bool { return !site.Loopback(l) && l != "::1" })
	if !d.serves("imap", "pop3", "submission", "sieve") {
		return
	}
	switch out.MailTLS.Value {
	case "no":
		out.MailTLS.Value = mailNone
	case "yes":
		out.MailTLS.Value = mailMay
	}
	out.TLS = out.MailTLS.Value != mailNone
	forbidden := d.get("disable_plaintext_auth", "yes")
	plain := forbidden.Value == "no"
	if t := d.get("auth_allow_cleartext", ""); t.Set { // the name since Dovecot 2.4
		forbidden, plain = t, t.Value == "yes"
	}
	out.PlainLoginSet = forbidden
	out.PlainLogin, out.PlainLoginWhy = plain && out.MailTLS.Value != mailRequired, "ssl = "+d.get("ssl", "yes").Value
	out.Protocols = d.get("ssl_min_protocol", "TLSv1.2")
	out.Ciphers = d.get("ssl_cipher_list", "ALL:!kRSA:!SRP:!kDHd:!DSS:!aNULL:!eNULL:!EXPORT:!DES:!3DES:!MD5:!PSK:!RC4:!ADH:!LOW@STRENGTH")
	out.Configured, out.Bounded = site.Since(out.Protocols.Value), true
	if t := d.get("ssl_dh", ""); strings.HasPrefix(t.Value, "<") {
		out.DHParams = t
		out.DHParams.Value = site.Below(path.Dir(dovecotconf.DefaultPath), strings.TrimSpace(t.Value[1:]))
	}
	if out.TLS {
		var more bool
		if out.Pairs, more = dovecotPairs(conf.Settings, 0); more {
			f.Leave(programDovecot, "certificates")
		}
	}
	f.Add(out)
}

type dovecotReader struct{ conf *dovecotconf.Config }

func (d *dovecotReader) get(name, fallback string) site.Setting {
	s, ok := d.conf.Get(name)
	if !ok {
		return site.Setting{Value: fallback}
	}
	return site.Line(s.Value, s.File, s.Line, s.Name+" = "+s.Value)
}

func (d *dovecotReader) words(name, fallback string) []string {
	return strings.FieldsFunc(d.get(name, fallback).Value, func(r rune) bool { return r == ',' || r == ' ' })
}

// serves reports whether one of the protocols is switched on. Packages add theirs
// by "protocols = $protocols imap".
func (d *dovecotReader) serves(names ...string) bool {
	var on []string
	for _, s := range d.conf.Settings {
		if s.Name == "protocols" {
			if words := strings.Fields(s.Value); !slices.Contains(words, "$protocols") {
				on = words
			} else {
				on = append(on, words...)
			}
		}
	}
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(on, n) })
}

// dovecotPairs takes the certificates of a block and of the blocks for names,
// addresses and protocols in it. more says that there are others.
func dovecotPairs(list []dovecotconf.Setting, depth int) (out []site.Pair, more bool) {
	const deepest = 3
	file := func(names ...string) (dovecotconf.Setting, string) {
		for _, n := range names {
			if s, ok := dovecotconf.Last(list, n); ok {
				name := strings.TrimSpace(strings.TrimPrefix(s.Value, "<"))
				return s, site.Below(path.Dir(dovecotconf.DefaultPath), name)
			}
		}
		return dovecotconf.Setting{}, ""
	}
	for _, kind := range []string{"", "alt_"} {
		c, name := file("ssl_"+kind+"cert", "ssl_server_"+kind+"cert_file")
		_, key := file("ssl_"+kind+"key", "ssl_server_"+kind+"key_file")
		if name != "" {
			out = append(out, site.Pair{Certificate: name, Key: key, File: c.File, Line: c.Line, Raw: c.Name + " = " + c.Value})
		}
	}
	for _, s := range list {
		switch {
		case !slices.Contains([]string{"local_name", "local", "protocol"}, s.Name) || s.Block == nil:
		case depth == deepest || len(out) >= maxPairs:
			more = true
		default:
			inside, others := dovecotPairs(s.Block, depth+1)
			out, more = append(out, inside...), more || others
		}
	}
	return out, more
}
