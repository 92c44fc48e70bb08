// Package pattern matches names and addresses as sshd_config(5) does: "*" and
// "?" as wildcards, comma-separated lists, "!" for negation, addresses with a
// mask length.
//
// Lists of algorithms are made by such patterns too.
//
// All of it is linear or quadratic in the length of what it is given, whatever
// the pattern: OpenSSH's own matcher is exponential in the number of stars.
package pattern

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Result is the outcome of matching against a list.
type Result int

// The outcomes. A negated entry that matches decides the whole list.
const (
	Negated Result = -1
	None    Result = 0
	Matched Result = 1
)

// ErrMask is a network whose mask does not fit its address, or an empty entry.
var ErrMask = errors.New("inconsistent mask length or empty entry")

// Match reports whether s matches pattern as a whole.
func Match(s, pattern string) bool {
	si, pi := 0, 0
	star, from := -1, 0
	for si < len(s) {
		switch {
		case pi < len(pattern) && pattern[pi] == '*':
			star, from = pi, si
			pi++
		case pi < len(pattern) && (pattern[pi] == '?' || pattern[pi] == s[si]):
			si++
			pi++
		case star >= 0:
			from++
			pi, si = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[pi:], "*") == ""
}

// maxSub is the longest entry of a list that sshd looks at; a longer one makes
// the whole list match nothing.
const maxSub = 1023

// List matches s against a comma-separated list of patterns.
func List(s, list string) Result {
	got := None
	for rest := list; rest != ""; {
		negated := rest[0] == '!'
		if negated {
			rest = rest[1:]
		}
		sub, tail, _ := strings.Cut(rest, ",")
		if len(sub) >= maxSub {
			return None
		}
		rest = tail
		if !Match(s, sub) {
			continue
		}
		if negated {
			return Negated
		}
		got = Matched
	}
	return got
}

// Host matches a host name against a list, letter case aside.
func Host(host, list string) Result {
	return List(lower(host), lower(list))
}

// lower is tolower(3) in the C locale: ASCII letters only.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// Address matches addr against a list of networks and wildcard patterns. An
// empty addr matches nothing and only checks the list.
func Address(addr, list string) (Result, error) {
	var try netip.Addr
	if addr != "" {
		var err error
		if try, err = netip.ParseAddr(addr); err != nil {
			return None, nil
		}
	}
	got := None
	for entry := range strings.SplitSeq(list, ",") {
		entry, negated := strings.CutPrefix(entry, "!")
		if entry == "" {
			return None, fmt.Errorf("address list %q: %w", list, ErrMask)
		}
		network, err := Network(entry)
		if errors.Is(err, ErrMask) {
			return None, fmt.Errorf("address list %q: %w", list, err)
		}
		if addr == "" {
			continue
		}
		hit := err == nil && sameFamily(network.Addr(), try) && network.Contains(try.WithZone(""))
		if err != nil {
			hit = Match(addr, entry)
		}
		if hit && negated {
			return Negated, nil
		}
		if hit {
			got = Matched
		}
	}
	return got, nil
}

func sameFamily(a, b netip.Addr) bool { return a.Is4() == b.Is4() }

// Network parses an address with an optional mask length. ErrMask is a mask that
// does not fit or host bits that are set; any other error is a text that is not
// a network at all, and so a wildcard pattern.
func Network(entry string) (netip.Prefix, error) {
	text, mask, masked := strings.Cut(entry, "/")
	if !masked {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		return netip.PrefixFrom(addr.WithZone(""), addr.BitLen()), nil
	}
	bits, err := maskLength(mask)
	if err != nil {
		return netip.Prefix{}, err
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	prefix := netip.PrefixFrom(addr.WithZone(""), bits)
	if !prefix.IsValid() || prefix.Masked() != prefix {
		return netip.Prefix{}, ErrMask
	}
	return prefix, nil
}

func maskLength(s string) (int, error) {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("mask length %q is not a number", s)
		}
		if n = n*10 + int(c-'0'); n > 128 {
			return 0, fmt.Errorf("mask length %q is above 128", s)
		}
	}
	if s == "" {
		return 0, errors.New("mask length is empty")
	}
	return n, nil
}

// CheckUser reports whether an entry of AllowUsers or DenyUsers is well formed:
// the part after "@" must be a sound address list.
func CheckUser(entry string) error {
	_, host, ok := strings.Cut(entry, "@")
	if !ok {
		return nil
	}
	_, err := Address("", host)
	return err
}
