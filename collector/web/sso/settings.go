package sso

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/collector/account"
)

const (
	maxFile  = 1 << 20
	maxRules = 100
	// maxAddress is the bytes of an address that people are led to.
	maxAddress = 2048
	// Back is the path to which the provider sends browsers back.
	Back = "/login/sso/back"
	// Out is the path to which who signs out is led, if it is known through the provider.
	Out = "/login/sso/out"
)

// Settings are the contents of the file oidc.yaml.
type Settings struct {
	Issuer     string   `yaml:"issuer"`
	ClientID   string   `yaml:"client_id"`
	SecretFile string   `yaml:"client_secret_file"`
	Name       string   `yaml:"name"`       // of the provider, for people
	Redirect   string   `yaml:"redirect"`   // https://…/login/sso/back, as browsers reach it
	SignedOut  string   `yaml:"signed_out"` // https://…/login, if the provider is told to send browsers back there; default none
	UserClaim  string   `yaml:"user_claim"` // default preferred_username
	Scopes     []string `yaml:"scopes"`     // besides openid; default profile, email
	CAFile     string   `yaml:"ca_file"`    // PEM; default the system's
	Roles      []Rule   `yaml:"roles"`

	secret string
	roots  *x509.CertPool
}

// Rule gives a role to those of whom a claim holds a value.
type Rule struct {
	Claim string       `yaml:"claim"` // "groups", or "realm_access.roles" within an object
	Value string       `yaml:"value"`
	Role  account.Role `yaml:"role"`
	Tags  []string     `yaml:"tags"` // of the hosts that they see; none: all
}

// Load reads the settings from a file and the files that it names. A file that is not
// there is an error that is fs.ErrNotExist.
func Load(name string) (*Settings, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, fmt.Errorf("sign-on settings: %w", err)
	}
	s, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("sign-on settings %s: %w", name, err)
	}
	if s.SecretFile != "" {
		secret, err := readFile(s.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("client_secret_file: %w", notAbsent(err))
		}
		if s.secret = strings.TrimSpace(string(secret)); s.secret == "" {
			return nil, errors.New("client_secret_file: is empty")
		}
	}
	if s.CAFile != "" {
		pem, err := readFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", notAbsent(err))
		}
		if s.roots = x509.NewCertPool(); !s.roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("ca_file: no certificate in it")
		}
	}
	return s, nil
}

// notAbsent keeps the absence of a named file from being taken for that of the settings.
func notAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(err.Error())
	}
	return err
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s has more than %d bytes", name, maxFile)
	}
	return data, err
}

// parse reads and checks the text of the settings.
func parse(data []byte) (*Settings, error) {
	s := &Settings{Name: "single sign-on", UserClaim: "preferred_username", Scopes: []string{"profile", "email"}}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(s); err != nil {
		return nil, err
	}
	return s, errors.Join(slices.Concat(s.checkProvider(), s.checkRoles())...)
}

// checkProvider says what is wrong with what is said of the provider.
func (s *Settings) checkProvider() (errs []error) {
	for _, e := range []struct{ key, url string }{{"issuer", s.Issuer}, {"redirect", s.Redirect}} {
		if u, err := url.Parse(e.url); err != nil || !safe(u) || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			errs = append(errs, fmt.Errorf("%s: an https:// URL is needed", e.key))
		} else if e.key == "redirect" && u.Path != Back {
			errs = append(errs, fmt.Errorf("redirect: the path is %s", Back))
		}
	}
	if out, err := url.Parse(s.SignedOut); s.SignedOut != "" && (err != nil || !ours(out, s.Redirect)) {
		errs = append(errs, errors.New("signed_out: an address at the same place as redirect is needed"))
	}
	if s.ClientID == "" || s.UserClaim == "" || s.Name == "" || len(s.Name) > 64 {
		errs = append(errs, errors.New("client_id, user_claim and name are needed, name with at most 64 bytes"))
	}
	return errs
}

// checkRoles says what is wrong with the roles, and puts their tags in order.
func (s *Settings) checkRoles() (errs []error) {
	if len(s.Roles) > maxRules {
		errs = append(errs, fmt.Errorf("roles: more than %d", maxRules))
	}
	for i, r := range s.Roles {
		tags, err := account.Bounds(r.Role, r.Tags)
		if err == nil && (r.Claim == "" || r.Value == "") {
			err = errors.New("claim and value are needed")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("roles, number %d: %w", i+1, err))
		}
		s.Roles[i].Tags = tags
	}
	return errs
}

// ours reports whether a URL is of the same scheme and host as the redirect address.
func ours(u *url.URL, redirect string) bool {
	back, err := url.Parse(redirect)
	return err == nil && u.Scheme == back.Scheme && u.Host == back.Host && u.User == nil && u.Fragment == ""
}

// signOut is where people sign out at the provider, by the end_session_endpoint of its
// configuration (OpenID Connect RP-Initiated Logout 1.0, section 2), nil where that names
// none that is trusted. The provider asks them, as no ID token is kept here to tell it who
// they are.
func (s *Settings) signOut(endpoint string) *url.URL {
	u, err := url.Parse(endpoint)
	if err != nil || len(endpoint) > maxAddress || !s.trusts(u) || u.User != nil {
		return nil
	}
	q := u.Query()
	q.Set("client_id", s.ClientID)
	if s.SignedOut != "" {
		q.Set("post_logout_redirect_uri", s.SignedOut)
	}
	u.RawQuery, u.Fragment = q.Encode(), ""
	return u
}

// trusts reports whether what the provider names is asked: over TLS. One that is itself on
// this machine, in clear, may name such addresses; to another they would open what listens
// here for nobody else.
func (s *Settings) trusts(u *url.URL) bool {
	return safe(u) && (u.Scheme == "https" || strings.HasPrefix(s.Issuer, "http:"))
}

// safe reports whether what is sent to a URL is read by nobody on the way.
func safe(u *url.URL) bool {
	host := u.Hostname()
	if u.Scheme == "https" && host != "" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return u.Scheme == "http" && (host == "localhost" || err == nil && addr.IsLoopback())
}

// tls is how the provider is asked.
func (s *Settings) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.roots}
}
