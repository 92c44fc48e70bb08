package patches

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"seawall/collector/advisory"
	"seawall/collector/export/rows"
	"seawall/collector/fleet"
	"seawall/collector/plain"
	"seawall/collector/web/download"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
	"seawall/collector/web/pending"
	"seawall/pkg/finding"
)

const (
	advisoriesPath = "/patches/advisories"
	advisoryPath   = "/patches/advisory"          // of the name that the address has
	exportPath     = "/patches/advisories/export" // of the hosts, where the address has a name
	maxAdvisory    = 200                          // bytes of a name
	maxExport      = 1_000_000                    // rows of a file
	shown          = 12                           // names beside an update
)

// names are those of an update that a page links to, and how many more there are.
type names struct {
	First []advisory.Name
	More  int
}

func namesOf(r *finding.Result) names {
	all := advisory.Names(r)
	n := names{First: all[:min(len(all), shown)]}
	n.More = len(all) - len(n.First)
	return n
}

func hostsOfAdvisory(name string) string {
	return advisoryPath + "?" + url.Values{"name": {name}}.Encode()
}

// sought reads what an address looks for.
func sought(r *http.Request) advisory.Query {
	v := r.URL.Query()
	q := advisory.Query{Text: strings.TrimSpace(v.Get("q")), Scope: frame.Of(r).Scope, Page: number(v), Size: size}
	if len(q.Text) > maxWord {
		q.Text = strings.ToValidUTF8(q.Text[:maxWord], "")
	}
	// Who types a CVE means the CVE.
	if v.Get("kind") == "cve" || strings.HasPrefix(strings.ToUpper(q.Text), "CVE-") {
		q.Kind = advisory.CVE
	}
	return q
}

// at returns the address of a list.
func at(path string, q advisory.Query, more ...string) string {
	v := url.Values{}
	if q.Kind == advisory.CVE {
		v.Set("kind", "cve")
	}
	if q.Text != "" {
		v.Set("q", q.Text)
	}
	if q.Page > 0 {
		v.Set("page", strconv.Itoa(q.Page+1))
	}
	for i := 1; i < len(more); i += 2 {
		v.Set(more[i-1], more[i])
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// advisoriesBody is the model of the list of names.
type advisoriesBody struct {
	Text       string
	CVEs       bool
	Advisories []advisory.Advisory
	Pages      list.Pages
	Most       int
	CSV, JSON  string
}

func (s *Pages) advisoriesPage(w http.ResponseWriter, r *http.Request) {
	q := sought(r)
	p, err := s.config.Advisories.Advisories(r.Context(), q)
	if err != nil {
		s.config.Frame.Fail(w, r, err)
		return
	}
	b := advisoriesBody{Text: q.Text, CVEs: q.Kind == advisory.CVE, Advisories: p.Advisories, Most: 1}
	for i := range p.Advisories {
		b.Most = max(b.Most, p.Advisories[i].Hosts)
	}
	b.Pages = list.Place(q.Page, size, len(p.Advisories), p.Total, func(page int) string {
		q.Page = page
		return at(advisoriesPath, q)
	})
	q.Page = 0
	b.CSV, b.JSON = at(exportPath, q, "format", "csv"), at(exportPath, q, "format", "json")
	title := "Advisories"
	if b.CVEs {
		title = "CVEs"
	}
	s.config.Frame.Show(w, r, s.pages, "advisories", frame.Page{Title: title, Section: "patches", Body: b})
}

// advisoryBody is the model of the updates that are pending for a name.
type advisoryBody struct {
	hostsBody
	CVE       bool
	CSV, JSON string
}

func (s *Pages) advisoryPage(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" || len(name) > maxAdvisory {
		s.config.Frame.NotFound(w, r)
		return
	}
	q := advisory.HostQuery{Name: name, Scope: frame.Of(r).Scope, Page: number(r.URL.Query()), Size: size}
	p, err := s.config.Advisories.Advised(r.Context(), q)
	if err != nil {
		s.config.Frame.Fail(w, r, err)
		return
	}
	b := advisoryBody{hostsBody: hostsBody{Name: name, States: p.States}, CVE: advisory.Of(name) == advisory.CVE}
	if q.Page > 0 {
		b.Previous = address(advisoryPath, "name", name, q.Page-1)
	}
	if p.More {
		b.Next = address(advisoryPath, "name", name, q.Page+1)
	}
	b.CSV, b.JSON = at(exportPath, advisory.Query{}, "format", "csv", "name", name), at(exportPath, advisory.Query{}, "format", "json", "name", name)
	s.config.Frame.Show(w, r, s.pages, "advisory", frame.Page{Title: name, Section: "patches", Body: b})
}

// export answers with a whole list as a file: the names, or the updates of one.
func (s *Pages) export(w http.ResponseWriter, r *http.Request) {
	v, format := r.URL.Query(), r.URL.Query().Get("format")
	name, q := v.Get("name"), sought(r)
	q.Page, q.Size = 0, fleet.MaxPage
	switch {
	case len(name) > maxAdvisory:
		s.config.Frame.NotFound(w, r)
		return
	case format != "" && format != "csv" && format != "json":
		s.config.Frame.Failure(w, r, http.StatusBadRequest, "There is no such format", "Advisories come as csv or json.")
		return
	}
	file, write := "advisories", func(ctx context.Context, out row) error { return s.eachAdvisory(ctx, q, out) }
	if name != "" {
		h := advisory.HostQuery{Name: name, Scope: q.Scope, Size: fleet.MaxPage}
		file, write = "advisory-hosts", func(ctx context.Context, out row) error { return s.eachHost(ctx, h, out) }
	}
	if err := s.config.Exported(r.Context(), frame.Of(r).User, strings.TrimSuffix(file+"?"+r.URL.RawQuery, "?")); err != nil {
		s.config.Frame.Fail(w, r, fmt.Errorf("record an export: %w", err))
		return
	}
	ending := ".csv"
	if format == "json" {
		ending = ".jsonl"
	}
	err := download.Stream(w, file+ending, s.config.Frame.Log(), func(to io.Writer) error {
		out, err := rowsTo(to, format, name != "")
		if err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
		return write(r.Context(), out)
	})
	if err != nil {
		s.config.Frame.Fail(w, r, err)
	}
}

// row takes a row of a file: the object of JSON, and the cells of CSV.
type row func(object any, cells ...string) error

// rowsTo returns what writes rows to a file of a format.
func rowsTo(to io.Writer, format string, hosts bool) (row, error) {
	if format == "json" {
		return func(object any, _ ...string) error { return rows.Line(to, object) }, nil
	}
	columns := []string{"name", "severity", "hosts", "packages", "since"}
	if hosts {
		columns = []string{"name", "host", "id", "package", "severity", "installed", "fixed", "since"}
	}
	table, err := rows.NewCSV(to, columns...)
	if err != nil {
		return nil, err
	}
	return func(_ any, cells ...string) error { return table.Row(cells...) }, nil
}

func (s *Pages) eachAdvisory(ctx context.Context, q advisory.Query, out row) error {
	for ; q.Page*q.Size < maxExport; q.Page++ {
		p, err := s.config.Advisories.Advisories(ctx, q)
		if err != nil {
			return fmt.Errorf("page %d of advisories: %w", q.Page, err)
		}
		plain.Advisories(p.Advisories)
		for i := range p.Advisories {
			a := &p.Advisories[i]
			if err := out(a, a.Name, a.Severity.String(), strconv.Itoa(a.Hosts), strconv.Itoa(a.Packages), a.Since.UTC().Format(time.RFC3339)); err != nil {
				return err
			}
		}
		if len(p.Advisories) < q.Size {
			return nil
		}
	}
	return nil
}

// advised is an update that is pending for a name, as a line of JSON.
type advised struct {
	Name string         `json:"name"`
	Host fleet.HostID   `json:"host"`
	Of   string         `json:"host_name"`
	Is   finding.Result `json:"result"`
	// Since is as on the pages.
	Since time.Time `json:"since"`
}

func (s *Pages) eachHost(ctx context.Context, q advisory.HostQuery, out row) error {
	for ; q.Page*q.Size < maxExport; q.Page++ {
		p, err := s.config.Advisories.Advised(ctx, q)
		if err != nil {
			return fmt.Errorf("page %d of hosts of an advisory: %w", q.Page, err)
		}
		plain.States(p.States)
		for i := range p.States {
			st := &p.States[i]
			r, since := &st.Result, pending.Since(st)
			err := out(advised{q.Name, st.Host, st.HostName, *r, since}, q.Name, st.HostName, string(st.Host), r.Resource,
				r.Severity.String(), r.Actual, r.Expected, since.UTC().Format(time.RFC3339))
			if err != nil {
				return err
			}
		}
		if !p.More {
			return nil
		}
	}
	return nil
}
