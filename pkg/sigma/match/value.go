package match

import (
	"bytes"
	"cmp"
	"net/netip"
)

// decimal is a number: whole and, of the same sign, billionths.
type decimal struct {
	whole int64
	nano  int32
}

// parseNumber reads a decimal number of at most 18 digits, with at most 9 behind the
// point, exactly.
func parseNumber(text []byte) (d decimal, ok bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	whole, digits, rest := integer(text, 18)
	if digits == 0 {
		return d, false
	}
	d.whole = int64(whole)
	if len(rest) > 0 {
		part, digits, behind := integer(rest[1:], 9)
		if rest[0] != '.' || digits == 0 || len(behind) > 0 {
			return d, false
		}
		for ; digits < 9; digits++ {
			part *= 10
		}
		d.nano = int32(part)
	}
	if negative {
		d = decimal{-d.whole, -d.nano}
	}
	return d, true
}

// is reports whether d has the relation sign to other.
func (d decimal) is(sign string, other decimal) bool {
	order := cmp.Or(cmp.Compare(d.whole, other.whole), cmp.Compare(d.nano, other.nano))
	switch sign {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// integer reads up to most digits, which must fit into 64 bits, and returns how many
// there were and what is behind them.
func integer(text []byte, most int) (n uint64, digits int, rest []byte) {
	for digits < len(text) && digits < most && text[digits] >= '0' && text[digits] <= '9' {
		n = n*10 + uint64(text[digits]-'0')
		digits++
	}
	return n, digits, text[digits:]
}

// parseAddr is netip.ParseAddr without allocations; an IPv4 address mapped into IPv6
// is one of IPv4. Zones are cut off.
func parseAddr(text []byte) (netip.Addr, bool) {
	if len(text) > 128 {
		return netip.Addr{}, false
	}
	for i, c := range text {
		if c == ':' {
			return parseAddr6(text)
		}
		if c == '.' && i < 4 {
			break
		}
	}
	a, ok := parseAddr4(text)
	return netip.AddrFrom4(a), ok
}

// parseAddr4 reads four numbers, without zeros before them: some programs take those for
// octal, so that it is not clear which address is meant.
func parseAddr4(text []byte) (a [4]byte, ok bool) {
	for i := range a {
		n, digits, rest := integer(text, 3)
		if digits == 0 || n > 255 || digits > 1 && text[0] == '0' {
			return a, false
		}
		a[i] = byte(n)
		if i < 3 {
			if len(rest) == 0 || rest[0] != '.' {
				return a, false
			}
			rest = rest[1:]
		}
		text = rest
	}
	return a, len(text) == 0
}

// parseAddr6 reads groups of hexadecimal digits, of which "::" leaves some out.
func parseAddr6(text []byte) (netip.Addr, bool) {
	var a, behind [16]byte
	if i := bytes.IndexByte(text, '%'); i >= 0 {
		if i == len(text)-1 {
			return netip.Addr{}, false
		}
		text = text[:i]
	}
	i := bytes.Index(text, []byte("::"))
	if i < 0 {
		n, ok := groups(&a, text, true)
		return netip.AddrFrom16(a).Unmap(), ok && n == len(a)
	}
	n, ok := groups(&a, text[:i], false)
	m, also := groups(&behind, text[i+2:], true)
	if !ok || !also || n+m > len(a)-2 {
		return netip.Addr{}, false
	}
	copy(a[len(a)-m:], behind[:m])
	return netip.AddrFrom16(a).Unmap(), true
}

// groups reads groups with colons between them, and with v4 set an IPv4 address as
// the last. It returns how many bytes they are.
func groups(a *[16]byte, text []byte, v4 bool) (n int, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	for {
		if v4 && n <= 12 && bytes.IndexByte(text, ':') < 0 && bytes.IndexByte(text, '.') >= 0 {
			last, ok := parseAddr4(text)
			return n + copy(a[n:], last[:]), ok
		}
		value, digits := group(text)
		if digits == 0 || n == len(a) {
			return n, false
		}
		a[n], a[n+1] = byte(value>>8), byte(value)
		n, text = n+2, text[digits:]
		if len(text) == 0 {
			return n, true
		}
		if text[0] != ':' {
			return n, false
		}
		text = text[1:]
	}
}

// group reads up to four hexadecimal digits.
func group(text []byte) (n, digits int) {
	for digits < len(text) && digits < 4 {
		c := text[digits]
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 | int(c|0x20-'a'+10)
		default:
			return n, digits
		}
		digits++
	}
	return n, digits
}
