package option

import (
	"strings"

	"seawall/pkg/sshdconf/argument"
	"seawall/pkg/sshdconf/method"
	"seawall/pkg/sshdconf/pattern"
	"seawall/pkg/sshdconf/quantity"
)

func userPatterns(a *argument.List) error {
	for _, arg := range a.All() {
		if arg == "" || pattern.CheckUser(arg) != nil {
			return argument.Fatal("invalid %s pattern: \"%s\"", a.Keyword, arg)
		}
		a.Out = append(a.Out, arg)
	}
	return nil
}

func groupPatterns(a *argument.List) error {
	for _, arg := range a.All() {
		if arg == "" {
			return argument.Fatal("empty %s pattern", a.Keyword)
		}
		a.Out = append(a.Out, arg)
	}
	return nil
}

func acceptEnv(a *argument.List) error {
	for _, arg := range a.All() {
		if arg == "" || strings.Contains(arg, "=") {
			return argument.Fatal("Invalid environment name.")
		}
		a.Out = append(a.Out, arg)
	}
	return nil
}

// setEnv keeps the first of each name, of the first line alone.
func setEnv(a *argument.List) error {
	seen := map[string]bool{}
	for _, arg := range a.All() {
		name, _, ok := strings.Cut(arg, "=")
		if !ok {
			return argument.Fatal("Invalid environment.")
		}
		if !seen[name] {
			a.Out = append(a.Out, arg)
		}
		seen[name] = true
	}
	return nil
}

func keysFile(a *argument.List) error {
	var files []string
	for _, arg := range a.All() {
		if arg == "" {
			return argument.Soft("keyword %s empty argument", a.Keyword)
		}
		files = append(files, argument.Home(arg))
	}
	a.Join(files)
	return nil
}

func authMethods(a *argument.List) error {
	list := a.All()
	if len(list) == 0 {
		return argument.Fatal("no %s specified", a.Keyword)
	}
	sawAny := false
	for _, arg := range list {
		switch {
		case arg == "any" && a.Earlier("authenticationmethods") != nil, sawAny,
			arg == "any" && a.Active && arg != list[0]:
			return argument.Fatal("\"any\" must appear alone in %s", a.Keyword)
		case arg == "any":
			sawAny = true
			continue
		}
		if wrong := method.Bad(arg); wrong != "" {
			return &argument.Error{Text: "invalid " + a.Keyword + " method list.", Before: wrong}
		}
	}
	a.Join(list)
	return nil
}

func logVerbose(a *argument.List) error {
	list := a.All()
	for _, arg := range list {
		switch {
		case arg == "":
			return argument.Soft("keyword %s empty argument", a.Keyword)
		case strings.EqualFold(arg, "none") && len(list) > 1:
			return argument.Soft("keyword %s \"none\" argument must appear alone.", a.Keyword)
		}
	}
	a.Join(list)
	return nil
}

func channelTimeout(a *argument.List) error {
	list := a.All()
	for _, arg := range list {
		if strings.EqualFold(arg, "none") {
			if len(list) > 1 {
				return argument.Soft("keyword %s \"none\" argument must appear alone.", a.Keyword)
			}
			continue
		}
		kind, span, ok := strings.Cut(arg, "=")
		if _, valid := quantity.Seconds(span); !ok || kind == "" || !valid {
			return argument.Fatal("invalid channel timeout %s", arg)
		}
	}
	a.Join(list)
	return nil
}

func permitOpen(a *argument.List) error { return permit(a, false) }

func permitListen(a *argument.List) error { return permit(a, true) }

func permit(a *argument.List, listen bool) error {
	if len(a.Left) == 0 || a.Left[0] == "" {
		return argument.Fatal("%s missing argument.", a.Keyword)
	}
	if a.Left[0] == "any" || a.Left[0] == "none" {
		arg, _ := a.Next()
		a.Set(arg)
		return nil
	}
	var list []string
	for len(a.Left) > 0 {
		arg, ok := a.Next()
		if !ok {
			break
		}
		if listen && !strings.Contains(arg, ":") {
			arg = "*:" + arg
		}
		host, port, ok := quantity.HostPort(arg)
		if !ok || host == "" && !strings.HasPrefix(arg, ":") {
			return argument.Fatal("%s missing host", a.Keyword)
		}
		if _, valid := quantity.Port(port); port != "*" && !valid {
			return argument.Fatal("%s bad port number", a.Keyword)
		}
		list = append(list, arg)
	}
	a.Join(list)
	return nil
}

func pubkeyOptions(a *argument.List) error {
	touch, verify := false, false
	for _, arg := range a.All() {
		switch strings.ToLower(arg) {
		case "none":
		case "touch-required":
			touch = true
		case "verify-required":
			verify = true
		default:
			return argument.Soft("unsupported %s option %s", a.Keyword, arg)
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
	a.Join(list)
	return nil
}

func subsystem(a *argument.List) error {
	name, ok := a.Next()
	if !ok {
		return argument.Fatal("%s missing argument.", a.Keyword)
	}
	if !a.Active {
		a.Next()
		return nil
	}
	for _, other := range a.Earlier("subsystem") {
		if n, _, _ := strings.Cut(other, " "); n == name {
			return argument.Fatal("Subsystem '%s' already defined.", name)
		}
	}
	command, ok := a.Next()
	if !ok {
		return argument.Fatal("Missing subsystem command.")
	}
	a.Set(strings.Join(append([]string{name, command}, a.All()...), " "))
	return nil
}
