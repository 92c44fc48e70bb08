package database

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/servers/answer"
	"seawall/pkg/glob"
	"seawall/pkg/hostfs"
	"seawall/pkg/lineconf"
)

// maxClusters bounds the clusters of PostgreSQL that are asked.
const maxClusters = 20

// Postgres asks the clusters whose postgresql.conf matches one of the patterns.
func (a *Answers) Postgres(root hostfs.Root, patterns ...string) (watch []string, err error) {
	for _, p := range patterns {
		names, searched, failed := glob.Expand(root, p)
		for _, d := range searched {
			watch = append(watch, strings.TrimRight(d, "/")+"/")
		}
		if failed != nil {
			out := answer.New("postgresql", p)
			out.Unknown("%v", failed)
			a.Open = append(a.Open, out)
			err = errors.Join(err, failed)
			continue
		}
		if len(names) > maxClusters {
			a.Open, a.Trust = append(a.Open, answer.More("postgresql")), append(a.Trust, answer.More("postgresql"))
			names = names[:maxClusters]
		}
		for _, name := range names {
			if !root.Exists(name) {
				continue
			}
			more, failed := a.cluster(root, name)
			watch = append(watch, more...)
			err = errors.Join(err, failed)
		}
	}
	return watch, err
}

// cluster asks one: its settings, and who may come in.
func (a *Answers) cluster(root hostfs.Root, file string) (watch []string, err error) {
	dir := path.Dir(file)
	part := strings.TrimPrefix(strings.TrimPrefix(dir, "/etc/postgresql/"), "/var/lib/pgsql/")
	open, trust := answer.New("postgresql", part), answer.New("postgresql", part)
	defer func() {
		if err != nil {
			open.Unknown("%v", err)
			trust.Unknown("%v", err)
		}
		a.Open, a.Trust = append(a.Open, open), append(a.Trust, trust)
	}()
	c, err := postgresSettings(root, file)
	if err != nil {
		return c.Watch, err
	}
	if l, ok := c.Last("listen_addresses"); ok {
		open.Public = l.Arg(0) != "" && listens(strings.Join(l.Args, " "))
		open.At(l.File, l.Line, l.Raw)
	}
	trust.Public = open.Public
	hba := path.Join(dir, "pg_hba.conf")
	if l, ok := c.Last("hba_file"); ok {
		hba = below(dir, l.Arg(0))
	}
	rules, err := lineconf.Load(root, hba, lineconf.Dialect{Comment: "#", Inline: "#", Include: included(path.Dir(hba))})
	watch = slices.Concat(c.Watch, rules.Watch)
	if err != nil {
		return watch, err
	}
	postgresRules(&open, &trust, rules.Lines)
	return watch, nil
}

// postgresSettings reads postgresql.conf, and after it what ALTER SYSTEM wrote.
func postgresSettings(root hostfs.Root, file string) (*lineconf.Conf, error) {
	dir := path.Dir(file)
	d := lineconf.Dialect{Comment: "#", Inline: "#", Assign: "=", Lower: true, Include: included(dir)}
	c, err := lineconf.Load(root, file, d)
	if err != nil {
		return c, err
	}
	data := dir
	if l, ok := c.Last("data_directory"); ok {
		data = l.Arg(0)
	}
	auto := path.Join(data, "postgresql.auto.conf")
	c.Watch = append(c.Watch, auto)
	more, err := lineconf.Load(root, auto, d)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c.Lines = append(c.Lines, more.Lines...)
	return c, nil
}

// included are the files that a line includes, below dir.
func included(dir string) func(lineconf.Line) []string {
	return func(l lineconf.Line) []string {
		name := below(dir, l.Arg(0))
		switch l.Key {
		case "include", "include_if_exists":
			return []string{name}
		case "include_dir":
			return []string{path.Join(name, "*.conf")}
		}
		return nil
	}
}

func below(dir, name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(dir, name)
}

// postgresRules takes the lines of pg_hba.conf in order. A line for some databases or
// users decides for those alone, so that the search goes on behind it.
func postgresRules(open, trust *answer.Answer, lines []lineconf.Line) {
	open.Say(false, "pg_hba.conf lets no strangers in without a password")
	if !open.Public {
		open.Say(false, "it listens on loopback alone")
	}
	trust.Say(false, "pg_hba.conf has no trust for local users")
	decided, local := !open.Public, false
	for _, l := range lines {
		method, where := hba(l)
		everyone := slices.Contains(strings.Split(l.Arg(0), ","), "all") && slices.Contains(strings.Split(l.Arg(1), ","), "all")
		switch {
		case where == "strangers" && !decided:
			if method == "trust" {
				open.At(l.File, l.Line, l.Raw)
				open.Say(true, "pg_hba.conf trusts strangers: %s", strings.Join(strings.Fields(l.Raw), " "))
				decided = true
			}
			decided = decided || everyone
		case where == "local" && !local:
			if method == "trust" {
				trust.At(l.File, l.Line, l.Raw)
				trust.Say(true, "any local user is any database user: %s", strings.Join(strings.Fields(l.Raw), " "))
				local = true
			}
		}
	}
}

// hba is the method of a line, and for whom it is: "strangers", "local", or "".
func hba(l lineconf.Line) (method, where string) {
	switch l.Key {
	case "local":
		return l.Arg(2), "local"
	case "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc":
	default:
		return "", ""
	}
	address, method := l.Arg(2), l.Arg(3)
	if strings.Count(method, ".") == 3 { // an address and its mask
		address, method = address+"/"+method, l.Arg(4)
	}
	n, ok := answer.Network(address)
	switch {
	case address == "all" || ok && answer.Wide(n):
		return method, "strangers"
	case answer.Loopback(address) || ok && n.Addr().IsLoopback():
		return method, "local"
	}
	return method, ""
}
