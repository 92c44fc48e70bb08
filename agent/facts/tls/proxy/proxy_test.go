package proxy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/tls/site"
	"seawall/pkg/hostfs/image"
)

// show puts down what decides of each site.
func show(r *site.Reader) string {
	r.Finish()
	var b strings.Builder
	for _, s := range r.Sites {
		fmt.Fprintf(&b, "%s: names %q listen %q local %v managed %v plain443 %v\n", s.Label, s.Names, s.Listen, s.Local, s.Managed, s.Plain443)
		for _, t := range []site.Setting{s.Redirect, s.Ciphers, s.HSTS, s.DHParams} {
			if t.Value != "" {
				fmt.Fprintf(&b, "  %s @%d\n", t.Value, t.Line)
			}
		}
		if s.TLS {
			fmt.Fprintf(&b, "  offers %s @%d, hsts %d\n", strings.Join(s.Configured, " "), s.Protocols.Line, s.HSTSSeconds)
		}
		for _, p := range s.Pairs {
			fmt.Fprintf(&b, "  %s %s @%s:%d\n", p.Certificate, p.Key, p.File, p.Line)
		}
		if len(s.WebRoots) > 0 {
			fmt.Fprintf(&b, "  roots %q\n", s.WebRoots)
		}
	}
	for _, s := range r.Servers {
		fmt.Fprintf(&b, "%s %s: %d sites, %s:%d %s\n", s.Program, s.State, s.Sites, s.File, s.Line, s.Reason)
		for _, u := range s.Unread {
			fmt.Fprintf(&b, "  unread %s @%d\n", u.Value, u.Line)
		}
	}
	return b.String()
}

const haproxyCfg = `global
  crt-base /etc/haproxy/certs
  ssl-default-bind-options ssl-min-ver TLSv1.0 no-tlsv13
  ssl-default-bind-ciphers HIGH:!aNULL
  ssl-dh-param-file /etc/haproxy/dh.pem
defaults
  mode http
frontend web
  bind :80
  bind :443 ssl crt all crt one.pem
  bind 127.0.0.1:8443 ssl crt /x.pem ssl-min-ver TLSv1.3 ciphers ECDHE+AESGCM
  bind :8444 ssl crt-list /etc/haproxy/list
  bind :8445 ssl crt "$CERT"
  http-request redirect scheme https unless { ssl_fc }
  http-response set-header Strict-Transport-Security "max-age=100"
listen raw
  mode tcp
  bind :443
frontend clear
  bind :443,:444
`

func TestHAProxy(t *testing.T) {
	r := site.NewReader(image.Of(t, map[string]string{"/etc/haproxy/haproxy.cfg": haproxyCfg,
		"/etc/haproxy/certs/all/b.pem": "", "/etc/haproxy/certs/all/a.pem": "", "/etc/haproxy/certs/all/a.pem.key": "", "/etc/haproxy/certs/all/a.pem.ocsp": "", "/etc/haproxy/certs/all/c.key": "",
		"/etc/haproxy/list": "# names\nl.pem [alpn h2] example.org\n\n/abs.pem\n"}))
	HAProxy(r)
	want := `haproxy :80 (plain): names [] listen [":80"] local false managed false plain443 false
  redirect scheme https unless { ssl_fc } @14
haproxy :443: names [] listen [":443"] local false managed false plain443 false
  HIGH:!aNULL @4
  set-header Strict-Transport-Security max-age=100 @15
  /etc/haproxy/dh.pem @5
  offers TLSv1 TLSv1.1 TLSv1.2 @3, hsts 100
  /etc/haproxy/certs/all/a.pem /etc/haproxy/certs/all/a.pem.key @/etc/haproxy/haproxy.cfg:10
  /etc/haproxy/certs/all/b.pem /etc/haproxy/certs/all/b.pem @/etc/haproxy/haproxy.cfg:10
  /etc/haproxy/certs/one.pem /etc/haproxy/certs/one.pem @/etc/haproxy/haproxy.cfg:10
haproxy 127.0.0.1:8443: names [] listen ["127.0.0.1:8443"] local true managed false plain443 false
  ECDHE+AESGCM @11
  set-header Strict-Transport-Security max-age=100 @15
  /etc/haproxy/dh.pem @5
  offers TLSv1.3 @11, hsts 100
  /x.pem /x.pem @/etc/haproxy/haproxy.cfg:11
haproxy :8444: names [] listen [":8444"] local false managed false plain443 false
  HIGH:!aNULL @4
  set-header Strict-Transport-Security max-age=100 @15
  /etc/haproxy/dh.pem @5
  offers TLSv1 TLSv1.1 TLSv1.2 @3, hsts 100
  /etc/haproxy/certs/l.pem /etc/haproxy/certs/l.pem @/etc/haproxy/list:2
  /abs.pem /abs.pem @/etc/haproxy/list:4
haproxy :8445: names [] listen [":8445"] local false managed false plain443 false
  HIGH:!aNULL @4
  set-header Strict-Transport-Security max-age=100 @15
  /etc/haproxy/dh.pem @5
  offers TLSv1 TLSv1.1 TLSv1.2 @3, hsts 100
haproxy :443 (plain): names [] listen [":443"] local false managed false plain443 false
haproxy :443 (plain) /etc/haproxy/haproxy.cfg:20: names [] listen [":443" ":444"] local false managed false plain443 true
haproxy known: 4 sites, /etc/haproxy/haproxy.cfg:0 
  unread :8445 ssl crt $CERT @13
`
	if diff := cmp.Diff(want, show(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHAProxyVersions: the words that change what is offered.
func TestHAProxyVersions(t *testing.T) {
	for options, want := range map[string]string{
		"": "TLSv1.2 TLSv1.3", "ssl-min-ver SSLv3": "SSLv3 TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", "no-tlsv12": "TLSv1.3", "force-tlsv12": "TLSv1.2",
		"ssl-min-ver TLSv1.0 no-tlsv10 no-tlsv11": "TLSv1.2 TLSv1.3", "ssl-min-ver nonsense": "TLSv1.2 TLSv1.3",
	} {
		r := site.NewReader(image.Of(t, map[string]string{"/etc/haproxy/haproxy.cfg": "frontend a\nbind :1 ssl crt /a " + options + "\n"}))
		HAProxy(r)
		if got := strings.Join(r.Sites[0].Configured, " "); got != want {
			t.Errorf("%q: got %s", options, got)
		}
	}
}

// TestHAProxyDirectory: the family of RHEL has further files.
func TestHAProxyDirectory(t *testing.T) {
	r := site.NewReader(image.Of(t, map[string]string{"/etc/haproxy/haproxy.cfg": "global\n", "/etc/sysconfig/haproxy": "",
		"/etc/haproxy/conf.d/a.cfg": "frontend a\nbind :1 ssl crt /a\n", "/etc/haproxy/conf.d/b.txt": "x", "/etc/haproxy/conf.d/c.cfg": "x"}))
	HAProxy(r)
	if got := show(r); !strings.Contains(got, "haproxy error: 1 sites, /etc/haproxy/conf.d/c.cfg:1 parsing [/etc/haproxy/conf.d/c.cfg:1] : unknown keyword 'x' out of section.") {
		t.Errorf("got %s", got)
	}
}

const caddyConf = `example.org, www.example.org {
	root * /srv/www
	header {
		+Strict-Transport-Security "max-age=31536000"
	}
}
http://example.org {
	redir https://example.org{uri}
}
*.wild.example.org {
	tls admin@example.org
}
own.example.org {
	tls /tls/a.pem /tls/a.key {
		protocols tls1.0 tls1.3
		load /tls/more
	}
}
localhost, 127.0.0.1:8443 {
	tls internal
}
:8080 {
	respond ok
}
`

func TestCaddy(t *testing.T) {
	le := caddyData + "/acme-v02.api.letsencrypt.org-directory"
	r := site.NewReader(image.Of(t, map[string]string{"/etc/caddy/Caddyfile": caddyConf,
		caddyData + "/acme.zerossl.com-v2-dv90/www.example.org/www.example.org.crt": "", le + "/wildcard_.wild.example.org/wildcard_.wild.example.org.crt": ""}))
	Caddy(r)
	want := strings.ReplaceAll(`caddy example.org: names ["example.org" "www.example.org"] listen ["example.org" "www.example.org"] local false managed true plain443 false
  max-age=31536000 @4
  offers TLSv1.2 TLSv1.3 @0, hsts 31536000
  LE/example.org/example.org.crt LE/example.org/example.org.key @/etc/caddy/Caddyfile:1
  DATA/acme.zerossl.com-v2-dv90/www.example.org/www.example.org.crt DATA/acme.zerossl.com-v2-dv90/www.example.org/www.example.org.key @/etc/caddy/Caddyfile:1
  roots ["/srv/www"]
caddy example.org (plain): names ["example.org"] listen ["http://example.org"] local false managed false plain443 false
  https://example.org{uri} @8
caddy *.wild.example.org: names ["*.wild.example.org"] listen ["*.wild.example.org"] local false managed true plain443 false
  offers TLSv1.2 TLSv1.3 @0, hsts 0
  LE/wildcard_.wild.example.org/wildcard_.wild.example.org.crt LE/wildcard_.wild.example.org/wildcard_.wild.example.org.key @/etc/caddy/Caddyfile:10
caddy own.example.org: names ["own.example.org"] listen ["own.example.org"] local false managed false plain443 false
  offers TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 @15, hsts 0
  /tls/a.pem /tls/a.key @/etc/caddy/Caddyfile:14
caddy 127.0.0.1: names ["127.0.0.1"] listen ["localhost" "127.0.0.1:8443"] local true managed false plain443 false
  offers TLSv1.2 TLSv1.3 @0, hsts 0
caddy :8080 (plain): names [] listen [":8080"] local false managed false plain443 false
caddy known: 4 sites, /etc/caddy/Caddyfile:0 
  unread /tls/more @16
`, "LE/", "DATA/acme-v02.api.letsencrypt.org-directory/")
	if diff := cmp.Diff(strings.ReplaceAll(want, "DATA/", caddyData+"/"), show(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCaddyElsewhere: certificates that are kept somewhere else are not looked for.
func TestCaddyElsewhere(t *testing.T) {
	for _, conf := range []string{"{\n\tstorage redis\n}\na.example {\n}\n", "a.example {\n}\n"} {
		r := site.NewReader(image.Of(t, map[string]string{"/etc/caddy/Caddyfile": conf}))
		Caddy(r)
		if got := show(r); len(r.Sites[0].Pairs) != 0 || !r.Sites[0].Managed || !strings.Contains(got, "unread") {
			t.Errorf("got %s", got)
		}
	}
	r := site.NewReader(image.Of(t, map[string]string{"/etc/caddy/Caddyfile": "{\n\tauto_https off\n}\na.example {\n}\n"}))
	Caddy(r)
	if got := show(r); r.Sites[0].Managed || strings.Contains(got, "unread") {
		t.Errorf("got %s", got)
	}
}
