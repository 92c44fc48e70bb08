package sheet

import (
	"cmp"
	"slices"

	"seawall/pkg/finding"
)

// Section is one check's results of one status, the worst severity first.
type Section struct {
	Check   string
	Status  finding.Status
	Results []finding.Result
}

// Family is what the checks of one subject found, the worst section first.
type Family struct {
	Name     string
	Sections []Section
}

// Results are all of a family, in its order.
func (f *Family) Results() []finding.Result {
	var all []finding.Result
	for _, s := range f.Sections {
		all = append(all, s.Results...)
	}
	return all
}

// Loud reports whether a person should look.
func (s *Section) Loud() bool {
	return s.Status != finding.StatusPass && s.Status != finding.StatusNotApplicable
}

// rank orders statuses as people read them. What it does not know comes before all.
func rank(s finding.Status) int {
	order := []finding.Status{finding.StatusFail, finding.StatusError, finding.StatusUnknown, finding.StatusWaived,
		finding.StatusPass, finding.StatusNotApplicable}
	return max(slices.Index(order, s), 0)
}

// worst compares sections: by status, then failures by severity and what could not be
// evaluated by its reason, so that checks with the same one stand together.
func worst(a, b Section) int {
	severity, reason := 0, 0
	if a.Loud() {
		severity = cmp.Compare(b.Results[0].Severity, a.Results[0].Severity)
	}
	if a.Status == finding.StatusUnknown || a.Status == finding.StatusError {
		severity, reason = 0, cmp.Compare(a.Results[0].Actual, b.Results[0].Actual)
	}
	return cmp.Or(cmp.Compare(rank(a.Status), rank(b.Status)), severity, reason, cmp.Compare(a.Check, b.Check))
}

// Group sorts results into families and sections. The family with the worst section
// comes first.
func (s *Sheet) Group() []Family {
	sorted := slices.Clone(s.Results)
	slices.SortStableFunc(sorted, func(a, b finding.Result) int {
		return cmp.Or(cmp.Compare(a.Check, b.Check), cmp.Compare(rank(a.Status), rank(b.Status)),
			cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Resource, b.Resource))
	})
	at := map[string]int{}
	var families []Family
	for _, r := range sorted {
		name := s.Info(r.Check).Family
		i, ok := at[name]
		if !ok {
			i = len(families)
			at[name] = i
			families = append(families, Family{Name: name})
		}
		f := &families[i]
		if n := len(f.Sections); n > 0 && f.Sections[n-1].Check == r.Check && f.Sections[n-1].Status == r.Status {
			f.Sections[n-1].Results = append(f.Sections[n-1].Results, r)
			continue
		}
		f.Sections = append(f.Sections, Section{r.Check, r.Status, []finding.Result{r}})
	}
	for _, f := range families {
		slices.SortStableFunc(f.Sections, worst)
	}
	slices.SortStableFunc(families, func(a, b Family) int { return worst(a.Sections[0], b.Sections[0]) })
	return families
}

// Sections are those of all families with one of the statuses, the worst first.
func (s *Sheet) Sections(statuses ...finding.Status) []Section {
	var list []Section
	for _, f := range s.Group() {
		for _, section := range f.Sections {
			if slices.Contains(statuses, section.Status) {
				list = append(list, section)
			}
		}
	}
	slices.SortStableFunc(list, worst)
	return list
}
