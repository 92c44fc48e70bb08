package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"seawall/agent/spool"
	"seawall/agent/uplink"
	"seawall/pkg/service"
	"seawall/pkg/text"
)

// program is the command with what it touches of the process.
type program struct {
	environ        []string
	stdout, stderr io.Writer
}

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "seawall-uplink",
		Short: "Send what the sensor finds to the collector",
		Long: `seawall-uplink follows the spool that "seawall sensor" writes and sends each record
to the collector as soon as it is durable, over TLS 1.3 to the holder of the
pinned key. It needs no privilege but to read the spool, and decodes nothing.

Settings come from the configuration file, then from the environment
(SEAWALL_UPLINK_COLLECTOR and so on), then from flags.

It exits with 0 when it was stopped, 1 when this machine does not let it run, and
2 when the configuration is wrong. An unreachable collector is no reason to exit.`,
		Example:       "  seawall-uplink --collector collector.example.net:9443 --pin sha256:…",
		Args:          noArgs,
		SilenceErrors: true, SilenceUsage: true,
		RunE: p.run,
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return configError{err} })
	flags := root.PersistentFlags()
	flags.String("config", defaultConfig, "configuration file")
	for _, s := range settings() {
		flags.String(s.flag(), s.value, s.help)
	}
	sub := func(use, short string, run func(*cobra.Command, []string) error) {
		root.AddCommand(&cobra.Command{Use: use, Short: short, Args: noArgs, RunE: run})
	}
	sub("run", "Carry records until stopped (the default)", p.run)
	sub("status", "Show what is sent, and what waits", p.status)
	sub("check-config", "Check the configuration and exit", p.checkConfig)
	sub("version", "Show the version", func(*cobra.Command, []string) error {
		fmt.Fprintf(p.stdout, "seawall-uplink %s %s\n", service.ReadBuild().Version, runtime.Version())
		return nil
	})
	return root
}

// noArgs makes a word that is no command a mistake of use.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return configError{err}
	}
	return nil
}

// config loads the configuration for a command.
func (p *program) config(cmd *cobra.Command) (config, error) {
	src := sources{file: defaultConfig, optional: true, environ: p.environ, flags: map[string]string{}}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "config" {
			src.file, src.optional = f.Value.String(), false
			return
		}
		src.flags[f.Name] = f.Value.String()
	})
	return load(src)
}

func (p *program) checkConfig(cmd *cobra.Command, _ []string) error {
	_, err := p.config(cmd)
	return err
}

func (p *program) run(cmd *cobra.Command, _ []string) error {
	c, err := p.config(cmd)
	if err != nil {
		return err
	}
	pin, err := uplink.ParsePin(c.pin)
	if err != nil {
		return configError{err}
	}
	log := service.NewLog(p.stderr, c.logLevel, p.environ)
	if err := os.MkdirAll(c.stateDir, 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	identity, err := uplink.OpenIdentity(c.stateDir)
	if err != nil {
		return err
	}
	n := newNotifier(log)
	u, err := uplink.New(uplink.Config{
		Spool: c.spool, StateDir: c.stateDir, Collector: c.collector,
		Identity: identity, Pin: pin, MaxBackoff: c.maxBackoff,
		Version: service.ReadBuild().Version, Log: log, OnChange: n.change,
	})
	if err != nil {
		return configError{err}
	}
	log.Info("starting", "version", service.ReadBuild().Version, "host", identity.Host(), "spool", c.spool, "collector", c.collector)
	g, ctx := errgroup.WithContext(cmd.Context())
	g.Go(func() error { return u.Run(ctx) })
	g.Go(func() error { return n.run(ctx, u.State) })
	err = g.Wait()
	log.Info("stopped")
	return err
}

// status prints what the state directory and the spool say; no process is asked.
func (p *program) status(cmd *cobra.Command, _ []string) error {
	c, err := p.config(cmd)
	if err != nil {
		return err
	}
	s, err := uplink.ReadState(c.stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("seawall-uplink has not run with %s yet", c.stateDir)
	}
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "host\t%s\n", text.Terminal(s.Host))
	fmt.Fprintf(w, "collector\t%s\n", text.Terminal(s.Collector))
	fmt.Fprintf(w, "connection\t%s\n", describe(s))
	lanes, err := spool.Lanes(c.spool)
	if err != nil {
		fmt.Fprintf(w, "spool\t%s\n", text.Terminal(err.Error()))
	}
	for _, lane := range lanes {
		fmt.Fprintf(w, "%s\t%s\n", lane, describeLane(c.spool, lane, s.Acked[lane]))
	}
	return w.Flush()
}

func describe(s uplink.State) string {
	since := "since " + s.Since.Format(time.RFC3339)
	if s.Connected {
		return "up " + since
	}
	return fmt.Sprintf("down %s, %d attempts: %s", since, s.Attempts, text.Terminal(s.Error))
}

func describeLane(dir, lane string, acked spool.Position) string {
	r, err := spool.OpenReader(dir, lane)
	if err != nil {
		return text.Terminal(err.Error())
	}
	defer r.Close()
	oldest, newest, err := r.Bounds()
	if err != nil {
		return text.Terminal(err.Error())
	}
	done := acked.Seq
	if oldest.Seq > 0 {
		done = max(done, oldest.Seq-1) // what is gone waits no more
	}
	return fmt.Sprintf("acknowledged %d of %d, %d waiting", acked.Seq, newest.Seq, newest.Seq-min(done, newest.Seq))
}
