package option

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"seawall/pkg/sshdconf/quantity"
)

// maxStartups reads "begin:rate:full" or one number for begin and full.
func maxStartups(a *args, arg string) error {
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

func perSource(a *args, arg string) error {
	if arg == "none" {
		a.out = one(arg)
		return nil
	}
	return number(a, arg)
}

func netBlock(a *args, arg string) error {
	four, six := 0, 128
	n, _ := fmt.Sscanf(arg, "%d:%d", &four, &six)
	if n < 1 || four < 0 || four > 32 || six < 0 || six > 128 {
		return fatal("Invalid %s spec.", a.keyword)
	}
	a.out = one(fmt.Sprintf("%d:%d", four, six))
	return nil
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
		n, ok := quantity.ServiceClass(arg)
		if !ok {
			v, err := strconv.ParseInt(arg, 0, 64)
			if err != nil || v < 0 || v > 255 {
				return fatal("Bad %s value: %s", a.keyword, arg)
			}
			n = int(v)
		}
		out = append(out, quantity.ClassName(n))
	}
	if len(out) == 1 {
		out = append(out, out[0])
	}
	a.joined(out)
	return nil
}

// rekey reads an amount of data and perhaps a time.
func rekey(a *args, arg string) error {
	var limit int64
	if arg != "default" {
		n, bad := quantity.Bytes(arg)
		if bad != "" {
			return fatal("Bad %s number '%s': %s", a.keyword, arg, bad)
		}
		if n != 0 && n < 16 {
			return fatal("%s too small", a.keyword)
		}
		limit = n
	}
	span := noInterval
	if len(a.list) > 0 && a.list[0] == "none" {
		a.next()
	} else if len(a.list) > 0 {
		if err := needs(noTime, duration)(a); err != nil {
			return err
		}
		span = a.out[0]
	}
	a.out = one(strconv.FormatInt(limit, 10) + " " + span)
	return nil
}

// listenAddress reads an address with or without a port; what is kept is
// "address port", port 0 where the Port lines say it.
func listenAddress(a *args, arg string) error {
	host, port := arg, ""
	if strings.Contains(arg, "[") || strings.Count(arg, ":") < 2 {
		var ok bool
		if host, port, ok = quantity.HostPort(arg); !ok {
			return fatal("bad address:port usage")
		}
		if n, valid := quantity.Port(port); strings.HasSuffix(arg, ":"+port) && (!valid || n == 0) {
			return fatal("bad port number")
		}
	}
	if len(a.list) > 0 {
		if arg, _ := a.next(); arg != "rdomain" || len(a.list) == 0 {
			return fatal("bad ListenAddress syntax")
		}
		return fatal("bad routing domain")
	}
	n, _ := quantity.Port(port)
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
