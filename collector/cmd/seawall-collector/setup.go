package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"seawall/collector/bootstrap"
	"seawall/collector/config"
	"seawall/collector/contact"
	"seawall/collector/initial"
	"seawall/collector/setup"
	"seawall/pkg/unitctl"
	"seawall/pkg/yamlset"
)

const (
	defaultPort   = "9443"
	ownUnits      = "/etc/systemd/system"
	setupWithin   = 3 * time.Minute
	dashboardCert = "dashboard.pem"
	dashboardKey  = "dashboard.key"
	repoKey       = "repo.asc"
)

// setupCommand makes this machine a collector.
func setupCommand(c *config.Config, stdout io.Writer) *cobra.Command {
	var name, listen string
	cmd := &cobra.Command{
		Use: "setup", Short: "Make this machine a collector: settings, sockets, services", Args: cobra.NoArgs,
		Long: `setup writes the settings that it is given to the configuration file, has systemd listen
where --listen and --dashboard say, starts the collector, now and at each boot, and says
how to reach it. It may be run again, and then changes what it is told and nothing else.
Run it as root.

With --dashboard-cert and --dashboard-key the files are copied to where the collector
may read them: run it again when they were renewed. Without them a dashboard that
others reach has a certificate of the collector's own.`,
		Example: `  seawall-collector setup --name collector.example.net
  seawall-collector setup --name collector.example.net --listen 10.0.0.5:9443 --dashboard 10.0.0.5:8443
  seawall-collector setup --repo https://packages.example.net/seawall --repo-key /root/seawall.asc`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags := cmd.Root().PersistentFlags()
			if listen != "" {
				if err := flags.Set("ingest", listen); err != nil {
					return config.Error{Err: err}
				}
			}
			p, err := planSetup(*c, flags, name)
			if err != nil {
				return config.Error{Err: err}
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), setupWithin)
			defer cancel()
			if _, err := setup.Run(ctx, p); err != nil {
				return err
			}
			return describe(ctx, *c, stdout)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`address` for hosts, like :9443 for all of this machine's")
	cmd.Flags().StringVar(&name, "name", "", "DNS `name` or address under which hosts and browsers reach this machine")
	return cmd
}

// planSetup makes a plan of the options that were given on the command line.
func planSetup(c config.Config, flags *pflag.FlagSet, name string) (setup.Plan, error) {
	p := setup.Plan{Config: c.File, UnitDir: ownUnits, Units: unitctl.Run, Files: map[string]string{}}
	given := func(flag string) bool { return flags.Lookup(flag).Changed }
	if given("ingest") {
		p.Ingest = c.Ingest
	}
	if given("dashboard") {
		p.Dashboard = c.Dashboard
	}
	if name != "" {
		if err := called(c, name, p.Ingest, flags); err != nil {
			return p, err
		}
	}
	if err := checkFiles(c); err != nil {
		return p, err
	}
	folder := filepath.Dir(c.File)
	for flag, file := range map[string]string{"dashboard-cert": dashboardCert, "dashboard-key": dashboardKey, "repo-key": repoKey} {
		source, to := flags.Lookup(flag).Value.String(), filepath.Join(folder, file)
		if given(flag) && source != to {
			p.Files[to] = source
			if err := flags.Set(flag, to); err != nil {
				return p, err
			}
		}
	}
	// Where it listens is systemd's to know, and which files it works with the unit's.
	elsewhere := []string{"config", "state-dir", "ingest", "dashboard", "password-file"}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed && !slices.Contains(elsewhere, f.Name) {
			p.Settings = append(p.Settings, yamlset.Setting{Name: config.Key(f.Name), Value: f.Value.String()})
		}
	})
	return p, nil
}

// called makes name what hosts and browsers are told.
func called(c config.Config, name, ingest string, flags *pflag.FlagSet) error {
	port := defaultPort
	for _, address := range []string{c.Advertise, ingest} {
		if _, p, err := net.SplitHostPort(address); err == nil {
			port = p
		}
	}
	advertise := net.JoinHostPort(name, port)
	if err := bootstrap.CheckCollector(advertise); err != nil {
		return err
	}
	if !flags.Lookup("advertise").Changed {
		if err := flags.Set("advertise", advertise); err != nil {
			return err
		}
	}
	if _, err := netip.ParseAddr(name); err == nil || slices.Contains(c.DashboardHosts, name) {
		return nil
	}
	hosts := append(slices.Clone(c.DashboardHosts), name)
	return flags.Set("dashboard-hosts", hosts.String())
}

// checkFiles looks into the files that the configuration names.
func checkFiles(c config.Config) error {
	if c.DashboardCert != "" {
		if _, err := tls.LoadX509KeyPair(c.DashboardCert, c.DashboardKey); err != nil {
			return fmt.Errorf("dashboard-cert: %w", err)
		}
	}
	if c.Repo == "" {
		return nil
	}
	h, err := c.Host()
	if err != nil && c.RepoKey != "" && h.Key == "" {
		return err
	}
	h.Collector, h.Family = net.JoinHostPort("collector", defaultPort), bootstrap.Debian
	return h.Check()
}

// machineName is how others call this machine.
func machineName(c config.Config) string {
	if host, _, err := net.SplitHostPort(c.Advertise); err == nil {
		return host
	}
	name, _ := os.Hostname()
	return name
}

// describe says how to reach the collector.
func describe(ctx context.Context, c config.Config, stdout io.Writer) error {
	if err := printStatus(ctx, c, stdout); err != nil {
		return err
	}
	at, err := contact.Read(c.StateDir)
	if err != nil {
		return err
	}
	if _, port, err := net.SplitHostPort(at.Tunnel()); err == nil {
		fmt.Fprintf(stdout, "tunnel     ssh -L %s:%s root@%s, from where the browser is\n", port, at.Tunnel(), machineName(c))
	}
	first := filepath.Join(c.StateDir, initial.File)
	if _, err := os.Lstat(first); err == nil {
		fmt.Fprintf(stdout, "user       %s\npassword   in %s until the first sign-in\n", c.Admin, first)
	}
	next := "seawall-collector bootstrap >user-data"
	if h, err := c.Host(); err != nil {
		next = "seawall-collector setup --name NAME, so that new hosts can be told where to connect"
	} else if h.Repo == "" {
		next = "seawall-collector setup --repo URL --repo-key FILE, so that new hosts know where packages are; or bootstrap --package"
	}
	_, err = fmt.Fprintf(stdout, "next       %s\n", next)
	return err
}
