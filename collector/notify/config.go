package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"seawall/collector/alert"
	"seawall/collector/notify/file"
	"seawall/collector/notify/mail"
	"seawall/collector/notify/post"
	"seawall/collector/notify/syslog"
	"seawall/pkg/text"
)

const (
	maxFile   = 1 << 20
	maxRoutes = 50
	maxName   = 64
	// pagerDuty is where PagerDuty takes events.
	pagerDuty = "https://events.pagerduty.com/v2/enqueue"
)

// routesFile is the file of routes. Exactly one of a route's kinds is set.
type routesFile struct {
	Dashboard string  `yaml:"dashboard"`
	Routes    []entry `yaml:"routes"`
}

type entry struct {
	Name      string       `yaml:"name"`
	Webhook   *httpEntry   `yaml:"webhook"`
	Slack     *httpEntry   `yaml:"slack"`
	PagerDuty *httpEntry   `yaml:"pagerduty"`
	OTLP      *httpEntry   `yaml:"otlp"`
	Email     *mailEntry   `yaml:"email"`
	Syslog    *syslogEntry `yaml:"syslog"`
	File      *fileEntry   `yaml:"file"`
}

type httpEntry struct {
	URL     string `yaml:"url"`
	URLFile string `yaml:"url_file"`
	Secret  string `yaml:"secret_file"`
	Key     string `yaml:"key_file"`
	Headers string `yaml:"headers_file"` // "Name: value" lines
	CA      string `yaml:"ca_file"`
}

type mailEntry struct {
	Server   string        `yaml:"server"`
	TLS      mail.Security `yaml:"tls"`
	CA       string        `yaml:"ca_file"`
	User     string        `yaml:"user"`
	Password string        `yaml:"password_file"`
	From     string        `yaml:"from"`
	To       []string      `yaml:"to"`
}

type syslogEntry struct {
	To       string `yaml:"to"` // tls://host:port, tcp://host:port, unix:///path
	CA       string `yaml:"ca_file"`
	Cert     string `yaml:"cert_file"`
	Key      string `yaml:"key_file"`
	Facility int    `yaml:"facility"`
}

type fileEntry struct {
	Path     string `yaml:"path"`
	MaxBytes int64  `yaml:"max_bytes"`
	Keep     int    `yaml:"keep"`
}

// sender delivers parcels to one place.
type sender interface {
	Send(ctx context.Context, p alert.Parcel) error
}

// route is a way out.
type route struct {
	alert.Route
	sender
}

// load reads the file of routes and the secrets that it names.
func load(name string) ([]route, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	routes, err := parse(data, filepath.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("routes %s: %w", name, err)
	}
	return routes, nil
}

// parse reads routes. Names of files are beside folder.
func parse(data []byte, folder string) ([]route, error) {
	var f routesFile
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !good(f.Dashboard) {
		return nil, errors.New("dashboard: not an address that begins with https:// or http://")
	}
	if len(f.Routes) > maxRoutes {
		return nil, fmt.Errorf("%d routes: at most %d", len(f.Routes), maxRoutes)
	}
	seen := map[string]bool{}
	var routes []route
	var errs []error
	for i := range f.Routes {
		e := &f.Routes[i]
		if e.Name == "" || len(e.Name) > maxName || text.Terminal(e.Name) != e.Name || seen[e.Name] {
			errs = append(errs, fmt.Errorf("route %d: name: 1 to %d printable characters, of no other route", i+1, maxName))
			continue
		}
		seen[e.Name] = true
		r, err := (&builder{folder, strings.TrimRight(f.Dashboard, "/")}).route(e)
		if err != nil {
			errs = append(errs, fmt.Errorf("route %s: %w", e.Name, err))
			continue
		}
		routes = append(routes, r)
	}
	return routes, errors.Join(errs...)
}

// good reports whether links can begin with the address of the dashboard, or there is none.
func good(dashboard string) bool {
	u, err := url.Parse(dashboard)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return false
	}
	return dashboard == "" || (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// builder makes routes of entries.
type builder struct{ folder, dashboard string }

func (b *builder) route(e *entry) (r route, err error) {
	r.Name = e.Name
	kinds := 0
	for _, k := range []struct {
		kind string
		is   *httpEntry
		make func(post.Config) (*post.Sender, error)
	}{{"webhook", e.Webhook, post.NewWebhook}, {"slack", e.Slack, post.NewSlack}, {"pagerduty", e.PagerDuty, post.NewPagerDuty}, {"otlp", e.OTLP, post.NewOTLP}} {
		if k.is == nil {
			continue
		}
		kinds++
		r.Kind = k.kind
		c, err := b.http(k.kind, k.is)
		if err != nil {
			return r, err
		}
		s, err := k.make(c)
		if err != nil {
			return r, err
		}
		r.To, r.sender = host(c.URL), s
	}
	if e.Email != nil {
		kinds++
		r.Kind, r.To = "email", fmt.Sprintf("%s → %s", e.Email.Server, strings.Join(e.Email.To, ", "))
		if r.sender, err = b.mail(e.Email); err != nil {
			return r, err
		}
	}
	if e.Syslog != nil {
		kinds++
		r.Kind, r.To = "syslog", e.Syslog.To
		if r.sender, err = b.syslog(e.Syslog); err != nil {
			return r, err
		}
	}
	if e.File != nil {
		kinds++
		r.Kind, r.To = "file", e.File.Path
		if r.sender, err = file.New(file.Config{Path: e.File.Path, MaxBytes: e.File.MaxBytes, Keep: e.File.Keep}); err != nil {
			return r, err
		}
	}
	if kinds != 1 {
		return r, errors.New("exactly one of webhook, slack, pagerduty, email, syslog, otlp and file")
	}
	return r, nil
}

// host returns what of an address may be shown: its path may be a secret.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (b *builder) http(kind string, e *httpEntry) (c post.Config, err error) {
	if !fits(kind, e) {
		return c, fmt.Errorf("%s has no key_file, secret_file or headers_file of this kind", kind)
	}
	c.Dashboard = b.dashboard
	if c.URL, err = b.address(kind, e); err != nil {
		return c, err
	}
	if kind == "pagerduty" {
		key, err := b.secret("key_file", e.Key)
		if err != nil {
			return c, err
		}
		c.Secret = []byte(key)
	}
	if e.Secret != "" {
		if c.Secret, err = b.signing(e.Secret); err != nil {
			return c, err
		}
	}
	if e.Headers != "" {
		if c.Headers, err = b.headers(e.Headers); err != nil {
			return c, err
		}
	}
	c.Roots, err = b.roots(e.CA)
	return c, err
}

// fits reports whether an entry names no file that routes of its kind do not take.
func fits(kind string, e *httpEntry) bool {
	switch kind {
	case "webhook":
		return e.Key == ""
	case "pagerduty":
		return e.Secret == "" && e.Headers == ""
	case "slack":
		return e.Key == "" && e.Secret == "" && e.Headers == ""
	}
	return e.Key == "" && e.Secret == ""
}

// address is where an entry's messages go.
func (b *builder) address(kind string, e *httpEntry) (string, error) {
	switch {
	case e.URLFile != "" && e.URL != "":
		return "", errors.New("url and url_file: one of them")
	case e.URLFile != "":
		return b.secret("url_file", e.URLFile)
	case e.URL == "" && kind == "pagerduty":
		return pagerDuty, nil
	}
	return e.URL, nil
}

// signing reads a webhook's secret: text, or Standard Webhooks' whsec_ and base64.
func (b *builder) signing(name string) ([]byte, error) {
	secret, err := b.secret("secret_file", name)
	if err != nil {
		return nil, err
	}
	if coded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		raw, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			return nil, errors.New("secret_file: what follows whsec_ is not base64")
		}
		return raw, nil
	}
	if len(secret) < 16 {
		return nil, errors.New("secret_file: a secret of at least 16 characters")
	}
	return []byte(secret), nil
}

func (b *builder) headers(name string) (map[string]string, error) {
	lines, err := b.secret("headers_file", name)
	if err != nil {
		return nil, err
	}
	headers := map[string]string{}
	for l := range strings.Lines(lines) {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		k, v, ok := strings.Cut(l, ":")
		if !ok || k == "" || strings.ContainsAny(k, " \t") {
			return nil, errors.New("headers_file: lines of the form Name: value")
		}
		headers[k] = strings.TrimSpace(v)
	}
	return headers, nil
}

func (b *builder) mail(e *mailEntry) (sender, error) {
	c := mail.Config{Server: e.Server, Security: e.TLS, User: e.User, From: e.From, To: e.To, Dashboard: b.dashboard}
	switch c.Security {
	case "":
		c.Security = mail.StartTLS
	case mail.StartTLS, mail.Implicit, mail.None:
	default:
		return nil, fmt.Errorf("tls: %q is none of starttls, tls and none", e.TLS)
	}
	name, _, err := net.SplitHostPort(e.Server)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if c.User != "" {
		if c.Password, err = b.secret("password_file", e.Password); err != nil {
			return nil, err
		}
	}
	roots, err := b.roots(e.CA)
	if err != nil {
		return nil, err
	}
	c.TLS = &tls.Config{ServerName: name, RootCAs: roots, MinVersion: tls.VersionTLS12}
	return mail.New(c)
}

func (b *builder) syslog(e *syslogEntry) (sender, error) {
	u, err := url.Parse(e.To)
	if err != nil {
		return nil, errors.New("to: tls://host:port, tcp://host:port or unix:///path")
	}
	c := syslog.Config{Network: u.Scheme, Address: u.Host, Facility: e.Facility, Dashboard: b.dashboard}
	switch u.Scheme {
	case "unix":
		if c.Address = u.Path; !filepath.IsAbs(c.Address) {
			return nil, errors.New("to: unix:// and a path that begins with /")
		}
	case "tcp", "tls":
		if _, _, err := net.SplitHostPort(u.Host); err != nil {
			return nil, fmt.Errorf("to: %w", err)
		}
	default:
		return nil, errors.New("to: tls://host:port, tcp://host:port or unix:///path")
	}
	roots, err := b.roots(e.CA)
	if err != nil {
		return nil, err
	}
	c.TLS = &tls.Config{ServerName: u.Hostname(), RootCAs: roots, MinVersion: tls.VersionTLS12}
	if e.Cert != "" {
		cert, err := tls.LoadX509KeyPair(b.path(e.Cert), b.path(e.Key))
		if err != nil {
			return nil, fmt.Errorf("cert_file: %w", err)
		}
		c.TLS.Certificates = []tls.Certificate{cert}
	}
	return syslog.New(c)
}

func (b *builder) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(b.folder, name)
}

// roots reads certificates of authorities; nil, for the system's, without a name.
func (b *builder) roots(name string) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil
	}
	data, err := readFile(b.path(name))
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("ca_file %s: no certificate", name)
	}
	return pool, nil
}

// secret reads a file that holds a secret, without white space around it. One that
// everybody may read holds none.
func (b *builder) secret(option, name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("%s: is missing", option)
	}
	path := b.path(name)
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("%s: everybody may read or write %s: chmod o= %s", option, path, path)
	}
	data, err := readFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	secret := strings.TrimSpace(string(data))
	if secret == "" {
		return "", fmt.Errorf("%s: %s is empty", option, path)
	}
	return secret, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s: not a regular file of at most %d bytes", name, maxFile)
	}
	return io.ReadAll(f)
}
