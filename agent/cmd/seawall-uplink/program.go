package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"seawall/agent/enrol"
	"seawall/agent/identity"
	"seawall/agent/spool"
	"seawall/agent/uplink"
	"seawall/pkg/service"
	"seawall/pkg/text"
	"seawall/pkg/unitbus"
	"seawall/pkg/unitctl"
)

// standardState is where the state is of the program that a package's unit runs.
const standardState = "/var/lib/seawall-uplink"

// program is the command with what it touches of the process.
type program struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
	begun          time.Time // when the service began to run; zero where another command does
	files          []string  // that its start depends on
	units          func(context.Context, unitctl.Plan) error
	unitDir        string
}

func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "seawall-uplink",
		Short: "Send what the sensor finds to the collector",
		Long: `seawall-uplink follows the spool that "seawall sensor" writes and sends each record
to the collector as soon as it is durable, over TLS 1.3 with certificates of the
collector's on both sides. It needs no privilege but to read the spool, and decodes
nothing. A host that is not enrolled yet waits for a token; see "setup".

Settings come from the configuration file, then from the environment
(SEAWALL_UPLINK_COLLECTOR and so on), then from flags.

It exits with 0 when it was stopped, 1 when this machine does not let it run, and
2 when the configuration is wrong. An unreachable collector is no reason to exit,
nor is one that refuses this host.`,
		Example:       "  seawall-uplink --collector collector.example.net:9443",
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
	flags.Lookup("keep-token").NoOptDefVal = "true"
	sub := func(use, short string, run func(*cobra.Command, []string) error) {
		root.AddCommand(&cobra.Command{Use: use, Short: short, Args: noArgs, RunE: run})
	}
	sub("run", "Carry records until stopped (the default)", p.run)
	root.AddCommand(p.setupCommand(), p.enrollCommand())
	sub("prepare-image", "Remove key, identity, token and state, before a disk becomes an image", p.prepareImage)
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

// config loads the configuration for a command, as if the flag named without were
// not given.
func (p *program) config(cmd *cobra.Command, without string) (config, error) {
	return load(p.sources(cmd, without))
}

func (p *program) sources(cmd *cobra.Command, without string) sources {
	src := sources{file: defaultConfig, optional: true, environ: p.environ, flags: map[string]string{}}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "config" {
			src.file, src.optional = f.Value.String(), false
			return
		}
		src.flags[f.Name] = f.Value.String()
	})
	delete(src.flags, without)
	return src
}

func (p *program) checkConfig(cmd *cobra.Command, _ []string) error {
	_, err := p.config(cmd, "")
	return err
}

// status prints what systemd, the state directory and the spool say; the program that
// runs is not asked.
func (p *program) status(cmd *cobra.Command, _ []string) error {
	c, err := p.config(cmd, "")
	if c.stateDir == standardState {
		if said := unitbus.Describe(cmd.Context(), "seawall-uplink.service"); said != "" {
			fmt.Fprintf(p.stdout, "service  %s\n", text.Terminal(said))
		}
	}
	if err != nil {
		return err
	}
	e, err := enrol.ReadState(c.stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("seawall-uplink has not run with %s yet", c.stateDir)
	}
	if err != nil {
		return err
	}
	id, err := identity.Read(c.stateDir)
	if err != nil {
		return err
	}
	s, err := uplink.ReadState(c.stateDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "enrolment\t%s\n", describeEnrolment(e))
	describeIdentity(w, id, e)
	fmt.Fprintf(w, "collector\t%s\n", text.Terminal(c.collector))
	if s.Collector != "" {
		fmt.Fprintf(w, "connection\t%s\n", describe(s))
	}
	lanes, err := spool.Lanes(c.spool)
	if err != nil {
		fmt.Fprintf(w, "spool\t%s\n", text.Terminal(err.Error()))
	}
	for _, lane := range lanes {
		fmt.Fprintf(w, "%s\t%s\n", lane, describeLane(c.spool, lane, s.Acked[lane]))
	}
	return w.Flush()
}

func describeEnrolment(s enrol.State) string {
	line := fmt.Sprintf("%s since %s", s.Phase, s.Since.Format(time.RFC3339))
	if s.Problem != "" {
		line += ": " + text.Terminal(s.Problem)
	}
	return line
}

func describeIdentity(w io.Writer, id *identity.Identity, s enrol.State) {
	fmt.Fprintf(w, "key\t%s\n", id.KeyID())
	if id.Enrolled() {
		fmt.Fprintf(w, "host\t%s\n", id.Host())
		line := "until " + id.Expires().Format(time.RFC3339)
		if !s.Renewed.IsZero() {
			line += ", renewed " + s.Renewed.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "certificate\t%s\n", line)
	}
	if s.CopyOf != "" {
		fmt.Fprintf(w, "copy of\t%s\n", text.Terminal(s.CopyOf))
	}
	m := id.Machine()
	names := []string{m.HostName}
	if m.DropletID != "" {
		names = append(names, "droplet "+m.DropletID)
	}
	if m.MachineID != "" {
		names = append(names, "machine id hash "+m.MachineID)
	}
	fmt.Fprintf(w, "machine\t%s\n", text.Terminal(strings.Join(names, ", ")))
}

func describe(s uplink.State) string {
	since := "since " + s.Since.Format(time.RFC3339)
	if s.Connected {
		return "up " + since
	}
	next := ""
	if !s.Next.IsZero() {
		next = ", the next at " + s.Next.Format(time.TimeOnly)
	}
	return fmt.Sprintf("down %s, %d attempts%s: %s", since, s.Attempts, next, text.Terminal(s.Error))
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
