package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"seawall/collector/account"
	"seawall/collector/contact"
	"seawall/collector/initial"
	"seawall/collector/option"
	"seawall/collector/store/postgres"
)

const (
	defaultConfig = "/etc/seawall-collector/collector.yaml"
	environment   = "SEAWALL_COLLECTOR_"
	maxConfig     = 1 << 20
	databaseFile  = "collector.db"
)

// config is every option. Each is a flag; file and environment set the same flags.
type config struct {
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

func (c *config) register(f *pflag.FlagSet) {
	c.DashboardTLS = option.Choice{Value: "auto", Words: []string{"auto", "on", "off"}}
	c.EnrolmentApproval = option.Choice{Value: "clones-only", Words: []string{"clones-only", "all"}}
	f.StringVar(&c.File, "config", defaultConfig, "configuration `file`, YAML; it need not exist unless named")
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
	f.Var(&c.Invites, "dashboard-invites", "whether the dashboard makes tokens for new hosts: on, or off: the command bootstrap alone")
	f.StringVar(&c.SSO, "sso", defaultSSO, "`file` that says how people sign in through a provider of identities; it need not exist unless named")
	f.StringVar(&c.Advertise, "advertise", "", "`address` where hosts reach this collector, host:port; for new hosts' user-data")
	f.StringVar(&c.Repo, "repo", "", "`URL` of the repository that new hosts install from: the folder with deb/ and rpm/")
	f.StringVar(&c.RepoKey, "repo-key", "", "`file` with the public key that the repository is signed with, ASCII armour")
	f.DurationVar(&c.StreamAge, "stream-age", 2*time.Hour, "age at which a host's stream begins anew, for hosts to spread over the collectors of --store; 0 is never")
	f.IntVar(&c.HostRate, "host-rate", 1024, "`KiB` per second taken of one host, on average")
}

// load sets the options from file, environment and command line, in this order,
// and checks them all. Flags are those of the whole program: what belongs to one
// command alone has no place in a file.
func (c *config) load(flags *pflag.FlagSet) error {
	given := make(map[string]string)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			given[f.Name] = f.Value.String()
		}
	})
	if v, ok := os.LookupEnv(environment + "CONFIG"); ok && !flags.Lookup("config").Changed {
		given["config"], c.File = v, v
	}
	_, named := given["config"]
	if err := loadFile(c.File, named, flags); err != nil {
		return configError{err}
	}
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := environment + strings.ToUpper(key(f.Name))
		if v, ok := os.LookupEnv(name); ok {
			if err := f.Value.Set(v); err != nil {
				errs = append(errs, fmt.Errorf("environment %s: %w", name, err))
			}
		}
	})
	for name, v := range given {
		errs = append(errs, flags.Lookup(name).Value.Set(v))
	}
	if err := errors.Join(append(errs, c.check())...); err != nil {
		return configError{err}
	}
	return nil
}

func key(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

// loadFile sets flags from a YAML file. A file that was not named may be absent.
func loadFile(name string, named bool, flags *pflag.FlagSet) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil
	}
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxConfig {
		return fmt.Errorf("configuration %s: not a regular file of at most %d bytes", name, maxConfig)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if err := setFromYAML(data, flags); err != nil {
		return fmt.Errorf("configuration %s: %w", name, err)
	}
	return nil
}

func setFromYAML(data []byte, flags *pflag.FlagSet) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return err
	}
	if len(doc.Content) == 0 {
		return nil
	}
	m := doc.Content[0]
	if m.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: not a list of keys and values", m.Line)
	}
	var errs []error
	seen := make(map[string]bool)
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		if err := setKey(k.Value, v, flags, seen); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %q: %w", k.Line, k.Value, err))
		}
	}
	return errors.Join(errs...)
}

func setKey(name string, v *yaml.Node, flags *pflag.FlagSet, seen map[string]bool) error {
	f := flags.Lookup(strings.ReplaceAll(name, "_", "-"))
	switch {
	case f == nil || f.Name == "config" || f.Name == "help" || key(f.Name) != name:
		return errors.New("no such option")
	case seen[name]:
		return errors.New("set twice")
	}
	seen[name] = true
	value := v.Value
	if _, many := f.Value.(*option.List); many && v.Kind == yaml.SequenceNode {
		var items []string
		for _, item := range v.Content {
			items = append(items, item.Value)
		}
		value = strings.Join(items, ",")
	} else if v.Kind != yaml.ScalarNode {
		return errors.New("not a single value")
	}
	return f.Value.Set(value)
}

// check holds the options against each other.
func (c *config) check() error {
	var errs []error
	if c.StateDir == "" {
		errs = append(errs, errors.New("state-dir is empty"))
	}
	for name, addr := range map[string]string{"ingest": c.Ingest, "dashboard": c.Dashboard} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
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
	if _, _, err := net.SplitHostPort(c.Advertise); c.Advertise != "" && err != nil {
		errs = append(errs, fmt.Errorf("advertise: %w", err))
	}
	if c.DashboardTLS.Value == "off" && !contact.Loopback(c.Dashboard) {
		errs = append(errs, fmt.Errorf("dashboard-tls: off needs a loopback address, dashboard is %s", c.Dashboard))
	}
	return errors.Join(errs...)
}

// database is the name of the store.
func (c *config) database() string {
	if c.Store != "" {
		return c.Store
	}
	return filepath.Join(c.StateDir, databaseFile)
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
