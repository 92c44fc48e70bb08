package option

import (
	"math"
	"strconv"
	"strings"

	"seawall/pkg/sshdconf/quantity"
)

// args is a line on its way through a keyword's reader. What the reader does not
// take is too much.
type args struct {
	list    []string
	rest    string
	keyword string   // as written
	out     []string // what sshd -T would print, one text a line
	set     *Set     // what the lines before have set
	active  bool
	force   bool // the value counts though another line was first
}

// next takes the next argument. An empty one is as good as none.
func (a *args) next() (string, bool) {
	if len(a.list) == 0 {
		return "", false
	}
	arg := a.list[0]
	a.list = a.list[1:]
	return arg, arg != ""
}

// all takes every argument that is left.
func (a *args) all() []string {
	list := a.list
	a.list = nil
	return list
}

// What sshd says of a keyword with nothing after it; %s is the keyword.
const (
	noArgument = "%s missing argument."
	noFile     = "missing file name."
	noTime     = "missing time value."
)

// needs wraps a reader of one argument that must be there.
func needs(missing string, read func(a *args, arg string) error) func(*args) error {
	return func(a *args) error {
		arg, ok := a.next()
		if !ok {
			return fatal("%s", strings.ReplaceAll(missing, "%s", a.keyword))
		}
		return read(a, arg)
	}
}

// choice reads one of the names given, letter case aside; "a=b" is a name a that
// is printed as b.
func choice(names ...string) func(*args) error {
	return func(a *args) error {
		arg, ok := a.next()
		if !ok {
			return fatal("missing argument.")
		}
		name, ok := pick(names, arg)
		if !ok {
			return fatal("unsupported option \"%s\".", arg)
		}
		a.out = one(name)
		return nil
	}
}

func pick(names []string, arg string) (string, bool) {
	for _, name := range names {
		name, printed, renamed := strings.Cut(name, "=")
		if strings.EqualFold(arg, name) {
			if renamed {
				return printed, true
			}
			return name, true
		}
	}
	return "", false
}

// named reads a name of syslog's.
func named(what, names string) func(*args) error {
	return func(a *args) error {
		arg, ok := a.next()
		if !ok && arg == "" {
			return fatal("unsupported %s '<NONE>'", what)
		}
		name, ok := pick(strings.Fields(names), arg)
		if !ok {
			return fatal("unsupported %s '%s'", what, arg)
		}
		a.out = one(name)
		return nil
	}
}

func digest(a *args, arg string) error {
	name, ok := pick([]string{"MD5", "SHA1", "SHA256", "SHA384", "SHA512"}, arg)
	if !ok {
		return fatal("Invalid %s algorithm \"%s\".", a.keyword, arg)
	}
	a.out = one(name)
	return nil
}

func tunnel(a *args, arg string) error {
	switch arg {
	case "no", "point-to-point", "ethernet", "yes":
		a.out = one(arg)
		return nil
	}
	return fatal("bad %s argument %s", a.keyword, arg)
}

func number(a *args, arg string) error {
	n, bad := quantity.Number(arg, math.MaxInt32)
	if bad != "" {
		return fatal("%s integer value %s.", a.keyword, bad)
	}
	a.out = one(strconv.FormatInt(n, 10))
	return nil
}

// maxPorts is sshd's MAX_PORTS.
const maxPorts = 256

func port(a *args) error {
	if len(a.set.values["port"].Values) >= maxPorts {
		return fatal("too many ports.")
	}
	arg, ok := a.next()
	if !ok {
		return fatal("missing port number.")
	}
	n, ok := quantity.Port(arg)
	if !ok || n == 0 {
		return fatal("Badly formatted port number.")
	}
	a.out = one(strconv.Itoa(n))
	return nil
}

func duration(a *args, arg string) error {
	n, ok := quantity.Seconds(arg)
	if !ok {
		return fatal("invalid time value.")
	}
	a.out = one(strconv.FormatInt(n, 10))
	return nil
}

func unusedTimeout(a *args) error {
	if len(a.list) > 0 && strings.EqualFold(a.list[0], "none") {
		a.next()
		a.out, a.force = one("none"), true
		return nil
	}
	err := needs(noTime, duration)(a)
	if err == nil && a.out[0] == "0" {
		a.out = one("none")
	}
	return err
}

func octal(a *args, arg string) error {
	digits := strings.IndexFunc(arg, func(r rune) bool { return r < '0' || r > '7' })
	if digits < 0 {
		digits = len(arg)
	}
	n, err := strconv.ParseInt(arg[:digits], 8, 32)
	if err != nil || n > 0o777 {
		return fatal("Invalid %s.", a.keyword)
	}
	a.out = one("0" + strconv.FormatInt(n, 8))
	return nil
}

// none makes every spelling of "none" the one that sshd prints.
func none(s string) string {
	if strings.EqualFold(s, "none") {
		return "none"
	}
	return s
}

// absolute is what sshd, started by root in "/", makes of a file name.
func absolute(path string) string {
	path = none(tilde(path))
	if path == "none" || strings.HasPrefix(path, "/") {
		return path
	}
	return "//" + path
}

func tilde(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return "/root/" + rest
	}
	return path
}

func file(a *args, arg string) error {
	a.out = one(absolute(arg))
	return nil
}

// fileUnless reads a file name, or a word that is none.
func fileUnless(word string) func(*args, string) error {
	return func(a *args, arg string) error {
		if !strings.EqualFold(arg, word) {
			arg = absolute(arg)
		}
		a.out = one(arg)
		return nil
	}
}

func word(a *args, arg string) error {
	a.out = one(none(tilde(arg)))
	return nil
}

func localUser(a *args, arg string) error {
	a.out = one(arg)
	return nil
}

// raw takes the rest of the line, quotes and all.
func raw(a *args) error {
	a.all()
	a.out = one(none(strings.TrimLeft(a.rest, " \t\r\n")))
	return nil
}

func command(a *args) error {
	_ = raw(a)
	if text := a.out[0]; !strings.HasPrefix(text, "/") && text != "none" {
		return fatal("%s must be an absolute path", a.keyword)
	}
	return nil
}

func addendum(a *args) error {
	if strings.Contains(a.rest, "\r") {
		return fatal("Invalid %s argument", a.keyword)
	}
	return raw(a) // a "#" is part of it, whatever sshd means to do
}

func rdomain(*args) error { return fatal("setting RDomain not supported on this platform.") }

func anything(a *args) error {
	a.out = one(strings.Join(a.all(), " "))
	return nil
}
