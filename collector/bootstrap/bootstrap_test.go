package bootstrap

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"seawall/pkg/token"
	"seawall/pkg/trust"
)

var update = flag.Bool("update", false, "write the golden files anew")

const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: packages (test) <a@example.net>\n\nmDMEZabc+/==\n=AbCd\n-----END PGP PUBLIC KEY BLOCK-----\n"

// fixed is an invitation that is always the same.
func fixed() Token {
	t := token.Token{ID: [8]byte([]byte("identity")), Secret: [16]byte([]byte("SECRETsecretSEC!")), Pin: trust.Pin{1, 2, 3}}
	return Token{Text: t.Text(), Expires: time.Date(2026, 6, 1, 13, 0, 0, 0, time.UTC), Uses: 1}
}

// hosts are one of each kind, by the name of the golden file.
func hosts() map[string]Host {
	return map[string]Host{
		"debian-repo": {Collector: "collector.example.net:9443", Family: Debian, Repo: "https://packages.example.net/seawall/", Key: key, Labels: []string{"env=prod", "Web", "env=prod"}},
		"debian-file": {Collector: "10.0.0.5:9443", Family: Debian, Package: "/root/seawall_1.0.0-1_amd64.deb"},
		"rhel-repo":   {Collector: "[2001:db8::1]:9443", Family: RHEL, Repo: "http://10.0.0.5:8080", Key: strings.ReplaceAll(key, "\n", "\r\n")},
		"rhel-file":   {Collector: "c:1", Family: RHEL, Package: "/root/seawall-1.0.0-1.x86_64.rpm", Labels: []string{"a"}},
	}
}

// TestText holds every text, byte for byte, and has cloud-init's own program and a
// shell read them.
func TestText(t *testing.T) {
	for name, h := range hosts() {
		for format, ending := range map[Format]string{CloudConfig: ".yaml", Shell: ".sh"} {
			got, err := Text(h, fixed(), format)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			file := filepath.Join("testdata", name+ending)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
			verify := []string{"sh", "-n", file}
			if format == CloudConfig {
				verify = []string{"cloud-init", "schema", "--config-file", file}
			}
			if out, err := exec.Command(verify[0], verify[1:]...).CombinedOutput(); err != nil || strings.Contains(string(out), "Deprecat") {
				t.Errorf("%s: %v\n%s", strings.Join(verify, " "), err, out)
			}
		}
	}
}

// TestSecret finds the token in one file alone, which is root's in a folder of
// root's, and in no command line.
func TestSecret(t *testing.T) {
	for name, h := range hosts() {
		text, err := Text(h, fixed(), CloudConfig)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text, fixed().Text); n != 1 {
			t.Errorf("%s: the token is in it %d times", name, n)
		}
		var d userData
		if err := yaml.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		for _, f := range d.Files {
			holds := strings.Contains(f.Content, fixed().Text)
			if holds && (f.Permissions != "0600" || !strings.HasPrefix(f.Path, "/root/")) {
				t.Errorf("%s: %s, mode %s, has the token", name, f.Path, f.Permissions)
			}
		}
	}
}

func TestGood(t *testing.T) {
	one := fixed()
	one.Uses, one.Approval = 3, true
	text, err := Text(hosts()["debian-file"], one, Shell)
	if err != nil || !strings.Contains(text, "# The token invites 3 hosts until 2026-06-01 13:00 UTC. A person has to approve") || !strings.Contains(text, "--wait 20s") {
		t.Errorf("%v, %s", err, text)
	}
}

// TestRefuses wants an error for everything that is not what it should be.
func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		change func(*Host)
		want   string
	}{
		{func(h *Host) { h.Collector = "" }, "not host:port"},
		{func(h *Host) { h.Collector = "c" }, "not host:port"},
		{func(h *Host) { h.Collector = "c:0" }, "not host:port"},
		{func(h *Host) { h.Collector = "0.0.0.0:1" }, "no address to connect to"},
		{func(h *Host) { h.Collector = "$(reboot):1" }, "not host:port"},
		{func(h *Host) { h.Collector = "c\n:1" }, "not host:port"},
		{func(h *Host) { h.Collector = "-c:1" }, "not host:port"},
		{func(h *Host) { h.Family = "../debian" }, "neither debian nor rhel"},
		{func(h *Host) { h.Repo, h.Key = "", "" }, "either a repository or a package"},
		{func(h *Host) { h.Package = "/a.deb" }, "either a repository or a package"},
		{func(h *Host) { h.Repo = "ftp://a/" }, "is not like https"},
		{func(h *Host) { h.Repo = "https://" }, "is not like https"},
		{func(h *Host) { h.Repo = "https://u:p@a/" }, "is not like https"},
		{func(h *Host) { h.Repo = "https://a/\nTrusted: yes" }, "is not like https"},
		{func(h *Host) { h.Key = "" }, "needs the key"},
		{func(h *Host) { h.Key = strings.Replace(key, "PUBLIC", "PRIVATE", 1) }, "not a PGP public key"},
		{func(h *Host) { h.Key = strings.Replace(key, "==", "$(x)`", 1) }, "line 4"},
		{func(h *Host) { h.Repo, h.Package = "", "a.deb" }, "not an absolute file name"},
		{func(h *Host) { h.Repo, h.Package = "", "/a;b.deb" }, "not an absolute file name"},
		{func(h *Host) { h.Repo, h.Package = "", "/a.rpm" }, "does not end in .deb"},
		{func(h *Host) { h.Labels = []string{"a=b c"} }, "want a word or key=value"},
		{func(h *Host) { h.Labels = []string{"a\nb"} }, "want a word or key=value"},
	} {
		h := hosts()["debian-repo"]
		c.change(&h)
		if text, err := Text(h, fixed(), Shell); err == nil || text != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %s", h, err, c.want)
		}
	}
	if _, err := Text(hosts()["rhel-file"], Token{Text: "seawall1_x"}, Shell); err == nil {
		t.Error("a token that is none is taken")
	}
	if _, err := Text(hosts()["rhel-file"], fixed(), "toml"); err == nil {
		t.Error("a format that is none is taken")
	}
	many := hosts()["debian-file"]
	for _, a := range "abcdefghij" {
		for _, b := range "abcdefghij" {
			many.Labels = append(many.Labels, string([]rune{a, b}))
		}
	}
	if err := many.Check(); err == nil {
		t.Error("100 labels are taken")
	}
}

// FuzzText puts anything in: it is refused, or in the text as it is and nowhere else.
func FuzzText(f *testing.F) {
	f.Add("c.example.net:9443", "https://a.example.net/x", "/a.deb", "env=prod", key)
	f.Add("[::1]:1", "http://a", "/a b.deb", "x y", key+"x")
	f.Add("c:1\n- x", "https://a/\x00", "/$(a).deb", "a'b", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n: x\n-----END PGP PUBLIC KEY BLOCK-----")
	f.Fuzz(func(t *testing.T, collector, repo, file, label, key string) {
		for _, h := range []Host{
			{Collector: collector, Family: Debian, Repo: repo, Key: key, Labels: []string{label}},
			{Collector: collector, Family: Debian, Package: file, Labels: []string{label}},
		} {
			text, err := Text(h, fixed(), CloudConfig)
			if err != nil {
				continue
			}
			var d userData
			if err := yaml.Unmarshal([]byte(text), &d); err != nil {
				t.Fatalf("%v:\n%s", err, text)
			}
			if n := 3; h.Repo != "" && len(d.Files) != n+2 || h.Repo == "" && len(d.Files) != n {
				t.Fatalf("%d files:\n%s", len(d.Files), text)
			}
			run := d.Files[len(d.Files)-1].Content
			if !slices.Contains(strings.Fields(run), collector) || len(d.Commands) != 1 {
				t.Fatalf("%s", text)
			}
			if h.Repo != "" && strings.TrimSpace(d.Files[2].Content) != strings.Join(lines(key), "\n") {
				t.Fatalf("the key is %q", d.Files[2].Content)
			}
			if _, err := script([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
