package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/enrol"
	"seawall/agent/identity"
	"seawall/pkg/unitctl"
	"seawall/pkg/yamlset"
)

// startWithin bounds how long systemd may take to start the services.
const startWithin = 90 * time.Second

func (p *program) setupCommand() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Set this host up: configuration, token, services",
		Long: `setup writes the collector's address to the configuration file, puts the token where
seawall-uplink.service looks for it, starts the sensor and the uplink, now and at each
boot, and waits until this host is enrolled. The token is moved: the file that
--token-file names is removed as soon as the service has it. It may be run again, and
then changes what is different. Run it as root.

What it cannot reach in time the service goes on trying, for as long as the token is
good: nothing has to be run again.

It exits with 0 when the host is enrolled, 1 when it is not, or not yet, 2 when what
it was given is wrong, and 3 when a person has to approve and has not yet.`,
		Example: `  seawall-uplink setup --collector collector.example.net:9443 --token-file -
  seawall-uplink setup --collector collector.example.net:9443 --token-file /root/token --wait 5m`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.setup(cmd, wait) },
	}
	cmd.Flags().DurationVar(&wait, "wait", time.Minute, "how long to wait for the network and for approval")
	return cmd
}

// setup makes this host one of the collector's with the services that carry on.
func (p *program) setup(cmd *cobra.Command, wait time.Duration) error {
	source := cmd.Flags().Lookup("token-file").Value.String()
	from := p.sources(cmd, "token-file")
	from.optional = true // it is written here
	c, err := load(from)
	if err != nil {
		return err
	}
	file := from.file
	before, err := p.standing(c, file)
	if err != nil {
		return err
	}
	if err := makeStateDir(c.stateDir); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	id, err := identity.Read(c.stateDir)
	needed := err != nil || !id.Enrolled() || before.Phase == enrol.Refused
	if needed {
		if err := p.place(source, c.tokenFile); err != nil {
			return err
		}
	}
	changed, err := yamlset.Update(file, yamlset.Setting{Name: "collector", Value: c.collector})
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	// From here the service can do it alone.
	if source != c.tokenFile {
		if err := tidy(source, c); err != nil {
			return err
		}
	}
	if err := p.start(cmd.Context(), changed); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), wait)
	defer cancel()
	if err := p.follow(ctx, c, before); err != nil {
		return fmt.Errorf("%w (seawall-uplink.service goes on)", err)
	}
	if id, err = identity.Read(c.stateDir); err != nil {
		return err
	}
	return p.enrolled(id)
}

// standing returns how far this host was. A host of another collector is not taken
// away from it in passing.
func (p *program) standing(c config, file string) (enrol.State, error) {
	state, err := enrol.ReadState(c.stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err != nil {
		return state, err
	}
	old, err := load(sources{file: file, optional: true})
	if err == nil && old.collector != c.collector && state.Phase == enrol.Enrolled {
		return state, configError{fmt.Errorf("this host is enrolled with %s; to take it from there: systemctl stop seawall-uplink && seawall-uplink prepare-image --collector %s", old.collector, old.collector)}
	}
	return state, nil
}

// makeStateDir makes the state directory as systemd would, for the token to lie in
// before the service has run.
func makeStateDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	u, err := user.Lookup("seawall")
	if err != nil {
		return nil // systemd gives it to its user when there is one
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return os.Chown(dir, uid, gid)
}

// start has the services run, now and at each boot.
func (p *program) start(ctx context.Context, restart bool) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	const sensor, uplink = "seawall-sensor.service", "seawall-uplink.service"
	plan := unitctl.Plan{Enable: []string{sensor, uplink}, Start: []string{sensor, uplink}}
	if restart {
		plan.Start, plan.Restart = []string{sensor}, []string{uplink}
	}
	sockets, _ := filepath.Glob(filepath.Join(p.unitDir, "seawall-*.socket"))
	for _, name := range sockets {
		if name = filepath.Base(name); !strings.HasPrefix(name, "seawall-collector") {
			plan.Enable = append(plan.Enable, name)
		}
	}
	if err := p.units(ctx, plan); err != nil {
		return fmt.Errorf("services: %w", err)
	}
	return nil
}
