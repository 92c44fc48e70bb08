package option

import (
	"math"
	"strconv"
	"strings"

	"seawall/pkg/sshdconf/argument"
	"seawall/pkg/sshdconf/quantity"
)

func number(a *argument.List, arg string) error {
	n, bad := quantity.Number(arg, math.MaxInt32)
	if bad != "" {
		return argument.Fatal("%s integer value %s.", a.Keyword, bad)
	}
	a.Set(strconv.FormatInt(n, 10))
	return nil
}

// maxPorts is sshd's MAX_PORTS.
const maxPorts = 256

func port(a *argument.List) error {
	if len(a.Earlier("port")) >= maxPorts {
		return argument.Fatal("too many ports.")
	}
	arg, ok := a.Next()
	if !ok {
		return argument.Fatal("missing port number.")
	}
	n, ok := quantity.Port(arg)
	if !ok || n == 0 {
		return argument.Fatal("Badly formatted port number.")
	}
	a.Set(strconv.Itoa(n))
	return nil
}

func duration(a *argument.List, arg string) error {
	n, ok := quantity.Seconds(arg)
	if !ok {
		return argument.Fatal("invalid time value.")
	}
	a.Set(strconv.FormatInt(n, 10))
	return nil
}

func unusedTimeout(a *argument.List) error {
	if len(a.Left) > 0 && strings.EqualFold(a.Left[0], "none") {
		a.Next()
		a.Out, a.Force = one("none"), true
		return nil
	}
	err := argument.Needs(argument.MissingTime, duration)(a)
	if err == nil && a.Out[0] == "0" {
		a.Set("none")
	}
	return err
}

func octal(a *argument.List, arg string) error {
	digits := strings.IndexFunc(arg, func(r rune) bool { return r < '0' || r > '7' })
	if digits < 0 {
		digits = len(arg)
	}
	n, err := strconv.ParseInt(arg[:digits], 8, 32)
	if err != nil || n > 0o777 {
		return argument.Fatal("Invalid %s.", a.Keyword)
	}
	a.Set("0" + strconv.FormatInt(n, 8))
	return nil
}

// tunnel reads what PermitTunnel takes, letter case and all.
func tunnel(a *argument.List, arg string) error {
	switch arg {
	case "no", "point-to-point", "ethernet", "yes":
		a.Set(arg)
		return nil
	}
	return argument.Fatal("bad %s argument %s", a.Keyword, arg)
}

func rdomain(*argument.List) error {
	return argument.Fatal("setting RDomain not supported on this platform.")
}
