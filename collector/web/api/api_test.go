package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/membership"
	"seawall/collector/web/frame"
	"seawall/collector/web/patches"
	"seawall/pkg/finding"
)

// hosts is how many the store has. Those with an even number have the tag prod.
const hosts = 5

var noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

func host(n int) fleet.HostID { return fleet.HostID(fmt.Sprintf("%032x", n+1)) }

func all() frame.Visitor { return frame.Visitor{User: "ann", Role: frame.Viewer} }

func prod() frame.Visitor {
	return frame.Visitor{User: "pia", Role: frame.Viewer, Scope: []string{"prod"}, Program: true, Session: "t7"}
}

// site is the API over a store.
type site struct {
	*testing.T
	mux *http.ServeMux
}

func open(t *testing.T, full bool, change func(*Config)) *site {
	t.Helper()
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return noon }
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Now: now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	f, err := frame.New(frame.Config{Log: log, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Frame: f, Posture: s, Catalogue: s, CheckOf: s.CheckOf, Detections: s, Lists: s, Advisories: s, Requests: s.Requests}
	change(&c)
	site := &site{t, http.NewServeMux()}
	for _, r := range New(c).Routes() {
		site.mux.HandleFunc(r.Pattern, r.Serve)
	}
	for n := range hosts {
		if full {
			fill(t, s, n)
		}
	}
	return site
}

// fill has a host say a little of everything.
func fill(t *testing.T, s *store.Store, n int) {
	t.Helper()
	id := host(n)
	m := fleet.Member{Host: id, Key: sha256.Sum256([]byte(id)), Standing: fleet.Active, Enrolled: noon, Since: noon, Expires: noon.Add(time.Hour)}
	if err := s.Update(t.Context(), func(tx *membership.Tx) error { return tx.PutMember(m) }); err != nil {
		t.Fatal(err)
	}
	fail := func(check, resource, evidence string) finding.Record {
		return finding.Record{Time: noon, Change: &finding.Change{Previous: finding.StatusPass, Result: finding.Result{Check: check, Resource: resource, Status: finding.StatusFail,
			Severity: finding.SeverityHigh, Time: noon, Evidence: []finding.Evidence{{Text: evidence}}}}}
	}
	var items []fleet.Delivery
	for i, r := range []finding.Record{
		{Time: noon, Heartbeat: &finding.Heartbeat{Host: finding.Host{Name: fmt.Sprint("web-", n), OS: "Debian 12", Region: "fra1"}}},
		fail("ssh-root", "", "PermitRootLogin yes\u202e"), fail("patch-security-updates", "openssl", "DSA-5764-1: CVE-2024-1"),
		{Time: noon, Detection: &finding.Detection{ID: "ab", Rule: "r", Title: "t", Severity: finding.SeverityCritical, Count: 1, First: noon, Last: noon}},
	} {
		items = append(items, fleet.Delivery{Lane: "posture", Epoch: 1, Sequence: uint64(i + 1), Record: r})
	}
	if err := s.Apply(t.Context(), id, items, nil); err != nil {
		t.Fatal(err)
	}
	if n%2 > 0 {
		return
	}
	key, err := id.Bytes()
	if err == nil {
		err = s.Write(t.Context(), func(w db.Writer) error { return w.Exec("INSERT INTO host_tag VALUES (?, 'prod')", key) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) get(v frame.Visitor, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, frame.With(httptest.NewRequest(http.MethodGet, path, nil), v))
	return w
}

// list returns which hosts a list is about, page after page, in its order.
func (s *site) list(v frame.Visitor, path, member, field, cursor string) (ids []string) {
	s.Helper()
	next := ""
	for range 10 {
		w := s.get(v, path+next)
		var page map[string]json.RawMessage
		var rows []map[string]any
		err := json.Unmarshal(w.Body.Bytes(), &page)
		if err == nil {
			err = json.Unmarshal(page[member], &rows)
		}
		if w.Code != http.StatusOK || err != nil {
			s.Fatalf("%s: %d, %v: %s", path+next, w.Code, err, w.Body)
		}
		for _, row := range rows {
			ids = append(ids, fmt.Sprint(row[field]))
		}
		more := strings.Trim(string(page["next"]), `"`)
		if more == "" || more == "0" {
			return ids
		}
		next = "&" + cursor + "=" + more
	}
	s.Fatalf("%s has no end", path)
	return nil
}

// TestPages: each list ends, has each host once, and only those that the visitor may see.
func TestPages(t *testing.T) {
	s := open(t, true, func(*Config) {})
	for _, test := range []struct{ path, member, field, cursor string }{
		{"/api/v1/hosts?limit=2", "hosts", "id", "after"},
		{"/api/v1/timeline?limit=2&check=ssh-root", "events", "host", "before"},
		{"/api/v1/changes?limit=2&check=ssh-root", "events", "host", "before"},
		{"/api/v1/detections?limit=2", "detections", "host", "before"},
		{"/api/v1/checks/ssh-root/results?limit=2", "states", "host", "page"},
		{"/api/v1/advisories/DSA-5764-1/results?limit=2", "states", "host", "page"},
	} {
		for _, v := range []frame.Visitor{all(), prod()} {
			var want []string
			for n := range hosts {
				if len(v.Scope) == 0 || n%2 == 0 {
					want = append(want, string(host(n)))
				}
			}
			got := s.list(v, test.path, test.member, test.field, test.cursor)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s for %s (-want +got):\n%s", test.path, v.User, diff)
			}
		}
	}
	if text := s.get(all(), "/api/v1/changes?check=ssh-root").Body.String(); strings.Contains(text, "\u202e") || !strings.Contains(text, `\u202e`) {
		t.Errorf("text of a host steers a terminal: %s", text)
	}
}

// TestScope: what a visitor may not see is answered as what is not there, and what sums
// up the whole fleet is refused.
func TestScope(t *testing.T) {
	s := open(t, true, func(*Config) {})
	for _, path := range []string{"/api/v1/hosts/%s", "/api/v1/hosts/%s/detections/ab", "/api/v1/timeline?host=%s", "/api/v1/detections?host=%s"} {
		other, nobody := fmt.Sprintf(path, host(1)), fmt.Sprintf(path, host(77))
		if w := s.get(all(), other); w.Code != http.StatusOK {
			t.Errorf("%s for all: %d %s", other, w.Code, w.Body)
		}
		if w := s.get(prod(), fmt.Sprintf(path, host(2))); w.Code != http.StatusOK {
			t.Errorf("%s within the scope: %d %s", path, w.Code, w.Body)
		}
		w, unknown := s.get(prod(), other), s.get(prod(), nobody)
		if w.Code != http.StatusNotFound || w.Body.String() != unknown.Body.String() {
			t.Errorf("%s: %d %s, of a host that is not: %d %s", other, w.Code, w.Body, unknown.Code, unknown.Body)
		}
	}
	for _, path := range []string{"/api/v1/overview", "/api/v1/requests", "/api/v1/checks"} {
		if w := s.get(prod(), path); w.Code != http.StatusForbidden {
			t.Errorf("%s with a scope: %d %s", path, w.Code, w.Body)
		}
		if w := s.get(all(), path); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestEmpty: a list is never null, in a fleet without hosts, too.
func TestEmpty(t *testing.T) {
	s := open(t, false, func(*Config) {})
	for _, path := range []string{"overview", "hosts", "detections", "requests", "checks", "timeline", "changes", "patches", "advisories", "advisories?kind=cve",
		"advisories/DSA-1-1/results", "checks/ssh-root/results", "facets"} {
		if w := s.get(all(), "/api/v1/"+path); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "null") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestAge: packages are those pending for as long as is asked, as on the page.
func TestAge(t *testing.T) {
	for days, want := range map[int]string{0: "week", 20: "month", 60: "quarter", 200: "longer"} {
		s := open(t, true, func(c *Config) {
			var err error
			c.Frame, err = frame.New(frame.Config{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon.AddDate(0, 0, days) }})
			if err != nil {
				t.Fatal(err)
			}
		})
		for _, age := range patches.Ages() {
			total := 0
			if age == want {
				total = 1
			}
			w := s.get(all(), "/api/v1/patches?age="+age)
			var list packageList
			if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != http.StatusOK || list.Total != total || len(list.Packages) != total || total > 0 && list.Packages[0].Hosts != hosts {
				t.Errorf("pending for %d days, %s: %d %s, %v", days, age, w.Code, w.Body, err)
			}
		}
		if w := s.get(all(), "/api/v1/patches?age=year"); w.Code != http.StatusBadRequest {
			t.Errorf("an age that is none: %d %s", w.Code, w.Body)
		}
	}
}

// TestExport: a file is told of before its first byte, has what the visitor may see alone,
// and few are made at a time.
func TestExport(t *testing.T) {
	var told []string
	refuse := false
	s := open(t, true, func(c *Config) {
		c.Exported = func(_ context.Context, who, what string) error {
			if told = append(told, who+": "+what); refuse {
				return errors.New("the trail is full")
			}
			return nil
		}
		c.Export = func(v url.Values, _ time.Time, sees func(fleet.HostID) bool) (string, string, func(context.Context, io.Writer) error, error) {
			if v.Get("what") == "detections" {
				return "", "", nil, errors.New("parameter what: not today")
			}
			return "x.jsonl", "hosts", func(_ context.Context, w io.Writer) error {
				for n := range hosts {
					if sees == nil || sees(host(n)) {
						fmt.Fprintln(w, n)
					}
				}
				return nil
			}, nil
		}
	})
	for _, test := range []struct {
		who        frame.Visitor
		query      string
		code       int
		body, told string
	}{
		{all(), "", 200, "0\n1\n2\n3\n4\n", "ann: hosts"},
		{prod(), "", 200, "0\n2\n4\n", "token t7 of pia: hosts"},
		{prod(), "?host=" + string(host(1)), 404, "", ""},
		{all(), "?host=" + string(host(1)), 200, "0\n1\n2\n3\n4\n", "ann: hosts"},
	} {
		told = nil
		w := s.get(test.who, "/api/v1/export"+test.query)
		if w.Code != test.code || test.code == 200 && w.Body.String() != test.body || strings.Join(told, "|") != test.told {
			t.Errorf("%s %s: %d %q, told %q", test.who.User, test.query, w.Code, w.Body, told)
		}
	}
	refuse = true
	if w := s.get(all(), "/api/v1/export"); w.Code != http.StatusInternalServerError || bytes.Contains(w.Body.Bytes(), []byte("0\n1")) || strings.Contains(w.Body.String(), "trail") {
		t.Errorf("an export that cannot be told of: %d %q", w.Code, w.Body)
	}
	refuse, told = false, nil
	if w := s.get(all(), "/api/v1/export?what=detections"); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "not today") || len(told) > 0 {
		t.Errorf("an export that cannot be: %d %q, told %q", w.Code, w.Body, told)
	}
}
