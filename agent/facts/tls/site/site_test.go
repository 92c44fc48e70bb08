package site

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"seawall/pkg/hostfs/image"
)

func TestHostNames(t *testing.T) {
	got := HostNames([]string{"Example.ORG.", "example.org", "*.example.org", ".example.net", "localhost", "_", "", "~^x", "www.*", "$host", "192.0.2.1", "2001:db8::1", "a b.c", "a.b?c"})
	if want := []string{"example.org", "*.example.org", ".example.net", "192.0.2.1", "2001:db8::1"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestListen(t *testing.T) {
	for listen, want := range map[string]string{"443": "443", "*:443": "443", "[::]:443": "443", "[::1]": "[::1]", "unix:/x": "/x"} {
		if got := Port(listen); got != want {
			t.Errorf("%s: got %s", listen, got)
		}
	}
	for text, want := range map[string]bool{"127.0.0.1:80 [::1]:80": true, "localhost:80 /run/x": true, "127.0.0.1:80 *:80": false, "": false, "0.0.0.0:80": false} {
		if got := Local(strings.Fields(text)); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestVersions(t *testing.T) {
	for name, want := range map[string]string{"TLSv1.0": "TLSv1", "tls1.2": "TLSv1.2", "tlsv1": "TLSv1", "TLS1.3": "TLSv1.3", "SSLv3": "SSLv3", "sslv2": "SSLv2", "1.1": "TLSv1.1", "": "", "x": ""} {
		if got := VersionName(name); got != want {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := Since("none"); !slices.Equal(got, []string{"TLSv1.2", "TLSv1.3"}) {
		t.Errorf("got %q", got)
	}
}

func TestMaxAge(t *testing.T) {
	for header, want := range map[string]int{"max-age=31536000; includeSubDomains": 31536000, `Max-Age="600"`: 600, "includeSubDomains": 0, "max-age=": 0, "max-age=99999999999999999999": 9999999999} {
		if got := MaxAge(header); got != want {
			t.Errorf("%s: got %d", header, got)
		}
	}
}

// TestFinish: labels are each site's own, and only what is nobody's first choice is
// a catch-all.
func TestFinish(t *testing.T) {
	r := NewReader(image.Of(t, nil))
	r.Add(Site{Program: "nginx", TLS: true, Names: []string{"a.example"}, Listen: []string{"443"}})
	r.Add(Site{Program: "nginx", TLS: true, Listen: []string{"443"}, File: "/f", Line: 1})
	r.Add(Site{Program: "nginx", TLS: true, Listen: []string{"443"}, File: "/f", Line: 1})
	r.Add(Site{Program: "nginx", TLS: true, Listen: []string{"443"}, File: "/f", Line: 1})
	r.Add(Site{Program: "apache", TLS: true, Listen: []string{"443"}})
	r.Add(Site{Program: "postfix", Mail: true})
	r.Finish()
	var got []string
	for _, s := range r.Sites {
		got = append(got, fmt.Sprintf("%s %v", s.Label, s.CatchAll))
	}
	want := []string{"nginx a.example false", "nginx 443 true", "nginx 443 /f:1 true", "nginx 443 /f:1 (3) true", "apache 443 false", "postfix (plain) false"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestBounds: what is foreign is cut and made valid.
func TestBounds(t *testing.T) {
	r := NewReader(image.Of(t, nil))
	long := strings.Repeat("x", 100_000)
	r.Add(Site{Names: slices.Repeat([]string{long}, maxList)})
	for range maxSites - 1 {
		r.Add(Site{})
	}
	if r.Left != "" {
		t.Errorf("nothing is left out: %q", r.Left)
	}
	if r.Add(Site{Program: "nginx"}); !strings.Contains(r.Left, "more sites of nginx") {
		t.Errorf("a site is left out: %q", r.Left)
	}
	r = NewReader(image.Of(t, nil))
	r.Add(Site{Names: slices.Repeat([]string{long}, 200), Raw: "\xff" + long, Protocols: Setting{Value: long, Raw: long}, Pairs: []Pair{{Raw: long}}})
	for range maxSites {
		r.Add(Site{})
	}
	s := r.Sites[0]
	if len(r.Sites) != maxSites || r.Left == "" || len(s.Names) != maxList || len(s.Names[0]) != maxWord || !strings.HasPrefix(s.Raw, `\xff`) || len(s.Protocols.Value) > 4096 || len(s.Pairs[0].Raw) != maxWord {
		t.Errorf("%d sites, %d names", len(r.Sites), len(s.Names))
	}
	server := r.Server("nginx", "/none", nil)
	for range 200 {
		server.Later(Setting{Value: long})
	}
	if len(server.Unread) != maxList {
		t.Errorf("%d", len(server.Unread))
	}
}

type refusal struct{ error }

func (refusal) Place() (string, int) { return "/x", 7 }

func TestServer(t *testing.T) {
	r := NewReader(image.Of(t, map[string]string{"/there": ""}))
	for _, tt := range []struct {
		err  error
		file string
		want string
	}{
		{nil, "/there", "known /there:0 "},
		{fmt.Errorf("include: %w", fs.ErrNotExist), "/there", "error /there:0 include: file does not exist"},
		{fs.ErrPermission, "/there", "unknown /there:0 permission denied"},
		{fmt.Errorf("wrapped: %w", refusal{errors.New("bad")}), "/there", "error /x:7 wrapped: bad"},
	} {
		s := r.Server("nginx", tt.file, tt.err)
		if got := fmt.Sprintf("%s %s:%d %s", s.State, s.File, s.Line, s.Reason); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	if s := r.Server("nginx", "/none", fs.ErrNotExist); s != nil {
		t.Errorf("nothing there: %+v", s)
	}
}

// TestDepend: a link brings its target, a directory what is in it.
func TestDepend(t *testing.T) {
	host := image.Of(t, map[string]string{"/avail/a": "", "/on/b": ""})
	if err := os.Symlink("../avail/a", host.Path("/on/a")); err != nil {
		t.Fatal(err)
	}
	r := NewReader(host)
	r.Depend("/on/", "/on/a", "/on/b", "/none", "/none")
	if want := []string{"/on/", "/avail/a", "/none"}; !slices.Equal(r.Depends, want) {
		t.Errorf("got %q", r.Depends)
	}
}
