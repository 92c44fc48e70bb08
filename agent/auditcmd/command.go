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

	"seawall/agent/config/flags"
	"seawall/agent/console"
	"seawall/agent/gaps"
	"seawall/agent/look"
	"seawall/agent/usage"
	"seawall/pkg/hostfs"
	"seawall/pkg/kaudit"
)

// stateFile is what the sensor keeps beside its spool.
const stateFile = "audit.json"

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
	var s flags.Flags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how kernel audit is read, and whether anything is lost",
		Long: `Status asks the kernel, and reads what the sensor wrote last.

Exit status:
  0  kernel audit is read, and nothing is missing
  1  there is something to look at
  2  it could not be told`,
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.LoadReadable(cmd, p.Environ)
			if err != nil {
				return err
			}
			st, err := p.status(c.SpoolDir)
			if err != nil {
				return err
			}
			return p.show(asJSON, st, st.print, st.Problems > 0)
		},
	}
	s.Add(cmd, "spool_dir")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) newRulesCommand() *cobra.Command {
	var s flags.Flags
	var asJSON, watches bool
	cmd := &cobra.Command{
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
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.LoadReadable(cmd, p.Environ)
			if err != nil {
				return err
			}
			r, err := p.rules(c.SpoolDir, c.AuditProfile, c.AuditRulesDir)
			if err != nil {
				return err
			}
			r.All = watches
			return p.show(asJSON, r, r.print, r.wrong())
		},
	}
	s.Add(cmd, "spool_dir", "audit_profile", "audit_rules_dir")
	cmd.Flags().BoolVar(&watches, "watches", false, "list the watch rules too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) newGapsCommand() *cobra.Command {
	var s flags.Flags
	var asJSON bool
	cmd := &cobra.Command{
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
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.LoadReadable(cmd, p.Environ)
			if err != nil {
				return err
			}
			l, err := p.ledger(c.SpoolDir)
			if err != nil {
				return err
			}
			g := gapList{Since: l.Since, Missing: l.Missing, Filled: l.Filled, Late: l.Late, Left: l.Left(), Gaps: l.Gaps}
			return p.show(asJSON, g, g.print, g.Left > 0)
		},
	}
	s.Add(cmd, "spool_dir")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) newExplainCommand() *cobra.Command {
	var s flags.Flags
	var asJSON bool
	var log string
	cmd := &cobra.Command{
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
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.LoadReadable(cmd, p.Environ)
			if err != nil {
				return err
			}
			serial, err := strconv.ParseUint(strings.TrimPrefix(args[0], "#"), 10, 32)
			if err != nil || serial == 0 {
				return fmt.Errorf("%q is no serial: it is the number behind the colon in audit(1795289500.540:48213)", args[0])
			}
			e, err := p.explain(uint32(serial), c.SpoolDir, c.DetectionsDir, log)
			if err != nil {
				return err
			}
			return p.show(asJSON, e, e.print, false)
		},
	}
	s.Add(cmd, "spool_dir", "detections_dir")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&log, "log", "", "the log to look in (default: auditd's)")
	return cmd
}

// show prints what was found, and ends with 1 when there is something to look at.
func (p *program) show(asJSON bool, v any, text func(*page), bad bool) error {
	if asJSON {
		if err := look.JSON(p.Stdout, v); err != nil {
			return err
		}
	} else {
		pg := &page{out: p.Stdout, width: p.Width, opt: p.Options()}
		text(pg)
		if pg.err != nil {
			return fmt.Errorf("write: %w", pg.err)
		}
	}
	if bad {
		return console.Exit(console.Findings)
	}
	return nil
}

// ledger reads what the sensor keeps.
func (p *program) ledger(dir string) (*gaps.Ledger, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	l, err := gaps.ReadLedger(hostfs.Root{}, filepath.Join(abs, stateFile))
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
