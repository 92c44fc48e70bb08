package match

import (
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

// integer reads up to most digits.
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

// parseAddr6 reads groups of hexadecimal digits, of which "::" leaves some out, and
// which may end in an IPv4 address.
func parseAddr6(text []byte) (netip.Addr, bool) {
	var a [16]byte
	at, gap := 0, -1
	if len(text) >= 2 && text[0] == ':' && text[1] == ':' {
		gap, text = 0, text[2:]
	}
	for len(text) > 0 && text[0] != '%' {
		n, digits := group(text)
		switch rest := text[digits:]; {
		case digits == 0 || at == 16:
			return netip.Addr{}, false
		case len(rest) > 0 && rest[0] == '.':
			end := 0
			for end < len(text) && text[end] != '%' {
				end++
			}
			v4, ok := parseAddr4(text[:end])
			if !ok || at > 12 {
				return netip.Addr{}, false
			}
			at, text = at+copy(a[at:], v4[:]), text[end:]
			continue
		default:
			a[at], a[at+1] = byte(n>>8), byte(n)
			at, text = at+2, rest
		}
		if len(text) == 0 || text[0] == '%' {
			break
		}
		if text[0] != ':' || len(text) == 1 {
			return netip.Addr{}, false
		}
		if text = text[1:]; text[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, text = at, text[1:]
		} else if text[0] == '%' {
			return netip.Addr{}, false
		}
	}
	if at == 16 && gap >= 0 || at < 16 && gap < 0 || len(text) == 1 {
		return netip.Addr{}, false
	}
	if gap >= 0 {
		moved := copy(a[16-(at-gap):], a[gap:at])
		clear(a[gap : 16-moved])
	}
	return netip.AddrFrom16(a).Unmap(), true
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
