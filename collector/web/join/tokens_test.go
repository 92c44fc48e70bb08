package join

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"seawall/collector/bootstrap"
	"seawall/collector/fleet"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
)

var now = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

// keeper has tokens, and notes which are ended by whom.
type keeper struct {
	all   []fleet.Token
	err   error
	ended []string
}

func (k *keeper) withdraw(ctx context.Context, id string) error {
	if !slices.ContainsFunc(k.all, func(t fleet.Token) bool { return t.ID == id }) {
		return fmt.Errorf("token %s: %w", id, fs.ErrNotExist)
	}
	k.ended = append(k.ended, id+" by "+trail.By(ctx))
	return nil
}

// ask asks the page of a collector with these tokens.
func (k *keeper) ask(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	f, err := frame.New(frame.Config{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	page, err := New(Config{Frame: f, NewHost: func() bootstrap.Host { return bootstrap.Host{} }, Withdraw: k.withdraw,
		Tokens: func(context.Context) ([]fleet.Token, error) { return k.all, k.err }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range page.Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, frame.With(httptest.NewRequest(method, path, nil), frame.Visitor{User: "ann", Role: frame.Operator, Form: "f1"}))
	return w
}

// row returns the row of a token, without what varies in it.
func row(t *testing.T, page, id string) string {
	t.Helper()
	for _, row := range strings.Split(page, "<tr>") {
		if strings.Contains(row, "<code>"+id+"</code>") {
			return row
		}
	}
	return ""
}

// TestTokens lists the tokens that invite and those that ended lately, with what each
// gives and for whom it is, and has a button for those that can be ended.
func TestTokens(t *testing.T) {
	hour := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	k := &keeper{all: []fleet.Token{
		{ID: "spent", Expires: hour(1), Uses: 1, Used: 1},
		{ID: "old", Expires: hour(-24 * 8), Uses: 1},
		{ID: "good", Label: "<b>image", Expires: hour(2), Uses: 30, Used: 4, Approval: true, Tags: []string{"env=prod", "<i>"}, Scope: fleet.Scope{
			Clones: true, Name: "web-*", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}},
		{ID: "late", Expires: hour(-24), Uses: 1},
		{ID: "revoked", Expires: hour(1), Uses: 1, Revoked: hour(-1)},
	}}
	page := k.ask(t, http.MethodGet, "/hosts/new").Body.String()
	for id, parts := range map[string][]string{
		"good": {"&lt;b&gt;image", ">env=prod<", "&lt;i&gt;", "copies of hosts, web-*, 10.0.0.0/8", "with approval", "4 of 30", `title="until 2027-03-31 14:00:00 UTC" data-fixed>2 hours<`,
			`action="/hosts/new/tokens/good/end"`, `name="form" value="f1"`},
		"spent": {"used up", "1 of 1", "any machine"}, "late": {"expired"}, "revoked": {"ended"},
	} {
		for _, part := range parts {
			if got := row(t, page, id); !strings.Contains(got, part) {
				t.Errorf("%s: no %q in %s", id, part, got)
			}
		}
		if got := row(t, page, id); id != "good" && strings.Contains(got, "<form") {
			t.Errorf("%s can be ended: %s", id, got)
		}
	}
	if row(t, page, "old") != "" || strings.Index(page, "<code>good") > strings.Index(page, "<code>spent") {
		t.Errorf("what ended long ago is listed, or not the last:\n%s", page)
	}
	for i := range 70 {
		k.all = append(k.all, fleet.Token{ID: fmt.Sprintf("t%02d", i), Expires: hour(1), Uses: 1})
	}
	page = k.ask(t, http.MethodGet, "/hosts/new").Body.String()
	if n := strings.Count(page, `<th scope="row">`); n != maxShown || !strings.Contains(page, ">74<") || !strings.Contains(page, `href="/api/v1/enrolment/tokens"`) {
		t.Errorf("%d of 74 tokens are shown", n)
	}
	if page := (&keeper{}).ask(t, http.MethodGet, "/hosts/new").Body.String(); strings.Contains(page, `id="tokens"`) {
		t.Error("no tokens have a title")
	}
	if w := (&keeper{err: errors.New("no store")}).ask(t, http.MethodGet, "/hosts/new"); w.Code != http.StatusInternalServerError {
		t.Errorf("a store that fails: %d", w.Code)
	}
}

// TestLeft says how long a token is good as people do.
func TestLeft(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour - time.Second: "60 minutes", 90 * time.Minute: "90 minutes", time.Second: "a minute", 29 * time.Minute: "29 minutes",
		24*time.Hour - time.Minute: "24 hours", 366 * 24 * time.Hour: "366 days", 48*time.Hour + time.Second: "2 days", -time.Hour: "a minute",
	} {
		if got := left(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// TestEnd ends a token in the name of who asked, and leads back to the page.
func TestEnd(t *testing.T) {
	k := &keeper{all: []fleet.Token{{ID: "a"}}}
	if w := k.ask(t, http.MethodPost, "/hosts/new/tokens/a/end"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/hosts/new" {
		t.Errorf("%d to %s", w.Code, w.Header().Get("Location"))
	}
	if w := k.ask(t, http.MethodPost, "/hosts/new/tokens/b/end"); w.Code != http.StatusNotFound {
		t.Errorf("a token that is not there: %d", w.Code)
	}
	if !slices.Equal(k.ended, []string{"a by ann"}) {
		t.Errorf("ended: %q", k.ended)
	}
}
