package web_test

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestProblems: what goes wrong is said as RFC 9457 has it, to who may know.
func TestProblems(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	for path, want := range map[string]string{
		"/api/v1/overview":              "401 Sign in first, or send an API token.",
		"/api/v1/nothing":               "401 Sign in first, or send an API token.",
		"/api/v1/openapi.json":          "401 Sign in first, or send an API token.",
		"/api/v1/export":                "401 Sign in first, or send an API token.",
		"/api/v1/hosts/zz?fragment=all": "401 Sign in first, or send an API token.",
	} {
		problem(t, path, b.get(path), want)
	}
	b.login()
	for path, want := range map[string]string{
		"/api/v1/nothing":                                     "404 There is no such page. The address is wrong, or what it showed was removed.",
		"/api/v1/hosts/zz":                                    "404 What the path names does not exist, or is not for you to see.",
		"/api/v1/checks/none":                                 "404 What the path names does not exist, or is not for you to see.",
		"/api/v1/overview?x=1":                                `400 parameter "x": no such parameter`,
		"/api/v1/timeline?limit=1&limit=2":                    "400 parameter limit: given 2 times",
		"/api/v1/timeline?limit=9999":                         "400 parameter limit: no number from 1 to 200",
		"/api/v1/timeline?host=web-1":                         "400 parameter host: no host's id: 32 lower-case hexadecimal digits",
		"/api/v1/detections?before=-1":                        "400 parameter before: no number above 0",
		"/api/v1/hosts?%1b%5b2J%E2%80%AE=1":                   `400 parameter "\\x1b[2J\\u202e": no such parameter`,
		"/api/v1/export?format=xml":                           `400 parameter format: "xml" is none of csv, jsonl, ocsf, ecs, otlp`,
		"/api/v1/export?what=hosts&status=x":                  `400 parameter status: "x" is no status`,
		"/api/v1/export?hots=1":                               "400 parameter hots: no such parameter",
		"/api/v1/detections?rule=" + strings.Repeat("a", 257): "400 parameter rule: longer than 256 bytes",
	} {
		problem(t, path, b.get(path), want)
	}
	d.err = io.ErrUnexpectedEOF
	for _, path := range []string{"/api/v1/overview", "/api/v1/hosts", "/api/v1/checks", "/api/v1/timeline", "/api/v1/detections", "/api/v1/requests", "/api/v1/export"} {
		problem(t, path, b.get(path), "500 The answer could not be made; the collector's log says why.")
	}
}

func problem(t *testing.T, path string, a answer, want string) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Errorf("%s: %v: %s", path, err, a.body)
		return
	}
	if got := strconv.Itoa(p.Status) + " " + p.Detail; got != want || p.Status != a.code || p.Type != "about:blank" || p.Title != http.StatusText(a.code) ||
		a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %d %v %s, want %s", path, a.code, a.header["Content-Type"], a.body, want)
	}
}

// TestHostPages: pages of hosts are all of them, each once, in order.
func TestHostPages(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	b.login()
	var got []string
	for next, pages := "", 0; ; pages++ {
		var list struct {
			Hosts []struct{ ID string }
			Next  string
		}
		path := "/api/v1/hosts?limit=5"
		if next != "" {
			path += "&after=" + next
		}
		if err := json.Unmarshal([]byte(b.get(path).body), &list); err != nil {
			t.Fatal(err)
		}
		for _, h := range list.Hosts {
			got = append(got, h.ID)
		}
		if next = list.Next; next == "" {
			break
		}
		if len(list.Hosts) != 5 || pages > 5 {
			t.Fatalf("page %d has %d hosts", pages, len(list.Hosts))
		}
	}
	if len(got) != len(d.hosts) || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("%d hosts of %d: %q", len(got), len(d.hosts), got)
	}
}

// TestExport: files are whole, for keeping and not for showing, and inert.
func TestExport(t *testing.T) {
	d := demoFleet(demoNow)
	addHostile(d, hostileStrings()[:40])
	b := open(t, newServer(t, config(d)))
	b.login()
	for _, what := range []string{"hosts", "findings", "changes", "detections"} {
		a := b.get("/api/v1/export?format=csv&what=" + what)
		if a.code != http.StatusOK || a.header.Get("Content-Disposition") != "attachment; filename="+what+".csv" || a.header.Get("X-Content-Type-Options") != "nosniff" ||
			a.header.Get("Content-Security-Policy") == "" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
			t.Errorf("%s: %d %v", what, a.code, a.header)
		}
		table, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		if err != nil || len(table) < 2 {
			t.Errorf("%s: %d rows, %v", what, len(table), err)
		}
		for _, row := range table {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					t.Errorf("%s: %.40q is a formula", what, cell)
				}
			}
		}
		for line := range strings.Lines(b.get("/api/v1/export?what=" + what).body) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s: %.60q is no JSON", what, line)
			}
		}
	}
	for _, format := range []string{"ocsf", "ecs", "otlp"} {
		if a := b.get("/api/v1/export?format=" + format); a.code != http.StatusOK || strings.Count(a.body, "\n") == 0 {
			t.Errorf("%s: %d, %d bytes", format, a.code, len(a.body))
		}
	}
}
