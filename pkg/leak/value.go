package leak

import (
	"math"
	"strings"
)

// setting finds a value whose name says that it is a secret, in "NAME=value",
// "export NAME='value'", "name: value", `"name": "value"`.
func (s *scanner) setting(line string) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' || line[0] == ';' || strings.HasPrefix(line, "//") {
		return
	}
	for from := 0; from < len(line); {
		i := strings.IndexAny(line[from:], "=:")
		if i < 0 {
			return
		}
		i += from
		from = i + 1
		name := lastName(line[:i])
		kind := named(name)
		if kind == "" {
			continue
		}
		value := firstWord(strings.TrimLeft(line[i+1:], " \t=>"))
		if secret(value, kind) {
			s.add(Leak{Kind: kind + " in a setting"})
			return
		}
	}
}

// lastName is the name that a text ends with.
func lastName(s string) string {
	s = strings.TrimRight(s, " \t\"'")
	i := len(s)
	for i > 0 && len(s)-i < 64 && (alnum(s[i-1]) || s[i-1] == '_' || s[i-1] == '-' || s[i-1] == '.') {
		i--
	}
	return s[i:]
}

// firstWord is a value, without its quotes.
func firstWord(s string) string {
	if s == "" {
		return ""
	}
	if q := s[0]; q == '"' || q == '\'' {
		if i := strings.IndexByte(s[1:], q); i >= 0 {
			return s[1 : 1+i]
		}
		return ""
	}
	if i := strings.IndexAny(s, " \t,;\"'"); i >= 0 {
		return s[:i]
	}
	return s
}

// named says what a name is the name of: "password", "secret", or "" of others.
func named(name string) string {
	name = strings.TrimLeft(name, "-")
	if len(name) < 4 || len(name) > 64 || !strings.ContainsRune("destwynDESTWYN", rune(name[len(name)-1])) {
		return "" // none of the endings below
	}
	var room [64]byte
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '-' || c == '.':
			c = '_'
		}
		room[i] = c
	}
	n := string(room[:len(name)])
	for _, end := range []string{"_file", "_path", "_url", "_id", "_type", "_length", "_name", "_dir", "_policy", "_ttl", "_expiry", "_hash"} {
		if strings.HasSuffix(n, end) {
			return ""
		}
	}
	for _, end := range []string{"password", "passwd", "passphrase", "pgpassword", "mysql_pwd", "_pass", "_pw"} {
		if strings.HasSuffix(n, end) {
			return "password"
		}
	}
	for _, end := range []string{"secret", "secret_key", "secret_access_key", "api_key", "apikey", "_token", "access_token", "auth_token", "private_key",
		"encryption_key", "app_key", "client_secret", "secret_key_base", "accesskey"} {
		if strings.HasSuffix(n, end) {
			return "secret"
		}
	}
	if n == "pass" || n == "token" {
		return "secret"
	}
	return ""
}

// secret reports whether a value looks like one. A password is what has eight
// characters of two kinds; a key has sixteen that repeat little.
func secret(v, kind string) bool {
	if placeholder(v) || len(v) > 1024 {
		return false
	}
	if kind == "password" {
		return len(v) >= 8 && mixed(v)
	}
	return len(v) >= 16 && mixed(v) && entropy(v) >= 3
}

// mixed reports whether there are letters, and something else or both cases.
func mixed(v string) bool {
	var lower, upper, digit, other bool
	for i := range len(v) {
		switch c := v[i]; {
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= '0' && c <= '9':
			digit = true
		case c <= ' ' || c >= 0x7f: // prose
			return false
		case c != '_' && c != '-' && c != '.':
			other = true
		}
	}
	return (lower || upper) && (digit || other || lower && upper)
}

// entropy is that of the bytes of a value, in bits for each.
func entropy(v string) float64 {
	var count [256]int
	for i := range len(v) {
		count[v[i]]++
	}
	h, n := 0.0, float64(len(v))
	for _, c := range count {
		if c > 0 {
			p := float64(c) / n
			h -= p * math.Log2(p)
		}
	}
	return h
}

// placeholder reports whether a value stands for another, or for none.
func placeholder(v string) bool {
	if v == "" || strings.ContainsAny(v, "$<>{}%()[]*`|&") && !strings.ContainsAny(v[:1], "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") ||
		strings.Contains(v, "${") || strings.Contains(v, "{{") || strings.Contains(v, "$(") || strings.ContainsAny(v[:1], "/.~@!") {
		return true
	}
	low := strings.ToLower(v)
	for _, w := range []string{"example", "changeme", "change_me", "change-me", "placeholder", "your", "xxxx", "****", "redacted", "insert", "dummy", "password",
		"passwd", "secret", "notset", "undefined", "required", "env.", "os.", "getenv", "process.", "foobar", "some-", "my-", "..."} {
		if strings.Contains(low, w) {
			return true
		}
	}
	return low == "pass" || low == "user" || low == "token"
}
