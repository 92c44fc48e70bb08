package api

import (
	"fmt"

	"seawall/collector/advisory"
	"seawall/collector/fleet"
	"seawall/collector/plain"
	"seawall/collector/web/frame"
	"seawall/collector/web/patches"
	"seawall/collector/web/rest"
)

// Answers of lists that are selected and paged by the store.
type (
	changeList struct {
		Events []fleet.Event `json:"events"`
		Next   int64         `json:"next"` // the parameter before of the next page, or 0
	}
	packageList struct {
		Packages []fleet.Package `json:"packages"`
		Total    int             `json:"total"`
		Next     int             `json:"next"` // the parameter page of the next page, or 0
	}
	advisoryList struct {
		Advisories []advisory.Advisory `json:"advisories"`
		Total      int                 `json:"total"`
		Next       int                 `json:"next"` // the parameter page of the next page, or 0
	}
	resultList struct {
		States []fleet.State `json:"states"`
		Next   int           `json:"next"` // the parameter page of the next page, or 0
	}
)

// lists are the endpoints of lists.
func (s *API) lists() []rest.Endpoint {
	return []rest.Endpoint{
		{Path: "/api/v1/changes", ID: "changes", Summary: "Changes that filters select, newest first. A page looks at a bounded time, so it may be empty and have a next.",
			Answer: changeList{}, Serve: s.changes, Parameters: []rest.Parameter{
				{Name: "host", Kind: rest.HostID, About: "Of this host."}, {Name: "check", About: "Of this check."}, {Name: "family", About: "Of this family of checks."},
				{Name: "severity", Kind: rest.Severity, About: "Of at least this severity."}, {Name: "status", Kind: rest.Status, About: "To this status."},
				{Name: "actor", About: "By this login user or user."}, {Name: "caused", Kind: rest.Flag, About: "true: with a cause that is known."},
				{Name: "since", Kind: rest.Moment, About: "Received since."}, {Name: "until", Kind: rest.Moment, About: "Received before."}, before(), limit(maxPage, frame.PageSize)}},
		{Path: "/api/v1/patches", ID: "patches", Summary: "Packages with pending security updates, those pending on most hosts first", Answer: packageList{}, Serve: s.patches,
			Parameters: []rest.Parameter{{Name: "text", Most: 200, About: "With this in the name."},
				{Name: "age", Of: patches.Ages(), About: "Pending for this long: week (7 days or less), month (8 to 30 days), quarter (31 to 90 days) or longer. Hosts with others are not counted."},
				page(), limit(fleet.MaxPage, fleet.DefaultPage)}},
		{Path: "/api/v1/advisories", ID: "advisories", Summary: "Advisories, or CVEs, that pending security updates are for, the worst first", Answer: advisoryList{}, Serve: s.advisories,
			Parameters: []rest.Parameter{{Name: "kind", Of: []string{"advisory", "cve"}, About: "advisory, the default, or cve."},
				{Name: "text", Most: 200, About: "With this in the name."}, page(), limit(fleet.MaxPage, fleet.DefaultPage)}},
		{Path: "/api/v1/advisories/{name}/results", ID: "advised", Summary: "The updates that are pending for an advisory or a CVE, in the order of hosts' ids", Answer: resultList{}, Serve: s.advised,
			Parameters: []rest.Parameter{{Name: "name", InPath: true, About: "The name, as RHSA-2024:1234 or CVE-2024-1234."}, page(), limit(fleet.MaxPage, fleet.DefaultPage)}},
		{Path: "/api/v1/checks/{id}/results", ID: "results", Summary: "A check's standing results, in the order of hosts' ids", Answer: resultList{}, Serve: s.results,
			Parameters: []rest.Parameter{{Name: "id", InPath: true, About: "The check's id."}, {Name: "resource", About: "Of this resource: of patch-security-updates, a package."},
				{Name: "status", Kind: rest.Status, About: "Of this status. Default: those that are bad."}, page(), limit(fleet.MaxPage, fleet.DefaultPage)}},
		{Path: "/api/v1/facets", ID: "facets", Summary: "What hosts can be filtered by, and how many have it", Answer: fleet.Facets{}, Serve: s.facets},
	}
}

func page() rest.Parameter {
	return rest.Parameter{Name: "page", Kind: rest.Number, Most: 1_000_000, Normal: 1, About: "Which page: next of the one before."}
}

func (s *API) changes(r *rest.Request) (any, error) {
	q := fleet.ChangeQuery{
		Host: r.Host("host"), Check: r.Text("check"), Family: r.Text("family"), Severity: r.Severity("severity"), Status: r.Status("status"),
		Actor: r.Text("actor"), Caused: r.Is("caused"), Since: r.Moment("since"), Until: r.Moment("until"),
		Scope: r.Visitor.Scope, Before: r.Number("before"), Limit: int(r.Number("limit")),
	}
	p, err := s.config.Lists.Changes(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	plain.Events(p.Events)
	return changeList{plain.List(p.Events), p.Next}, nil
}

func (s *API) patches(r *rest.Request) (any, error) {
	q := fleet.PackageQuery{Text: r.Text("text"), Scope: r.Visitor.Scope, Page: int(r.Number("page")) - 1, Size: int(r.Number("limit"))}
	patches.Within(&q, r.Text("age"), s.frame.Now())
	p, err := s.config.Lists.Packages(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("patches: %w", err)
	}
	list := packageList{Packages: plain.List(p.Packages), Total: p.Total}
	if (q.Page+1)*q.Size < p.Total && len(p.Packages) > 0 {
		list.Next = q.Page + 2
	}
	plain.Packages(list.Packages)
	return list, nil
}

func (s *API) advisories(r *rest.Request) (any, error) {
	q := advisory.Query{Text: r.Text("text"), Scope: r.Visitor.Scope, Page: int(r.Number("page")) - 1, Size: int(r.Number("limit"))}
	if r.Text("kind") == "cve" {
		q.Kind = advisory.CVE
	}
	p, err := s.config.Advisories.Advisories(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("advisories: %w", err)
	}
	list := advisoryList{Advisories: plain.List(p.Advisories), Total: p.Total}
	if (q.Page+1)*q.Size < p.Total && len(p.Advisories) > 0 {
		list.Next = q.Page + 2
	}
	plain.Advisories(list.Advisories)
	return list, nil
}

func (s *API) advised(r *rest.Request) (any, error) {
	q := advisory.HostQuery{Name: r.Text("name"), Scope: r.Visitor.Scope, Page: int(r.Number("page")) - 1, Size: int(r.Number("limit"))}
	p, err := s.config.Advisories.Advised(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("hosts of an advisory: %w", err)
	}
	list := resultList{States: plain.List(p.States)}
	if p.More {
		list.Next = q.Page + 2
	}
	plain.States(list.States)
	return list, nil
}

func (s *API) results(r *rest.Request) (any, error) {
	q := fleet.CheckQuery{Check: r.Text("id"), Resource: r.Text("resource"), Status: r.Status("status"), Scope: r.Visitor.Scope,
		Page: int(r.Number("page")) - 1, Size: int(r.Number("limit"))}
	p, err := s.config.Catalogue.Results(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	list := resultList{States: plain.List(p.States)}
	if p.More {
		list.Next = q.Page + 2
	}
	plain.States(list.States)
	return list, nil
}

func (s *API) facets(r *rest.Request) (any, error) {
	f, err := s.config.Lists.Facets(r.Context(), r.Visitor.Scope)
	if err != nil {
		return nil, fmt.Errorf("facets: %w", err)
	}
	return fleet.Facets{OS: plain.List(f.OS), Regions: plain.List(f.Regions), Tags: plain.List(f.Tags)}, nil
}
