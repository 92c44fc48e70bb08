package database

import (
	"slices"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/hostfs"
	"seawall/pkg/lineconf"
)

// Answers are those of databases.
type Answers struct {
	Open  []answer.Answer `json:"open"`  // from the network without a password
	Trust []answer.Answer `json:"trust"` // any local user is any database user
}

// load reads a configuration; one that cannot be read is an answer, too.
func (a *Answers) load(root hostfs.Root, server, file string, d lineconf.Dialect) (*lineconf.Conf, error) {
	c, err := lineconf.Load(root, file, d)
	if err != nil {
		out := answer.New(server, "")
		out.Unknown("%v", err)
		a.Open = append(a.Open, out)
	}
	return c, err
}

// Redis asks redis.conf, of a server of that name or of one like it.
func (a *Answers) Redis(root hostfs.Root, server, file string) (watch []string, err error) {
	c, err := a.load(root, server, file, lineconf.Dialect{Comment: "#", Lower: true, Include: func(l lineconf.Line) []string {
		if l.Key == "include" && l.Arg(0) != "" {
			return []string{l.Arg(0)}
		}
		return nil
	}})
	if err != nil {
		return c.Watch, err
	}
	out := answer.New(server, "")
	bind, bound := c.Last("bind")
	mode, _ := c.Last("protected-mode")
	protected := !strings.EqualFold(mode.Arg(0), "no")
	port, _ := c.Last("port")
	out.Public = !bound && !protected
	for _, b := range bind.Args {
		out.Public = out.Public || !answer.Loopback(strings.TrimPrefix(b, "-"))
	}
	password, where := redisPassword(root, c)
	out.At(bind.File, bind.Line, bind.Raw)
	out.At(mode.File, mode.Line, mode.Raw)
	switch {
	case port.Value == "0":
		out.Public = false
		out.Say(false, "port 0: it listens on no address")
	case password:
		out.At(where.File, where.Line, where.Key+" …")
		out.Say(false, "%s sets a password", where.Key)
	case bound && !out.Public:
		out.Say(false, "it listens on loopback alone")
	case !bound && protected:
		out.Say(false, "protected-mode answers loopback alone")
	case protected:
		// From release 7 on protected-mode counts here, too, and the server is of no
		// use to the network: nobody means that.
		out.Say(true, "bind %s without a password (before release 7 protected-mode does not count then)", bind.Value)
	default:
		out.Say(true, "it listens without a password, and protected-mode is off")
	}
	a.Open = append(a.Open, out)
	return c.Watch, nil
}

// redisPassword reports whether the user default needs a password, and what says so.
func redisPassword(root hostfs.Root, c *lineconf.Conf) (bool, lineconf.Line) {
	if l, ok := c.Last("requirepass"); ok && l.Arg(0) != "" {
		return true, l
	}
	users := c.All("user")
	if l, ok := c.Last("aclfile"); ok {
		if file, err := lineconf.Load(root, l.Arg(0), lineconf.Dialect{Comment: "#"}); err == nil {
			users = append(users, file.All("user")...)
		}
	}
	for _, u := range slices.Backward(users) {
		if u.Arg(0) != "default" {
			continue
		}
		for _, rule := range slices.Backward(u.Args[1:]) {
			switch {
			case rule == "off" || strings.HasPrefix(rule, ">") || strings.HasPrefix(rule, "#") || rule == "resetpass":
				return true, u
			case rule == "nopass" || rule == "reset":
				return false, u
			}
		}
	}
	return false, lineconf.Line{}
}

// Memcached asks Debian's memcached.conf, or the OPTIONS of Red Hat's file.
func (a *Answers) Memcached(root hostfs.Root, files ...string) (watch []string, err error) {
	watch = files
	var c *lineconf.Conf
	for _, file := range files {
		if c, err = lineconf.Load(root, file, lineconf.Dialect{Comment: "#", Assign: "="}); err == nil {
			break
		}
	}
	out := answer.New("memcached", "")
	if err != nil {
		out.Unknown("%v", err)
		a.Open = append(a.Open, out)
		return watch, err
	}
	var options []lineconf.Line
	for _, l := range c.Lines {
		switch {
		case strings.HasPrefix(l.Key, "-"):
			options = append(options, l)
		case l.Key == "OPTIONS":
			words := lineconf.Words(strings.Join(l.Args, " "))
			for i, w := range words {
				if strings.HasPrefix(w, "-") {
					options = append(options, lineconf.Line{Key: w, Args: words[i+1:], File: l.File, Line: l.Line, Raw: l.Raw})
				}
			}
		}
	}
	memcached(&out, options)
	a.Open = append(a.Open, out)
	return watch, nil
}

func memcached(out *answer.Answer, options []lineconf.Line) {
	out.Public = true
	listens, password := false, ""
	for _, o := range options {
		key, value := o.Key, o.Arg(0)
		for _, long := range []string{"--listen=", "-l"} {
			if v, ok := strings.CutPrefix(key, long); ok && v != "" {
				key, value = "-l", v
			}
		}
		switch key {
		case "-l", "--listen":
			if !listens {
				out.Public = false
			}
			listens = true
			for _, v := range strings.Split(value, ",") {
				out.Public = out.Public || !answer.Loopback(answer.Host(v))
			}
			out.At(o.File, o.Line, o.Raw)
		case "-s", "--unix-socket":
			out.Public, listens = false, true
		case "-S", "--enable-sasl", "-Y", "--auth-file":
			password = key
		}
	}
	switch {
	case !out.Public:
		out.Say(false, "it listens on loopback alone")
	case password != "":
		out.Say(false, "%s asks for a password", password)
	case !listens:
		out.Say(true, "without -l it listens on every address, and it has no password")
	default:
		out.Say(true, "it listens on more than loopback, and has no password")
	}
}

// MySQL asks my.cnf of MariaDB or MySQL, and what it includes.
func (a *Answers) MySQL(root hostfs.Root, file string) (watch []string, err error) {
	c, err := a.load(root, "mysql", file, lineconf.Dialect{Comment: "#;", Inline: "#", Assign: "=", Sections: true, Include: func(l lineconf.Line) []string {
		switch l.Key {
		case "!include":
			return []string{l.Arg(0)}
		case "!includedir":
			return []string{strings.TrimRight(l.Arg(0), "/") + "/*.cnf"}
		}
		return nil
	}})
	if err != nil {
		return c.Watch, err
	}
	out := answer.New("mysql", "")
	out.Public = true
	out.Say(false, "it asks for passwords")
	for _, l := range c.Lines {
		group := strings.ToLower(l.Section)
		if group != "server" && !strings.HasPrefix(group, "mysqld") && !strings.HasPrefix(group, "mariadb") {
			continue
		}
		switch strings.ReplaceAll(strings.TrimPrefix(l.Key, "loose-"), "_", "-") {
		case "skip-grant-tables":
			off := slices.Contains([]string{"0", "off", "false", "no"}, strings.ToLower(l.Value))
			if !off {
				out.At(l.File, l.Line, l.Raw)
			}
			out.Say(!off, "%s", l.Raw)
		case "bind-address":
			out.Public = !answer.Loopback(l.Value)
		case "skip-networking":
			out.Public = slices.Contains([]string{"0", "off", "false"}, strings.ToLower(l.Value))
		}
	}
	a.Open = append(a.Open, out)
	return c.Watch, nil
}
