// Package renewal reads whether certificates renew themselves: the certificates
// that certbot, acme.sh, dehydrated and lego keep, the timer or cron job that runs
// the client, and how its last run ended.
//
// # Clients
//
//   - certbot: /etc/letsencrypt/renewal/NAME.conf (ConfigObj) names the files and,
//     in [renewalparams], the authenticator and the authority. Its log begins anew
//     with each run.
//   - acme.sh: /root/.acme.sh/NAME/NAME.conf, an assignment a line.
//   - dehydrated: /var/lib/dehydrated/certs/NAME/fullchain.pem.
//   - lego: /root/.lego or /var/lib/lego, certificates/NAME.crt.
//
// # What runs them
//
// A timer counts when something starts it at boot and, on the running system, when
// systemd says that it waits. A cron job counts when a crontab of root's or the
// system's names the client and what it renews with; Debian's own job for certbot
// does nothing where systemd runs, and is passed over then.
//
// # Not done here
//
// Clients in containers, in users' homes other than root's, and in configuration
// management are not seen.
package renewal

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

const (
	maxLineages = 1000 // files of a directory
	maxBytes    = 256 << 10
	maxWord     = 512 // bytes of what is shown, or of a path
	// RunDays is how old the last successful run may be. Clients run daily.
	RunDays = 7
)

// The clients.
const (
	certbot    = "certbot"
	acmeSh     = "acme.sh"
	dehydrated = "dehydrated"
	lego       = "lego"
)

// Client is an ACME client that keeps certificates on this host.
type Client struct {
	Name      string    `json:"name"`
	Directory string    `json:"directory"`
	Lineages  []Lineage `json:"lineages"`
	// Active says whether something runs the client: a timer or a cron job, which
	// File and Line name.
	Active fact.Tri `json:"active"`
	File   string   `json:"file"`
	Line   int      `json:"line"`
	Raw    string   `json:"raw"`
	Start  string   `json:"start"` // how to switch it on, "" where that is not known
	// LastRun says whether the last run succeeded.
	LastRun fact.Tri `json:"last_run"`
	Log     string   `json:"log"` // where that stands
}

// Lineage is one certificate that a client renews.
type Lineage struct {
	Client        string    `json:"client"`
	Name          string    `json:"name"`
	File          string    `json:"file"`        // its settings
	Certificate   string    `json:"certificate"` // the file that servers are given
	Authenticator fact.Text `json:"authenticator"`
	// Unattended says whether it can be renewed without a person.
	Unattended fact.Tri `json:"unattended"`
	Staging    bool     `json:"staging"` // from a test authority that nobody trusts
	Server     string   `json:"server"`
}

// Holds reports whether a file is one of the lineage's by its name.
func (l *Lineage) Holds(file string) bool {
	return file == l.Certificate || path.Dir(file) == path.Dir(l.Certificate) && l.Client != lego
}

// Found is what is known of the clients.
type Found struct {
	Clients []Client
	Depends []string
	Left    string // why these are not all, or not all of their certificates; "" if they are
}

// Read looks for the clients and what runs them.
func Read(ctx context.Context, env fact.Env) Found {
	r := &reader{root: env.Root, now: env.Now(), live: env.Live(), out: Found{Clients: []Client{}}}
	r.certbot()
	r.acmeSh()
	r.dehydrated()
	r.lego()
	if len(r.out.Clients) > 0 {
		r.runs(ctx)
	}
	return r.out
}

type reader struct {
	root hostfs.Root
	now  time.Time
	live bool
	out  Found
}

func (r *reader) depend(names ...string) {
	for _, n := range names {
		if !slices.Contains(r.out.Depends, n) {
			r.out.Depends = append(r.out.Depends, n)
		}
	}
}

// client adds a client with its lineages; one without any keeps nothing.
func (r *reader) client(name, dir string, lineages []Lineage) {
	r.depend(dir)
	if len(lineages) > 0 {
		r.out.Clients = append(r.out.Clients, Client{Name: name, Directory: strings.TrimSuffix(dir, "/"), Lineages: lineages})
	}
}

// entries lists a directory, within bounds.
func (r *reader) entries(dir string) []string {
	names, err := r.root.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return nil
	case err != nil:
		r.out.Left = text.Clean(err.Error(), maxWord)
		return nil
	case len(names) > maxLineages:
		r.out.Left = dir + " has more files than are looked at"
		names = names[:maxLineages]
	}
	return names
}

// assignments reads the "key = value" lines of a file, the last one of a key.
func (r *reader) assignments(name string) map[string]fact.Text {
	data, err := r.root.ReadFile(name, maxBytes)
	if err != nil {
		return nil
	}
	out := map[string]fact.Text{}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if key = strings.TrimSpace(key); ok && key != "" && key[0] != '#' {
			value = text.Clean(strings.Trim(strings.TrimSpace(value), `'"`), maxWord)
			out[key] = fact.Text{Value: value, Set: true, File: name, Line: number, Raw: text.Clean(key, maxWord) + " = " + value}
		}
	}
	return out
}

// unattended says whether an authenticator works without a person.
func (l *Lineage) unattended(hook string) {
	switch how := l.Authenticator.Value; {
	case how == "":
		l.Unattended = fact.Tri{Reason: "its settings name no authenticator"}
	case how == "manual" && hook == "":
		l.Unattended = fact.Tri{Known: true, Reason: "the authenticator manual has no hook: each renewal waits for a person"}
	default:
		l.Unattended = fact.Tri{Known: true, Yes: true, Reason: how}
	}
}

// staging reports whether an authority is one for tests.
func staging(server string) bool { return strings.Contains(server, "staging") }
