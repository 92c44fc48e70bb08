package site

import (
	"slices"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/opensslconf"
)

// Library is the host's OpenSSL, so far as it decides what servers offer.
type Library struct {
	Major       int    // 3, 1, or 0 where it is not known
	Level       int    // the security level where a server sets none
	MinProtocol string // of openssl.cnf, for servers that set no bounds of their own
}

// versions are the protocols in their order.
func versions() []string { return []string{"SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"} }

// since returns the protocols from one on, or all that are good where it is none.
func since(first string) []string {
	all := versions()
	if i := slices.Index(all, protocolName(first)); i >= 0 {
		return all[i:]
	}
	return all[4:]
}

// protocolName is the name that OpenSSL uses: HAProxy says TLSv1.0, Caddy tls1.2.
func protocolName(s string) string {
	s = strings.ToLower(s)
	switch s {
	case "tlsv1.0", "tls1.0":
		return "TLSv1"
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "tlsv"), "tls")
	for _, v := range versions() {
		if strings.ToLower(v) == s || strings.TrimPrefix(strings.ToLower(v), "tlsv") == s {
			return v
		}
	}
	return ""
}

// offer sets what a site offers, and its ciphers. own says that the program sets
// the bounds itself, whatever openssl.cnf says.
func (s *Site) offer(lib Library, configured []string, own bool) {
	set := opensslconf.Parse(s.Ciphers.Value)
	level := lib.Level
	if set.Level >= 0 {
		level = set.Level
	}
	for _, v := range configured {
		old := v == "SSLv3" || v == "TLSv1" || v == "TLSv1.1"
		switch {
		case slices.Contains(s.Offered, v):
		case v == "SSLv2" && lib.Major > 0, v == "SSLv3" && lib.Major > 0:
			s.OfferedWhy = "this host's OpenSSL has no SSLv3"
		case old && lib.Major >= 3 && level > 0:
			// TLS before 1.2 signs with SHA-1 and MD5: no level but 0 takes that.
			s.OfferedWhy = "OpenSSL 3 offers nothing before TLSv1.2 unless the security level is 0"
		case old && !own && slices.Index(versions(), v) < slices.Index(versions(), protocolName(lib.MinProtocol)):
			s.OfferedWhy = "openssl.cnf sets MinProtocol"
		default:
			s.Offered = append(s.Offered, v)
		}
	}
	s.WeakCiphers = opensslconf.Broken(s.Ciphers.Value)
	for _, c := range set.Suites {
		if c.Exchange == "RSA" || c.Exchange == "RSAPSK" || c.MAC != "AEAD" {
			s.LegacyCiphers = append(s.LegacyCiphers, c.Name)
		}
	}
}

// setting is a value and the line that sets it.
func setting(value, file string, line int, raw string) fact.Text {
	return fact.Text{Value: value, Set: true, File: file, Line: line, Raw: raw}
}
