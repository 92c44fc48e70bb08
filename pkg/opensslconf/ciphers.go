package opensslconf

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed suites.tsv
var table string

// maxString bounds a cipher string.
const maxString = 16 << 10

// Suite is a cipher suite before TLS 1.3, in OpenSSL's words.
type Suite struct {
	Name       string
	Protocol   string // the first that has it
	Exchange   string // ECDH, DH, RSA, PSK, …
	Signature  string // RSA, ECDSA, DSS, None, PSK, SRP
	Encryption string // AESGCM(256), None, …
	MAC        string // AEAD, SHA1, …
	class      string
}

// Suites returns what OpenSSL 3.0 has.
func Suites() []Suite {
	var all []Suite
	for line := range strings.Lines(table) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) == 7 {
			all = append(all, Suite{f[0], f[1], f[2], f[3], f[4], f[5], f[6]})
		}
	}
	return all
}

// Ciphers is what a cipher string stands for.
type Ciphers struct {
	Suites []Suite
	Level  int // of @SECLEVEL, -1 where it is not given
}

// Parse returns the suites that a cipher string stands for.
func Parse(text string) Ciphers {
	all := Suites()
	state := make([]byte, len(all)) // 0 out, '+' in, '!' out for good
	c := Ciphers{Level: -1}
	rules := parts(text)
	if len(rules) > 0 && strings.HasPrefix(rules[0], "DEFAULT") {
		rules = slices.Concat([]string{"ALL", "!COMPLEMENTOFDEFAULT", "!eNULL"}, parts(rules[0][len("DEFAULT"):]), rules[1:])
	}
	for _, rule := range rules {
		if level, ok := strings.CutPrefix(rule, "@SECLEVEL="); ok {
			if len(level) == 1 && level >= "0" && level <= "5" {
				c.Level = int(level[0] - '0')
			}
			continue
		}
		op := byte('=')
		if strings.IndexByte("!-+@", rule[0]) >= 0 {
			op, rule = rule[0], rule[1:]
		}
		apply(all, state, op, rule)
	}
	for i, s := range all {
		if state[i] == '+' {
			c.Suites = append(c.Suites, s)
		}
	}
	return c
}

// apply takes one rule.
func apply(all []Suite, state []byte, op byte, rule string) {
	if op == '+' || op == '@' || rule == "" {
		return
	}
	tests := strings.Split(rule, "+")
	for i := range all {
		if state[i] == '!' || slices.ContainsFunc(tests, func(t string) bool { return !all[i].is(t) }) {
			continue
		}
		state[i] = map[byte]byte{'=': '+', '-': 0, '!': '!'}[op]
	}
}

// parts divides a cipher string. A level may follow a name without a divider.
func parts(text string) []string {
	if len(text) > maxString {
		text = text[:maxString]
	}
	return strings.FieldsFunc(strings.ReplaceAll(text, "@SECLEVEL", ":@SECLEVEL"), func(r rune) bool { return strings.ContainsRune(":,; \t\r\n", r) })
}

// is reports whether a suite belongs to a name of ssl_ciph.c, or has it.
func (s *Suite) is(name string) bool {
	if got, ok := s.inClass(name); ok {
		return got
	}
	if got, ok := s.exchanges(name); ok {
		return got
	}
	if got, ok := s.signs(name); ok {
		return got
	}
	if got, ok := s.encrypts(name); ok {
		return got
	}
	switch name {
	case "MD5":
		return s.MAC == "MD5"
	case "SHA", "SHA1":
		return s.MAC == "SHA1"
	case "SHA256", "SHA384":
		return s.MAC == name
	case "SSLv3":
		return s.Protocol == name
	case "TLSv1", "TLSv1.0":
		return s.Protocol == "TLSv1"
	case "TLSv1.2":
		return s.Protocol == name
	}
	return s.Name == name
}

func (s *Suite) inClass(name string) (is, known bool) {
	switch name {
	case "ALL":
		return s.Encryption != "None", true
	case "COMPLEMENTOFALL", "eNULL", "NULL":
		return s.Encryption == "None", true
	case "COMPLEMENTOFDEFAULT":
		return strings.Contains(s.class, "N"), true
	case "HIGH":
		return strings.Contains(s.class, "H"), true
	case "MEDIUM":
		return strings.Contains(s.class, "M"), true
	case "FIPS":
		return strings.Contains(s.class, "H") && strings.HasPrefix(s.Encryption, "AES"), true
	}
	return false, false
}

func (s *Suite) exchanges(name string) (is, known bool) {
	x, a := s.Exchange, s.Signature
	switch name {
	case "kRSA", "kPSK", "kRSAPSK", "kECDHEPSK", "kDHEPSK", "kSRP":
		return x == name[1:], true
	case "kEDH", "kDHE", "DH":
		return x == "DH", true
	case "EDH", "DHE":
		return x == "DH" && a != "None", true
	case "kEECDH", "kECDHE", "ECDH":
		return x == "ECDH", true
	case "EECDH", "ECDHE":
		return x == "ECDH" && a != "None", true
	case "ADH":
		return x == "DH" && a == "None", true
	case "AECDH":
		return x == "ECDH" && a == "None", true
	case "PSK":
		return strings.HasSuffix(x, "PSK"), true
	case "SRP":
		return x == "SRP", true
	case "RSA":
		return x == "RSA" && a == "RSA", true
	}
	return false, false
}

func (s *Suite) signs(name string) (is, known bool) {
	a := s.Signature
	switch name {
	case "aNULL":
		return a == "None", true
	case "aRSA", "aPSK", "aSRP", "aECDSA":
		return a == name[1:], true
	case "ECDSA":
		return a == "ECDSA", true
	case "aDSS", "DSS":
		return a == "DSS", true
	}
	return false, false
}

func (s *Suite) encrypts(name string) (is, known bool) {
	kind, bits, _ := strings.Cut(strings.TrimSuffix(s.Encryption, ")"), "(")
	upper := strings.ToUpper(kind)
	switch name {
	case "AES", "CAMELLIA", "ARIA":
		return strings.HasPrefix(upper, name), true
	case "AES128", "AES256", "CAMELLIA128", "CAMELLIA256", "ARIA128", "ARIA256":
		n := len(name) - 3
		return strings.HasPrefix(upper, name[:n]) && bits == name[n:], true
	case "AESGCM", "AESCCM8", "ARIAGCM":
		return upper == name, true
	case "AESCCM":
		return strings.HasPrefix(upper, name), true
	case "CHACHA20":
		return strings.HasPrefix(upper, name), true
	case "IDEA", "SEED":
		return upper == name, true
	}
	return false, false
}

// Broken returns what a cipher string asks for that nobody should: suites without
// encryption or without a signature, and, as they are named, those that OpenSSL
// dropped because they are broken.
func Broken(text string) []string {
	var out []string
	for _, s := range Parse(text).Suites {
		if s.Encryption == "None" || s.Signature == "None" {
			out = append(out, s.Name)
		}
	}
	var taken []string
	rules := parts(text)
	for _, rule := range rules {
		if name, ok := strings.CutPrefix(rule, "!"); ok {
			taken = append(taken, name)
		}
	}
	for _, rule := range rules {
		if strings.IndexByte("!-+@", rule[0]) < 0 && dropped(rule, taken) && !slices.Contains(out, rule) {
			out = append(out, rule)
		}
	}
	return out
}

// dropped reports whether a rule asks for what OpenSSL dropped, and no "!" takes
// it out.
func dropped(rule string, taken []string) bool {
	words := strings.FieldsFunc(rule, func(r rune) bool { return r == '+' || r == '-' })
	for _, w := range words {
		if slices.Contains(taken, w) || w == "CBC3" && slices.Contains(taken, "3DES") {
			return false
		}
	}
	return slices.ContainsFunc(words, func(w string) bool {
		switch w {
		case "RC4", "RC2", "3DES", "DES", "CBC3", "LOW", "EXP", "EXPORT", "EXPORT40", "EXPORT56", "EXP1024", "MD5", "SSLv2":
			return true
		}
		return false
	})
}
