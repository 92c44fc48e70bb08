// Package config holds the options of the collector: what they are called, what holds
// where nothing is said, and which of them go together.
//
// An option is a flag of the program. It can stand in three places, and the later wins:
// in a file of YAML, under the flag's name with underscores; in the environment, in
// capitals after SEAWALL_COLLECTOR_; and on the command line. File and environment set
// the flags themselves, so that each option is named, read and checked in one place
// wherever it stands.
//
// The file may be absent unless somebody named it. A key that is no option, that stands
// twice or that has no single value is an error with its line: a setting that is
// misspelt would else be one that does not hold. All that is wrong is said at once.
//
// What is wrong with the configuration is an Error, which the program tells from one of
// running by its exit code.
package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"seawall/collector/account"
	"seawall/collector/bootstrap"
	"seawall/collector/contact"
	"seawall/collector/initial"
	"seawall/collector/option"
	"seawall/collector/store/postgres"
)

const (
	// Default is the configuration file where none is named.
	Default = "/etc/seawall-collector/collector.yaml"
	// DefaultSSO is the file of single sign-on where none is named.
	DefaultSSO = "/etc/seawall-collector/oidc.yaml"
	// DatabaseFile is the database's name in the state folder, where it is a file.
	DatabaseFile = "collector.db"
)

// Error is an error that the user mends in the configuration.
type Error struct{ Err error }

func (e Error) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e Error) Unwrap() error { return e.Err }

// Config is every option. Each is a flag, whose help says what it means; file and
// environment set the same flags. Load has checked the values against each other.
type Config struct {
	File           string
	StateDir       string
	Store          string
	SealKey        string
	NewAuthority   bool
	Ingest         string
	Dashboard      string
	DashboardTLS   option.Choice
	DashboardCert  string
	DashboardKey   string
	DashboardHosts option.List
	PasswordFile   string
	Admin          string
	LogLevel       option.Level
	RetentionDays  int
	MaxHosts       int
	HostRate       int

	EnrolmentApproval option.Choice
	ArchiveAfterDays  int
	MemoryBudget      int
	StreamAge         time.Duration

	Invites   option.Choice
	Advertise string
	SSO       string
	Repo      string
	RepoKey   string
}

// Register makes the flags of f set c, and gives c what holds where nothing is said.
func (c *Config) Register(f *pflag.FlagSet) {
	c.DashboardTLS = option.Choice{Value: "auto", Words: []string{"auto", "on", "off"}}
	c.EnrolmentApproval = option.Choice{Value: "clones-only", Words: []string{"clones-only", "all"}}
	f.StringVar(&c.File, "config", Default, "configuration `file`, YAML; it need not exist unless named")
	f.StringVar(&c.StateDir, "state-dir", "/var/lib/seawall-collector", "`folder` of the database and the key")
	f.StringVar(&c.Store, "store", "", "`URL` of a PostgreSQL database, postgres://…, for everything, the keys sealed; default: a file in --state-dir")
	f.StringVar(&c.SealKey, "seal-key", "", "`file` with the key that seals the authority in the database of --store, the same for each collector on it; default: seal.key in --state-dir")
	f.BoolVar(&c.NewAuthority, "new-authority", false, "make an authority where there is none, though hosts believe one that was lost: they have to enrol again")
	f.StringVar(&c.Ingest, "ingest", "127.0.0.1:9443", "`address` for hosts; a socket of systemd named ingest goes before")
	f.StringVar(&c.Dashboard, "dashboard", "127.0.0.1:8443", "`address` for browsers; a socket of systemd named dashboard goes before")
	f.Var(&c.DashboardTLS, "dashboard-tls", "https for the dashboard: on, off (loopback only), or auto: off on loopback, else on")
	f.StringVar(&c.DashboardCert, "dashboard-cert", "", "certificate `file`, PEM, for the dashboard; default: the collector's own")
	f.StringVar(&c.DashboardKey, "dashboard-key", "", "key `file` for --dashboard-cert")
	f.Var(&c.DashboardHosts, "dashboard-hosts", "`names` under which browsers reach the dashboard, with commas")
	f.StringVar(&c.Admin, "admin", initial.Name, "`name` of the first user, and of the one whom reset-password is for")
	f.StringVar(&c.PasswordFile, "password-file", "", "write a new administrator password to this `file`, mode 0600")
	f.Var(&c.LogLevel, "log-level", "debug, info, warn or error")
	f.IntVar(&c.RetentionDays, "retention-days", 30, "`days` that the timeline is kept")
	f.IntVar(&c.MaxHosts, "max-hosts", 10_000, "hosts taken; a new one beyond is refused")
	f.Var(&c.EnrolmentApproval, "enrolment-approval", "which hosts a person has to approve: clones-only (copies that have no token), or all")
	f.IntVar(&c.ArchiveAfterDays, "archive-after-days", 30, "`days` of silence after which a host is archived; it comes back by itself")
	f.IntVar(&c.MemoryBudget, "memory-budget", 64, "`MiB` for what hosts have sent and the store has not taken")
	c.Invites = option.Choice{Value: "on", Words: []string{"on", "off"}}
	f.Var(&c.Invites, "dashboard-invites", "whether the dashboard makes tokens for new hosts and decides about those that wait: on, or off: the commands alone")
	f.StringVar(&c.SSO, "sso", DefaultSSO, "`file` that says how people sign in through a provider of identities; it need not exist unless named")
	f.StringVar(&c.Advertise, "advertise", "", "`address` where hosts reach this collector, host:port; for new hosts' user-data")
	f.StringVar(&c.Repo, "repo", "", "`URL` of the repository that new hosts install from: the folder with deb/ and rpm/")
	f.StringVar(&c.RepoKey, "repo-key", "", "`file` with the public key that the repository is signed with, ASCII armour")
	f.DurationVar(&c.StreamAge, "stream-age", 2*time.Hour, "age at which a host's stream begins anew, for hosts to spread over the collectors of --store; 0 is never")
	f.IntVar(&c.HostRate, "host-rate", 1024, "`KiB` per second taken of one host, on average")
}

// check holds the options against each other.
func (c *Config) check() error {
	errs := c.checkAddresses()
	if c.StateDir == "" {
		errs = append(errs, errors.New("state-dir is empty"))
	}
	if c.Store == "" {
		c.StreamAge = 0 // a file has one collector
	} else {
		errs = append(errs, postgres.Check(c.Store))
	}
	if err := account.CheckName(c.Admin); err != nil {
		errs = append(errs, fmt.Errorf("admin: %w", err))
	}
	if (c.DashboardCert == "") != (c.DashboardKey == "") {
		errs = append(errs, errors.New("dashboard-cert and dashboard-key go together"))
	}
	for name, n := range map[string]int{"retention-days": c.RetentionDays, "max-hosts": c.MaxHosts, "host-rate": c.HostRate,
		"archive-after-days": c.ArchiveAfterDays, "memory-budget": c.MemoryBudget} {
		if n < 1 || n > 10_000_000 {
			errs = append(errs, fmt.Errorf("%s: %d is out of range", name, n))
		}
	}
	return errors.Join(errs...)
}

// checkAddresses says what is wrong with where the collector listens and is reached.
func (c *Config) checkAddresses() (errs []error) {
	for name, addr := range map[string]string{"ingest": c.Ingest, "dashboard": c.Dashboard} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if _, _, err := net.SplitHostPort(c.Advertise); c.Advertise != "" && err != nil {
		errs = append(errs, fmt.Errorf("advertise: %w", err))
	}
	if c.DashboardTLS.Value == "off" && !contact.Loopback(c.Dashboard) {
		errs = append(errs, fmt.Errorf("dashboard-tls: off needs a loopback address, dashboard is %s", c.Dashboard))
	}
	return errs
}

// Database is the name of the store: the URL of a database, or a file.
func (c *Config) Database() string {
	if c.Store != "" {
		return c.Store
	}
	return filepath.Join(c.StateDir, DatabaseFile)
}

// Host is what new machines are told: where the collector is and where packages
// come from. Its error says that nobody knows the former.
func (c *Config) Host() (bootstrap.Host, error) {
	h := bootstrap.Host{Collector: c.Advertise, Repo: c.Repo}
	if c.RepoKey != "" {
		key, err := os.ReadFile(c.RepoKey)
		if err != nil {
			return h, fmt.Errorf("repo-key: %w", err)
		}
		h.Key = string(key)
	}
	if h.Collector == "" {
		if at, err := contact.Read(c.StateDir); err == nil {
			h.Collector = at.Outside()
		}
	}
	if h.Collector == "" {
		return h, errors.New("where hosts reach this collector is not known: name it with --collector HOST:PORT, or for good with advertise in the configuration")
	}
	return h, nil
}
