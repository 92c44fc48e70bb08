package opensslconf

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs/image"
)

// TestParse compares with what openssl ciphers of OpenSSL 3.0 said of each string.
func TestParse(t *testing.T) {
	f, err := os.Open("testdata/ciphers.tsv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for in := bufio.NewScanner(z); in.Scan(); seen++ {
		text, said, _ := strings.Cut(in.Text(), "\t")
		var got []string
		for _, s := range Parse(text).Suites {
			got = append(got, s.Name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(strings.Fields(said), got); diff != "" && len(got)+len(said) > 0 {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if seen < 70 {
		t.Errorf("%d strings", seen)
	}
}

func TestLevel(t *testing.T) {
	for text, want := range map[string]int{"HIGH": -1, "DEFAULT@SECLEVEL=1": 1, "@SECLEVEL=0:ALL": 0, "ALL:@SECLEVEL=9": -1, "ALL:@SECLEVEL=1:@SECLEVEL=3": 3} {
		if got := Parse(text).Level; got != want {
			t.Errorf("%s: got %d", text, got)
		}
	}
}

func TestBroken(t *testing.T) {
	for text, want := range map[string]string{
		"HIGH:!aNULL:!MD5": "",
		"ALL:!ADH:!AECDH:RC4+RSA:+HIGH:+MEDIUM:+LOW:+SSLv2:+EXP": "RC4+RSA",
		"ECDHE+AESGCM:DES-CBC3-SHA":                              "DES-CBC3-SHA",
		"ECDHE+AESGCM:DES-CBC3-SHA:!3DES":                        "",
		"RC4-MD5:EXP-RC2-CBC-MD5:AES128-SHA":                     "RC4-MD5 EXP-RC2-CBC-MD5",
		"NULL-SHA:AES128-SHA:ADH-AES128-SHA":                     "ADH-AES128-SHA NULL-SHA",
		"":                                                       "",
		"!:-:+:@":                                                "",
	} {
		got := Broken(text)
		slices.Sort(got)
		want := strings.Fields(want)
		slices.Sort(want)
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

const fedora = `# comment
openssl_conf = openssl_init
[default]
x = y
.include = /etc/crypto-policies/back-ends/none.config
[ openssl_init ]
ssl_conf = ssl_module # why
[ ssl_module ]
system_default = crypto_policy
[ crypto_policy ]
.include = /etc/crypto-policies/back-ends/opensslcnf.config
`

func TestLoad(t *testing.T) {
	host := image.Of(t, map[string]string{
		"/etc/pki/tls/openssl.cnf":                         fedora,
		"/etc/crypto-policies/back-ends/opensslcnf.config": "CipherString = @SECLEVEL=2:kEECDH\nTLS.MinProtocol = TLSv1.2\nDTLS.MinProtocol = DTLSv1.2\n",
		"/etc/ssl/openssl.cnf":                             "openssl_conf = a\n.include d\n[a]\nssl_conf=b\n",
		"/etc/ssl/d/1.cnf":                                 "[b]\nsystem_default = c\n",
		"/etc/ssl/d/2.conf":                                "[c]\nMinProtocol = TLSv1.1\n.include /etc/ssl/openssl.cnf\n",
		"/etc/ssl/d/3.txt":                                 "[c]\nMinProtocol = SSLv3\n",
	})
	c, err := Load(host, "/etc/pki/tls/openssl.cnf")
	if err != nil {
		t.Fatal(err)
	}
	policy := "/etc/crypto-policies/back-ends/opensslcnf.config"
	if got, want := c.System("MinProtocol"), (Setting{"TLSv1.2", true, policy, 2, "TLS.MinProtocol = TLSv1.2"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := c.System("CipherString"); got.Line != 1 || Parse(got.Value).Level != 2 {
		t.Errorf("got %+v", got)
	}
	if want := []string{"/etc/pki/tls/openssl.cnf", "/etc/crypto-policies/back-ends/none.config", policy}; !slices.Equal(c.Files, want) {
		t.Errorf("got %q", c.Files)
	}
	if c, err = Load(host, "/etc/ssl/openssl.cnf"); err != nil || c.System("MinProtocol").Value != "TLSv1.1" || c.System("Options").Set {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := Load(host, "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("DEFAULT:!kRSA@SECLEVEL=1")
	f.Add("ECDH+AESGCM:-x+:!;,@STRENGTH")
	f.Fuzz(func(t *testing.T, text string) {
		c := Parse(text)
		if len(c.Suites) > len(Suites()) || c.Level > 5 {
			t.Errorf("%d suites, level %d", len(c.Suites), c.Level)
		}
		Broken(text)
	})
}

func FuzzLoad(f *testing.F) {
	f.Add(fedora)
	f.Add(".include .\n[a\n]=")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Load(image.Of(t, map[string]string{"/etc/ssl/openssl.cnf": text}), "/etc/ssl/openssl.cnf")
		if err == nil && !slices.Contains(c.Files, "/etc/ssl/openssl.cnf") {
			t.Error("the file is not among those read")
		}
		c.System("MinProtocol")
	})
}
