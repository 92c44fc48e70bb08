package option

import (
	"maps"
	"slices"
	"strings"

	"seawall/pkg/sshdconf/argument"
	"seawall/pkg/sshdconf/method"
)

// Source is the line that set a value.
type Source struct {
	File string
	Line int
	Raw  string // the whole line as it stands in the file
}

// Value is a keyword's value: one text for each line that sshd -T prints.
type Value struct {
	Values []string
	Set    bool // false: the default, and Source is zero
	Source
}

// Line is one directive.
type Line struct {
	Keyword string   // as written
	Args    []string // unquoted
	Rest    string   // the unparsed text after the keyword
	Source  Source
}

// Set is what one reading of a configuration sets. Use [NewSet].
type Set struct {
	values  map[string]Value
	release int
}

// NewSet returns an empty set for a server's release, 902 for OpenSSH 9.2.
func NewSet(release int) *Set { return &Set{values: make(map[string]Value), release: release} }

// Kind says what sshd makes of a keyword.
type Kind struct {
	Name    string // canonical, lower case
	InMatch bool   // may stand in a Match block
	Ignored bool   // deprecated or not built in: its line says nothing
}

// Lookup finds a keyword, letter case aside. release is that of the server whose
// keywords hold, 902 for OpenSSH 9.2.
func Lookup(keyword string, release int) (Kind, bool) {
	name := strings.ToLower(keyword)
	switch name {
	case "match", "include":
		return Kind{Name: name, InMatch: true}, true
	}
	t := table()
	if k, ok := t.ignored[name]; ok {
		return k, true
	}
	if canonical, ok := t.alias[name]; ok {
		name = canonical
	}
	s, ok := t.specs[name]
	if !ok || s.since > release {
		return Kind{}, false
	}
	// The alias of the first protocol days is for the global part only.
	return Kind{Name: name, InMatch: s.match && !strings.EqualFold(keyword, "dsaauthentication")}, true
}

// Apply takes a line that [Lookup] knows. An inactive line, one in a Match block
// that does not apply, is checked and otherwise without effect.
func (s *Set) Apply(l Line, active bool) error {
	t := table()
	name := strings.ToLower(l.Keyword)
	if _, ok := t.ignored[name]; ok {
		return nil
	}
	if canonical, ok := t.alias[name]; ok {
		name = canonical
	}
	spec, ok := t.specs[name]
	if !ok {
		return argument.Soft("Bad configuration option: %s", l.Keyword)
	}
	a := &argument.List{Left: l.Args, Rest: l.Rest, Keyword: l.Keyword, Active: active, Release: s.release, Earlier: s.earlier}
	if err := spec.take(a); err != nil {
		return err
	}
	if active {
		s.put(name, spec, a, l.Source)
	}
	if len(a.Left) > 0 {
		return argument.Soft("keyword %s extra arguments at end of line", l.Keyword)
	}
	return nil
}

// earlier returns what has been set of a keyword; nil is nothing.
func (s *Set) earlier(keyword string) []string { return s.values[keyword].Values }

func (s *Set) put(name string, spec *spec, a *argument.List, src Source) {
	out := a.Out
	if len(out) == 0 {
		return
	}
	if spec.unless != "" && s.values[spec.unless].Set {
		return
	}
	old, there := s.values[name]
	switch {
	case !there || spec.keep == last || a.Force:
		s.values[name] = Value{Values: out, Set: true, Source: src}
	case spec.keep == all:
		old.Values = append(slices.Clip(old.Values), out...)
		s.values[name] = old
	case name == "rekeylimit":
		old.Values = one(fillInterval(old.Values[0], out[0]))
		s.values[name] = old
	}
}

// noInterval stands in a RekeyLimit that says nothing of the time: sshd keeps the
// two apart, so that another line can say it.
const noInterval = "-"

func fillInterval(winner, loser string) string {
	limit, interval, _ := strings.Cut(winner, " ")
	if interval == noInterval {
		_, interval, _ = strings.Cut(loser, " ")
	}
	return limit + " " + interval
}

// Keep records a line that cannot be judged here, with its text as the value:
// for a server that accepted what this package does not know.
func (s *Set) Keep(l Line) {
	name := strings.ToLower(l.Keyword)
	if canonical, ok := table().alias[name]; ok {
		name = canonical
	}
	if _, there := s.values[name]; !there {
		s.values[name] = Value{Values: []string{strings.Join(l.Args, " ")}, Set: true, Source: l.Source}
	}
}

// Override replaces what the Match blocks of a connection set.
func (s *Set) Override(blocks *Set) {
	for name, v := range blocks.values {
		if old, ok := s.values[name]; ok && name == "rekeylimit" {
			v.Values = one(fillInterval(v.Values[0], old.Values[0]))
		}
		if spec := table().specs[name]; spec == nil || spec.match {
			s.values[name] = v
		}
	}
}

// Clone returns a copy that can be changed.
func (s *Set) Clone() *Set { return &Set{values: maps.Clone(s.values), release: s.release} }

// Settings returns every keyword with the value in force, in the form of sshd
// -T. A keyword that sshd -T leaves out when it is not set (AllowUsers) is left
// out.
func (s *Set) Settings() map[string]Value {
	out := make(map[string]Value, len(table().specs))
	for name, spec := range table().specs {
		if spec.def != nil {
			out[name] = Value{Values: spec.def}
		}
	}
	for name, v := range s.values {
		if spec := table().specs[name]; spec == nil || !spec.silent {
			out[name] = v
		}
		if spec := table().specs[name]; spec != nil && spec.assemble != nil {
			v.Values = one(strings.Join(spec.assembled(v.Values[0]), ","))
			out[name] = v
		}
	}
	rekey := out["rekeylimit"]
	rekey.Values = one(fillInterval(rekey.Values[0], "0 0"))
	out["rekeylimit"] = rekey
	out["listenaddress"] = s.listen(out)
	return out
}

// Finish ends the reading of the global part and judges it as a whole, as sshd
// does before it starts.
func (s *Set) Finish() error {
	if v := s.values["channeltimeout"]; v.Set && strings.EqualFold(v.Values[0], "none") {
		delete(s.values, "channeltimeout") // as it is where nothing is said
	}
	if err := s.Check(); err != nil {
		return err
	}
	for name, v := range s.values {
		if spec := table().specs[name]; spec != nil && spec.assemble != nil {
			if list, _ := spec.assemble(v.Values[0]); len(list) == 0 {
				v.Values = spec.def // sshd assembles again, and nothing is the default then
				s.values[name] = v
			}
		}
	}
	eff := s.Settings()
	if err := s.resolve(eff["addressfamily"].Values[0]); err != nil {
		return err
	}
	for _, name := range []string{"authorizedkeyscommand", "authorizedprincipalscommand"} {
		_, userSet := s.values[name+"user"]
		if eff[name].Set && !strings.EqualFold(eff[name].Values[0], "none") && !userSet {
			typed := "AuthorizedKeysCommand"
			if name != "authorizedkeyscommand" {
				typed = "AuthorizedPrincipalsCommand"
			}
			return argument.Fatal("%s set without %sUser", typed, typed)
		}
	}
	value := func(keyword string) string { return eff[keyword].Values[0] }
	if said := method.Disabled(strings.Fields(value("authenticationmethods")), value); said != "" {
		return argument.Fatal("%s", said)
	}
	return nil
}

// Check reports a list of algorithms that leaves none.
func (s *Set) Check() error {
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if spec := table().specs[name]; spec != nil && spec.assemble != nil {
			if _, ok := spec.assemble(s.values[name].Values[0]); !ok {
				return argument.Fatal("assemble_algorithms: %s: invalid argument", spec.field)
			}
		}
	}
	return nil
}
