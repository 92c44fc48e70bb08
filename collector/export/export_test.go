package export_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/account/tag"
	"seawall/collector/db"
	"seawall/collector/export"
	"seawall/collector/export/itemtest"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/pkg/finding"
)

// ids are the hosts of the store.
func ids() []fleet.HostID {
	return []fleet.HostID{"00000000000000000000000000000001", "00000000000000000000000000000002", "00000000000000000000000000000003"}
}

const changesEach = 150 // more than one page of the timeline altogether

// filled returns a store with three hosts, each with two standing results, a detection and
// changes. The third means ill.
func filled(t *testing.T, now time.Time) export.Source {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for n, id := range ids() {
		if err := s.SaveMember(t.Context(), fleet.Member{Host: id, Key: fleet.KeyHash{byte(n)}, Standing: fleet.Active, Enrolled: now, Since: now, Expires: now.AddDate(0, 0, 14)}); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("web-%d", n+1)
		if n == 2 {
			name = "=HYPERLINK(\"http://evil\")\x1b[2J"
		}
		if err := s.Apply(t.Context(), id, deliveries(name, now), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Write(t.Context(), func(w db.Writer) error {
		_, err := tag.Set(w, now, "ann", string(ids()[0]), []string{"team=blue", "prod"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return export.Source{Hosts: s.Hosts, Host: s.Host, Checks: s.Checks, Timeline: s.Timeline, Detections: s.Detections}
}

func deliveries(name string, now time.Time) []fleet.Delivery {
	labels := itemtest.Labels()
	labels.Name = name
	info := []finding.CheckInfo{{ID: "ssh-root", Family: "ssh", Title: "Root cannot log in", Severity: finding.SeverityHigh, Remediation: "fix it"},
		{ID: "audit-on", Family: "audit", Title: "Audit is on", Severity: finding.SeverityLow}}
	records := []finding.Record{
		{Pack: &finding.Pack{Digest: [32]byte{1}, Checks: info}},
		{Heartbeat: &finding.Heartbeat{Host: labels}},
		{Change: &finding.Change{Result: finding.Result{Check: "audit-on", Status: finding.StatusPass, Severity: finding.SeverityLow, Actual: "1", Expected: "1", Time: now}}},
		{Detection: &finding.Detection{ID: "a", Rule: "r1", Title: "Shell", Severity: finding.SeverityHigh, Count: 2, First: now, Last: now, Samples: []finding.Sample{{Command: "=1+1;sh"}}}},
	}
	for n := range changesEach {
		status := finding.StatusFail
		if n%2 == 0 {
			status = finding.StatusPass
		}
		records = append(records, finding.Record{Change: &finding.Change{Result: finding.Result{Check: "ssh-root", Status: status, Severity: finding.SeverityHigh,
			Actual: fmt.Sprint("@", n), Expected: "no", Time: now}}})
	}
	var out []fleet.Delivery
	for n, r := range records {
		r.Time = now
		lane := "posture"
		if r.Detection != nil {
			lane = "detections"
		}
		out = append(out, fleet.Delivery{Lane: lane, Epoch: 1, Sequence: uint64(n + 1), Record: r, Size: 100})
	}
	// Sequences count in each lane.
	slices.SortStableFunc(out, func(a, b fleet.Delivery) int { return strings.Compare(a.Lane, b.Lane) })
	last := map[string]uint64{}
	for i := range out {
		last[out[i].Lane]++
		out[i].Sequence = last[out[i].Lane]
	}
	return out
}

var _ = flag.Bool("update", false, "write the golden files")

func now() time.Time { return time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC) }

// written returns what parameters export, and how many items that is said to be.
func written(t *testing.T, s export.Source, parameters string) (string, int) {
	t.Helper()
	v, err := url.ParseQuery(parameters)
	if err != nil {
		t.Fatal(err)
	}
	q, err := export.Parse(v, now())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	n, err := export.Write(t.Context(), &b, s, "1.2.3", q)
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), n
}

// TestTags: every file has the tags that a host was given, and behind them its own.
func TestTags(t *testing.T) {
	s := filled(t, now())
	host := "&host=" + string(ids()[0])
	for parameters, want := range map[string]string{
		"what=hosts&format=csv":                             `"prod team=blue web"`,
		"what=findings&format=ecs" + host:                   `"tags":["prod","team=blue","web"]`,
		"what=changes&format=ecs" + host:                    `"tags":["prod","team=blue","web"]`,
		"what=detections&format=ecs" + host:                 `"tags":["prod","team=blue","web"]`,
		"what=findings&format=otlp" + host:                  `{"key":"seawall.host.tags","value":{"arrayValue":{"values":[{"stringValue":"prod"},{"stringValue":"team=blue"},{"stringValue":"web"}]}}}`,
		"what=findings&format=ecs&host=" + string(ids()[1]): `"tags":["prod","web"]`,
	} {
		if text, n := written(t, s, parameters); n == 0 || !strings.Contains(text, want) {
			t.Errorf("%s: not %s in the first of %d: %.1500s", parameters, want, n, text)
		}
	}
}

// TestCounts: each filter lets through what it says, in each format.
func TestCounts(t *testing.T) {
	s := filled(t, now())
	one := "&host=" + string(ids()[1])
	all := 3 * (changesEach + 1)
	for parameters, want := range map[string]int{
		"": 6, "what=hosts": 3, "what=hosts" + one: 1, "status=fail": 3, "status=open": 3, "status=pass": 3, "status=pass,fail": 6, "status=waived": 0,
		"severity=high": 3, "severity=low": 6, "severity=critical": 0, "family=ssh": 3, "check=audit-on": 3, "check=none": 0, "limit=4": 4, "limit=6": 6, "limit=100": 6,
		"what=changes": all, "what=changes" + one: changesEach + 1, "what=changes&limit=250": 250, "what=changes&check=audit-on": 3, "what=changes&status=fail": 3 * changesEach / 2,
		"what=changes&since=1h": all, "what=changes&since=2026-03-14T15:00:01Z": 0, "what=changes&until=1h": 0,
		"what=detections": 3, "what=detections" + one: 1, "what=detections&rule=r1": 3, "what=detections&rule=r2": 0, "what=detections&severity=critical": 0, "what=detections&since=7d": 3,
	} {
		for _, format := range []string{"jsonl", "csv", "ocsf", "ecs", "otlp"} {
			if strings.Contains(parameters, "hosts") && format != "jsonl" && format != "csv" {
				continue
			}
			out, n := written(t, s, strings.TrimPrefix(parameters+"&format="+format, "&"))
			lines := strings.Count(out, "\n")
			if format == "csv" {
				lines-- // the heads
			}
			if n != want || lines != want {
				t.Errorf("%s as %s: %d items, %d lines, want %d", parameters, format, n, lines, want)
			}
		}
	}
}

// TestScope: what a reader may not see is in no export.
func TestScope(t *testing.T) {
	s := filled(t, now())
	for _, what := range []string{export.Hosts, export.Findings, export.Changes, export.Detections} {
		q := export.Query{What: what, Format: export.JSONL, Sees: func(id fleet.HostID) bool { return id == ids()[0] }}
		var b bytes.Buffer
		n, err := export.Write(t.Context(), &b, s, "1", q)
		if err != nil || n == 0 {
			t.Errorf("%s: %d, %v", what, n, err)
		}
		for _, other := range ids()[1:] {
			if strings.Contains(b.String(), string(other)) {
				t.Errorf("%s: has host %s", what, other)
			}
		}
	}
}

// TestInert: a hostile name is text in a table, and steers nothing.
func TestInert(t *testing.T) {
	s := filled(t, now())
	for _, what := range []string{"hosts", "findings", "changes", "detections"} {
		out, n := written(t, s, "format=csv&what="+what)
		table, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(table) != n+1 {
			t.Fatalf("%s: %d rows of %d: %v", what, len(table), n, err)
		}
		named := false
		for _, row := range table {
			for _, cell := range row {
				named = named || strings.HasPrefix(cell, `'=HYPERLINK("http://evil")\x1b`)
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) || strings.ContainsAny(cell, "\x1b\n") {
					t.Errorf("%s: %q", what, cell)
				}
			}
		}
		if !named {
			t.Errorf("%s: the hostile host is missing", what)
		}
	}
}

// TestColumns: the heads are an interface.
func TestColumns(t *testing.T) {
	s := filled(t, now())
	var heads strings.Builder
	for _, what := range []string{"hosts", "findings", "changes", "detections"} {
		out, _ := written(t, s, "limit=1&format=csv&what="+what)
		line, _, _ := strings.Cut(out, "\r\n")
		heads.WriteString(what + ": " + strings.ReplaceAll(line, `"`, "") + "\n")
	}
	itemtest.Golden(t, "heads.txt", []byte(heads.String()))
}

// TestJSON: lines are objects of the API.
func TestJSON(t *testing.T) {
	s := filled(t, now())
	out, _ := written(t, s, "status=fail&host="+string(ids()[0]))
	var got struct {
		fleet.State
		Title, Family string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Host != ids()[0] || got.HostName != "web-1" || got.Title != "Root cannot log in" || got.Family != "ssh" || got.Result.Status != finding.StatusFail {
		t.Errorf("%+v", got)
	}
}

// TestSARIF: the export is one document with a run for each host that has results, and as
// many results as were asked for.
func TestSARIF(t *testing.T) {
	s := filled(t, now())
	for parameters, want := range map[string][2]int{"": {3, 6}, "&status=fail": {3, 3}, "&limit=3": {2, 3}, "&check=none": {0, 0}, "&host=" + string(ids()[1]): {1, 2}} {
		out, n := written(t, s, "format=sarif"+parameters)
		var doc struct {
			Version string
			Runs    []struct{ Results []json.RawMessage }
		}
		if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Runs == nil || doc.Version != "2.1.0" {
			t.Fatalf("%q: %v: %s", parameters, err, out)
		}
		results := 0
		for _, r := range doc.Runs {
			results += len(r.Results)
		}
		if got := [2]int{len(doc.Runs), results}; got != want || n != results {
			t.Errorf("%q: %d runs with %d results, said to be %d, want %v", parameters, got[0], got[1], n, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for parameters, want := range map[string]string{
		"what=users":                        `parameter what: "users" is none of hosts, findings, changes, detections`,
		"format=xml":                        `parameter format: "xml" is none of csv, jsonl, ocsf, ecs, otlp, sarif`,
		"hots=x":                            "parameter hots: no such parameter",
		"host=x":                            "parameter host: no host's id: 32 hexadecimal digits",
		"status=bad":                        `parameter status: "bad" is no status`,
		"status=":                           `parameter status: "" is no status`,
		"limit=0":                           "parameter limit: no number above 0",
		"limit=1&limit=2":                   "parameter limit: given 2 times",
		"what=hosts&format=ocsf":            "parameter format: hosts are written as csv or jsonl, not ocsf",
		"what=hosts&status=fail":            "parameter status: not for hosts",
		"what=changes&format=sarif":         "parameter format: changes are not written as sarif",
		"since=1h":                          "parameter since: not for findings",
		"what=changes&family=ssh":           "parameter family: not for changes",
		"what=changes&since=soon":           `parameter since: "soon" is neither a time such as 2026-03-14T15:00:00Z nor a length such as 24h or 7d`,
		"what=changes&since=-1h":            `parameter since: "-1h" is neither a time such as 2026-03-14T15:00:00Z nor a length such as 24h or 7d`,
		"what=changes&since=99999d":         `parameter since: "99999d" is no number of days`,
		"check=" + strings.Repeat("a", 257): "parameter check: longer than 256 bytes",
		"what=detections&status=fail&format=ocsf": "parameter status: not for detections",
	} {
		v, err := url.ParseQuery(parameters)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := export.Parse(v, now()); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", parameters, err, want)
		}
	}
	if _, err := export.Parse(url.Values{"severity": {"grave"}}, now()); err == nil {
		t.Error("severity grave is one")
	}
}

// FuzzParse: any parameters are a query that [export.Write] takes, or an error.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"what=hosts&format=csv", "what=changes&since=7d&status=open", "severity=high&limit=3", "what=detections&rule=x&until=1h"} {
		f.Add(seed)
	}
	empty := export.Source{
		Hosts:      func(context.Context) ([]fleet.Host, error) { return nil, nil },
		Checks:     func(context.Context) ([]fleet.Check, error) { return nil, nil },
		Timeline:   func(context.Context, fleet.TimelineQuery) ([]fleet.Event, error) { return nil, nil },
		Detections: func(context.Context, fleet.DetectionQuery) ([]fleet.Detection, error) { return nil, nil },
	}
	f.Fuzz(func(t *testing.T, parameters string) {
		v, err := url.ParseQuery(parameters)
		if err != nil {
			return
		}
		q, err := export.Parse(v, now())
		if err != nil {
			return
		}
		if n, err := export.Write(t.Context(), bufio.NewWriter(&bytes.Buffer{}), empty, "1", q); n != 0 || err != nil {
			t.Errorf("%q: %d, %v", slices.Collect(maps.Keys(v)), n, err)
		}
		if strings.ContainsAny(q.Name(), "/\\\"\n") {
			t.Errorf("file name %q", q.Name())
		}
	})
}

// TestFails: an error of the store or of the reader is told, and says where.
func TestFails(t *testing.T) {
	away := errors.New("the store is away")
	good := filled(t, now())
	for what, break1 := range map[string]func(*export.Source){
		"hosts": func(s *export.Source) { s.Hosts = func(context.Context) ([]fleet.Host, error) { return nil, away } },
		"findings": func(s *export.Source) {
			s.Host = func(context.Context, fleet.HostID) (fleet.HostDetail, error) { return fleet.HostDetail{}, away }
		},
		"changes": func(s *export.Source) {
			s.Timeline = func(context.Context, fleet.TimelineQuery) ([]fleet.Event, error) { return nil, away }
		},
		"detections": func(s *export.Source) {
			s.Detections = func(context.Context, fleet.DetectionQuery) ([]fleet.Detection, error) { return nil, away }
		},
	} {
		s := good
		break1(&s)
		_, err := export.Write(t.Context(), &bytes.Buffer{}, s, "1", export.Query{What: what, Format: export.JSONL})
		if !errors.Is(err, away) || !strings.HasPrefix(err.Error(), "export "+what) {
			t.Errorf("%s: %v", what, err)
		}
		for _, format := range []string{export.CSV, export.JSONL} {
			if _, err := export.Write(t.Context(), full{}, good, "1", export.Query{What: what, Format: format}); err == nil || !strings.Contains(err.Error(), "disk full") {
				t.Errorf("%s as %s: %v", what, format, err)
			}
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestNames(t *testing.T) {
	var got []string
	for _, f := range []string{"csv", "jsonl", "ocsf", "ecs", "otlp"} {
		q := export.Query{What: "findings", Format: f}
		got = append(got, q.Name())
	}
	if diff := cmp.Diff([]string{"findings.csv", "findings.jsonl", "findings.ocsf.jsonl", "findings.ecs.jsonl", "findings.otlp.jsonl"}, got); diff != "" {
		t.Error(diff)
	}
}
