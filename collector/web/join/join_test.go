package join

import (
	"bytes"
	"context"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/bootstrap"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
)

const secret = "swt_secret"

// asked is what the page asked for, and who did.
type asked struct {
	order bootstrap.Order
	by    string
}

// open returns the page of a collector that invites, or of one that does not, what it
// asks for, and its log.
func open(t *testing.T, invites bool) (*http.ServeMux, *[]asked, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	f, err := frame.New(frame.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	var all []asked
	c := Config{Frame: f, NewHost: func() bootstrap.Host {
		return bootstrap.Host{Collector: "seawall.example.net:8443", Package: "/root/seawall.deb"}
	}}
	if invites {
		c.Invite = func(ctx context.Context, o bootstrap.Order) (string, bootstrap.Token, error) {
			all = append(all, asked{o, trail.By(ctx)})
			if o.Host.Collector == "full.example.net:8443" {
				return "", bootstrap.Token{}, errors.New("no room for " + o.Host.Collector)
			}
			return "#cloud-config <" + secret + ">", bootstrap.Token{ID: "t1", Approval: o.Approval}, nil
		}
	}
	page, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range page.Routes() {
		if r.Role != frame.Operator || r.Scoped {
			t.Errorf("%s is for %v", r.Pattern, r.Role)
		}
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	return mux, &all, &log
}

func send(mux *http.ServeMux, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/hosts/new", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, frame.With(r, frame.Visitor{User: "ann", Role: frame.Operator}))
	return w
}

// form is one that is filled in as it should be, but for the changes.
func form(changes ...string) url.Values {
	v := url.Values{"family": {"debian"}, "collector": {" seawall.example.net:8443 "}, "format": {"cloud-config"}, "life": {"1h0m0s"}}
	for i := 0; i < len(changes); i += 2 {
		v.Set(changes[i], changes[i+1])
	}
	return v
}

// TestOrder: what the form asks for is invited, and what may only be one of a few is.
func TestOrder(t *testing.T) {
	usual := func(change func(*bootstrap.Order)) bootstrap.Order {
		o := bootstrap.Order{Format: bootstrap.CloudConfig, Life: time.Hour,
			Host: bootstrap.Host{Collector: "seawall.example.net:8443", Family: bootstrap.Debian, Package: "/root/seawall.deb", Labels: []string{}}}
		change(&o)
		return o
	}
	for name, test := range map[string]struct {
		form url.Values
		want bootstrap.Order
	}{
		"usual":    {form(), usual(func(*bootstrap.Order) {})},
		"shell":    {form("format", "shell", "life", "24h0m0s"), usual(func(o *bootstrap.Order) { o.Format, o.Life = bootstrap.Shell, 24*time.Hour })},
		"approval": {form("approval", "yes"), usual(func(o *bootstrap.Order) { o.Approval = true })},
		"labels":   {form("labels", " web  site=ams\n"), usual(func(o *bootstrap.Order) { o.Host.Labels = []string{"web", "site=ams"} })},
		"tags":     {form("tags", " role=web env=prod\trole=web "), usual(func(o *bootstrap.Order) { o.Tags = []string{"env=prod", "role=web"} })},
		"package": {form("family", "rhel", "package", "/srv/seawall.rpm"), usual(func(o *bootstrap.Order) {
			o.Host.Family, o.Host.Package = bootstrap.RHEL, "/srv/seawall.rpm"
		})},
		"for ever":      {form("life", "87600h"), usual(func(*bootstrap.Order) {})},
		"no such shape": {form("format", "../../x", "approval", "maybe"), usual(func(*bootstrap.Order) {})},
	} {
		t.Run(name, func(t *testing.T) {
			mux, all, log := open(t, true)
			w := send(mux, test.form)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "&lt;"+secret+"&gt;") {
				t.Errorf("%d:\n%s", w.Code, w.Body)
			}
			if diff := cmp.Diff([]asked{{test.want, "ann"}}, *all, cmp.AllowUnexported(asked{})); diff != "" {
				t.Errorf("invited (-want +got):\n%s", diff)
			}
			if strings.Contains(log.String(), secret) || !strings.Contains(log.String(), "token=t1") {
				t.Errorf("logged: %s", log)
			}
		})
	}
}

// TestRefused: what cannot be is told on the page, as text, and nobody is invited.
func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		form url.Values
		says string
	}{
		"collector": {form("collector", "<script>"), "&lt;script&gt;"},
		"family":    {form("family", "plan9"), "plan9"},
		"package":   {form("package", "seawall.deb; reboot"), "package"},
		"ending":    {form("package", "/root/seawall.rpm"), ".deb"},
		"labels":    {form("labels", "a=$(reboot)"), "label"},
		"tag":       {form("tags", "<script> "+strings.Repeat("x", 65)), "want 1 to 64 bytes"},
		"tags":      {form("tags", strings.Join(strings.Split("abcdefghijklmnopqrstuvwxyz0123456789", ""), " ")), "36 tags, want at most 32"},
	} {
		t.Run(name, func(t *testing.T) {
			mux, all, _ := open(t, true)
			w := send(mux, test.form)
			if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `role="alert"`) || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("%d, want 422 with %q:\n%s", w.Code, test.says, w.Body)
			}
			if strings.Contains(w.Body.String(), "<script>") || len(*all) > 0 {
				t.Errorf("%d are invited:\n%s", len(*all), w.Body)
			}
		})
	}
	mux, _, log := open(t, true)
	w := send(mux, form("collector", "full.example.net:8443"))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "no room") || !strings.Contains(log.String(), "no room") {
		t.Errorf("an invitation that fails: %d, logged %s:\n%s", w.Code, log, w.Body)
	}
}

// TestCommand: a dashboard that invites nobody shows what the collector's machine is told.
func TestCommand(t *testing.T) {
	mux, all, _ := open(t, false)
	w := send(mux, form("life", "15m0s", "approval", "yes", "tags", "web a=$(reboot)'"))
	want := `seawall-collector bootstrap --family debian --collector seawall.example.net:8443 --format cloud-config --ttl 15m0s --package /root/seawall.deb --tag 'a=$(reboot)'\''' --tag web --approval`
	if w.Code != http.StatusOK || !strings.Contains(html.UnescapeString(w.Body.String()), want) || len(*all) > 0 {
		t.Errorf("%d, want %q:\n%s", w.Code, want, w.Body)
	}
}

// TestForm: the page begins with what the collector knows.
func TestForm(t *testing.T) {
	mux, all, _ := open(t, true)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, frame.With(httptest.NewRequest(http.MethodGet, "/hosts/new", nil), frame.Visitor{User: "ann", Role: frame.Operator}))
	for _, part := range []string{`value="seawall.example.net:8443"`, `value="/root/seawall.deb"`, `value="debian" selected`, `value="1h0m0s" selected`} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("%q is not in the page", part)
		}
	}
	if w.Code != http.StatusOK || len(*all) > 0 {
		t.Errorf("%d, %d invited:\n%s", w.Code, len(*all), w.Body)
	}
}
