package patches

import (
	"context"
	"log/slog"
	"math"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/pkg/finding"
)

// answer has the pages answer a request of a visitor with a scope.
func answer(t *testing.T, c Config, target string) string {
	t.Helper()
	f, err := frame.New(frame.Config{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c.Frame = f
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	path, _, _ := strings.Cut(target, "?")
	for _, route := range s.Routes() {
		if route.Pattern == "GET "+path {
			w := httptest.NewRecorder()
			route.Serve(w, frame.With(httptest.NewRequest("GET", target, nil), frame.Visitor{Role: frame.Viewer, Scope: []string{"prod"}}))
			return w.Body.String()
		}
	}
	t.Fatalf("no route for %s", target)
	return ""
}

// TestPackages: text, page and scope reach the query; names of hosts' making stay text.
func TestPackages(t *testing.T) {
	var got fleet.PackageQuery
	body := answer(t, Config{Packages: func(_ context.Context, q fleet.PackageQuery) (fleet.PackagePage, error) {
		got = q
		return fleet.PackagePage{Packages: []fleet.Package{{Name: `<script>&"a b`, Hosts: 3}}, Total: 250}, nil
	}}, path+"?q=+ssl+&page=2")
	if got.Text != "ssl" || got.Page != 1 || got.Size != size || len(got.Scope) != 1 {
		t.Errorf("query %+v", got)
	}
	for _, want := range []string{"?package=%3Cscript%3E%26%22a&#43;b", `href="/patches?q=ssl"`, "&lt;script&gt;", "250 packages found"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	ago := func(at time.Time) int { return int(math.Round(time.Since(at).Hours() / 24)) }
	for age, want := range map[string][2]int{"week": {7, 0}, "month": {30, 7}, "quarter": {90, 30}, "longer": {0, 90}, "never": {0, 0}} {
		body := answer(t, Config{Packages: func(_ context.Context, q fleet.PackageQuery) (fleet.PackagePage, error) {
			if q.From.IsZero() != (want[0] == 0) || q.To.IsZero() != (want[1] == 0) || want[0] > 0 && ago(q.From) != want[0] || want[1] > 0 && ago(q.To) != want[1] {
				t.Errorf("%s: from %v to %v", age, q.From, q.To)
			}
			return fleet.PackagePage{Packages: []fleet.Package{{Name: "a", Hosts: 1}}, Total: 250}, nil
		}}, path+"?q=a&page=2&age="+age)
		if kept := strings.Contains(body, "age="+age+"&amp;q=a"); kept != (age != "never") || strings.Contains(body, `value="`+age+`" selected`) != kept {
			t.Errorf("%s: the other pages and the form keep it: %t", age, kept)
		}
	}
	answer(t, Config{Packages: func(_ context.Context, q fleet.PackageQuery) (fleet.PackagePage, error) {
		if len(q.Text) > maxWord || q.Page != 0 {
			t.Errorf("%d bytes of text, page %d", len(q.Text), q.Page)
		}
		return fleet.PackagePage{}, nil
	}}, path+"?page=-4&q="+strings.Repeat("%C3%A9", 900))
}

// TestHosts: the hosts of one package, a page at a time.
func TestHosts(t *testing.T) {
	var got fleet.CheckQuery
	body := answer(t, Config{Results: func(_ context.Context, q fleet.CheckQuery) (fleet.StatePage, error) {
		got = q
		return fleet.StatePage{More: true, States: []fleet.State{{Host: "a1", HostName: "web-1", Result: finding.Result{Actual: "1.0", Expected: "1.1"}}}}, nil
	}}, one+"?"+url.Values{"package": {"a&b:amd64"}, "page": {"3"}}.Encode())
	if got.Resource != "a&b:amd64" || got.Check != "patch-security-updates" || got.Status != finding.StatusFail || got.Page != 2 || len(got.Scope) != 1 {
		t.Errorf("query %+v", got)
	}
	for _, want := range []string{"package=a%26b%3Aamd64&amp;page=2", "package=a%26b%3Aamd64&amp;page=4", "web-1", "1.1"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
}

// TestHostsOfAge: from a list of an age to the hosts of a package of that age alone, over
// pages and back, with the time that the list counts by.
func TestHostsOfAge(t *testing.T) {
	var listed fleet.PackageQuery
	var got fleet.CheckQuery
	c := Config{Packages: func(_ context.Context, q fleet.PackageQuery) (fleet.PackagePage, error) {
		listed = q
		return fleet.PackagePage{Packages: []fleet.Package{{Name: "a&b", Hosts: 1}}, Total: 1}, nil
	}, Results: func(_ context.Context, q fleet.CheckQuery) (fleet.StatePage, error) {
		got = q
		since := time.Now().AddDate(0, 0, -15)
		return fleet.StatePage{More: true, States: []fleet.State{{Host: "a1", Since: since, Result: finding.Result{Since: since.AddDate(0, 0, -300)}}}}, nil
	}}
	if link, body := `href="/patches/hosts?age=month&amp;package=a%26b"`, answer(t, c, path+"?age=month"); !strings.Contains(body, link) {
		t.Errorf("the list has no %s", link)
	}
	body := answer(t, c, one+"?age=month&package=a%26b&page=2")
	if d := got.From.Sub(listed.From); got.From.IsZero() || got.To.IsZero() || d.Abs() > time.Minute || got.To.Sub(listed.To).Abs() > time.Minute {
		t.Errorf("the list is from %v to %v, the page from %v to %v", listed.From, listed.To, got.From, got.To)
	}
	for _, want := range []string{
		`href="/patches?age=month"`, "age=month&amp;package=a%26b&amp;page=3", `href="/patches/hosts?age=month&amp;package=a%26b" rel="prev"`,
		`href="/patches/hosts?package=a%26b"`, "is pending for 8 to 30 days", "15 d",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	if strings.Contains(body, "315 d") {
		t.Error("the page shows another time than the list counts by")
	}
	if body := answer(t, c, one+"?age=never&package=a%26b"); !got.From.IsZero() || !got.To.IsZero() || strings.Contains(body, "is pending for") || !strings.Contains(body, `href="/patches/hosts?package=a%26b&amp;page=2"`) {
		t.Errorf("an age that there is not narrows: %+v", got)
	}
}
