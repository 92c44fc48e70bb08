package tls

import (
	"slices"

	"seawall/agent/facts/tls/site"
	"seawall/pkg/opensslconf"
)

// library is the host's OpenSSL, so far as it decides what servers offer.
type library struct {
	major       int    // 3, 1, or 0 where it is not known
	level       int    // the security level where a server sets none
	minProtocol string // of openssl.cnf, for servers that set no bounds of their own
}

// ciphers is what a cipher string comes to.
type ciphers struct {
	level        int
	weak, legacy []string
}

// judge works out a cipher string, each once.
func judge(text string, known map[string]ciphers) ciphers {
	if got, ok := known[text]; ok {
		return got
	}
	set := opensslconf.Parse(text)
	out := ciphers{level: set.Level, weak: append([]string{}, opensslconf.Broken(text)...), legacy: []string{}}
	for _, c := range set.Suites {
		if c.Exchange == "RSA" || c.Exchange == "RSAPSK" || c.MAC != "AEAD" {
			out.legacy = append(out.legacy, c.Name)
		}
	}
	known[text] = out
	return out
}

// offer sets what a site offers, and what its ciphers come to.
func offer(s *site.Site, lib library, c ciphers) {
	s.Offered, s.WeakCiphers, s.LegacyCiphers = []string{}, c.weak, c.legacy
	if c.level >= 0 {
		lib.level = c.level
	}
	if s.OwnTLS {
		lib = library{}
	}
	order := site.Versions()
	least := slices.Index(order, site.VersionName(lib.minProtocol))
	for _, v := range s.Configured {
		old := slices.Index(order, v) < slices.Index(order, "TLSv1.2")
		switch {
		case slices.Contains(s.Offered, v):
		case lib.major > 0 && (v == "SSLv2" || v == "SSLv3"):
			s.OfferedWhy = "this host's OpenSSL has no " + v
		case old && lib.major >= 3 && lib.level > 0:
			// TLS before 1.2 signs with SHA-1 and MD5: no level but 0 takes that.
			s.OfferedWhy = "OpenSSL 3 offers nothing before TLSv1.2 unless the security level is 0"
		case old && !s.Bounded && slices.Index(order, v) < least:
			s.OfferedWhy = "openssl.cnf sets MinProtocol"
		default:
			s.Offered = append(s.Offered, v)
		}
	}
}
