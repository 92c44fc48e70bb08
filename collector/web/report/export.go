package report

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"seawall/collector/db"
	"seawall/collector/export/rows"
	"seawall/collector/trail"
	"seawall/collector/web/download"
	"seawall/collector/web/frame"
)

// part is a table of a report as CSV.
type part struct {
	name string
	of   func(*document) bool // the report has it
	head []string
	rows func(d *document, row func(...string) error) error
}

func parts() []part {
	any := func(*document) bool { return true }
	fleet := func(d *document) bool { return d.Host == "" }
	return []part{
		{"findings", func(d *document) bool { return d.Host != "" },
			[]string{"check", "resource", "title", "severity", "status", "life", "since", "actual", "expected", "waived_until", "assignee", "note"}, findingRows},
		{"checks", any, []string{"check", "title", "family", "severity", "hosts", "bad", "waived", "after_waivers"}, checkRows},
		{"hosts", fleet, []string{"host", "id", "score", "fail", "critical", "high", "waived", "updates"}, hostRows},
		{"packages", any, []string{"package", "hosts", "since"}, packageRows},
		{"trend", any, []string{"day", "score", "pass", "fail", "unknown", "error"}, trendRows},
	}
}

// export answers with a report as a file.
func (s *Pages) export(w http.ResponseWriter, r *http.Request) {
	v, now := frame.Of(r), s.frame.Now()
	q := parse(r.URL.Query(), v.Scope)
	d, err := s.make(r.Context(), now, q)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	name, write, err := file(r.URL.Query().Get("format"), r.URL.Query().Get("part"), d)
	if err != nil {
		s.frame.Failure(w, r, http.StatusBadRequest, "There is no such file", "A report comes as json, or as csv of one of its parts.")
		return
	}
	err = s.config.Data.Write(r.Context(), func(tx db.Writer) error {
		who := v.User
		if v.Program {
			who = "token " + v.Session + " of " + v.User
		}
		_, err := trail.Record(tx, now, trail.Entry{Who: who, Action: "report export", Target: name, Detail: "of " + d.about()})
		return err
	})
	if err == nil {
		err = download.Stream(w, name, s.frame.Log(), write)
	}
	if err != nil {
		s.frame.Fail(w, r, err)
	}
}

// file returns the file of a format and a part of a report.
func file(format, name string, d *document) (string, func(io.Writer) error, error) {
	prefix := "report-" + d.Made.Format("2006-01-02")
	if format == "json" && name == "" {
		return prefix + ".json", func(w io.Writer) error { return rows.Line(w, d) }, nil
	}
	for _, p := range parts() {
		if format != "csv" || p.name != name || !p.of(d) {
			continue
		}
		return prefix + "-" + name + ".csv", func(w io.Writer) error {
			table, err := rows.NewCSV(w, p.head...)
			if err != nil {
				return fmt.Errorf("write report: %w", err)
			}
			return p.rows(d, table.Row)
		}, nil
	}
	return "", nil, errors.New("no such file")
}

func findingRows(d *document, row func(...string) error) error {
	for _, f := range d.Findings {
		err := row(f.Check, f.Resource, f.Title, f.Severity.String(), f.Status.String(), string(f.Life), stamp(f.Since), f.Actual, f.Expected,
			stamp(f.Until), f.Assignee, f.Note)
		if err != nil {
			return err
		}
	}
	return nil
}

func checkRows(d *document, row func(...string) error) error {
	for _, c := range d.Checks {
		err := row(c.Info.ID, c.Info.Title, c.Info.Family, c.Info.Severity.String(), strconv.Itoa(c.Hosts), strconv.Itoa(c.Bad), strconv.Itoa(c.Waived), strconv.Itoa(c.Left()))
		if err != nil {
			return err
		}
	}
	return nil
}

func hostRows(d *document, row func(...string) error) error {
	for _, h := range d.Worst {
		score := ""
		if n, ok := h.Counts.Score(); ok {
			score = strconv.Itoa(n)
		}
		err := row(h.Name, string(h.ID), score, strconv.Itoa(h.Counts.Fail), strconv.Itoa(h.Failing[5]), strconv.Itoa(h.Failing[4]), strconv.Itoa(h.Waived), strconv.Itoa(h.Pending))
		if err != nil {
			return err
		}
	}
	return nil
}

func packageRows(d *document, row func(...string) error) error {
	for _, p := range d.Packages {
		if err := row(p.Name, strconv.Itoa(p.Hosts), stamp(p.Since)); err != nil {
			return err
		}
	}
	return nil
}

func trendRows(d *document, row func(...string) error) error {
	for _, day := range d.Days {
		score, c := "", day.Counts
		if n, ok := c.Score(); ok {
			score = strconv.Itoa(n)
		}
		if err := row(day.Day.Format("2006-01-02"), score, strconv.Itoa(c.Pass), strconv.Itoa(c.Fail), strconv.Itoa(c.Unknown), strconv.Itoa(c.Error)); err != nil {
			return err
		}
	}
	return nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
