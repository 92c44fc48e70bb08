package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/fleet"
	"seawall/collector/store/view/pick"
	"seawall/pkg/finding"
)

// fleetOf is six hosts that differ in everything that can be asked for.
func fleetOf(t *testing.T) *View {
	var hosts, labels, told, given, counts [][]any
	for i, h := range []struct {
		name, os, region string
		pass, fail       int
		severe, pending  int
		age              time.Duration
		archived         int
	}{
		{"web-1", "Debian 13", "fra1", 99, 1, 0, 0, 0, 0},
		{"web-2", "Debian 12", "fra1", 50, 50, 2, 7, time.Minute, 0},
		{"db_1", "Debian 13", "ams3", 100, 0, 0, 3, 10 * time.Minute, 0},
		{"dbx1", "", "", 0, 0, 0, 0, 48 * time.Hour, 0},
		{"web-1", "Ubuntu 24.04", "nyc3", 80, 20, 1, 0, time.Hour, 0},
		{"old", "Debian 11", "fra1", 1, 9, 9, 9, 90 * 24 * time.Hour, 1},
	} {
		key := mustKey(t, i)
		hosts = append(hosts, []any{key, 0, now.Add(-h.age).UnixNano(), h.name, h.pass, h.fail, h.severe, h.pending, h.archived})
		if h.os != "" {
			labels = append(labels, []any{key, h.os, h.region, strings.ToLower(h.name + "\n" + string(id(i)) + "\n" + h.os)})
		}
		told = append(told, []any{key, "told"})
		if i%2 == 0 {
			given = append(given, []any{key, "given"})
		}
		if i != 3 {
			counts = append(counts, []any{key, 4, 10 + i})
		}
	}
	member := func(i int, standing fleet.Standing, expires time.Time) []any {
		return append([]any{mustKey(t, i), []byte{byte(i)}, string(standing), expires.UnixNano(), []byte{}}, "", 0, 0, "", 0, 1, 0, 0, 0, "", "", "", "")
	}
	given = append(given, []any{mustKey(t, 1), "other"}, []any{mustKey(t, 0), "other"})
	return fill(t, map[string][][]any{
		"host (host, first_seen, last_seen, name, pass, fail, severity5, pending, archived)": hosts,
		"host_label": labels, "host_told": told, "host_tag": given, "detection_count": counts,
		"member (host, key, standing, expires, clone_of, reason, since, enrolled, token, session, confirmed, bundle, recoveries, recovered, host_name, droplet_id, machine_id, product_uuid)": {
			member(0, fleet.Active, now.Add(-time.Hour)), member(1, fleet.Quarantined, now.Add(-time.Hour)), member(2, fleet.Active, now.Add(time.Hour)), member(4, fleet.Revoked, now),
		},
	})
}

func TestHostPage(t *testing.T) {
	v := fleetOf(t)
	for name, c := range map[string]struct {
		query fleet.HostQuery
		want  string // numbers of hosts, in order
		total int
	}{
		"all by name":            {fleet.HostQuery{}, "2 3 0 4 1", 5},
		"reversed":               {fleet.HostQuery{Reverse: true}, "1 0 4 3 2", 5},
		"worst score":            {fleet.HostQuery{Sort: fleet.ByScore}, "1 4 0 2 3", 5},
		"most severe":            {fleet.HostQuery{Sort: fleet.BySeverity}, "1 4 2 3 0", 5},
		"most pending":           {fleet.HostQuery{Sort: fleet.ByPending}, "1 2 3 0 4", 5},
		"silent longest":         {fleet.HostQuery{Sort: fleet.BySeen}, "3 4 2 1 0", 5},
		"by system":              {fleet.HostQuery{Sort: fleet.ByOS}, "3 1 2 0 4", 5},
		"by region":              {fleet.HostQuery{Sort: fleet.ByRegion}, "3 2 0 1 4", 5},
		"text of a name":         {fleet.HostQuery{Text: "WEB"}, "0 4 1", 3},
		"text is no pattern":     {fleet.HostQuery{Text: "b_1"}, "2", 1},
		"nor is a percent":       {fleet.HostQuery{Text: "%"}, "", 0},
		"nor an end of it":       {fleet.HostQuery{Text: `\`}, "", 0},
		"nor SQL":                {fleet.HostQuery{Text: "' OR 1=1 --"}, "", 0},
		"text without labels":    {fleet.HostQuery{Text: "DBX"}, "3", 1},
		"text of an id":          {fleet.HostQuery{Text: string(id(4))}, "4", 1},
		"system":                 {fleet.HostQuery{OS: "Debian 13"}, "2 0", 2},
		"region":                 {fleet.HostQuery{Region: "fra1"}, "0 1", 2},
		"given tag":              {fleet.HostQuery{Tag: "given"}, "2 0 4", 3},
		"told tag":               {fleet.HostQuery{Tag: "told"}, "2 3 0 4 1", 5},
		"scope":                  {fleet.HostQuery{Scope: []string{"other"}}, "0 1", 2},
		"scope of two":           {fleet.HostQuery{Scope: []string{"other", "given", "none"}}, "2 0 4 1", 4},
		"a told tag is no scope": {fleet.HostQuery{Scope: []string{"told"}}, "", 0},
		"scope and tag":          {fleet.HostQuery{Scope: []string{"other"}, Tag: "given"}, "0", 1},
		"online":                 {fleet.HostQuery{Presence: fleet.Online}, "0 1", 2},
		"silent":                 {fleet.HostQuery{Presence: fleet.Silent}, "2 4", 2},
		"offline":                {fleet.HostQuery{Presence: fleet.Offline}, "3", 1},
		"archived":               {fleet.HostQuery{Presence: fleet.Archived}, "5", 1},
		"severe":                 {fleet.HostQuery{Severity: finding.SeverityCritical}, "4 1", 2},
		"below":                  {fleet.HostQuery{Below: 90}, "4 1", 2},
		"below all":              {fleet.HostQuery{Below: 1000}, "2 0 4 1", 4},
		"quarantined":            {fleet.HostQuery{Standing: fleet.Quarantined}, "1", 1},
		"no standing":            {fleet.HostQuery{Standing: "' OR 1=1 --"}, "", 0},
		"certificate expired":    {fleet.HostQuery{Expired: true}, "0", 1},
		"detected":               {fleet.HostQuery{Detected: true}, "2 0 4 1", 4},
		"pending":                {fleet.HostQuery{Pending: true}, "2 1", 2},
		"second page":            {fleet.HostQuery{Size: 2, Page: 1}, "0 4", 5},
		"last page":              {fleet.HostQuery{Size: 2, Page: 2}, "1", 5},
		"by id, every host":      {fleet.HostQuery{Sort: fleet.ByID, Every: true}, "0 1 2 3 4 5", 6},
		"some":                   {fleet.HostQuery{Sort: fleet.ByID, Every: true, Only: []fleet.HostID{id(5), id(1), id(9)}}, "1 5", 2},
		"after one":              {fleet.HostQuery{Sort: fleet.ByID, Every: true, After: id(2), Size: 2}, "3 4", 3},
		"after the last":         {fleet.HostQuery{Sort: fleet.ByID, After: id(5)}, "", 0},
		"behind the last":        {fleet.HostQuery{Size: 2, Page: 9}, "", 5},
		"far behind":             {fleet.HostQuery{Size: 1 << 40, Page: 1 << 60}, "", 5},
		"before the first":       {fleet.HostQuery{Size: -1, Page: -5}, "2 3 0 4 1", 5},
	} {
		p, err := v.HostPage(t.Context(), c.query)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, h := range p.Hosts {
			var n int
			fmt.Sscanf(string(h.ID), "%x", &n)
			got = append(got, fmt.Sprint(n))
			if want := (10 + n) * min(1, (n-3)*(n-3)); h.Detected[4] != want || h.Labels.Name != "" {
				t.Errorf("%s: host %d has %v detections", name, n, h.Detected)
			}
		}
		if s := strings.Join(got, " "); s != c.want || p.Total != c.total {
			t.Errorf("%s: hosts %q of %d, want %q of %d", name, s, p.Total, c.want, c.total)
		}
	}
}

func TestHostQueryRefused(t *testing.T) {
	v := fleetOf(t)
	for name, q := range map[string]fleet.HostQuery{
		"after":    {After: "' OR 1=1 --"},
		"some":     {Only: []fleet.HostID{"' OR 1=1 --"}},
		"many":     {Only: make([]fleet.HostID, fleet.MaxPage+1)},
		"order":    {Sort: "name; DROP TABLE host"},
		"presence": {Presence: "anywhere"},
		"text":     {Text: strings.Repeat("x", pick.MaxText+1)},
		"scope":    {Scope: make([]string, pick.MaxScope+1)},
	} {
		if p, err := v.HostPage(t.Context(), q); err == nil {
			t.Errorf("%s: %d hosts", name, p.Total)
		}
	}
}

func TestFacets(t *testing.T) {
	v := fleetOf(t)
	f, err := v.Facets(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := fleet.Facets{
		OS:      []fleet.Facet{{Value: "Debian 13", Hosts: 2}, {Value: "Debian 12", Hosts: 1}, {Value: "Ubuntu 24.04", Hosts: 1}},
		Regions: []fleet.Facet{{Value: "fra1", Hosts: 2}, {Value: "ams3", Hosts: 1}, {Value: "nyc3", Hosts: 1}},
		Tags:    []fleet.Facet{{Value: "told", Hosts: 5}, {Value: "given", Hosts: 3}, {Value: "other", Hosts: 2}},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	if f, err = v.Facets(t.Context(), []string{"other"}); err != nil || len(f.Regions) != 1 || f.Regions[0].Hosts != 2 || len(f.OS) != 2 {
		t.Errorf("facets of a scope %+v, %v", f, err)
	}
}

// TestGivenTags has each answer about hosts tell the tags that they were given, sorted,
// and none that they give themselves.
func TestGivenTags(t *testing.T) {
	v := fleetOf(t)
	want := map[fleet.HostID][]string{id(0): {"given", "other"}, id(1): {"other"}, id(2): {"given"}, id(4): {"given"}}
	page, err := v.HostPage(t.Context(), fleet.HostQuery{Every: true})
	if err != nil {
		t.Fatal(err)
	}
	all, err := v.Hosts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range slices.Concat(page.Hosts, all) {
		if !slices.Equal(h.Tags, want[h.ID]) {
			t.Errorf("host %s: %q, want %q", h.ID, h.Tags, want[h.ID])
		}
		one, err := v.Host(t.Context(), h.ID)
		if err != nil || !slices.Equal(one.Host.Tags, want[h.ID]) {
			t.Errorf("host %s alone: %q, want %q; %v", h.ID, one.Host.Tags, want[h.ID], err)
		}
	}
	if len(page.Hosts) != 6 || len(all) != 6 {
		t.Errorf("%d and %d hosts", len(page.Hosts), len(all))
	}
}
