package frame

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/pkg/finding"
)

var now = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func newFrame(t *testing.T) *Frame {
	t.Helper()
	f, err := New(Config{Version: "1", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTimeline(t *testing.T) {
	var events []fleet.Event
	for i := range PageSize + 1 {
		events = append(events, fleet.Event{ID: int64(100 - i)})
	}
	first := NewTimeline(now, "/hosts/a", 0, PageSize, events)
	if len(first.Entries) != PageSize || first.Older != 51 || !first.Newest || first.Since() != 100 {
		t.Errorf("%d entries, older %d", len(first.Entries), first.Older)
	}
	last := NewTimeline(now, "/hosts/a", 51, PageSize, events[PageSize:])
	if len(last.Entries) != 1 || last.Older != 0 || last.Newest {
		t.Errorf("%+v", last)
	}
	for previous, want := range map[finding.Status]string{
		0: "first result", finding.StatusPass: "passed before", finding.StatusFail: "value changed", finding.StatusNotApplicable: "did not apply before",
		finding.StatusUnknown: "was unknown before", finding.StatusError: "was in error before", finding.StatusWaived: "was waived before", 99: "first result",
	} {
		if got := was(fleet.Event{Change: finding.Change{Previous: previous, Result: finding.Result{Status: finding.StatusFail}}}); got != want {
			t.Errorf("%v: %q, want %q", previous, got, want)
		}
	}
	if got := was(fleet.Event{Change: finding.Change{Removed: true}}); got != "no longer there" {
		t.Error(got)
	}
	if got := was(fleet.Event{Moved: true, Change: finding.Change{Previous: finding.StatusFail, Result: finding.Result{Status: finding.StatusFail}}}); got != "moved, same value" {
		t.Error(got)
	}
}

func TestRow(t *testing.T) {
	r := newFrame(t)
	row, err := r.Row(now, fleet.Event{ID: 7, Change: finding.Change{Result: finding.Result{Check: "a/b"}}})
	if err != nil || !strings.HasPrefix(row, `<li class="event" id="event-7"`) || !strings.Contains(row, `href="/checks/a%2Fb"`) {
		t.Errorf("%v: %s", err, row)
	}
	for want, e := range map[string]fleet.Event{
		"No audit event explains this": {}, "Seen when the agent came back": {Resync: true},
		"<b><bdi>uid 5</bdi></b> made it": {Resync: true, Change: finding.Change{Result: finding.Result{Cause: &finding.Cause{AUID: 5, UID: 5}}}},
	} {
		if row, err := r.Row(now, e); err != nil || !strings.Contains(row, want) {
			t.Errorf("no %q: %v: %s", want, err, row)
		}
	}
}

// TestMenu shows each role what it may use, and nothing that is not there.
func TestMenu(t *testing.T) {
	f := newFrame(t)
	f.Menu([]Route{{Pattern: "GET /{$}", Role: Viewer}, {Pattern: "GET /hosts", Role: Viewer}, {Pattern: "GET /trail", Role: Admin}})
	for role, want := range map[Role]string{Anybody: "", Viewer: "Overview Hosts", Operator: "Overview Hosts", Admin: "Overview Hosts Trail"} {
		var got []string
		for _, i := range f.chrome(nil, With(httptest.NewRequest(http.MethodGet, "/", nil), Visitor{Role: role}), &Page{}).Menu {
			got = append(got, i.Label)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v sees %q, want %q", role, got, want)
		}
	}
	scoped := With(httptest.NewRequest(http.MethodGet, "/", nil), Visitor{Role: Viewer, Scope: []string{"prod"}})
	f.Menu([]Route{{Pattern: "GET /{$}", Role: Viewer}, {Pattern: "GET /hosts", Role: Viewer, Scoped: true}})
	if m := f.chrome(nil, scoped, &Page{}).Menu; len(m) != 1 || m[0].Label != "Hosts" {
		t.Errorf("who has a scope sees %v", m)
	}
}

// TestFlash shows a sentence once, to the session that it is for.
func TestFlash(t *testing.T) {
	f := newFrame(t)
	me, other := Visitor{Role: Viewer, Form: "mine"}, Visitor{Role: Viewer, Form: "other"}
	w := httptest.NewRecorder()
	f.Redirect(w, With(httptest.NewRequest(http.MethodPost, "/x", nil), me), "//evil.example", "<b>done</b>")
	if got := w.Header().Get("Location"); got != "/" || w.Code != http.StatusSeeOther {
		t.Errorf("%d to %q", w.Code, got)
	}
	cookie, err := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
	if err != nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
		t.Fatal(err, cookie)
	}
	for _, tt := range []struct {
		v     Visitor
		value string
		want  string
	}{{me, cookie.Value, "<b>done</b>"}, {other, cookie.Value, ""}, {me, cookie.Value[:50], ""}, {me, "x", ""}, {me, "", ""}, {me, "!", ""}} {
		r := With(httptest.NewRequest(http.MethodGet, "/", nil), tt.v)
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: tt.value})
		w := httptest.NewRecorder()
		if got := f.flash(w, r); got != tt.want {
			t.Errorf("%q says %q, want %q", tt.value, got, tt.want)
		}
		if tt.value != "" && !strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("%q stays", tt.value)
		}
	}
}

func TestVisitor(t *testing.T) {
	all, some := Visitor{Role: Operator}, Visitor{Role: Viewer, Scope: []string{"prod", "web"}}
	if !all.May(Viewer) || !all.May(Operator) || all.May(Admin) || (Visitor{}).May(Viewer) {
		t.Error("roles are not in order")
	}
	if !all.Sees(nil) || some.Sees(nil) || some.Sees([]string{"dev"}) || !some.Sees([]string{"dev", "web"}) {
		t.Error("a scope is not kept")
	}
}
