package option

import (
	"fmt"
	"strconv"
	"strings"

	"seawall/pkg/sshdconf/argument"
	"seawall/pkg/sshdconf/quantity"
)

// maxStartups reads "begin:rate:full" or one number for begin and full.
func maxStartups(a *argument.List, arg string) error {
	begin, rate, full := 0, 30, 0
	switch n, _ := fmt.Sscanf(arg, "%d:%d:%d", &begin, &rate, &full); n {
	case 3:
		if begin > full || rate > 100 || rate < 1 {
			return argument.Fatal("Invalid %s spec.", a.Keyword)
		}
	case 1:
		full = begin
		if earlier := a.Earlier("maxstartups"); len(earlier) == 1 {
			_, _ = fmt.Sscanf(earlier[0], "%d:%d", new(int), &rate) // which this line leaves as it was
		}
	default:
		return argument.Fatal("Invalid %s spec.", a.Keyword)
	}
	if begin <= 0 || full <= 0 {
		return argument.Fatal("Invalid %s spec.", a.Keyword)
	}
	a.Set(fmt.Sprintf("%d:%d:%d", begin, rate, full))
	return nil
}

func perSource(a *argument.List, arg string) error {
	if arg == "none" {
		a.Set(arg)
		return nil
	}
	return number(a, arg)
}

func netBlock(a *argument.List, arg string) error {
	four, six := 0, 0 // not 128, which holds where nothing is set
	n, _ := fmt.Sscanf(arg, "%d:%d", &four, &six)
	if n < 1 || four < 0 || four > 32 || six < 0 || six > 128 {
		return argument.Fatal("Invalid %s spec.", a.Keyword)
	}
	a.Set(fmt.Sprintf("%d:%d", four, six))
	return nil
}

func ipqos(a *argument.List) error {
	list := a.Left
	if len(list) == 0 || list[0] == "" {
		return argument.Fatal("%s missing argument.", a.Keyword)
	}
	var out []string
	for len(a.Left) > 0 && len(out) < 2 {
		arg := a.Left[0]
		a.Left = a.Left[1:]
		n, ok := quantity.ServiceClass(arg)
		if !ok {
			v, err := strconv.ParseInt(arg, 0, 64)
			if err != nil || v < 0 || v > 255 {
				return argument.Fatal("Bad %s value: %s", a.Keyword, arg)
			}
			n = int(v)
		}
		out = append(out, quantity.ClassName(n))
	}
	if len(out) == 1 {
		out = append(out, out[0])
	}
	a.Join(out)
	return nil
}

// rekey reads an amount of data and perhaps a time.
func rekey(a *argument.List, arg string) error {
	var limit int64
	if arg != "default" {
		n, bad := quantity.Bytes(arg)
		if bad != "" {
			return argument.Fatal("Bad %s number '%s': %s", a.Keyword, arg, bad)
		}
		if n != 0 && n < 16 {
			return argument.Fatal("%s too small", a.Keyword)
		}
		limit = n
	}
	span := noInterval
	if len(a.Left) > 0 && a.Left[0] == "none" {
		a.Next()
	} else if len(a.Left) > 0 {
		if err := argument.Needs(argument.MissingTime, duration)(a); err != nil {
			return err
		}
		span = a.Out[0]
	}
	a.Set(strconv.FormatInt(limit, 10) + " " + span)
	return nil
}

// listenAddress reads an address with or without a port; what is kept is
// "address port", port 0 where the Port lines say it.
func listenAddress(a *argument.List, arg string) error {
	host, port := arg, ""
	if strings.Contains(arg, "[") || strings.Count(arg, ":") < 2 {
		var ok bool
		if host, port, ok = quantity.HostPort(arg); !ok {
			return argument.Fatal("bad address:port usage")
		}
		if n, valid := quantity.Port(port); strings.HasSuffix(arg, ":"+port) && (!valid || n == 0) {
			return argument.Fatal("bad port number")
		}
	}
	if len(a.Left) > 0 {
		if arg, _ := a.Next(); arg != "rdomain" || len(a.Left) == 0 {
			return argument.Fatal("bad ListenAddress syntax")
		}
		return argument.Fatal("bad routing domain")
	}
	n, _ := quantity.Port(port)
	a.Set(host + " " + strconv.Itoa(n))
	return nil
}

// resolve says what getaddrinfo(3) would of an address of the other family. Names are
// not resolved.
func (s *Set) resolve(family string) error {
	for _, a := range s.values["listenaddress"].Values {
		host, _, _ := strings.Cut(a, " ")
		addr, ok := quantity.Address(host)
		if ok && (family == "inet" && !addr.Is4() || family == "inet6" && addr.Is4()) {
			return argument.Fatal("bad addr or host: %s (Address family for hostname not supported)", host)
		}
	}
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
		if addr, ok := quantity.Address(host); ok && addr.Is6() {
			host = "[" + addr.String() + "]"
		} else if ok {
			host = addr.String()
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
