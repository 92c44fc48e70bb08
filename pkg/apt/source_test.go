package apt

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseSourcesOneLine(t *testing.T) {
	got, err := ParseSources("/etc/apt/sources.list", []byte(strings.Join([]string{
		"# comment",
		"deb http://mirror.example.org/debian bookworm main contrib # more",
		"deb-src http://mirror.example.org/debian bookworm main",
		"",
		"\tdeb [arch=amd64,i386 arch-=i386 signed-by=/usr/share/keyrings/x.gpg] https://user:pw@example.org/x/ stable main\r",
		`deb "http://example.org/with%20space" ./`,
		"deb cdrom:[Debian 12 # netinst]/ bookworm main",
		"#deb http://off.example.org x main",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	const f = "/etc/apt/sources.list"
	want := []Source{
		{URI: "http://mirror.example.org/debian/", Suite: "bookworm", Components: []string{"main", "contrib"}, File: f, Line: 2},
		{URI: "https://user:pw@example.org/x/", Suite: "stable", Components: []string{"main"}, Architectures: []string{"amd64", "i386"}, Remove: []string{"i386"}, File: f, Line: 5},
		{URI: "http://example.org/with space/", Suite: "./", File: f, Line: 6},
		{URI: "cdrom:[Debian 12 # netinst]/", Suite: "bookworm", Components: []string{"main"}, File: f, Line: 7},
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got[1].Site() != "example.org" || got[1].PublicURI() != "https://example.org/x/" {
		t.Errorf("site %q, public URI %q", got[1].Site(), got[1].PublicURI())
	}
}

func TestParseSourcesDeb822(t *testing.T) {
	const f = "/etc/apt/sources.list.d/x.sources"
	got, err := ParseSources(f, []byte(`# Debian
Types: deb deb-src
URIs: http://a.example.org
# a second one
 http://b.example.org/
Suites: stable
 stable-updates
Components: main
Architectures-Add: i386
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQ==

Enabled: no
Types: deb
URIs: http://c.example.org
Suites: stable
Components: main

# only a comment

types: deb-src
uris: http://d.example.org
suites: stable
components: main

Types: deb
URIs: http://e.example.org
Suites: flat/
Enabled: 1
`))
	if err != nil {
		t.Fatal(err)
	}
	main, add := []string{"main"}, []string{"i386"}
	want := []Source{
		{URI: "http://a.example.org/", Suite: "stable", Components: main, Add: add, File: f, Line: 1},
		{URI: "http://a.example.org/", Suite: "stable-updates", Components: main, Add: add, File: f, Line: 1},
		{URI: "http://b.example.org/", Suite: "stable", Components: main, Add: add, File: f, Line: 1},
		{URI: "http://b.example.org/", Suite: "stable-updates", Components: main, Add: add, File: f, Line: 1},
		{URI: "http://e.example.org/", Suite: "flat/", File: f, Line: 28},
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestRefusedSources(t *testing.T) {
	for _, tt := range []struct {
		file, text string
		line       int
	}{
		{"a.list", "deb http://x stable main\nrpm http://x stable main\n", 2},
		{"a.list", "deb nonsense stable main\n", 1},
		{"a.list", "deb http://x\n", 1},
		{"a.list", "deb http://x stable\n", 1},
		{"a.list", "deb http://x ./ main\n", 1},
		{"a.list", "deb [arch=amd64 http://x stable main\n", 1},
		{"a.list", "deb [trusted] http://x stable main\n", 1},
		{"a.sources", "\nURIs: http://x\nSuites: a\nComponents: b\n", 2},
		{"a.sources", "Types: deb\nSuites: a\nComponents: b\n", 1},
		{"a.sources", "Types: deb\nURIs: http://x\nComponents: b\n", 1},
		{"a.sources", "Types: deb\nURIs: http://x\nSuites: a\n", 1},
		{"a.sources", "Types: rpm\nURIs: http://x\nSuites: a\nComponents: b\n", 1},
		{"a.sources", "Types: deb\nnonsense\n", 2},
	} {
		_, err := ParseSources(tt.file, []byte(tt.text))
		var conf *ConfigError
		if !errors.As(err, &conf) || conf.File != tt.file || conf.Line != tt.line {
			t.Errorf("%q: %v, want an error of line %d", tt.text, err, tt.line)
		}
	}
}

func TestLists(t *testing.T) {
	host := []string{"amd64", "i386"}
	for _, tt := range []struct {
		name string
		s    Source
		want []string
	}{
		{"all of the host", Source{URI: "http://x/", Suite: "s", Components: []string{"main", "a/b"}}, []string{
			"x_dists_s_main_binary-amd64_Packages", "x_dists_s_main_binary-i386_Packages", "x_dists_s_main_binary-all_Packages",
			"x_dists_s_a_b_binary-amd64_Packages", "x_dists_s_a_b_binary-i386_Packages", "x_dists_s_a_b_binary-all_Packages"}},
		{"named, one not the host's", Source{URI: "http://x/", Suite: "s", Components: []string{"m"}, Architectures: []string{"amd64", "arm64"}},
			[]string{"x_dists_s_m_binary-amd64_Packages", "x_dists_s_m_binary-all_Packages"}},
		{"one removed", Source{URI: "http://x/", Suite: "s", Components: []string{"m"}, Remove: []string{"i386"}},
			[]string{"x_dists_s_m_binary-amd64_Packages", "x_dists_s_m_binary-all_Packages"}},
		{"flat", Source{URI: "http://x/d/", Suite: "./"}, []string{"x_d_._Packages"}},
		{"flat at the root", Source{URI: "http://x/d/", Suite: "/"}, []string{"x_d_Packages"}},
		{"flat by architecture", Source{URI: "http://x/", Suite: "$(ARCH)/"}, []string{"x_amd64_Packages"}},
	} {
		var got []string
		for _, l := range tt.s.Lists(host) {
			got = append(got, l.File)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	if got := (&Source{URI: "http://x/", Suite: "s"}).ReleaseFiles("amd64"); got[0] != "x_dists_s_InRelease" {
		t.Errorf("release files %q", got)
	}
	if (&Source{}).Lists(nil) != nil {
		t.Error("lists without an architecture")
	}
}

// TestFileNameAgainstLibapt asks libapt for the name of every kind of URI.
func TestFileNameAgainstLibapt(t *testing.T) {
	uris := []string{
		"http://mirror.example.org/debian/dists/bookworm/InRelease", "https://user:p%40ss@example.org:8443/a_b/~c/x=y/Packages",
		"http://[2001:db8::1]/debian/x", "file:/srv/repo/./Packages", "file:///srv/repo/Release", "copy:/x/y",
		"mirror+file:/etc/apt/mirrors/debian.list/dists/x", "cdrom:[Debian GNU/Linux 12]/dists/bookworm/Release",
		"http://x/a b/c%20d/ü", "http://x/a+b(c)*d$e&f^g#h!i@j", "tor+https://x.onion/y", "s3://bucket.example/z_z", "http://x",
	}
	cmd := exec.Command("/usr/bin/python3", append([]string{"-c", "import apt_pkg, sys\nfor u in sys.argv[1:]: print(apt_pkg.uri_to_filename(u))"}, uris...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("this test asks libapt; install python3-apt: %v", err)
	}
	for i, want := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		if got := FileName(uris[i]); got != want {
			t.Errorf("FileName(%q) = %q, libapt says %q", uris[i], got, want)
		}
	}
}

func TestConfigName(t *testing.T) {
	for name, want := range map[string]bool{
		"a.list": true, "a.sources": true, "a.b.list": true, "a": false, "a.list.save": false, ".hidden.list": false,
		"a b.list": false, "a~.list": false, "a.list.disabled": false, "": false, "A-1_x.list": true,
	} {
		if got := ConfigName(name, "list", "sources"); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
	for name, want := range map[string]bool{"nodejs": true, "x.pref": true, "x.": false, "x.bak": false} {
		if got := ConfigName(name, "pref", ""); got != want {
			t.Errorf("preferences %q: %v, want %v", name, got, want)
		}
	}
}

func FuzzParseSources(f *testing.F) {
	f.Add(false, []byte("deb [arch=amd64] http://x/y stable main\ndeb cdrom:[x]/ y z\n"))
	f.Add(true, []byte("Types: deb\nURIs: http://x\n# c\n http://y\nSuites: a b/\nComponents: m\nEnabled: yes\n"))
	f.Add(false, []byte("deb \"[%2f http://x"))
	f.Fuzz(func(t *testing.T, deb822 bool, b []byte) {
		name := "x.list"
		if deb822 {
			name = "x.sources"
		}
		sources, err := ParseSources(name, b)
		if err != nil && len(sources) > 0 {
			t.Error("sources and an error")
		}
		for _, s := range sources {
			if s.Line < 1 || !strings.HasSuffix(s.URI, "/") || s.Suite == "" {
				t.Errorf("incomplete %+v", s)
			}
			for _, l := range s.Lists([]string{"amd64"}) {
				if strings.Contains(l.File, "/") {
					t.Errorf("%+v leads out of the directory: %q", s, l.File)
				}
			}
			for _, r := range s.ReleaseFiles("amd64") {
				if strings.Contains(r, "/") {
					t.Errorf("%+v leads out of the directory: %q", s, r)
				}
			}
			s.Site()
			s.PublicURI()
		}
	})
}
