package option

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// maxStartups reads "begin:rate:full" or one number for begin and full.
func maxStartups(a *args) error {
	arg, ok := a.next()
	if !ok {
		return fatal("%s missing argument.", a.keyword)
	}
	begin, rate, full := 0, 30, 0
	switch n, _ := fmt.Sscanf(arg, "%d:%d:%d", &begin, &rate, &full); n {
	case 3:
		if begin > full || rate > 100 || rate < 1 {
			return fatal("Invalid %s spec.", a.keyword)
		}
	case 1:
		full = begin
	default:
		return fatal("Invalid %s spec.", a.keyword)
	}
	if begin <= 0 || full <= 0 {
		return fatal("Invalid %s spec.", a.keyword)
	}
	a.out = one(fmt.Sprintf("%d:%d:%d", begin, rate, full))
	return nil
}

func perSource(a *args) error {
	arg, ok := a.next()
	if !ok {
		return fatal("%s missing argument.", a.keyword)
	}
	if arg == "none" {
		a.out = one(arg)
		return nil
	}
	n, bad := strtonum(arg, math.MaxInt32)
	if bad != "" {
		return fatal("%s integer value %s.", a.keyword, bad)
	}
	a.out = one(strconv.FormatInt(n, 10))
	return nil
}

func netBlock(a *args) error {
	arg, ok := a.next()
	if !ok {
		return fatal("%s missing argument.", a.keyword)
	}
	four, six := 0, 128
	n, _ := fmt.Sscanf(arg, "%d:%d", &four, &six)
	if n < 1 || four < 0 || four > 32 || six < 0 || six > 128 {
		return fatal("Invalid %s spec.", a.keyword)
	}
	a.out = one(fmt.Sprintf("%d:%d", four, six))
	return nil
}

// serviceClass maps the names of IP's quality of service to its number.
func serviceClass(name string) (int, bool) {
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

// className is the name that sshd prints for a number.
func className(n int) string {
	names := strings.Fields("none af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43 " +
		"cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 ef le lowdelay throughput reliability")
	for _, name := range names {
		if v, _ := serviceClass(name); v == n {
			return name
		}
	}
	return fmt.Sprintf("0x%02x", n)
}

func ipqos(a *args) error {
	list := a.list
	if len(list) == 0 || list[0] == "" {
		return fatal("%s missing argument.", a.keyword)
	}
	var out []string
	for len(a.list) > 0 && len(out) < 2 {
		arg := a.list[0]
		a.list = a.list[1:]
		n, ok := serviceClass(arg)
		if !ok {
			v, err := strconv.ParseInt(arg, 0, 64)
			if err != nil || v < 0 || v > 255 {
				return fatal("Bad %s value: %s", a.keyword, arg)
			}
			n = int(v)
		}
		out = append(out, className(n))
	}
	if len(out) == 1 {
		out = append(out, out[0])
	}
	a.joined(out)
	return nil
}

// rekey reads an amount of data and perhaps a time.
func rekey(a *args) error {
	arg, ok := a.next()
	if !ok {
		return fatal("%s missing argument.", a.keyword)
	}
	var limit int64
	if arg != "default" {
		n, bad := scaled(arg)
		if bad != "" {
			return fatal("Bad %s number '%s': %s", a.keyword, arg, bad)
		}
		if n != 0 && n < 16 {
			return fatal("%s too small", a.keyword)
		}
		limit = n
	}
	span := "0"
	if len(a.list) > 0 && a.list[0] == "none" {
		a.next()
	} else if len(a.list) > 0 {
		if err := duration(a); err != nil {
			return err
		}
		span = a.out[0]
	}
	a.out = one(strconv.FormatInt(limit, 10) + " " + span)
	return nil
}

// scaled reads a number of bytes with a unit: B, K, M, G, T, P or E.
func scaled(s string) (int64, string) {
	const units = "BKMGTPE"
	number := s
	power := 0
	if n := len(s); n > 0 {
		if i := strings.IndexByte(units, s[n-1]&^0x20); i >= 0 && s[n-1] > '9' {
			number, power = s[:n-1], i
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

// listenAddress reads an address with or without a port; what is kept is
// "address port", port 0 where the Port lines say it.
func listenAddress(a *args) error {
	arg, ok := a.next()
	if !ok {
		return fatal("missing address")
	}
	host, port := arg, ""
	if strings.Contains(arg, "[") || strings.Count(arg, ":") < 2 {
		if host, port, ok = hostPort(arg); !ok {
			return fatal("bad address:port usage")
		}
		if n, valid := Port(port); strings.HasSuffix(arg, ":"+port) && (!valid || n == 0) {
			return fatal("bad port number")
		}
	}
	if len(a.list) > 0 {
		if arg, _ := a.next(); arg != "rdomain" || len(a.list) == 0 {
			return fatal("bad ListenAddress syntax")
		}
		return fatal("bad routing domain")
	}
	n, _ := Port(port)
	a.out = one(host + " " + strconv.Itoa(n))
	return nil
}

// listen spells out where sshd listens, each address with each port.
func (s *Set) listen(eff map[string]Value) Value {
	addresses := s.values["listenaddress"]
	ports, family := eff["port"], eff["addressfamily"]
	out := Value{Set: addresses.Set, Source: addresses.Source}
	if !addresses.Set {
		for _, port := range ports.Values {
			if family.Values[0] != "inet" {
				out.Values = append(out.Values, "[::]:"+port)
			}
			if family.Values[0] != "inet6" {
				out.Values = append(out.Values, "0.0.0.0:"+port)
			}
		}
		switch {
		case ports.Set:
			out.Set, out.Source = true, ports.Source
		case family.Set:
			out.Set, out.Source = true, family.Source
		}
		return out
	}
	for _, a := range addresses.Values {
		host, port, _ := strings.Cut(a, " ")
		if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
			host = "[" + addr.String() + "]"
		}
		if port != "0" {
			out.Values = append(out.Values, host+":"+port)
			continue
		}
		for _, port := range ports.Values {
			out.Values = append(out.Values, host+":"+port)
		}
	}
	return out
}
