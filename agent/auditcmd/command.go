package auditcmd

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/config"
	"seawall/agent/config/flags"
	"seawall/agent/console"
	"seawall/agent/gaps"
	"seawall/agent/look"
	"seawall/agent/usage"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
)

// stale is how old what the sensor wrote may be while it runs: it writes each 15 seconds.
const stale = 45 * time.Second

// program is the surroundings of the commands.
type program struct {
	*console.Console
	now  func() time.Time
	root hostfs.Root
	// kernel asks the kernel.
	kernel func(func(*kaudit.Control) error) error
}

// Command returns the command audit.
func Command(c *console.Console) *cobra.Command {
	return (&program{Console: c, now: time.Now, kernel: kernel}).command()
}

func (p *program) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Look at kernel audit: how it is read, its rules, what was missed",
		Long: `Audit shows how the sensor reads kernel audit, which rules it loaded, which events
were missed and why, and what one event says. It changes nothing.`,
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.newStatusCommand(), p.newRulesCommand(), p.newGapsCommand(), p.newExplainCommand())
	return cmd
}

func (p *program) newStatusCommand() *cobra.Command {
	return p.asks(&cobra.Command{
		Use:   "status",
		Short: "Say how kernel audit is read, and whether anything is lost",
		Long: `Status asks the kernel, and reads what the sensor wrote last.

Exit status:
  0  kernel audit is read, and nothing is missing
  1  there is something to look at
  2  it could not be told`,
		Args: usage.NoArgs,
	}, func(c *config.Config, _ []string) (*answer, error) {
		st, err := p.status(c.SpoolDir)
		if err != nil {
			return nil, err
		}
		return &answer{st, st.print, st.Problems > 0}, nil
	}, "spool_dir")
}

func (p *program) newRulesCommand() *cobra.Command {
	var watches bool
	cmd := p.asks(&cobra.Command{
		Use:   "rules",
		Short: "Compare Seawall's audit rules with those in the kernel",
		Long: `Rules lists the rules of the profile and of your own in audit_rules_dir, and says of
each whether it is in the kernel. A rule of auditd's that reports the same takes the
place of ours. Watches are the rules that the sensor makes of the files that checks
depend on. Hits are the events of a key since the sensor began, said once for all the
rules with the key.

Exit status:
  0  every rule is loaded
  1  some are not
  2  it could not be told`,
		Args: usage.NoArgs,
	}, func(c *config.Config, _ []string) (*answer, error) {
		r, err := p.rules(c.SpoolDir, c.AuditProfile, c.AuditRulesDir)
		if err != nil {
			return nil, err
		}
		r.All = watches
		return &answer{r, r.print, r.wrong()}, nil
	}, "spool_dir", "audit_profile", "audit_rules_dir")
	cmd.Flags().BoolVar(&watches, "watches", false, "list the watch rules too")
	return cmd
}

func (p *program) newGapsCommand() *cobra.Command {
	return p.asks(&cobra.Command{
		Use:   "gaps",
		Short: "List audit events that were missed, and why",
		Long: `Gaps lists what the sensor missed since this boot: when, which serials, why, and how
many of them it has read from auditd's log since. Of more than 256 gaps the oldest
are one.

Exit status:
  0  nothing is missing
  1  something is
  2  it could not be told`,
		Args: usage.NoArgs,
	}, func(c *config.Config, _ []string) (*answer, error) {
		l, err := p.ledger(c.SpoolDir)
		if err != nil {
			return nil, err
		}
		g := gapList{Since: l.Since, Missing: l.Missing, Filled: l.Filled, Late: l.Late, Left: l.Left(), Gaps: l.Gaps}
		return &answer{g, g.print, g.Left > 0}, nil
	}, "spool_dir")
}

func (p *program) newExplainCommand() *cobra.Command {
	var log string
	cmd := p.asks(&cobra.Command{
		Use:   "explain SERIAL",
		Short: "Say what one audit event means, field by field",
		Long: `Explain looks for the event with a serial in auditd's log and in the spool, and says
who did what, which rule reported it, what each field means, and what the detections
say of it. Secrets in command lines are hidden.

Exit status:
  0  the event was found
  1  it was not
  2  it could not be looked for`,
		Example: `  seawall audit explain 48213
  seawall audit explain 48213 --log old/audit.log`,
		Args: usage.One("serial"),
	}, func(c *config.Config, args []string) (*answer, error) {
		serial, err := strconv.ParseUint(strings.TrimPrefix(args[0], "#"), 10, 32)
		if err != nil || serial == 0 {
			return nil, fmt.Errorf("%q is no serial: it is the number behind the colon in audit(1795289500.540:48213)", args[0])
		}
		e, err := p.explain(uint32(serial), c.SpoolDir, c.DetectionsDir, log)
		if err != nil {
			return nil, err
		}
		return &answer{e, e.print, false}, nil
	}, "spool_dir", "detections_dir")
	cmd.Flags().StringVar(&log, "log", "", "the log to look in (default: auditd's)")
	return cmd
}

// answer is what a command found.
type answer struct {
	value any         // for JSON
	text  func(*page) // for people
	bad   bool        // there is something to look at
}

// asks has a command read the configuration, with flags for settings of it, and print the
// answer. The command ends with 1 when there is something to look at.
func (p *program) asks(cmd *cobra.Command, ask func(c *config.Config, args []string) (*answer, error), settings ...string) *cobra.Command {
	var s flags.Flags
	var asJSON bool
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.LoadReadable(cmd, p.Environ)
		if err != nil {
			return err
		}
		a, err := ask(&c, args)
		if err != nil {
			return err
		}
		if asJSON {
			err = look.JSON(p.Stdout, a.value)
		} else {
			pg := &page{out: p.Stdout, width: p.Width, opt: p.Options()}
			a.text(pg)
			err = pg.err
		}
		if err == nil && a.bad {
			return console.Exit(console.Findings)
		}
		return err
	}
	s.Add(cmd, settings...)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// ledger reads what the sensor keeps.
func (p *program) ledger(dir string) (*gaps.Ledger, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	l, err := gaps.ReadLedger(hostfs.Root{}, filepath.Join(abs, gaps.StateFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w; does the sensor run, and with this spool?", err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w; root, and members of the group seawall-spool, may read it", err)
	}
	return l, err
}

// kernel asks the kernel for its status and, when wanted, its rules.
func kernel(fn func(*kaudit.Control) error) error {
	c, err := kaudit.OpenControl()
	if err != nil {
		return forRoot(err)
	}
	return forRoot(errors.Join(fn(c), c.Close()))
}

// forRoot says shortly what the kernel's refusal means.
func forRoot(err error) error {
	if errors.Is(err, kaudit.ErrPermission) {
		return errors.New("the kernel tells of audit to root alone, or with the capability AUDIT_CONTROL: use sudo")
	}
	return err
}
