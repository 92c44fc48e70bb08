package renewal

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs/image"
	"seawall/pkg/unitbus"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

const (
	conf = `version = 2.1.0
cert = /etc/letsencrypt/live/a.example/cert.pem
fullchain = /etc/letsencrypt/live/a.example/fullchain.pem
[renewalparams]
authenticator = nginx
server = https://acme-v02.api.letsencrypt.org/directory
`
	timer   = "[Timer]\nOnCalendar=*-*-* 00,12:00:00\n[Install]\nWantedBy=timers.target\n"
	debian  = "0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system && perl -e 'sleep int(rand(43200))' && certbot -q renew --no-random-sleep-on-renew\n"
	success = "2026-11-22 00:11:53,012:DEBUG:certbot._internal.main:certbot version: 2.1.0\n2026-11-22 00:11:53,812:DEBUG:certbot._internal.renewal:no renewal failures\n"
	other   = "2026-11-22 00:11:53,012:DEBUG:certbot._internal.main:certbot version: 2.1.0\n2026-11-22 00:11:53,013:DEBUG:certbot._internal.main:Arguments: []\n"
	failure = "2026-11-22 00:11:53,012:DEBUG:certbot._internal.main:certbot version: 2.1.0\n2026-11-22 00:11:55,812:ERROR:certbot._internal.renewal:Failed to renew certificate a with error: x\n2026-11-22 00:11:56,012:ERROR:certbot._internal.log:1 renew failure(s), 0 parse failure(s)\n"
)

// host is an image with certbot as Debian installs it.
func host(t *testing.T, change map[string]string) Found {
	t.Helper()
	files := map[string]string{"/etc/letsencrypt/renewal/a.example.conf": conf, "/lib/systemd/systemd": "", "/usr/lib/systemd/system/certbot.timer": timer,
		"/etc/systemd/system/timers.target.wants/certbot.timer": timer, "/etc/cron.d/certbot": debian, "/var/log/letsencrypt/letsencrypt.log": success}
	maps.Copy(files, change)
	maps.DeleteFunc(files, func(_, text string) bool { return text == "-" })
	root := image.Of(t, files)
	if log := root.Path("/var/log/letsencrypt/letsencrypt.log"); files["/var/log/letsencrypt/letsencrypt.log"] != "" {
		if err := os.Chtimes(log, now, now.Add(-8*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	return Read(context.Background(), fact.Env{Root: root, Now: func() time.Time { return now }})
}

func TestCertbot(t *testing.T) {
	got := host(t, nil)
	if len(got.Clients) != 1 {
		t.Fatalf("got %+v", got)
	}
	c := got.Clients[0]
	if c.Name != "certbot" || !c.Active.Yes || c.Active.Reason != "certbot.timer" || !c.LastRun.Yes || c.File != "/etc/systemd/system/timers.target.wants/certbot.timer" {
		t.Errorf("got %+v", c)
	}
	l := c.Lineages[0]
	if l.Name != "a.example" || !l.Unattended.Yes || l.Authenticator.Line != 5 || l.Staging || !l.Holds("/etc/letsencrypt/live/a.example/cert.pem") || l.Holds("/etc/letsencrypt/live/b/cert.pem") {
		t.Errorf("got %+v", l)
	}
	for _, name := range []string{"/etc/letsencrypt/renewal/", "/var/log/letsencrypt/letsencrypt.log", "/etc/systemd/system/"} {
		if !slices.Contains(got.Depends, name) {
			t.Errorf("%s is not among %q", name, got.Depends)
		}
	}
}

func TestActive(t *testing.T) {
	const wants = "/etc/systemd/system/timers.target.wants/certbot.timer"
	for what, tt := range map[string]struct {
		change map[string]string
		yes    bool
		reason string
	}{
		"not enabled":          {map[string]string{wants: "-"}, false, "certbot.timer is not enabled"},
		"masked":               {map[string]string{"/etc/systemd/system/certbot.timer": ""}, false, "certbot.timer is masked"},
		"no timer":             {map[string]string{wants: "-", "/usr/lib/systemd/system/certbot.timer": "-"}, false, "neither a timer nor a cron job runs certbot"},
		"no timer, no systemd": {map[string]string{wants: "-", "/usr/lib/systemd/system/certbot.timer": "-", "/lib/systemd/systemd": "-"}, true, "/etc/cron.d/certbot"},
		"root's crontab":       {map[string]string{wants: "-", "/var/spool/cron/crontabs/root": "# certbot renew\n0 3 * * * certbot renew -q\n"}, true, "/var/spool/cron/crontabs/root"},
		"another job":          {map[string]string{wants: "-", "/etc/crontab": "0 3 * * * root certbot certificates\n"}, false, "certbot.timer is not enabled"},
		"RHEL's timer":         {map[string]string{wants: "-", "/usr/lib/systemd/system/certbot.timer": "-", "/usr/lib/systemd/system/certbot-renew.timer": timer, "/etc/systemd/system/timers.target.wants/certbot-renew.timer": timer}, true, "certbot-renew.timer"},
	} {
		c := host(t, tt.change).Clients[0]
		if !c.Active.Known || c.Active.Yes != tt.yes || c.Active.Reason != tt.reason {
			t.Errorf("%s: got %+v", what, c.Active)
		}
		if what == "root's crontab" && (c.Line != 2 || c.Raw != "0 3 * * * certbot renew -q") {
			t.Errorf("%s: %s:%d %q", what, c.File, c.Line, c.Raw)
		}
	}
}

// TestStopped: systemd's word counts above the files'.
func TestStopped(t *testing.T) {
	r := &reader{root: image.Of(t, map[string]string{"/usr/lib/systemd/system/certbot.timer": timer, "/etc/systemd/system/timers.target.wants/certbot.timer": timer}), now: now}
	c := Client{Name: certbot}
	if r.timer(&c, map[string]unitbus.State{"certbot.timer": {Active: "inactive"}}); c.Active.Yes || c.Active.Reason != "certbot.timer is enabled, and stopped" {
		t.Errorf("got %+v", c.Active)
	}
	c = Client{Name: certbot}
	if r.timer(&c, map[string]unitbus.State{"certbot.timer": {Active: "active"}}); !c.Active.Yes {
		t.Errorf("got %+v", c.Active)
	}
}

func TestLastRun(t *testing.T) {
	const log = "/var/log/letsencrypt/letsencrypt.log"
	for what, tt := range map[string]struct {
		log    string
		known  bool
		yes    bool
		reason string
	}{
		"failed":      {failure, true, false, "the last run failed: Failed to renew certificate a with error: x"},
		"other words": {other + other, false, false, "no run is on record"},
		"mended":      {failure + success, true, true, "the last run succeeded"},
		"failed anew": {success + failure, true, false, "the last run failed: Failed to renew certificate a with error: x"},
		"only asked":  {failure + success + other, true, true, "the last run succeeded"},
		"no log":      {"-", false, false, "no run is on record"},
	} {
		if got := host(t, map[string]string{log: tt.log}).Clients[0].LastRun; got != (fact.Tri{Known: tt.known, Yes: tt.yes, Reason: tt.reason}) {
			t.Errorf("%s: got %+v", what, got)
		}
	}
	r := &reader{now: now}
	for what, tt := range map[string]struct {
		state unitbus.State
		want  fact.Tri
	}{
		"well":   {unitbus.State{Result: "success", Exited: now.Add(-time.Hour)}, fact.Tri{Known: true, Yes: true, Reason: "systemd saw it end well"}},
		"long":   {unitbus.State{Result: "success", Exited: now.AddDate(0, 0, -8)}, fact.Tri{}},
		"failed": {unitbus.State{Result: "exit-code", Status: 1, Exited: now}, fact.Tri{Known: true, Reason: "the last run failed: exit-code, exit status 1"}},
	} {
		c := Client{Name: lego}
		if r.lastRun(&c, tt.state); c.LastRun != tt.want {
			t.Errorf("%s: got %+v", what, c.LastRun)
		}
	}
}

// TestOld: a success of long ago is none.
func TestOld(t *testing.T) {
	files := map[string]string{"/log": success}
	r := &reader{root: image.Of(t, files), now: time.Now().AddDate(0, 0, 8)}
	c := Client{Log: "/log", LastRun: fact.Tri{Known: true, Yes: true}}
	if r.outdated(&c); c.LastRun.Yes || c.LastRun.Reason != "no run in the last 7 days" {
		t.Errorf("got %+v", c.LastRun)
	}
}

func TestLineages(t *testing.T) {
	change := func(from, to string) map[string]string {
		return map[string]string{"/etc/letsencrypt/renewal/a.example.conf": strings.Replace(conf, from, to, 1)}
	}
	for what, tt := range map[string]struct {
		change map[string]string
		want   fact.Tri
	}{
		"manual":           {change("nginx", "manual"), fact.Tri{Known: true, Reason: "the authenticator manual has no hook: each renewal waits for a person"}},
		"manual with hook": {change("= nginx", "= manual\nmanual_auth_hook = /x"), fact.Tri{Known: true, Yes: true, Reason: "manual"}},
		"off":              {change("[renewalparams]", "[renewalparams]\nautorenew = False"), fact.Tri{Known: true, Reason: "autorenew is off"}},
		"empty":            {change("authenticator = nginx", ""), fact.Tri{Reason: "its settings name no authenticator"}},
	} {
		if got := host(t, tt.change).Clients[0].Lineages[0].Unattended; got != tt.want {
			t.Errorf("%s: got %+v", what, got)
		}
	}
	if !host(t, change("acme-v02", "acme-staging-v02")).Clients[0].Lineages[0].Staging {
		t.Error("staging is not seen")
	}
}

func TestOtherClients(t *testing.T) {
	got := host(t, map[string]string{"/etc/letsencrypt/renewal/a.example.conf": "-",
		"/root/.acme.sh/a.example_ecc/a.example.conf": "Le_Domain='a.example'\nLe_Webroot='dns_do'\nLe_RealFullChainPath='/etc/nginx/a.pem'\nLe_API='https://acme.zerossl.com/v2/DV90'\n",
		"/root/.acme.sh/b/b.conf":                     "Le_Domain='b'\nLe_Webroot='dns'\n", "/root/.acme.sh/account.conf": "x=y\n",
		"/var/lib/dehydrated/certs/c/fullchain.pem": "", "/root/.lego/certificates/d.crt": "", "/root/.lego/certificates/d.issuer.crt": "",
		"/var/spool/cron/crontabs/root": "7 0 * * * \"/root/.acme.sh\"/acme.sh --cron --home \"/root/.acme.sh\"\n@daily lego --domains d renew\n", "/etc/cron.daily/dehydrated": "#!/bin/sh\nexec dehydrated --cron\n"})
	var names []string
	for _, c := range got.Clients {
		for _, l := range c.Lineages {
			names = append(names, l.Client+" "+l.Name+" "+l.Certificate)
		}
		if !c.Active.Yes || c.LastRun.Known {
			t.Errorf("%s: %+v, %+v", c.Name, c.Active, c.LastRun)
		}
	}
	want := []string{"acme.sh a.example_ecc /etc/nginx/a.pem", "acme.sh b /root/.acme.sh/b/fullchain.cer", "dehydrated c /var/lib/dehydrated/certs/c/fullchain.pem", "lego d /root/.lego/certificates/d.crt"}
	if !slices.Equal(names, want) {
		t.Fatalf("got %q", names)
	}
	acme := got.Clients[0].Lineages
	if !acme[0].Unattended.Yes || acme[1].Unattended.Yes || !acme[1].Unattended.Known || acme[0].Staging {
		t.Errorf("got %+v", acme)
	}
	if got := host(t, map[string]string{"/etc/letsencrypt/renewal/a.example.conf": "-"}); len(got.Clients) != 0 || len(got.Depends) == 0 {
		t.Errorf("no client: %+v", got)
	}
}
