package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"seawall/agent/config"
	"seawall/agent/config/flags"
	"seawall/agent/console"
	"seawall/agent/facts"
	"seawall/agent/facts/command"
	"seawall/agent/facts/fact"
	"seawall/agent/machine"
	"seawall/agent/pending"
	"seawall/agent/roomy"
	"seawall/agent/sensor"
	"seawall/agent/spool"
	"seawall/agent/standard"
	"seawall/agent/usage"
	"seawall/agent/witness"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/service"
	"seawall/pkg/startup"
	"seawall/pkg/unitbus"
)

// gcPercent makes the collector of garbage trade CPU, of which an idle sensor uses
// next to none, for memory, which the host's own work wants.
const gcPercent = 30

// newSensorCommand is the only command that writes: to the spool and to the kernel's
// audit rules.
func (p *program) newSensorCommand() *cobra.Command {
	var s flags.Flags
	cmd := &cobra.Command{
		Use:   "sensor",
		Short: "Watch this host: the daemon",
		Long: `Sensor reads kernel audit events, evaluates the checks again at once when a file
that they depend on changes, and appends what differs to the spool, from where
seawall-uplink sends it. It opens no network connection.

Where no audit daemon runs the sensor registers as one, switches kernel audit on
and, when it ends, off again; beside auditd it listens. It adds audit rules of its
own, with the key "seawall", and removes them when it ends; it touches no other.
Without kernel audit it still sees changes, but not who made them.

It needs the capabilities AUDIT_CONTROL, AUDIT_READ and DAC_READ_SEARCH, which its
systemd unit gives it, or root. Each setting comes from the last of these that
gives one: the default, the file, the environment (SEAWALL_ and the name in
capitals), the command line. It ends in order on SIGTERM and SIGINT.

Exit status:
  0  ended as it was told to
  2  the configuration is wrong, or it could not go on`,
		Example: `  seawall sensor
  seawall sensor --spool /tmp/spool --audit-mode multicast --log-level debug`,
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			begun := time.Now()
			c, err := s.Load(cmd, p.Environ)
			if err == nil {
				err = p.sense(cmd.Context(), c)
			}
			if err == nil {
				return nil
			}
			p.Complain(err)
			startup.Failed(cmd.Context(), begun, err, s.Files(c)...)
			return console.Exit(console.Problem)
		},
	}
	s.Add(cmd)
	return cmd
}

// sense runs the sensor until ctx ends.
func (p *program) sense(ctx context.Context, c config.Config) (err error) {
	debug.SetGCPercent(gcPercent)
	log := service.NewLog(p.Stderr, c.LogLevel, p.Environ)
	held, err := standard.Load(facts.Facts{}, c, time.Now())
	if err != nil {
		return err
	}
	root, err := hostfs.Running()
	if err != nil {
		return err
	}
	here := machine.Read(hostfs.Root{})
	sp, err := spool.Open(c.SpoolDir, spool.Config{Lanes: c.Lanes(), Discard: copied(log, c.SpoolDir, here)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sp.Close()) }()
	// The uplink compares it with the machine that its key belongs to, and the next
	// sensor with its own.
	if err := machine.Write(c.SpoolDir, hostfs.Root{}, here); err != nil {
		log.Warn("uplink cannot see whether this is a copy of another machine", "err", err)
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return fmt.Errorf("systemd watchdog: %w", err)
	}
	settings := sensor.Config{
		Spool: sp,
		Host:  watched(held, log, fact.Env{Root: root, Command: &command.Runner{}, Now: time.Now, PendingFile: c.PendingFile(), Again: true}, pending.Open(c.PendingFile(), log)),
		Log:   log,
		Audit: witness.Config{
			Mode:      witness.Mode(c.AuditMode),
			StateDir:  c.SpoolDir,
			Inherited: service.Inherited(p.Environ, "audit-mcast"),
			Unicast:   service.Inherited(p.Environ, witness.StoredSocket),
			Store:     roomy.Before(log, service.Store),
			Restarting: func() bool {
				// Without an answer the kernel is left as it was found.
				again, err := unitbus.Restarting(context.WithoutCancel(ctx), os.Getpid())
				return err == nil && again
			},
			RunDir: os.Getenv("RUNTIME_DIRECTORY"),
		},
		Version:   service.ReadBuild().Version,
		Notify:    service.Notifier(log),
		Watchdog:  watchdog,
		Coalesce:  c.Coalesce,
		Heartbeat: c.HeartbeatInterval,
		State:     c.StateInterval,
	}
	detections(c, log, &settings)
	watcher, err := sensor.New(settings)
	if err != nil {
		return err
	}
	return watcher.Run(ctx)
}

// copied reports whether a spool is that of another machine than here.
func copied(log *slog.Logger, dir string, here machine.Machine) bool {
	before, err := machine.Left(dir)
	if err != nil || !before.Differs(here) {
		return false
	}
	log.Warn("this disk was copied from another machine, whose records in the spool are discarded", "spool", dir)
	return true
}

// patchSpacing holds looks at the patch level apart while an upgrade runs, and is
// still short enough for a refresh to be seen within a second.
const patchSpacing = 750 * time.Millisecond

// restartSpacing holds apart the processes that the sensor has started to look at
// those of others: an upgrade replaces files and restarts services all the while.
const restartSpacing = 3 * time.Second

// watched is the host of env as a sensor sees it, held to a standard. Since when
// updates are pending goes into book, whose file is env.PendingFile.
func watched(held *standard.Standard, log *slog.Logger, env fact.Env, book *pending.Book) sensor.Host {
	reader := facts.NewReader(env)
	return sensor.Host{
		Spacing: map[string]time.Duration{"patch": patchSpacing, "restart": restartSpacing, "firewall": restartSpacing, "sockets": restartSpacing},
		Groups:  facts.Groups(),
		Clocked: facts.Clocked(),
		Look: func(ctx context.Context, groups ...string) sensor.Reading {
			f := reader.Read(ctx, groups...)
			if len(groups) == 0 {
				groups = facts.Groups()
			}
			r := sensor.Reading{Checks: held.ForGroups(groups...), Took: map[string]time.Duration{}}
			for _, g := range groups {
				r.Took[g] = f.Meta(g).Took
			}
			if slices.Contains(groups, "patch") {
				book.Note(f.Patch, env.Now())
			}
			r.Results = held.Evaluate(&f, env.Now().UTC(), r.Checks)
			return r
		},
		Affected: func(name string) []string {
			if !held.Affected(name) {
				return reader.Affected(name)
			}
			if err := held.Refresh(env.Now()); err != nil {
				log.Error("waivers are as they were: the changed ones are wrong", "err", err)
			}
			return facts.Groups()
		},
		Depends: func() []string { return append(reader.Depends(), held.Files()...) },
		Pack: func() []finding.CheckInfo {
			f := reader.Facts()
			return held.Pack(f.System.Family)
		},
	}
}
