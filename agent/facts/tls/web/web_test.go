package web

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
		fmt.Fprintf(&b, "%s: names %q listen %q", s.Label, s.Names, s.Listen)
		for _, flag := range []struct {
			on   bool
			name string
		}{{s.CatchAll, "catch-all"}, {s.Local, "local"}, {s.Plain443, "plain-443"}, {s.Stapling, "stapling"}, {s.Managed, "managed"}, {s.Bounded, "bounded"}} {
			if flag.on {
				b.WriteString(" " + flag.name)
			}
		}
		for _, t := range []struct {
			name string
			of   site.Setting
		}{{"redirect", s.Redirect}, {"ciphers", s.Ciphers}, {"hsts", s.HSTS}, {"dh", s.DHParams}, {"compression", s.Compression}, {"renegotiation", s.Renegotiation}} {
			if t.of.Value != "" {
				fmt.Fprintf(&b, "\n  %s %s @%d", t.name, t.of.Value, t.of.Line)
			}
		}
		if s.TLS {
			fmt.Fprintf(&b, "\n  offers %s @%d", strings.Join(s.Configured, " "), s.Protocols.Line)
		}
		for _, p := range s.Pairs {
			fmt.Fprintf(&b, "\n  %s %s %s @%s:%d", p.Certificate, p.Key, p.Chain, p.File, p.Line)
		}
		if len(s.WebRoots) > 0 {
			fmt.Fprintf(&b, "\n  roots %q", s.WebRoots)
		}
		b.WriteString("\n")
	}
	for _, s := range r.Servers {
		fmt.Fprintf(&b, "%s %s: %d sites, %s:%d %s\n", s.Program, s.State, s.Sites, s.File, s.Line, s.Reason)
		for _, u := range s.Unread {
			fmt.Fprintf(&b, "  unread %s @%d\n", u.Value, u.Line)
		}
	}
	return b.String()
}

const nginxConf = `http {
  ssl_protocols TLSv1.1 TLSv1.2;
  ssl_certificate common.pem;
  ssl_certificate_key common.key;
  add_header Strict-Transport-Security "max-age=600";
  root /srv/all;
  server { listen 443 ssl default_server; server_name _; ssl_protocols TLSv1.2; ssl_reject_handshake on; }
  server {
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name Example.org www.example.org "" ~^x$ $host *.example.net .example.com old.*;
    ssl_protocols TLSv1 TLSv1.3;
    ssl_certificate /tls/rsa.pem; ssl_certificate /tls/ec.pem;
    ssl_certificate_key /tls/rsa.key; ssl_certificate_key /tls/ec.key;
    ssl_ciphers HIGH; ssl_dhparam dh.pem; ssl_stapling on;
    add_header X y; add_header strict-transport-security max-age=31536000;
    location /a { root html; }
  }
  server { listen 192.0.2.1:8443 quic; server_name inherits.example.org; }
  server { server_name example.org; location /.well-known { root /acme; } location / { return 301 https://$host$request_uri; } }
  server { listen 80; server_name certbot.example.org; if ($host = certbot.example.org) { return 301 https://$host$request_uri; } return 404; }
  server { listen 127.0.0.1:80; rewrite ^ https://x$uri; }
  server { listen 443; server_name forgotten.example.org; }
  server { listen 444 ssl; server_name any.example.org; ssl_certificate /tls/$ssl_server_name.pem; ssl_certificate_key "data:x"; }
}
stream { server { listen 853 ssl; ssl_certificate /tls/dns.pem; ssl_certificate_key engine:pkcs11:x; } }
`

func TestNGINX(t *testing.T) {
	r := site.NewReader(image.Of(t, map[string]string{"/etc/nginx/nginx.conf": nginxConf}))
	NGINX(r)
	want := `nginx 443: names [] listen ["443"] catch-all bounded
  ciphers HIGH:!aNULL:!MD5 @0
  hsts Strict-Transport-Security max-age=600 @5
  offers TLSv1.2 @7
  roots ["/srv/all"]
nginx example.org: names ["example.org" "www.example.org" "*.example.net" ".example.com"] listen ["443" "[::]:443"] stapling bounded
  ciphers HIGH @15
  hsts strict-transport-security max-age=31536000 @16
  dh /etc/nginx/dh.pem @15
  offers TLSv1.2 @7
  /tls/rsa.pem /tls/rsa.key  @/etc/nginx/nginx.conf:13
  /tls/ec.pem /tls/ec.key  @/etc/nginx/nginx.conf:13
  roots ["/srv/all" "/usr/share/nginx/html"]
nginx inherits.example.org: names ["inherits.example.org"] listen ["192.0.2.1:8443"] bounded
  ciphers HIGH:!aNULL:!MD5 @0
  hsts Strict-Transport-Security max-age=600 @5
  offers TLSv1.1 TLSv1.2 @2
  /etc/nginx/common.pem /etc/nginx/common.key  @/etc/nginx/nginx.conf:3
  roots ["/srv/all"]
nginx example.org (plain): names ["example.org"] listen ["80"]
  redirect 301 https://$host$request_uri @20
  roots ["/srv/all" "/acme"]
nginx certbot.example.org (plain): names ["certbot.example.org"] listen ["80"]
  redirect 301 https://$host$request_uri @21
  roots ["/srv/all"]
nginx 127.0.0.1:80 (plain): names [] listen ["127.0.0.1:80"] catch-all local
  redirect ^ https://x$uri @22
  roots ["/srv/all"]
nginx forgotten.example.org (plain): names ["forgotten.example.org"] listen ["443"] plain-443
  roots ["/srv/all"]
nginx any.example.org: names ["any.example.org"] listen ["444"] bounded
  ciphers HIGH:!aNULL:!MD5 @0
  hsts Strict-Transport-Security max-age=600 @5
  offers TLSv1.1 TLSv1.2 @2
  roots ["/srv/all"]
nginx 853: names [] listen ["853"] catch-all bounded
  ciphers HIGH:!aNULL:!MD5 @0
  offers TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 @0
  /tls/dns.pem   @/etc/nginx/nginx.conf:26
nginx known: 5 sites, /etc/nginx/nginx.conf:0 
  unread /tls/$ssl_server_name.pem @24
`
	if diff := cmp.Diff(want, show(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNGINXRefused(t *testing.T) {
	r := site.NewReader(image.Of(t, map[string]string{"/etc/nginx/nginx.conf": "include x;", "/etc/nginx/x": "\n}"}))
	NGINX(r)
	if got, want := show(r), "nginx error: 0 sites, /etc/nginx/x:2 unexpected \"}\" in /etc/nginx/x:2\n"; got != want {
		t.Errorf("got %s", got)
	}
	r = site.NewReader(image.Of(t, nil))
	NGINX(r)
	Apache(r)
	if got := show(r); got != "" || len(r.Depends) == 0 {
		t.Errorf("nothing there: %s, depends %q", got, r.Depends)
	}
}

const apacheConf = `ServerRoot /etc/apache2
LoadModule ssl_module x/mod_ssl.so
SSLProtocol all -SSLv3
Listen 80
MDomain managed.example.org
<VirtualHost *:443>
  ServerName https://Example.org:443
  ServerAlias www.example.org *.example.net
  SSLEngine on
  SSLCertificateFile tls/a.pem
  SSLCertificateKeyFile /tls/a.key
  SSLCertificateChainFile /tls/chain.pem
  SSLProtocol -all +TLSv1.2 +TLSv1.3
  SSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256
  SSLCipherSuite SSL HIGH:!aNULL
  SSLCompression On
  SSLInsecureRenegotiation on
  SSLUseStapling on
  SSLOpenSSLConfCmd DHParameters "/tls/dh.pem"
  DocumentRoot /var/www/a
  <IfModule mod_headers.c>
    Header always set Never "x"
  </IfModule>
  Header always set Strict-Transport-Security "max-age=63072000; includeSubDomains"
</VirtualHost>
<VirtualHost 192.0.2.1:8443>
  SSLEngine optional
  SSLCertificateFile /tls/both.pem
</VirtualHost>
<VirtualHost *:443>
  ServerName managed.example.org
  SSLEngine On
</VirtualHost>
<VirtualHost *:443>
  ServerName off.example.org
</VirtualHost>
<VirtualHost *:80>
  ServerName example.org
  <Location />
    RewriteEngine on
    RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [L,R=301]
  </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:80>
  Redirect permanent / https://example.org/
</VirtualHost>
Use Macro x
`

func TestApache(t *testing.T) {
	r := site.NewReader(image.Of(t, map[string]string{"/etc/apache2/apache2.conf": apacheConf}))
	Apache(r)
	want := `apache example.org: names ["example.org" "www.example.org" "*.example.net"] listen ["*:443"] stapling bounded
  ciphers HIGH:!aNULL @15
  hsts always set Strict-Transport-Security max-age=63072000; includeSubDomains @24
  dh /tls/dh.pem @19
  compression On @16
  renegotiation on @17
  offers TLSv1.2 TLSv1.3 @13
  /etc/apache2/tls/a.pem /tls/a.key /tls/chain.pem @/etc/apache2/apache2.conf:10
  roots ["/var/www/a"]
apache 192.0.2.1:8443: names [] listen ["192.0.2.1:8443"] catch-all bounded
  ciphers DEFAULT @0
  offers TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 @3
  /tls/both.pem /tls/both.pem  @/etc/apache2/apache2.conf:28
apache managed.example.org: names ["managed.example.org"] listen ["*:443"] managed bounded
  ciphers DEFAULT @0
  offers TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 @3
apache off.example.org (plain): names ["off.example.org"] listen ["*:443"] plain-443
apache example.org (plain): names ["example.org"] listen ["*:80"]
  redirect ^ https://%{HTTP_HOST}%{REQUEST_URI} [L,R=301] @41
apache 127.0.0.1:80 (plain): names [] listen ["127.0.0.1:80"] catch-all local
  redirect permanent / https://example.org/ @45
apache known: 3 sites, /etc/apache2/apache2.conf:0 
  unread Macro x @47
`
	if diff := cmp.Diff(want, show(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestApacheMain: without virtual hosts the main server is the site.
func TestApacheMain(t *testing.T) {
	conf := "Listen 127.0.0.1:443\nSSLEngine on\nSSLCertificateFile /a.pem\nSSLCertificateKeyFile conf/a.key\n"
	r := site.NewReader(image.Of(t, map[string]string{"/etc/httpd/conf/httpd.conf": conf}))
	Apache(r)
	want := `apache 127.0.0.1:443: names [] listen ["127.0.0.1:443"] local
  ciphers DEFAULT @0
  offers TLSv1 TLSv1.1 TLSv1.2 TLSv1.3 @0
  /a.pem /etc/httpd/conf/a.key  @/etc/httpd/conf/httpd.conf:3
apache known: 1 sites, /etc/httpd/conf/httpd.conf:0 
`
	if diff := cmp.Diff(want, show(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestApacheProtocols(t *testing.T) {
	for text, want := range map[string]string{
		"all": "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", "all -TLSv1 -TLSv1.1": "TLSv1.2 TLSv1.3", "TLSv1.2": "TLSv1.2", "-all +TLSv1.3": "TLSv1.3",
		"+TLSv1.2 +SSLv3": "SSLv3 TLSv1.2", "TLSv1 TLSv1.2": "TLSv1.2", "ALL -sslv3 nonsense": "", "": "",
	} {
		if got := strings.Join(apacheProtocols(strings.Fields(text)), " "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
