package format

import (
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"seawall/agent/near"
)

// Baseline is the profile of a check that names none, and the one that is
// evaluated where nobody asks for another.
const Baseline = "baseline"

// Profiles lists the profiles that there always are. Every check of cis-1 is one of
// cis-2, too.
func Profiles() []string { return []string{Baseline, "cis-1", "cis-2", "image"} }

// All is the name of every check together, whatever profiles they are in.
const All = "all"

// Profile is a user's own.
type Profile struct {
	Name    Scalar
	Include []Scalar // other profiles
	Checks  []Scalar // ids and families
	Exclude []Scalar // ids and families that Include would bring
}

var profileName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

// profile reads a user's own.
func (p *File) profile(n *yaml.Node) *Profile {
	var own Profile
	p.mapping(n, map[string]func(*yaml.Node){
		"name":    func(n *yaml.Node) { own.Name = p.scalar(n) },
		"include": func(n *yaml.Node) { own.Include = p.scalars(n, maxLets) },
		"checks":  func(n *yaml.Node) { own.Checks = p.scalars(n, maxChecks) },
		"exclude": func(n *yaml.Node) { own.Exclude = p.scalars(n, maxChecks) },
	}, "name")
	name := own.Name.Text
	switch {
	case !own.Name.Given():
		return nil
	case !profileName.MatchString(name):
		p.Problem(own.Name, 0, "%q is no name of a profile: lower case letters, digits, and - between them", name)
		return nil
	case name == All || slices.Contains(Profiles(), name):
		p.Problem(own.Name, 0, "profile %q is built in; give yours another name and include it", name)
		return nil
	}
	return &own
}

// profiles reads the names of the profiles that a check is in.
func (p *File) profiles(n *yaml.Node) []Scalar {
	var names []Scalar
	has := func(name string) bool {
		return slices.ContainsFunc(names, func(s Scalar) bool { return s.Text == name })
	}
	for _, s := range p.scalars(n, maxLets) {
		if has(s.Text) {
			p.Problem(s, 0, "profile %q stands here twice", s.Text)
			continue
		}
		names = append(names, s)
	}
	if len(names) == 0 {
		p.errorAt(n, "profiles names none")
	}
	if has("cis-1") && !has("cis-2") {
		names = append(names, at(n, "cis-2"))
	}
	return names
}

// in reports whether the check is in a profile.
func (c *Check) in(profile string) bool {
	return slices.ContainsFunc(c.Profiles, func(s Scalar) bool { return s.Text == profile })
}

// enlist puts checks into the profiles that users made.
func (s *settlement) enlist() {
	e := enlisting{settlement: s, files: map[string]*File{}, done: map[string]bool{}, names: Profiles()}
	for _, f := range s.files {
		if f.Profile == nil {
			continue
		}
		name := f.Profile.Name.Text
		if other := e.files[name]; other != nil {
			f.Problem(f.Profile.Name, 0, "profile %q stands in %s already", name, other.Name)
			continue
		}
		e.files[name] = f
		e.names = append(e.names, name)
	}
	for _, f := range s.files {
		for _, c := range f.Checks {
			for _, name := range c.Profiles {
				e.mustBe(f, name)
			}
		}
	}
	for _, name := range e.names {
		e.fill(name)
	}
}

// enlisting is the state of enlist.
type enlisting struct {
	*settlement
	files map[string]*File // by the profile in them
	done  map[string]bool  // false while it is being filled
	names []string
}

func (e *enlisting) mustBe(f *File, name Scalar) bool {
	if slices.Contains(e.names, name.Text) {
		return true
	}
	f.Problem(name, 0, "no profile is called %q%s", name.Text, near.Hint(name.Text, e.names))
	return false
}

// fill puts the checks of a user's profile into it, those of the profiles that it
// includes first.
func (e *enlisting) fill(name string) {
	f := e.files[name]
	done, begun := e.done[name]
	switch {
	case f == nil || done:
		return
	case begun:
		f.Problem(f.Profile.Name, 0, "profile %q includes itself", name)
		return
	}
	e.done[name] = false
	defer func() { e.done[name] = true }()
	excluded := map[*Check]bool{}
	for _, c := range e.chosen(f, f.Profile.Exclude) {
		excluded[c] = true
	}
	add := func(c *Check) {
		if !c.in(name) {
			c.Profiles = append(c.Profiles, f.Profile.Name)
		}
	}
	for _, other := range f.Profile.Include {
		if !e.mustBe(f, other) {
			continue
		}
		e.fill(other.Text)
		for _, id := range e.ids {
			if c := e.checks[id]; c.in(other.Text) && !excluded[c] {
				add(c)
			}
		}
	}
	for _, c := range e.chosen(f, f.Profile.Checks) {
		add(c)
	}
}

// chosen are the checks that names stand for.
func (e *enlisting) chosen(f *File, names []Scalar) []*Check {
	var list []*Check
	for _, name := range names {
		called := e.called(name.Text)
		if len(called) == 0 {
			f.Problem(name, 0, "no check or family is called %q%s", name.Text, near.Hint(name.Text, e.known()))
		}
		list = append(list, called...)
	}
	return list
}
