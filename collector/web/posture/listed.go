package posture

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	labels "seawall/collector/export/item"
	"seawall/collector/export/rows"
	"seawall/collector/fleet"
	"seawall/collector/plain"
	"seawall/collector/web/download"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
)

func (s *Pages) hostsPage(w http.ResponseWriter, r *http.Request) {
	v := frame.Of(r)
	q := list.Hosts(r.URL.Query())
	q.Scope = v.Scope
	hosts, err := s.config.Lists.HostPage(r.Context(), q.HostQuery)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	var choices fleet.Facets
	var views list.Views
	if r.URL.Query().Get("fragment") == "" { // neither the filter nor the saved views are in a fragment
		if views, err = s.config.Views(r.Context(), v, q); err != nil {
			s.frame.Fail(w, r, err)
			return
		}
		if choices, err = s.config.Lists.Facets(r.Context(), v.Scope); err != nil {
			s.frame.Fail(w, r, err)
			return
		}
	}
	var requests []fleet.Request
	if len(v.Scope) == 0 { // what asks is in nobody's scope yet
		if requests, err = s.config.Requests(r.Context()); err != nil {
			s.frame.Fail(w, r, err)
			return
		}
	}
	waived, err := s.waived(r.Context(), hosts.Hosts)
	if err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Show(w, r, s.pages, "hosts", hostsOf(s.frame.Now(), q, hosts, choices, newQueue(s.frame.Now(), requests, s.form(v)), waived, views))
}

// form is the token of the forms that decide about hosts that wait; empty where the visitor
// may not, or the dashboard does not.
func (s *Pages) form(v frame.Visitor) string {
	if !s.config.Decides || !v.Operates() {
		return ""
	}
	return v.Form
}

// waived returns how many failed results of hosts waivers stand for.
func (s *Pages) waived(ctx context.Context, hosts []fleet.Host) (map[fleet.HostID]int, error) {
	if s.config.Waived == nil {
		return nil, nil
	}
	ids := make([]fleet.HostID, len(hosts))
	for i := range hosts {
		ids[i] = hosts[i].ID
	}
	return s.config.Waived.OnHosts(ctx, ids)
}

// exportHosts answers with all hosts that the address selects, as a file.
func (s *Pages) exportHosts(w http.ResponseWriter, r *http.Request) {
	q := list.Hosts(r.URL.Query())
	q.Scope, q.Page, q.Size = frame.Of(r).Scope, 0, fleet.MaxPage
	name, write := "hosts.csv", hostsCSV
	switch r.URL.Query().Get("format") {
	case "", "csv":
	case "json":
		name, write = "hosts.jsonl", hostsJSON
	default:
		s.frame.Failure(w, r, http.StatusBadRequest, "There is no such format", "Hosts come as csv or json.")
		return
	}
	who := frame.Of(r).User
	if err := s.config.Exported(r.Context(), who, strings.TrimSuffix("hosts?"+r.URL.RawQuery, "?")); err != nil {
		s.frame.Fail(w, r, fmt.Errorf("record an export: %w", err))
		return
	}
	err := download.Stream(w, name, s.frame.Log(), func(to io.Writer) error {
		return write(r.Context(), to, func(ctx context.Context, row func(*fleet.Host) error) error {
			return s.each(ctx, q.HostQuery, row)
		})
	})
	if err != nil {
		s.frame.Fail(w, r, err)
	}
}

// each calls row for every host that q selects.
func (s *Pages) each(ctx context.Context, q fleet.HostQuery, row func(*fleet.Host) error) error {
	for seen := 0; ; q.Page++ {
		p, err := s.config.Lists.HostPage(ctx, q)
		if err != nil {
			return fmt.Errorf("page %d of hosts: %w", q.Page, err)
		}
		for i := range p.Hosts {
			if err := row(&p.Hosts[i]); err != nil {
				return err
			}
		}
		if seen += len(p.Hosts); seen >= p.Total || len(p.Hosts) == 0 {
			return nil
		}
	}
}

// every calls a function for each host of an export.
type every func(ctx context.Context, row func(*fleet.Host) error) error

func hostsJSON(ctx context.Context, to io.Writer, hosts every) error {
	return hosts(ctx, func(h *fleet.Host) error {
		plain.Host(h) // one host's load that is no number would end the file of all
		return rows.Line(to, h)
	})
}

func hostsCSV(ctx context.Context, to io.Writer, hosts every) error {
	table, err := rows.NewCSV(to, "host", "id", "presence", "last_seen", "standing", "system", "kernel", "region", "droplet", "tags", "agent",
		"score", "fail", "critical", "high", "error", "unknown", "pass", "updates", "records_lost")
	if err != nil {
		return fmt.Errorf("write hosts: %w", err)
	}
	return hosts(ctx, func(h *fleet.Host) error {
		l, score, standing := labels.Labels(h), "", ""
		if n, ok := h.Counts.Score(); ok {
			score = strconv.Itoa(n)
		}
		if h.Member != nil {
			standing = string(h.Member.Standing)
		}
		return table.Row(l.Name, string(h.ID), string(h.Presence), h.LastSeen.UTC().Format(time.RFC3339), standing, l.OS, l.Kernel, l.Region,
			l.DropletID, strings.Join(l.Tags, " "), l.AgentVersion, score, strconv.Itoa(h.Counts.Fail), strconv.Itoa(h.BySeverity[5]),
			strconv.Itoa(h.BySeverity[4]), strconv.Itoa(h.Counts.Error), strconv.Itoa(h.Counts.Unknown), strconv.Itoa(h.Counts.Pass),
			strconv.Itoa(h.Pending), strconv.FormatUint(h.Gaps, 10))
	})
}
