package web_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"seawall/collector/fleet"
)

// TestHostsExport: the file has the hosts that the list shows, and no formula.
func TestHostsExport(t *testing.T) {
	d := demoFleet(demoNow)
	d.touch(0, func(h *fleet.Host) { h.Labels.Name = `=HYPERLINK("http://evil.example")` })
	b := open(t, newServer(t, config(d)))
	b.login()
	a := b.get("/hosts/export?format=csv")
	if a.code != http.StatusOK || !strings.Contains(a.header.Get("Content-Disposition"), "hosts.csv") {
		t.Fatalf("%d %v", a.code, a.header)
	}
	table, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(table) != len(d.hosts)+1 || table[0][0] != "host" {
		t.Fatalf("%d lines, %v", len(table), err)
	}
	found := false
	for _, row := range table[1:] {
		if strings.HasPrefix(row[0], "=") {
			t.Errorf("a formula: %q", row[0])
		}
		found = found || strings.HasPrefix(row[0], "'=HYPERLINK")
	}
	if !found {
		t.Error("the host is not in the file")
	}
	silent := 0
	for line := range strings.Lines(b.get("/hosts/export?format=json&status=silent").body) {
		var h fleet.Host
		if err := json.Unmarshal([]byte(line), &h); err != nil || h.Presence != fleet.Silent {
			t.Fatalf("%s: %v", line, err)
		}
		silent++
	}
	if silent == 0 || silent == len(d.hosts) {
		t.Errorf("%d of %d hosts are silent", silent, len(d.hosts))
	}
	if a := b.get("/hosts/export?format=xml"); a.code != http.StatusBadRequest {
		t.Errorf("an unknown format answers %d", a.code)
	}
}

// TestHostsList: the filter and the order of the address are the list's.
func TestHostsList(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	b.login()
	for query, want := range map[string]bool{"q=" + d.hosts[2].Labels.Name: true, "q=zzz": false, "region=nowhere": false, "below=1": false, "": true} {
		if got := strings.Contains(b.get("/hosts?"+query).body, `data-key="`+string(d.hosts[2].ID)+`"`); got != want {
			t.Errorf("%s: the host is listed: %v", query, got)
		}
	}
	if body := b.get("/hosts?sort=score").body; !strings.Contains(body, `aria-sort="ascending"><a href="/hosts?order=reverse&amp;sort=score">Score`) {
		t.Error("the order is not said")
	}
}
