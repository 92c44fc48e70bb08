package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"

	cloudinit "seawall/packaging/cloud-init"
	"seawall/pkg/token"
)

// Family is a family of distributions.
type Family string

// The families.
const (
	Debian Family = "debian" // and Ubuntu
	RHEL   Family = "rhel"
)

// Format is a form of the text.
type Format string

// The forms. A cloud takes either as user-data.
const (
	CloudConfig Format = "cloud-config"
	Shell       Format = "shell"
)

// maxText is how much user-data DigitalOcean takes; others take at least 16 KiB.
const maxText = 64 << 10

// Host says how a machine is to become a host. The package comes from a repository
// or from a file on the machine.
type Host struct {
	Collector string // host:port, where hosts reach it
	Family    Family
	Repo      string   // URL of the folder above deb/ and rpm/
	Key       string   // that the repository is signed with, ASCII armour
	Package   string   // file on the machine, absolute
	Labels    []string // key=value or a word; they become the host's tags
}

// Token is the invitation in the text.
type Token struct {
	ID       string // by which it is revoked; not in the text
	Text     string
	Expires  time.Time
	Uses     int
	Approval bool // a person approves the host
}

// good says what a token is good for.
func (t Token) good() string {
	hosts := "one host"
	if t.Uses > 1 {
		hosts = fmt.Sprintf("%d hosts", t.Uses)
	}
	s := fmt.Sprintf("The token invites %s until %s.", hosts, t.Expires.UTC().Format("2006-01-02 15:04 UTC"))
	if t.Approval {
		s += " A person has to approve what comes with it."
	}
	return s
}

// Text returns the text for h with the token.
func Text(h Host, t Token, f Format) (string, error) {
	if err := h.Check(); err != nil {
		return "", err
	}
	if _, err := token.Parse(t.Text); err != nil {
		return "", err
	}
	all, err := template.ParseFS(cloudinit.Files, "*.yaml")
	if err != nil {
		return "", fmt.Errorf("user-data: %w", err)
	}
	in := struct {
		Good, Token, Collector, Wait, Repo, Package string
		Key, Tags                                   []string
	}{Good: t.good(), Token: t.Text, Collector: h.Collector, Repo: strings.TrimRight(h.Repo, "/"), Package: "seawall"}
	in.Wait = "2m"
	if t.Approval {
		in.Wait = "20s" // to ask; nobody decides while the machine starts
	}
	if h.Package != "" {
		in.Package = h.Package
	}
	in.Tags, _ = tags(h.Labels) // checked above
	if h.Repo != "" {
		in.Key = lines(h.Key)
	}
	var out bytes.Buffer
	if err := all.ExecuteTemplate(&out, string(h.Family)+".yaml", in); err != nil {
		return "", fmt.Errorf("user-data: %w", err)
	}
	text := out.String()
	switch f {
	case CloudConfig:
	case Shell:
		if text, err = script(out.Bytes()); err != nil {
			return "", fmt.Errorf("script: %w", err)
		}
	default:
		return "", fmt.Errorf("format %q is neither %s nor %s", f, CloudConfig, Shell)
	}
	if len(text) > maxText {
		return "", fmt.Errorf("%d bytes of user-data, more than the %d that clouds take", len(text), maxText)
	}
	return text, nil
}

// Check says what is wrong with h.
func (h Host) Check() error {
	var errs []error
	add := func(err error) { errs = append(errs, err) }
	add(CheckCollector(h.Collector))
	ending := map[Family]string{Debian: ".deb", RHEL: ".rpm"}[h.Family]
	if ending == "" {
		add(fmt.Errorf("family %q is neither %s nor %s", h.Family, Debian, RHEL))
	}
	switch {
	case (h.Repo == "") == (h.Package == ""):
		add(errors.New("name either a repository or a package"))
	case h.Repo != "":
		add(checkRepo(h.Repo))
		add(checkKey(h.Key))
	default:
		add(checkPackage(h.Package, ending))
	}
	_, err := tags(h.Labels)
	add(err)
	return errors.Join(errs...)
}

// Order is what a person asks for: a host, and how it is invited.
type Order struct {
	Host     Host
	Format   Format
	Life     time.Duration // of the token
	Tags     []string      // that the collector gives the host; not in the text
	Approval bool          // a person approves the host
}

// Command is the command line that does the same. Of values that were checked, a
// shell reads none otherwise; tags may be of anything, and are quoted.
func (o Order) Command() string {
	words := []string{"seawall-collector bootstrap", "--family", string(o.Host.Family), "--collector", o.Host.Collector,
		"--format", string(o.Format), "--ttl", o.Life.String()}
	if o.Host.Package != "" {
		words = append(words, "--package", o.Host.Package)
	}
	for _, label := range o.Host.Labels {
		words = append(words, "--label", label)
	}
	for _, tag := range o.Tags {
		words = append(words, "--tag", quote(tag))
	}
	if o.Approval {
		words = append(words, "--approval")
	}
	return strings.Join(words, " ")
}
