package saved

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/collector/views"
	"seawall/collector/web/frame"
	"seawall/collector/web/list"
)

var (
	ann    = frame.Visitor{User: "ann", Role: frame.Operator, Form: "token"}
	scoped = frame.Visitor{User: "bob", Role: frame.Operator, Scope: []string{"env=prod"}}
	eve    = frame.Visitor{User: "eve", Role: frame.Viewer}
)

// site is the pages over a store.
type site struct {
	*testing.T
	*Pages
	mux *http.ServeMux
}

func open(t *testing.T) site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	data, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	f, err := frame.New(frame.Config{Log: log, Now: func() time.Time { return time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := New(Config{Frame: f, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range pages.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	return site{t, pages, mux}
}

// post sends a form of a visitor; fields are names and values by turns.
func (s site) post(v frame.Visitor, path string, code int, fields ...string) string {
	s.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, frame.With(r, v))
	if w.Code != code {
		s.Errorf("%s %q of %s: %d, want %d\n%s", path, fields, v.User, w.Code, code, w.Body)
	}
	return w.Body.String() + w.Header().Get("Location")
}

// bar returns what a visitor sees above the list.
func (s site) bar(v frame.Visitor, query string) list.Views {
	s.Helper()
	q, err := url.ParseQuery(query)
	if err != nil {
		s.Fatal(err)
	}
	b, err := s.Bar(s.Context(), v, list.Hosts(q))
	if err != nil {
		s.Fatal(err)
	}
	return b
}

// trail returns what is in the trail, the newest first.
func (s site) trail() (lines []string) {
	s.Helper()
	err := s.data.Read(s.Context(), func(q db.Querier) error {
		lines = nil
		entries, err := trail.List(s.Context(), q, trail.Query{})
		for _, e := range entries {
			lines = append(lines, fmt.Sprintf("%s: %s %s (%s)", e.Who, e.Action, e.Target, e.Detail))
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return lines
}

// Who shares and who takes it back is in the trail; what nobody else sees is not.
func TestShare(t *testing.T) {
	s := open(t)
	s.post(ann, "/hosts/views", http.StatusSeeOther, "name", " mine ", "query", "q=web")
	s.post(ann, "/hosts/views", http.StatusSeeOther, "name", "all", "query", "sort=score", "shared", "yes")
	for _, v := range []frame.Visitor{eve, scoped} {
		s.post(v, "/hosts/views", http.StatusForbidden, "name", "x", "query", "q=x", "shared", "yes")
		s.post(v, "/hosts/views", http.StatusSeeOther, "name", "x", "query", "q=x")
	}
	b := s.bar(eve, "sort=score&page=7")
	if len(b.Links) != 2 || b.Query != "sort=score" || b.Share {
		t.Fatalf("eve sees %+v", b)
	}
	own, shared := b.Links[0], b.Links[1]
	want := []list.View{{ID: own.ID, Name: "x", Path: "/hosts?q=x", May: true}, {ID: shared.ID, Name: "all", Path: "/hosts?sort=score", By: "ann", Shared: true, Here: true}}
	if diff := cmp.Diff(want, b.Links); diff != "" {
		t.Errorf("eve sees (- want, + got):\n%s", diff)
	}
	for _, v := range []frame.Visitor{eve, scoped} {
		s.post(v, "/hosts/views/"+shared.ID+"/remove", http.StatusNotFound)
	}
	s.post(ann, "/hosts/views/"+own.ID+"/remove", http.StatusNotFound)
	program := frame.Visitor{User: "joe", Role: frame.Admin, Program: true, Session: "ci"}
	s.post(program, "/hosts/views/"+shared.ID+"/remove", http.StatusSeeOther)
	s.post(ann, "/hosts/views", http.StatusSeeOther, "name", "mine", "query", "q=web", "shared", "yes")
	s.post(ann, "/hosts/views", http.StatusSeeOther, "name", "mine", "query", "q=db")
	lines := []string{"ann: view unshare mine (ann: q=web)", "ann: view share mine (ann: q=web)", "token ci of joe: view unshare all (ann: sort=score)", "ann: view share all (ann: sort=score)"}
	if diff := cmp.Diff(lines, s.trail()); diff != "" {
		t.Errorf("the trail (- want, + got):\n%s", diff)
	}
	if b := s.bar(ann, ""); len(b.Links) != 1 || b.Links[0].Path != "/hosts?q=db" || b.Links[0].Shared || b.Query != "" {
		t.Errorf("ann sees %+v", b)
	}
}

// What cannot be saved comes back with what was written and why.
func TestProblems(t *testing.T) {
	s := open(t)
	for i := range views.Most {
		s.post(eve, "/hosts/views", http.StatusSeeOther, "name", fmt.Sprint(i), "query", "q=x")
	}
	for _, c := range []struct {
		who               frame.Visitor
		name, query, want string
	}{
		{ann, "", "q=web", "1 to 64 characters"},
		{ann, strings.Repeat("x", 65), "q=web", "1 to 64 characters"},
		{ann, "a\nb", "q=web", "1 to 64 characters"},
		{ann, `<script>`, "", "Filter or order the list first"},
		{ann, "foreign", "x=y&next=//evil.example&page=4", "Filter or order the list first"},
		{ann, "broken", "q=%zz", "Filter or order the list first"},
		{ann, "long", url.Values{"q": {strings.Repeat("ü", 100)}, "tag": {strings.Repeat("ü", 100)}}.Encode(), "too long"},
		{eve, "one more", "q=web", "You have 50 views"},
	} {
		body := s.post(c.who, "/hosts/views", http.StatusUnprocessableEntity, "name", c.name, "query", c.query)
		if !strings.Contains(body, c.want) || !strings.Contains(body, `role="alert"`) || strings.Contains(body, "evil") || strings.Contains(body, "<script>") {
			t.Errorf("%q of %q:\n%s", c.query, c.name, body)
		}
		if strings.Contains(c.query, "web") && !strings.Contains(body, `name="query" value="q=web"`) {
			t.Errorf("%q: what was written is gone\n%s", c.name, body)
		}
	}
	if b := s.bar(ann, ""); len(b.Links) > 0 || len(s.trail()) > 0 {
		t.Errorf("kept %+v, the trail has %q", b.Links, s.trail())
	}
}

// A query that somebody wrote into the database leads to nothing but the list.
func TestForeignQuery(t *testing.T) {
	s := open(t)
	for query, want := range map[string]string{"q=web&next=//evil.example&fragment=live": "/hosts?q=web", "%zz": "/hosts", "#x": "/hosts", "status=nothing": "/hosts"} {
		err := s.data.Write(t.Context(), func(w db.Writer) error {
			_, err := views.Save(w, s.frame.Now(), views.View{Account: "ann", Name: "x", Query: query})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.bar(ann, "").Links[0].Path; got != want {
			t.Errorf("%q leads to %q, want %q", query, got, want)
		}
	}
	body := s.post(ann, "/hosts/views/none/remove", http.StatusNotFound, "query", "//evil.example")
	if strings.Contains(body, "evil") {
		t.Errorf("a foreign address is in\n%s", body)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Bar(ended, ann, list.Hosts(nil)); err == nil {
		t.Error("views without a database")
	}
}

// FuzzReread: what is read is written the same way each time, and has a bound.
func FuzzReread(f *testing.F) {
	for _, seed := range []string{"q=web&sort=score", "status=failing&severity=info&page=9", "q=%ff%00&tag=%zz", "below=101&order=reverse&x=y", "a;b=c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		once := reread(query)
		if again := reread(once); again != once {
			t.Errorf("%q becomes %q, and then %q", query, once, again)
		}
		if strings.ContainsAny(once, "\n\r\x00#/\"<> ") || len(once) > 3000 {
			t.Errorf("%q becomes %q", query, once)
		}
	})
}
