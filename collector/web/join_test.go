package web_test

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"seawall/collector/bootstrap"
	"seawall/collector/web/webtest"
	"seawall/pkg/token"
	"seawall/pkg/trust"
)

const repoKey = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZabc\n-----END PGP PUBLIC KEY BLOCK-----\n"

// invite makes the same invitation each time.
func invite(_ context.Context, o bootstrap.Order) (string, bootstrap.Token, error) {
	secret := token.Token{ID: [8]byte([]byte("identity")), Secret: [16]byte([]byte("SECRETsecretSEC!")), Pin: trust.Pin{1}}
	t := bootstrap.Token{ID: "6964656e74697479", Text: secret.Text(), Expires: demoNow.Add(o.Life), Uses: 1, Approval: o.Approval}
	text, err := bootstrap.Text(o.Host, t, o.Format)
	return text, t, err
}

// add sends the form of the page.
func (b *browser) add(fields url.Values) answer {
	b.t.Helper()
	fields.Set("form", b.form("/hosts/new"))
	return b.post("/hosts/new", fields)
}

var tags = regexp.MustCompile(`<[^>]*>`)

// TestAddHost shows the very text that the command prints.
func TestAddHost(t *testing.T) {
	c := config(newDemo(demoNow))
	b := open(t, newServer(t, c))
	b.login()
	for _, o := range []bootstrap.Order{
		{Host: bootstrap.Host{Family: bootstrap.Debian, Labels: []string{"env=prod", "web"}}, Format: bootstrap.CloudConfig, Life: time.Hour},
		{Host: bootstrap.Host{Family: bootstrap.RHEL, Package: "/root/a.rpm"}, Format: bootstrap.Shell, Life: 24 * time.Hour, Approval: true},
	} {
		fields := url.Values{"family": {string(o.Host.Family)}, "format": {string(o.Format)}, "life": {o.Life.String()},
			"labels": {strings.Join(o.Host.Labels, "  ")}, "package": {o.Host.Package}, "collector": {" c.example.net:1 "}}
		if o.Approval {
			fields.Set("approval", "yes")
		}
		a := b.add(fields)
		o.Host.Collector = "c.example.net:1"
		if o.Host.Package == "" {
			o.Host.Repo, o.Host.Key = "https://packages.example.net/seawall", repoKey
		}
		want, _, err := invite(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		pre := regexp.MustCompile(`(?s)<pre[^>]*>(.*?)</pre>`).FindStringSubmatch(a.body)
		if a.code != http.StatusOK || pre == nil {
			t.Fatalf("%d: %s", a.code, a.body)
		}
		if got := html.UnescapeString(tags.ReplaceAllString(pre[1], "")); got != strings.TrimRight(want, "\n") {
			t.Errorf("the page shows (-want +got):\n%s", cmp.Diff(strings.TrimRight(want, "\n"), got))
		}
		if !strings.Contains(a.body, "token revoke 6964656e74697479") || strings.Contains(a.body, "was approved") != o.Approval {
			t.Errorf("%s", a.body)
		}
	}
}

// TestAddHostRefuses says what is wrong, keeps what was typed, and makes no token.
func TestAddHostRefuses(t *testing.T) {
	c := config(newDemo(demoNow))
	made := 0
	c.Invite = func(context.Context, bootstrap.Order) (string, bootstrap.Token, error) {
		made++
		return "", bootstrap.Token{}, errors.New("secret of the store")
	}
	b := open(t, newServer(t, c))
	b.login()
	good := url.Values{"family": {"debian"}, "collector": {"c:1"}}
	for name, value := range map[string]string{"collector": `"><script>`, "family": "windows", "labels": "a=b $(x)", "package": "a.deb"} {
		fields := url.Values{"family": good["family"], "collector": good["collector"]}
		fields.Set(name, value)
		a := b.add(fields)
		if a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, `role="alert"`) || strings.Contains(a.body, "<script>") {
			t.Errorf("%s %q: %d %s", name, value, a.code, a.body)
		}
		if name != "family" && !strings.Contains(a.body, `value="`+html.EscapeString(value)) {
			t.Errorf("%s %q is gone", name, value)
		}
	}
	if made != 0 {
		t.Errorf("%d tokens", made)
	}
	if a := b.add(good); a.code != http.StatusInternalServerError || strings.Contains(a.body, "secret of the store") {
		t.Errorf("%d %s", a.code, a.body)
	}
	// Without the session's form token nothing is made.
	made = 0
	good.Set("form", "x")
	if a := b.post("/hosts/new", good); a.code != http.StatusForbidden || made != 0 {
		t.Errorf("%d, %d tokens", a.code, made)
	}
}

// TestInvitesOff shows the command in place of a token, with the values asked for.
func TestInvitesOff(t *testing.T) {
	c := config(newDemo(demoNow))
	c.Invite = nil
	b := open(t, newServer(t, c))
	b.login()
	if a := b.get("/hosts/new"); !strings.Contains(a.body, "Show the command") {
		t.Errorf("%s", a.body)
	}
	a := b.add(url.Values{"family": {"rhel"}, "collector": {"c:1"}, "labels": {"a b"}, "approval": {"yes"}, "life": {"9999h"}})
	const want = "seawall-collector bootstrap --family rhel --collector c:1 --format cloud-config --ttl 1h0m0s --label a --label b --approval"
	if a.code != http.StatusOK || !strings.Contains(a.body, want) || strings.Contains(a.body, "seawall1_") {
		t.Errorf("%d %s", a.code, a.body)
	}
}

// TestAddHostInBrowser fills the form in, in both colour schemes and two widths, and
// looks at what comes of it: the text fits its window and copies as it is.
func TestAddHostInBrowser(t *testing.T) {
	base := serve(t, newServer(t, config(newDemo(demoNow))))
	tab := webtest.Chromium(t)
	said := webtest.Listen(t, tab)
	signIn(t, tab, base)
	for _, width := range []int64{1280, 345} {
		scheme := map[int64]string{1280: "light", 345: "dark"}[width]
		fill := func(file string) {
			err := chromedp.Do(tab, chromedp.Navigate(base+"/hosts/new"), chromedp.WaitVisible(chromedp.CSS(".join")),
				chromedp.SendKeys(chromedp.CSS("[name=labels]"), "env=prod role=web"),
				chromedp.SendKeys(chromedp.CSS("[name=package]"), file+"\r"))
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Run("wrong-"+scheme, func(t *testing.T) {
			fill("a.rpm")
			if err := chromedp.Do(tab, chromedp.WaitVisible(chromedp.CSS(".problems"))); err != nil {
				t.Fatal(err)
			}
			looksRight(t, tab, scheme, width)
		})
		t.Run("joined-"+scheme, func(t *testing.T) {
			fill("/root/seawall.deb")
			if err := chromedp.Do(tab, chromedp.WaitVisible(chromedp.CSS(".joined"))); err != nil {
				t.Fatal(err)
			}
			looksRight(t, tab, scheme, width)
			want, _, err := invite(t.Context(), bootstrap.Order{Format: bootstrap.CloudConfig, Life: time.Hour, Host: bootstrap.Host{
				Collector: "collector.example.net:9443", Family: bootstrap.Debian, Package: "/root/seawall.deb", Labels: []string{"env=prod", "role=web"}}})
			if got := value[string](t, tab, `document.querySelector('.joined pre').textContent`); err != nil || got+"\n" != want {
				t.Errorf("%v, what is copied is\n%s", err, got)
			}
		})
	}
	for _, s := range said.Take() {
		if !strings.Contains(s, "422") {
			t.Error(s)
		}
	}
}
