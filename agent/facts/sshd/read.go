package sshd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/redact"
	"seawall/pkg/sshdconf"
	"seawall/pkg/text"
)

// Read reads the facts of the host's SSH server.
func Read(ctx context.Context, env fact.Env) Facts {
	begin := env.Now()
	f := Facts{Connections: []Connection{}, HostKeys: []HostKey{}, Files: []File{}, Users: []User{}}
	f.read(ctx, env)
	f.Meta.Took = env.Now().Sub(begin)
	return f
}

func (f *Facts) read(ctx context.Context, env fact.Env) {
	s := findServer(env)
	f.Live, f.Installed, f.Version = env.Live(), s.installed, s.version
	accounts, err := readAccounts(env.Root)
	f.Meta.Depend(s.depends...)
	if !s.installed && (env.Live() || !env.Root.Exists(s.configPath)) {
		f.Meta.State, f.Meta.Reason = fact.StateAbsent, "no SSH server is installed"
		return
	}
	if err != nil {
		f.Meta.State = fact.StateUnknown
		f.Meta.Reason = "read users: " + err.Error()
		return
	}
	f.Users = accounts.login
	c := s.load(env.Root, accounts)
	f.dependOn(c.config)
	if c.hazard != nil {
		f.Meta.Fail("read configuration", c.hazard)
		if f.Meta.State == fact.StateAbsent {
			f.Meta.State = fact.StateError
		}
		f.files(env.Root, c.config, nil)
		return
	}
	f.connect(ctx, env, s, &c, accounts)
	if f.Refused != "" {
		f.Meta.State, f.Meta.Reason = fact.StateError, f.Refused
		f.files(env.Root, c.config, nil)
		return
	}
	f.Meta.State = fact.StateKnown
	f.HostKeys = f.readHostKeys(env.Root)
	f.files(env.Root, c.config, f.HostKeys)
}

// configuration is the files as this program reads them.
type configuration struct {
	config *sshdconf.Config
	// refused is the refusal by this program's own reading.
	refused *sshdconf.Error
	// hazard is a configuration that must not be given to sshd either, or that
	// cannot be judged: too large, not a file, not readable.
	hazard error
}

func (s *server) load(root hostfs.Root, a *accounts) configuration {
	o := sshdconf.Options{Release: s.release, Groups: a.groupsOf, Preset: s.preset}
	var c configuration
	var err error
	c.config, err = sshdconf.Load(root, s.configPath, o)
	switch {
	case err == nil:
	case errors.Is(err, hostfs.ErrNotRegular), errors.Is(err, sshdconf.ErrLimit), errors.Is(err, fs.ErrPermission):
		c.hazard = err
	case !errors.As(err, &c.refused):
		c.hazard = err
	}
	return c
}

// connect fills in the connections, by sshd's word where it can be had.
func (f *Facts) connect(ctx context.Context, env fact.Env, s *server, c *configuration, a *accounts) {
	if s.blocked != "" {
		f.byParser(s.blocked, c, a)
		return
	}
	if c.refused != nil {
		// sshd may know more than this program does. The example says everything
		// that a Match can ask for.
		conn := sshdconf.Conn{User: "root", Host: "203.0.113.9", Address: "203.0.113.9", LocalAddress: "192.0.2.10", LocalPort: 22}
		_, err := s.ask(ctx, env, conn.Spec())
		if f.failed(err, c, a) {
			return
		}
		c.tolerate(env.Root, s, a)
	}
	groups, more := c.config.Connections(a.names)
	f.Truncated = more
	answers := map[string]map[string]Setting{}
	for _, g := range groups {
		if answers[g.Key] == nil {
			values, err := s.ask(ctx, env, g.Conn.Spec())
			if f.failed(err, c, a) {
				return
			}
			answers[g.Key] = settings(values, c.provenance(g.Conn))
		}
		f.add(g, groups[0], answers[g.Key])
	}
}

// tolerate reads the files again as those of a server that accepted them.
func (c *configuration) tolerate(root hostfs.Root, s *server, a *accounts) {
	o := sshdconf.Options{Release: s.release, Groups: a.groupsOf, Preset: s.preset, Tolerant: true}
	config, err := sshdconf.Load(root, s.configPath, o)
	if err == nil {
		c.config, c.refused = config, nil
	}
}

// provenance is this program's own reading for a connection; nothing where it
// has none.
func (c *configuration) provenance(conn sshdconf.Conn) map[string]sshdconf.Value {
	if c.refused != nil {
		return nil
	}
	values, err := c.config.Effective(conn)
	if err != nil {
		return nil
	}
	return values
}

// failed deals with an error of asking sshd: a refusal is a fact, anything else
// makes the parser answer.
func (f *Facts) failed(err error, c *configuration, a *accounts) bool {
	var refused *RefusedError
	switch {
	case err == nil:
		return false
	case errors.As(err, &refused):
		f.refuse(refused, c)
	default:
		f.Connections = []Connection{}
		f.byParser(err.Error(), c, a)
	}
	return true
}

func (f *Facts) refuse(r *RefusedError, c *configuration) {
	f.Connections = []Connection{}
	f.Refused = r.Message
	if r.File == "" && c.refused != nil {
		r.File, r.Line = c.refused.File, c.refused.Line
	}
	if r.File != "" {
		f.Meta.Evidence = append(f.Meta.Evidence, finding.Evidence{File: r.File, Line: r.Line, Text: c.rawLine(r.File, r.Line)})
	}
}

func (c *configuration) rawLine(file string, line int) string {
	for _, d := range c.config.Directives {
		if d.File == file && d.Line == line {
			return text.Clean(d.Raw, text.Limit)
		}
	}
	return ""
}

// byParser answers from the files alone.
func (f *Facts) byParser(reason string, c *configuration, a *accounts) {
	f.ByParser, f.ParserReason = true, text.Clean(reason, text.Limit)
	if c.refused != nil {
		f.refuse(refusal(c.refused), c)
		return
	}
	groups, more := c.config.Connections(a.names)
	f.Truncated = more
	for _, g := range groups {
		values, err := c.config.Effective(g.Conn)
		var refused *sshdconf.Error
		if errors.As(err, &refused) {
			f.refuse(refusal(refused), c)
			return
		}
		f.add(g, groups[0], settings(nil, values))
	}
}

// add appends a connection; plain is the plainest of them.
func (f *Facts) add(g, plain sshdconf.Group, set map[string]Setting) {
	c := Connection{
		User: g.Conn.User, Host: g.Conn.Host, Address: g.Conn.Address, LocalAddress: g.Conn.LocalAddress,
		LocalPort: strconv.Itoa(g.Conn.LocalPort), RDomain: g.Conn.RDomain,
		Public: g.Public, Root: g.Conn.User == "root", Settings: set,
	}
	who := "user " + c.User
	if c.User == sshdconf.AnyUser {
		who = "any other user"
	}
	c.Label = fmt.Sprintf("%s from %s", who, c.Address)
	if c.Host != c.Address {
		c.Label = fmt.Sprintf("%s from %s (%s)", who, c.Host, c.Address)
	}
	if g.Conn.LocalPort != plain.Conn.LocalPort {
		c.Label += " to port " + c.LocalPort
	}
	if g.Conn.LocalAddress != plain.Conn.LocalAddress {
		c.Label += " at " + c.LocalAddress
	}
	if c.RDomain != "" {
		c.Label += " in routing domain " + c.RDomain
	}
	c.Label = text.Clean(c.Label, text.Limit)
	f.Connections = append(f.Connections, c)
}

// valueLimit bounds one value; a list of algorithms is under 2 KB.
const valueLimit = 64 << 10

// settings joins sshd's values with where they stand. Without sshd's values ours
// are taken.
func settings(asked map[string][]string, own map[string]sshdconf.Value) map[string]Setting {
	if asked == nil {
		asked = make(map[string][]string, len(own))
		for keyword, v := range own {
			asked[keyword] = v.Values
		}
	}
	out := make(map[string]Setting, len(asked))
	for keyword, values := range asked {
		values = hushed(keyword, values)
		s := Setting{Value: text.Clean(strings.Join(values, " "), valueLimit)}
		for _, v := range values {
			s.Values = append(s.Values, text.Clean(v, valueLimit))
		}
		if v := own[keyword]; v.Set {
			s.Set, s.File, s.Line = true, v.File, v.Line
			s.Raw = text.Clean(strings.Join(hushed(keyword, []string{v.Raw}), " "), text.Limit)
		}
		out[text.Clean(keyword, 64)] = s
	}
	return out
}

// hushed hides what secrets commands and variables have; other values have none.
func hushed(keyword string, values []string) []string {
	switch keyword {
	case "setenv", "authorizedkeyscommand", "authorizedprincipalscommand", "forcecommand", "subsystem":
		return redact.Args(values)
	}
	return values
}

// dependOn names the files read and the directories that an Include looks into.
func (f *Facts) dependOn(c *sshdconf.Config) {
	f.Meta.Depend(c.Files...)
	for _, dir := range includeDirs(c) {
		f.Meta.Depend(dir + "/")
	}
	for _, glob := range c.Globs {
		if !strings.ContainsAny(glob, `*?[`) {
			f.Meta.Depend(path.Clean(glob))
		}
	}
}

// includeDirs are the directories of Include's patterns, down to the first part
// with a wildcard. "/" is not one: everything is below it.
func includeDirs(c *sshdconf.Config) []string {
	var out []string
	for _, glob := range c.Globs {
		if i := strings.IndexAny(glob, `*?[`); i >= 0 {
			glob = glob[:i] + "x"
		} else {
			continue
		}
		if dir := path.Dir(path.Clean(glob)); dir != "/" && strings.HasPrefix(dir, "/") && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}
