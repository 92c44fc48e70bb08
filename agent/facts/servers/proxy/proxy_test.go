package proxy

import (
	"strings"
	"testing"

	"seawall/agent/facts/servers/answertest"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

// ask is a method that asks one file.
type ask func(*Answers, hostfs.Root, string) ([]string, error)

func check(t *testing.T, ask ask, conf, want string) {
	t.Helper()
	var a Answers
	root := image.Of(t, map[string]string{"/n": conf, "/wide": "# all\n10.0.0.0/8\n0.0.0.0/0 # all\n", "/narrow": "10.0.0.0/8\n", "/more": "http_access allow all\n"})
	_, err := ask(&a, root, "/n")
	if got := answertest.Show(a.Open...); !strings.HasPrefix(got, want) || (err != nil) != strings.HasSuffix(want, "unknown: ") {
		t.Errorf("%s\ngot  %s, %v\nwant %s", conf, got, err, want)
	}
}

// stock is Debian's squid.conf up to the line that keeps strangers out.
const stock = `acl localnet src 0.0.0.1-0.255.255.255
acl localnet src 10.0.0.0/8		# RFC 1918
acl localnet src fc00::/7
acl SSL_ports port 443
acl Safe_ports port 80
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
http_access allow localhost manager
http_access deny manager
http_access allow localhost
http_port 3128
`

// TestAsSquid: verdicts are those of Squid itself, which was asked.
func TestAsSquid(t *testing.T) {
	root, asked := answertest.Asked(t, "testdata/squid.txtar")
	for _, v := range asked {
		var a Answers
		if _, err := a.Squid(root, v.Name); err != nil {
			t.Fatal(err)
		}
		if o := a.Open[0]; !o.Known || o.Allowed != (v.Says == "open") {
			t.Errorf("%s: Squid says %s, read %s", v.Name, v.Says, answertest.Show(o))
		}
	}
}

func TestSquid(t *testing.T) {
	for _, tt := range []struct{ conf, want string }{
		{stock + "http_access deny all\n", "squid: closed: http_access deny all keeps strangers out @/n:11 @/n:12"},
		{stock + "http_access allow localnet\nhttp_access deny all\n", "squid: closed"},
		{stock + "http_access allow all\n", "squid: open: http_access allow all lets strangers in @/n:11 @/n:12"},
		{stock + "include /more\nhttp_access deny all\n", "squid: open: http_access allow all lets strangers in @/n:11 @/more:1"},
		{stock, "squid: closed: no http_access lets strangers in"}, // the last allows, so the rest is denied
		{"http_port 3128\nacl bad src 203.0.113.5\nhttp_access deny bad\n", "squid: open: no http_access decides for strangers"},
		{"http_port 3128\n", "squid: closed: without http_access nobody is let in"},
		{"http_port 127.0.0.1:3128\nhttp_access allow all\n", "squid: closed: no port takes requests of a forward proxy from other hosts @/n:1"},
		{"http_port [::1]:3128\nhttp_port 3129\nhttp_access allow all\n", "squid: open"},
		{"http_port 80 accel defaultsite=example.org\nhttp_access allow all\n", "squid: closed"},
		{"http_port 80 accel allow-direct\nhttp_access allow all\n", "squid: open"},
		{"http_port 3128\nacl users proxy_auth REQUIRED\nhttp_access allow users\nhttp_access deny all\n", "squid: closed"},
		{"http_port 3128\nacl users proxy_auth REQUIRED\nhttp_access deny !users\nhttp_access allow all\n", "squid: closed: http_access deny !users"},
		{"http_port 3128\nacl sites dstdomain .example.org\nhttp_access allow sites\nhttp_access deny all\n", "squid: closed"},
		{"http_port 3128\nacl sites dstdomain .example.org\nhttp_access allow !sites\nhttp_access deny all\n", "squid: open"},
		{"http_port 3128\nacl any dst 0.0.0.0/0\nhttp_access allow any\n", "squid: open"},
		{"http_port 3128\nacl get method GET\nhttp_access allow get\nhttp_access deny all\n", "squid: open: http_access allow get"},
		{"http_port 3128\nacl world src 0.0.0.0/0\nhttp_access allow world\n", "squid: open"},
		{"http_port 3128\nacl world src ::/0\nhttp_access allow world\n", "squid: open"},
		{"http_port 3128\nacl some src 198.51.100.0/255.255.255.0\nhttp_access allow some\nhttp_access deny all\n", "squid: closed"},
		{"http_port 3128\nacl some src 1.0.0.0-9.255.255.255\nhttp_access allow some\n", "squid: open"},
		{"http_port 3128\nacl some src 198.51.100.1-198.51.100.9/32\nhttp_access allow some\n", "squid: closed"},
		{"http_port 3128\nacl list src \"/wide\"\nhttp_access allow list\n", "squid: open"},
		{"http_port 3128\nacl list src \"/narrow\"\nhttp_access allow list\n", "squid: closed"},
		{"http_port 3128\nacl list src \"/none\"\nhttp_access allow list\nhttp_access deny all\n", "squid: unknown: what \"http_access allow list\" does"},
		{"http_port 3128\nacl v4 src ipv4\nhttp_access allow v4\nhttp_access deny all\n", "squid: unknown"},
		{"http_port 3128\nacl ext external helper\nhttp_access allow ext\nhttp_access deny all\n", "squid: unknown"},
		{"http_port 3128\nacl ext external helper\nhttp_access deny !ext\nhttp_access allow all\n", "squid: unknown"},
		{"http_port 3128\nacl ext external helper\nhttp_access deny all\nhttp_access allow ext\n", "squid: closed"},
		{"http_port 3128\nhttp_access allow nosuch\nhttp_access deny all\n", "squid: unknown"},
		{"http_port 3128\nacl a src 10.0.0.0/8\nacl a src 0.0.0.0/0\nhttp_access allow \\\n a\n", "squid: open: http_access allow a lets strangers in @/n:1 @/n:4"},
	} {
		check(t, (*Answers).Squid, tt.conf, tt.want)
	}
}

func TestOthers(t *testing.T) {
	const dante = "internal: eth0 port = 1080\nexternal: eth0\nclientmethod: none\n"
	const pass = "client pass {\n  from: 0.0.0.0/0 to: 0.0.0.0/0\n}\nsocks pass {\n  from: 0.0.0.0/0 to: 0.0.0.0/0\n}\n"
	for _, tt := range []struct {
		ask        ask
		conf, want string
	}{
		{(*Answers).Tinyproxy, "Port 8888\nAllow 127.0.0.1\nAllow ::1\n", "tinyproxy: closed: no Allow has strangers in it"},
		{(*Answers).Tinyproxy, "Port 8888\n", "tinyproxy: open: without Allow and Deny everybody is let in"},
		{(*Answers).Tinyproxy, "Allow 0.0.0.0/0\n", "tinyproxy: open: Allow 0.0.0.0/0 @/n:1"},
		{(*Answers).Tinyproxy, "Deny 0.0.0.0/0\nAllow 0.0.0.0/0\n", "tinyproxy: closed: Deny 0.0.0.0/0 @/n:1"},
		{(*Answers).Tinyproxy, "BasicAuth ann secret\n", "tinyproxy: closed: BasicAuth asks for a password @/n:1"},
		{(*Answers).Tinyproxy, "Listen 127.0.0.1\n", "tinyproxy: closed: it listens on loopback alone @/n:1"},
		{(*Answers).Privoxy, "listen-address  127.0.0.1:8118\nlisten-address  [::1]:8118\n", "privoxy: closed: it listens on loopback alone"},
		{(*Answers).Privoxy, "listen-address  :8118\n", "privoxy: open: without permit-access everybody is let in @/n:1"},
		{(*Answers).Privoxy, "listen-address 0.0.0.0:8118\npermit-access 10.0.0.0/8\n", "privoxy: closed: no permit-access"},
		{(*Answers).Privoxy, "listen-address 0.0.0.0:8118\npermit-access 0.0.0.0/0\n", "privoxy: open: permit-access 0.0.0.0/0"},
		{(*Answers).Privoxy, "listen-address 0.0.0.0:8118\ndeny-access 0.0.0.0/0\n", "privoxy: closed: deny-access"},
		{(*Answers).ThreeProxy, "auth none\nproxy -p3128\n", "3proxy proxy -p3128: open: auth none asks nobody who he is @/n:2"},
		{(*Answers).ThreeProxy, "users a:CL:b\nauth strong\nproxy\nsocks -i127.0.0.1\n", "3proxy proxy: closed: auth strong asks for a password @/n:3\n3proxy socks -i127.0.0.1: closed: it listens on loopback"},
		{(*Answers).ThreeProxy, "auth iponly\nallow * 10.0.0.0/8\nproxy\nflush\nallow *\nsocks\n", "3proxy proxy: closed: no allow has strangers in it @/n:3\n3proxy socks: open: allow * @/n:6 @/n:5"},
		{(*Answers).ThreeProxy, "internal 127.0.0.1\nproxy\n", "3proxy proxy: closed: it listens on loopback"},
		{(*Answers).ThreeProxy, "auth iponly\nsocks\n", "3proxy socks: open: auth iponly without"},
		{(*Answers).Dante, dante + "socksmethod: none\n" + pass, "dante: open: socks pass for 0.0.0.0/0 without a password @/n:4 @/n:8"},
		{(*Answers).Dante, dante + "socksmethod: username\n" + pass, "dante: closed: no rule"},
		{(*Answers).Dante, dante + "socksmethod: username none # both\n" + pass, "dante: open"},
		{(*Answers).Dante, dante + strings.ReplaceAll(pass, "from: 0.0.0.0/0", "from: 10.0.0.0/8"), "dante: closed"},
		{(*Answers).Dante, dante + "client block { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n" + pass, "dante: closed"},
		{(*Answers).Dante, "internal: 127.0.0.1 port = 1080\n" + pass, "dante: closed: it listens on loopback alone"},
		{(*Answers).Dante, dante + "client pass { from: 0/0 to: 0/0 }\nsocks pass { from: 0/0 to: 0/0\n socksmethod: username }\n", "dante: closed"},
	} {
		check(t, tt.ask, tt.conf, tt.want)
	}
}

func TestWeb(t *testing.T) {
	server := func(more string) string {
		return "http { resolver 9.9.9.9;\n server { listen 80;\n  location / {\n   " + more + "\n proxy_pass http://$http_host$request_uri; } } }\n"
	}
	for _, tt := range []struct {
		ask        ask
		conf, want string
	}{
		{(*Answers).Nginx, "http { server { listen 80; location / { proxy_pass http://127.0.0.1:8080; } } }\n", "nginx: closed: no proxy_pass leads"},
		{(*Answers).Nginx, server(""), "nginx: open: proxy_pass http://$http_host$request_uri @/n:5"},
		{(*Answers).Nginx, server("allow 10.0.0.0/8; deny all;"), "nginx: closed: proxy_pass http://$http_host$request_uri, but deny all"},
		{(*Answers).Nginx, server("allow all; deny all;"), "nginx: open"},
		{(*Answers).Nginx, server("auth_basic x;"), "nginx: closed: proxy_pass http://$http_host$request_uri, but auth_basic"},
		{(*Answers).Nginx, server("auth_basic off;"), "nginx: open"},
		{(*Answers).Nginx, server("internal;"), "nginx: closed"},
		{(*Answers).Nginx, "http { server { location / { proxy_pass http://$host; } } }\n", "nginx: closed: proxy_pass http://$host, but no resolver"},
		{(*Answers).Nginx, "http { resolver 9.9.9.9; server { server_name a; } server { server_name b; location / { proxy_pass http://$host; } } }\n", "nginx: closed: no proxy_pass"},
		{(*Answers).Nginx, "http { resolver 9.9.9.9; server { server_name a; } server { listen 80 default_server; server_name b; proxy_pass https://${host}; } }\n", "nginx: open"},
		{(*Answers).Nginx, "http {", "nginx: unknown: "},
		{(*Answers).Apache, "ProxyRequests Off\nProxyPass / http://127.0.0.1/\n", "apache: closed: ProxyRequests is off"},
		{(*Answers).Apache, "ProxyRequests On\n", "apache: open: ProxyRequests On for everybody @/n:1"},
		{(*Answers).Apache, "ProxyRequests On\n<Proxy \"*\">\nRequire ip 10.0.0.0/8\n</Proxy>\n", "apache: closed: ProxyRequests On, but Require ip 10.0.0.0/8"},
		{(*Answers).Apache, "<VirtualHost *:8080>\nProxyRequests on\n<Proxy *>\nRequire all granted\n</Proxy>\n</VirtualHost>\n<Proxy *>\nRequire all denied\n</Proxy>\n", "apache: open"},
		{(*Answers).Apache, "ProxyRequests On\n<Proxy *>\nOrder deny,allow\nDeny from all\nAllow from 10\n</Proxy>\n", "apache: closed"},
		{(*Answers).Apache, "ProxyRequests On\n<Proxy *>\nRequire ip 0.0.0.0/0\n</Proxy>\n", "apache: open"},
	} {
		check(t, tt.ask, tt.conf, tt.want)
	}
}

// TestUnread: a configuration that is not there is not known, and not closed.
func TestUnread(t *testing.T) {
	for i, ask := range []ask{(*Answers).Squid, (*Answers).Tinyproxy, (*Answers).Privoxy, (*Answers).ThreeProxy, (*Answers).Dante, (*Answers).Nginx, (*Answers).Apache} {
		var a Answers
		if _, err := ask(&a, image.Of(t, nil), "/n"); err == nil || len(a.Open) != 1 || a.Open[0].Known {
			t.Errorf("%d: %+v, %v", i, a.Open, err)
		}
	}
}
