package option

import (
	"strings"

	"seawall/pkg/sshdconf/method"
	"seawall/pkg/sshdconf/pattern"
	"seawall/pkg/sshdconf/quantity"
)

func userPatterns(a *args) error {
	for _, arg := range a.all() {
		if arg == "" || pattern.CheckUser(arg) != nil {
			return fatal("invalid %s pattern: \"%s\"", a.keyword, arg)
		}
		a.out = append(a.out, arg)
	}
	return nil
}

func groupPatterns(a *args) error {
	for _, arg := range a.all() {
		if arg == "" {
			return fatal("empty %s pattern", a.keyword)
		}
		a.out = append(a.out, arg)
	}
	return nil
}

func acceptEnv(a *args) error {
	for _, arg := range a.all() {
		if arg == "" || strings.Contains(arg, "=") {
			return fatal("Invalid environment name.")
		}
		a.out = append(a.out, arg)
	}
	return nil
}

// setEnv keeps the first of each name, of the first line alone.
func setEnv(a *args) error {
	seen := map[string]bool{}
	for _, arg := range a.all() {
		name, _, ok := strings.Cut(arg, "=")
		if !ok {
			return fatal("Invalid environment.")
		}
		if !seen[name] {
			a.out = append(a.out, arg)
		}
		seen[name] = true
	}
	return nil
}

func (a *args) joined(list []string) {
	if len(list) > 0 {
		a.out = one(strings.Join(list, " "))
	}
}

func keysFile(a *args) error {
	var files []string
	for _, arg := range a.all() {
		if arg == "" {
			return soft("keyword %s empty argument", a.keyword)
		}
		files = append(files, tilde(arg))
	}
	a.joined(files)
	return nil
}

func authMethods(a *args) error {
	list := a.all()
	if len(list) == 0 {
		return fatal("no %s specified", a.keyword)
	}
	sawAny := false
	for _, arg := range list {
		switch {
		case arg == "any" && a.set.values["authenticationmethods"].Set, sawAny,
			arg == "any" && a.active && arg != list[0]:
			return fatal("\"any\" must appear alone in %s", a.keyword)
		case arg == "any":
			sawAny = true
			continue
		}
		if wrong := method.Bad(arg); wrong != "" {
			return &Error{Text: "invalid " + a.keyword + " method list.", Before: wrong}
		}
	}
	a.joined(list)
	return nil
}

func logVerbose(a *args) error {
	list := a.all()
	for _, arg := range list {
		switch {
		case arg == "":
			return soft("keyword %s empty argument", a.keyword)
		case strings.EqualFold(arg, "none") && len(list) > 1:
			return soft("keyword %s \"none\" argument must appear alone.", a.keyword)
		}
	}
	a.joined(list)
	return nil
}

func channelTimeout(a *args) error {
	list := a.all()
	for _, arg := range list {
		if strings.EqualFold(arg, "none") {
			if len(list) > 1 {
				return soft("keyword %s \"none\" argument must appear alone.", a.keyword)
			}
			continue
		}
		kind, span, ok := strings.Cut(arg, "=")
		if _, valid := quantity.Seconds(span); !ok || kind == "" || !valid {
			return fatal("invalid channel timeout %s", arg)
		}
	}
	a.joined(list)
	return nil
}

func permitOpen(a *args) error { return a.permit(false) }

func permitListen(a *args) error { return a.permit(true) }

func (a *args) permit(listen bool) error {
	if len(a.list) == 0 || a.list[0] == "" {
		return fatal("%s missing argument.", a.keyword)
	}
	if a.list[0] == "any" || a.list[0] == "none" {
		arg, _ := a.next()
		a.out = one(arg)
		return nil
	}
	var list []string
	for len(a.list) > 0 {
		arg, ok := a.next()
		if !ok {
			break
		}
		if listen && !strings.Contains(arg, ":") {
			arg = "*:" + arg
		}
		host, port, ok := quantity.HostPort(arg)
		if !ok || host == "" && !strings.HasPrefix(arg, ":") {
			return fatal("%s missing host", a.keyword)
		}
		if _, valid := quantity.Port(port); port != "*" && !valid {
			return fatal("%s bad port number", a.keyword)
		}
		list = append(list, arg)
	}
	a.joined(list)
	return nil
}

func pubkeyOptions(a *args) error {
	touch, verify := false, false
	for _, arg := range a.all() {
		switch strings.ToLower(arg) {
		case "none":
		case "touch-required":
			touch = true
		case "verify-required":
			verify = true
		default:
			return soft("unsupported %s option %s", a.keyword, arg)
		}
	}
	var list []string
	if touch {
		list = append(list, "touch-required")
	}
	if verify {
		list = append(list, "verify-required")
	}
	if list == nil {
		list = one("none")
	}
	a.joined(list)
	return nil
}

func subsystem(a *args) error {
	name, ok := a.next()
	if !ok {
		return fatal("%s missing argument.", a.keyword)
	}
	if !a.active {
		a.next()
		return nil
	}
	for _, other := range a.set.values["subsystem"].Values {
		if n, _, _ := strings.Cut(other, " "); n == name {
			return fatal("Subsystem '%s' already defined.", name)
		}
	}
	command, ok := a.next()
	if !ok {
		return fatal("Missing subsystem command.")
	}
	a.out = one(strings.Join(append([]string{name, command}, a.all()...), " "))
	return nil
}
