// Package quantity reads the numbers of sshd_config(5): plain ones, times, sizes,
// ports and classes of service, as OpenSSH reads them.
package quantity

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// Number reads a number as strtonum(3) does, with its words for an
// error; empty is none.
func Number(s string, high int64) (int64, string) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err == nil && n < 0, err != nil && strings.HasPrefix(s, "-") && isRange(err):
		return 0, "too small"
	case err == nil && n > high, err != nil && isRange(err):
		return 0, "too large"
	case err != nil:
		return 0, "invalid"
	}
	return n, ""
}

func isRange(err error) bool { return errors.Is(err, strconv.ErrRange) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }

// Address reads an IP address in every form that getaddrinfo(3) takes for one: those
// of inet_aton(3), too, with fewer than four parts, in octal or hexadecimal.
func Address(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr, true
	}
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var total uint64
	for i, p := range parts {
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (4 - i)
		}
		if p == "" || !isDigit(p[0]) || strings.ContainsAny(p, "_bBoO") {
			return netip.Addr{}, false
		}
		n, err := strconv.ParseUint(p, 0, bits)
		if err != nil {
			return netip.Addr{}, false
		}
		total = total<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(total >> 24), byte(total >> 16), byte(total >> 8), byte(total)}), true
}

// Port reads a port, which may be a service's name. The names are a short list:
// the services file of the host is not read.
func Port(s string) (int, bool) {
	if n, bad := Number(s, math.MaxUint16); bad == "" {
		return int(n), true
	}
	n, ok := map[string]int{"ssh": 22, "http": 80, "https": 443, "ftp": 21, "telnet": 23, "smtp": 25}[s]
	return n, ok
}

// Seconds reads a time as 90, 1m30s or 1h; ok is false when it is none.
func Seconds(s string) (total int64, ok bool) {
	if s == "" {
		return 0, false
	}
	for s != "" {
		digits := 0
		for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(s[:digits], 10, 64)
		if err != nil {
			return 0, false
		}
		unit := int64(1)
		if s = s[digits:]; s != "" {
			unit = map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}[s[0]|0x20]
			s = s[1:]
		}
		if unit == 0 || n > math.MaxInt32/unit {
			return 0, false
		}
		if total += n * unit; total > math.MaxInt32 {
			return 0, false
		}
	}
	return total, true
}

// ServiceClass maps the names of IP's quality of service to its number.
func ServiceClass(name string) (int, bool) {
	var high, low int
	name = strings.ToLower(name)
	if n, _ := fmt.Sscanf(name, "af%1d%1d", &high, &low); n == 2 && len(name) == 4 &&
		high >= 1 && high <= 4 && low >= 1 && low <= 3 {
		return high<<5 | low<<3, true
	}
	if n, _ := fmt.Sscanf(name, "cs%1d", &high); n == 1 && len(name) == 3 && high <= 7 {
		return high << 5, true
	}
	n, ok := map[string]int{
		"none": math.MaxInt32, "ef": 0xb8, "le": 0x04, "lowdelay": 0x10, "throughput": 0x08, "reliability": 0x02,
	}[name]
	return n, ok
}

// ClassName is the name that sshd prints for a number.
func ClassName(n int) string {
	names := strings.Fields("none af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43 " +
		"cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 ef le lowdelay throughput reliability")
	for _, name := range names {
		if v, _ := ServiceClass(name); v == n {
			return name
		}
	}
	return fmt.Sprintf("0x%02x", n)
}

// Bytes reads a number of bytes with a unit: B, K, M, G, T, P or E. What follows the
// unit does not count unless it is a letter or a digit, as in scan_scaled(3).
func Bytes(s string) (int64, string) {
	const units = "BKMGTPE"
	number := s
	power := 0
	if end := strings.IndexFunc(s, isLetter); end > 0 && (end+1 == len(s) || !isLetter(rune(s[end+1])) && !isDigit(s[end+1])) {
		if i := strings.IndexByte(units, s[end]&^0x20); i >= 0 {
			number, power = s[:end], i
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || strings.ContainsAny(number, "eExXpPiInN_") {
		return 0, "Invalid argument"
	}
	f *= math.Pow(1024, float64(power))
	if f >= math.MaxInt64 || f < 0 {
		return 0, "Numerical result out of range"
	}
	return int64(f), ""
}

// HostPort splits "host", "host:port" and "[address]:port". There is no port
// where port is empty.
func HostPort(s string) (host, port string, ok bool) {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", "", false
		}
		host, rest := s[1:end], s[end+1:]
		if rest == "" {
			return host, "", true
		}
		port, ok = strings.CutPrefix(rest, ":")
		return host, port, ok
	}
	i := strings.IndexAny(s, ":/")
	if i < 0 {
		return s, "", true
	}
	return s[:i], s[i+1:], s[i] == ':'
}
