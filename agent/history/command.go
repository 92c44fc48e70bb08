package history

import (
	"io"
	"slices"

	"github.com/spf13/cobra"

	"seawall/agent/config/flags"
	"seawall/agent/console"
	"seawall/agent/near"
	"seawall/agent/spool"
	"seawall/agent/usage"
)

// program is the surroundings of the commands that show people what the sensor wrote.
type program struct {
	*console.Console
	show Print
}

// Print writes what the commands show, as JSON on one line.
type Print func(io.Writer, any) error

// Command returns the command spool.
func Command(c *console.Console, show Print) *cobra.Command {
	p := &program{c, show}
	return p.newSpoolCommand()
}

// newSpoolCommand holds the commands that look at the spool's records. They take no
// lock: the sensor may write, and the uplink read, meanwhile.
func (p *program) newSpoolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spool",
		Short: "Look into the spool, where findings wait for the uplink",
		Long:  `Spool reads the spool, which may be in use, and changes nothing in it.`,
		Args:  usage.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.newDumpCommand(), p.newVerifyCommand())
	return cmd
}

// newDumpCommand prints one object to a line, so that it can be filtered while the
// spool is larger than memory.
func (p *program) newDumpCommand() *cobra.Command {
	var s flags.Flags
	cmd := &cobra.Command{
		Use:   "dump [LANE]...",
		Short: "Print the records of the spool, one JSON object per line",
		Long: `Dump prints every good record of the named lanes, or of all, oldest first, as one
JSON object per line. Records that were written but are not durable yet are
printed too. Where records are missing, a line says which and why.`,
		Example: `  seawall spool dump health | tail -1`,
		RunE: func(cmd *cobra.Command, lanes []string) error {
			c, err := s.Load(cmd, p.Environ)
			if err != nil {
				return err
			}
			all, err := spool.Lanes(c.SpoolDir)
			if err != nil {
				return Hint(err)
			}
			if len(lanes) == 0 {
				lanes = all
			}
			for _, lane := range lanes {
				if !slices.Contains(all, lane) {
					return near.Unknown("lane of "+c.SpoolDir, lane, all)
				}
				err := Dump(c.SpoolDir, lane, func(line any) error { return p.show(p.Stdout, line) })
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	s.Add(cmd, "spool_dir")
	return cmd
}

// newVerifyCommand reads every byte, unlike a reader, which starts where it left
// off.
func (p *program) newVerifyCommand() *cobra.Command {
	var s flags.Flags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check the spool for damage",
		Long: `Verify reads the whole spool and says what it holds and what is damaged.

Exit status:
  0  nothing is damaged
  1  something is
  2  the spool could not be read`,
		Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.Load(cmd, p.Environ)
			if err != nil {
				return err
			}
			good, err := Verify(p.Stdout, c.SpoolDir)
			if err != nil {
				return Hint(err)
			}
			if !good {
				return console.Exit(console.Findings)
			}
			return nil
		},
	}
	s.Add(cmd, "spool_dir")
	return cmd
}
