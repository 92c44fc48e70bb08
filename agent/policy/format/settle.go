package format

import (
	"fmt"
	"slices"
)

// settlement is what several files say together.
type settlement struct {
	files    []*File
	tags     []string
	checks   map[string]*Check // by id
	ids      []string
	families []string
}

// Settle applies what files say of each other's checks: parameters, overrides that
// hold for a host with the given tags, and profiles. What is wrong with one is a
// problem of the file that says it.
func Settle(files []*File, tags []string) {
	s := &settlement{files: files, tags: tags, checks: map[string]*Check{}}
	s.unique()
	s.set()
	s.override()
	s.enlist()
}

// unique finds the checks by id. One that stands in an earlier place already is a
// problem of its file.
func (s *settlement) unique() {
	first := map[string]string{}
	for _, f := range s.files {
		for _, c := range f.Checks {
			id := c.Info.ID
			if id == "" {
				continue
			}
			if place, taken := first[id]; taken {
				f.Problem(c.At, 0, "check %s stands in %s already", id, place)
				continue
			}
			s.checks[id], first[id] = c, fmt.Sprintf("%s:%d", f.Name, c.At.Line)
			s.ids = append(s.ids, id)
			if !slices.Contains(s.families, c.Info.Family) {
				s.families = append(s.families, c.Info.Family)
			}
		}
	}
}

// known are all names that a check is chosen by.
func (s *settlement) known() []string { return slices.Concat(s.ids, s.families) }

// called returns the checks that name stands for, itself or its family.
func (s *settlement) called(name string) []*Check {
	var list []*Check
	for _, id := range s.ids {
		if c := s.checks[id]; id == name || c.Info.Family == name {
			list = append(list, c)
		}
	}
	return list
}
