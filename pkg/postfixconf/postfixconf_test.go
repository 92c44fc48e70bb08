package postfixconf

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs/image"
)

const mainCF = `# a comment
myhostname = mail.example.org
  # in between
mydomain=example.org
mydestination = $myhostname,
	localhost.$mydomain
#x
	localhost
twice = one
twice = ${mydomain}
paths = $config_directory/x $$y ${none} $(mydomain)z
chosen = ${mydomain?yes}${none?no} ${none:unset} ${mydomain?{a $myhostname}:{b}} ${none?{a}:{b}}
loop = $loop
compared = ${{$x} == {y} ? {a} : {b}}.
`

func load(t *testing.T, master string) *Config {
	t.Helper()
	c, err := Load(image.Of(t, map[string]string{"/etc/postfix/main.cf": mainCF, "/etc/postfix/master.cf": master}), DefaultDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParameters(t *testing.T) {
	c := load(t, "")
	for name, want := range map[string]Setting{
		"mydestination": {"mail.example.org, localhost.example.org localhost", true, "/etc/postfix/main.cf", 5,
			"mydestination = $myhostname, localhost.$mydomain localhost"},
		"twice":    {"example.org", true, "/etc/postfix/main.cf", 10, "twice = ${mydomain}"},
		"paths":    {"/etc/postfix/x $y  example.orgz", true, "/etc/postfix/main.cf", 11, "paths = $config_directory/x $$y ${none} $(mydomain)z"},
		"absent":   {Value: "default of example.org"},
		"compared": {".", true, "/etc/postfix/main.cf", 14, "compared = ${{$x} == {y} ? {a} : {b}}."},
	} {
		if diff := cmp.Diff(want, c.Get(name, "default of $mydomain")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got, want := c.Get("chosen", "").Value, "yes unset a mail.example.org b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := c.Get("mydestination", "").Words(); len(got) != 3 || got[1] != "localhost.example.org" {
		t.Errorf("got %q", got)
	}
	if got := c.Get("loop", "").Value; got != "$loop" {
		t.Errorf("a loop gives %q", got)
	}
}

func TestServices(t *testing.T) {
	c := load(t, `# service type
smtp      inet  n       -       y       -       -       smtpd
#submission inet n - y - - smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt -o { smtpd_client_restrictions = permit_sasl_authenticated, reject }
  -v
`)
	if len(c.Services) != 2 {
		t.Fatalf("got %+v", c.Services)
	}
	s := &c.Services[1]
	if s.Name != "submission" || s.Type != "inet" || s.Command != "smtpd" || s.Line != 4 || len(s.Args) != 7 {
		t.Errorf("got %+v", s)
	}
	want := Setting{"permit_sasl_authenticated, reject", true, "/etc/postfix/master.cf", 4, "-o smtpd_client_restrictions=permit_sasl_authenticated, reject"}
	if got := c.GetFor(s, "smtpd_client_restrictions", ""); got != want {
		t.Errorf("got %+v", got)
	}
	if got := c.GetFor(&c.Services[0], "smtpd_tls_security_level", "none"); got.Set || got.Value != "none" {
		t.Errorf("got %+v", got)
	}
	if got := c.GetFor(s, "mydomain", ""); got.Value != "example.org" {
		t.Errorf("got %+v", got)
	}
}

func TestRefused(t *testing.T) {
	for _, files := range []map[string]string{
		{"/etc/postfix/main.cf": "no value\n"},
		{"/etc/postfix/main.cf": "", "/etc/postfix/master.cf": "smtp inet n\n"},
		{"/etc/postfix/main.cf": strings.Repeat("a=b\n", maxSettings+1)},
	} {
		if _, err := Load(image.Of(t, files), DefaultDir); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := Load(image.Of(t, nil), DefaultDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestPostconf compares with what postconf -nx of Postfix 3.7 said of the same file.
func TestPostconf(t *testing.T) {
	main, err := os.ReadFile("testdata/main.cf")
	if err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile("testdata/postconf-nx.txt")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(image.Of(t, map[string]string{"/etc/postfix/main.cf": string(main)}), DefaultDir)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(said)) {
		name, want, _ := strings.Cut(strings.TrimSpace(line), " = ")
		if got := strings.Join(strings.Fields(c.Get(strings.TrimSuffix(name, " ="), "").Value), " "); got != strings.Join(strings.Fields(want), " ") {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(mainCF, "smtp inet n - y - - smtpd -o a=b\n")
	f.Add("a = ${a}${a}${a}\n b", "x")
	f.Add("a=${{", "a b c d e f g h -o {")
	f.Fuzz(func(t *testing.T, main, master string) {
		c, err := Load(image.Of(t, map[string]string{"/etc/postfix/main.cf": main, "/etc/postfix/master.cf": master}), DefaultDir)
		if err != nil {
			return
		}
		for name := range c.settings {
			if v := c.Get(name, ""); len(v.Value) > 2*maxValue+len(main) {
				t.Errorf("%d bytes of %d", len(v.Value), len(main))
			}
		}
	})
}
