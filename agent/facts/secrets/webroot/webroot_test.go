package webroot

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"seawall/pkg/hostfs/image"
)

func load(t *testing.T, files map[string]string) Sites {
	t.Helper()
	return Load(image.Of(t, files))
}

func TestRoots(t *testing.T) {
	const nginx, apache = "/etc/nginx/nginx.conf", "/etc/apache2/apache2.conf"
	for name, tt := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"none":          {nil, nil},
		"nginx":         {map[string]string{nginx: "events {}\nhttp { root /a/; server { root /b; location /x { alias /c; } root $var; } }"}, []string{"/a", "/b", "/c"}},
		"nginx, none":   {map[string]string{nginx: "events {}\nhttp {}"}, []string{"/var/www/html", "/usr/share/nginx/html"}},
		"nginx, broken": {map[string]string{nginx: "http {"}, []string{"/var/www/html", "/usr/share/nginx/html"}},
		"apache":        {map[string]string{apache: "DocumentRoot /a\n<VirtualHost *:80>\nDocumentRoot \"/b\"\n</VirtualHost>\n"}, []string{"/a", "/b"}},
		"apache, none":  {map[string]string{apache: "ServerName x\n"}, []string{"/var/www/html"}},
	} {
		if got := load(t, tt.files); !slices.Equal(got.Roots, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got.Roots, tt.want)
		}
	}
}

// TestBounds: that there are more roots is said.
func TestBounds(t *testing.T) {
	for more := range 2 {
		var conf strings.Builder
		for i := range maxRoots + more {
			fmt.Fprintf(&conf, "server { root /%d; }\n", i)
		}
		conf.WriteString("server { root /0; }\n")
		if s := load(t, map[string]string{"/etc/nginx/nginx.conf": "http {\n" + conf.String() + "}\n"}); len(s.Roots) != maxRoots || s.More != (more > 0) {
			t.Errorf("%d more: %d roots, more: %v", more, len(s.Roots), s.More)
		}
	}
}

func TestDenied(t *testing.T) {
	for conf, want := range map[string][2]bool{ // .git, .env
		"location ~ /\\.git { deny all; }":                     {true, false},
		"location ~* /\\.(git|env) { return 404; }":            {true, true},
		"location ~ /\\. { deny all; }":                        {true, true},
		"location ~ /\\.ht { deny all; }":                      {false, false},
		"location ~ /\\.git { allow all; }":                    {false, false},
		"location ~ /\\.(?!well-known).* { deny all; }":        {false, false}, // a pattern that Go does not know
		"location /.git { root /x; }":                          {false, false},
		"location ~ ^/([^/]+/)*\\.(?:git|env) { return 403; }": {true, true},
		"server { location ~ \\/\\.git { return 404; } }":      {true, false},
	} {
		s := load(t, map[string]string{"/etc/nginx/nginx.conf": "http { server { " + conf + " } }"})
		if got := [2]bool{s.Denied("/.git"), s.Denied("/.env")}; got != want {
			t.Errorf("%s: got %v, want %v", conf, got, want)
		}
	}
	for conf, want := range map[string][2]bool{
		"RedirectMatch 404 /\\.git": {true, false},
		"<DirectoryMatch \"/\\.git\">\nRequire all denied\n</DirectoryMatch>": {true, false},
		"<FilesMatch \"^\\.env\">\nRequire all denied\n</FilesMatch>":         {false, true},
		"<FilesMatch \"^\\.ht\">\nRequire all denied\n</FilesMatch>":          {false, false},
		"<LocationMatch \"/\\.\">\nRequire all granted\n</LocationMatch>":     {false, false},
	} {
		s := load(t, map[string]string{"/etc/apache2/apache2.conf": conf + "\n"})
		if got := [2]bool{s.Denied("/.git"), s.Denied("/.env")}; got != want {
			t.Errorf("%s: got %v, want %v", conf, got, want)
		}
	}
}
