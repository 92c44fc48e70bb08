package web

import (
	"strings"
	"testing"

	"seawall/agent/facts/servers/answer"
	"seawall/agent/facts/servers/answertest"
	"seawall/pkg/hostfs/image"
)

func TestNginx(t *testing.T) {
	for _, tt := range []struct{ conf, tokens, index, status string }{
		{"http { server_tokens off; server { listen 80; } }\n", "nginx: closed: server_tokens off", "nginx: closed: autoindex is off", "nginx: closed: no stub_status"},
		{"http {\nserver { listen 80; } }\n", "nginx: open: server_tokens is not set: on @/n:2", "nginx: closed", "nginx: closed"},
		{"http { server_tokens off;\nserver {\nserver_tokens on; } }\n", "nginx: open: server_tokens on @/n:3", "nginx: closed", "nginx: closed"},
		{"http { server_tokens build; server { server_tokens off; } }\n", "nginx: closed", "nginx: closed", "nginx: closed"},
		{"http { server_tokens off; server {\nlocation /pub { autoindex on; } } }\n", "nginx: closed", "nginx: open: autoindex on in location /pub @/n:2", "nginx: closed"},
		{"http { server_tokens off; autoindex on; server { } }\n", "nginx: closed", "nginx: open: autoindex on for every server", "nginx: closed"},
		{"http { server_tokens off; server { location /pub { auth_basic x; autoindex on; } } }\n", "nginx: closed", "nginx: closed", "nginx: closed"},
		{"http { server_tokens off; server {\nlocation = /s { stub_status; } } }\n", "nginx: closed", "nginx: closed", "nginx: open: stub_status in location = /s is for everybody @/n:2"},
		{"http { server_tokens off; server { location = /s { stub_status; allow 127.0.0.1; deny all; } } }\n", "nginx: closed", "nginx: closed", "nginx: closed"},
		{"http { server_tokens off; server { allow 10.0.0.0/8; deny all; location = /s { stub_status; } } }\n", "nginx: closed", "nginx: closed", "nginx: closed"},
		{"http { server_tokens off; server { listen 127.0.0.1:80; listen unix:/run/x; location = /s { stub_status; } } }\n", "nginx: closed", "nginx: closed", "nginx: closed"},
		{"http { server_tokens off; server { listen 127.0.0.1:80; listen 81; location = /s { stub_status; } } }\n", "nginx: closed", "nginx: closed", "nginx: open"},
		{"http { server_tokens off; server { location = /s { internal; stub_status; } } }\n", "nginx: closed", "nginx: closed", "nginx: closed"},
	} {
		var a Answers
		if _, err := a.Nginx(image.Of(t, map[string]string{"/n": tt.conf}), "/n"); err != nil {
			t.Fatal(err)
		}
		for got, want := range map[string]string{answertest.Show(a.Tokens...): tt.tokens, answertest.Show(a.Index...): tt.index, answertest.Show(a.Status...): tt.status} {
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s\ngot  %s\nwant %s", tt.conf, got, want)
			}
		}
	}
}

func TestApache(t *testing.T) {
	const load = "LoadModule autoindex_module m.so\nLoadModule status_module m.so\n"
	for _, tt := range []struct{ conf, tokens, index, status, trace string }{
		{"", "apache: open: ServerTokens Full (not set)", "apache: closed", "apache: closed", "apache: open: TraceEnable On (not set)"},
		{"ServerTokens Prod\nTraceEnable Off\n", "apache: closed: ServerTokens Prod @/n:3", "apache: closed", "apache: closed", "apache: closed: TraceEnable Off @/n:4"},
		{"ServerTokens Prod\nServerTokens OS\n", "apache: open: ServerTokens OS @/n:4", "apache: closed", "apache: closed", "apache: open"},
		{"<Directory /var/www>\nOptions Indexes FollowSymLinks\n</Directory>\n", "apache: open", "apache: open: Options Indexes FollowSymLinks in <directory /var/www> @/n:4", "apache: closed", "apache: open"},
		{"<Directory /var/www>\nOptions -Indexes\n</Directory>\n", "apache: open", "apache: closed", "apache: closed", "apache: open"},
		{"<Directory /var/www>\nOptions +Indexes\nRequire valid-user\n</Directory>\n", "apache: open", "apache: closed", "apache: closed", "apache: open"},
		{"<Location /server-status>\nSetHandler server-status\nRequire local\n</Location>\n", "apache: open", "apache: closed", "apache: closed", "apache: open"},
		{"<Location /server-status>\nSetHandler server-status\nRequire all granted\n</Location>\n", "apache: open", "apache: closed", "apache: open: server-status in <location /server-status> is for everybody @/n:4", "apache: open"},
		{"<VirtualHost *:80>\n<Location /info>\nSetHandler server-info\n</Location>\n</VirtualHost>\n", "apache: open", "apache: closed", "apache: open: server-info", "apache: open"},
		{"<Location /s>\nSetHandler server-status\n<RequireAny>\nRequire ip 10.0.0.0/8\n</RequireAny>\n</Location>\n", "apache: open", "apache: closed", "apache: closed", "apache: open"},
		{"<Location /s>\nSetHandler server-status\nRequire ip 0.0.0.0/0\n</Location>\n", "apache: open", "apache: closed", "apache: open", "apache: open"},
		{"<Location /s>\nSetHandler server-status\nOrder deny,allow\nDeny from all\n</Location>\n", "apache: open", "apache: closed", "apache: closed", "apache: open"},
	} {
		var a Answers
		if _, err := a.Apache(image.Of(t, map[string]string{"/n": load + tt.conf}), "/n"); err != nil {
			t.Fatal(err)
		}
		for got, want := range map[string]string{answertest.Show(a.Tokens...): tt.tokens, answertest.Show(a.Index...): tt.index, answertest.Show(a.Status...): tt.status, answertest.Show(a.Trace...): tt.trace} {
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s\ngot  %s\nwant %s", tt.conf, got, want)
			}
		}
	}
	var a Answers
	if _, err := a.Apache(image.Of(t, map[string]string{"/n": "<Directory /x>\nOptions Indexes\n</Directory>\n"}), "/n"); err != nil || a.Index[0].Allowed {
		t.Errorf("without mod_autoindex: %s, %v", answertest.Show(a.Index...), err)
	}
}

// TestUnread: a configuration that is not there is not known, and not closed.
func TestUnread(t *testing.T) {
	var a Answers
	_, n := a.Nginx(image.Of(t, nil), "/n")
	_, h := a.Apache(image.Of(t, nil), "/n")
	for _, list := range [][]answer.Answer{a.Tokens, a.Index, a.Status, a.Trace} {
		for _, o := range list {
			if o.Known || n == nil || h == nil {
				t.Errorf("%+v, %v, %v", o, n, h)
			}
		}
	}
}
