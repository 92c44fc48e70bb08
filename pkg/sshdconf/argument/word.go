package argument

import "strings"

// What sshd says of a keyword with nothing after it; %s is the keyword.
const (
	Missing     = "%s missing argument."
	MissingFile = "missing file name."
	MissingTime = "missing time value."
)

// Needs wraps a reader of one argument that must be there.
func Needs(missing string, read func(a *List, arg string) error) func(*List) error {
	return func(a *List) error {
		arg, ok := a.Next()
		if !ok {
			return Fatal("%s", strings.ReplaceAll(missing, "%s", a.Keyword))
		}
		return read(a, arg)
	}
}

// Choice reads one of the names given, letter case aside; "a=b" is a name a that
// is printed as b.
func Choice(names ...string) func(*List) error {
	return func(a *List) error {
		arg, ok := a.Next()
		if !ok {
			return Fatal("missing argument.")
		}
		name, ok := pick(names, arg)
		if !ok {
			return Fatal("unsupported option \"%s\".", arg)
		}
		a.Set(name)
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

// Named reads a name of syslog's; what says which, names are all of them.
func Named(what, names string) func(*List) error {
	return func(a *List) error {
		arg, ok := a.Next()
		if !ok && arg == "" {
			return Fatal("unsupported %s '<NONE>'", what)
		}
		name, ok := pick(strings.Fields(names), arg)
		if !ok {
			return Fatal("unsupported %s '%s'", what, arg)
		}
		a.Set(name)
		return nil
	}
}

// Digest reads the name of a hash.
func Digest(a *List, arg string) error {
	name, ok := pick([]string{"MD5", "SHA1", "SHA256", "SHA384", "SHA512"}, arg)
	if !ok {
		return Fatal("Invalid %s algorithm \"%s\".", a.Keyword, arg)
	}
	a.Set(name)
	return nil
}

// Text keeps an argument as it stands.
func Text(a *List, arg string) error {
	a.Set(arg)
	return nil
}

// Remainder takes the rest of the line, quotes and all.
func Remainder(a *List) error {
	a.All()
	a.Set(none(strings.TrimLeft(a.Rest, " \t\r\n")))
	return nil
}

// Command takes the rest of the line, which begins with an absolute path.
func Command(a *List) error {
	_ = Remainder(a)
	if text := a.Out[0]; !strings.HasPrefix(text, "/") && text != "none" {
		return Fatal("%s must be an absolute path", a.Keyword)
	}
	return nil
}

// Addendum takes the rest of the line, where a "#" is part of it, whatever sshd
// means to do.
func Addendum(a *List) error {
	if strings.Contains(a.Rest, "\r") {
		return Fatal("Invalid %s argument", a.Keyword)
	}
	return Remainder(a)
}

// Anything takes every argument unseen.
func Anything(a *List) error {
	a.Set(strings.Join(a.All(), " "))
	return nil
}
