package backup

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"seawall/collector/store/move"
	"seawall/collector/store/moved"
	"seawall/collector/store/postgres"
)

// Console is what the commands work on.
type Console struct {
	// Place is what the configuration says, asked when a command runs.
	Place   func() Place
	Version string // the program's
	Stdout  io.Writer
}

// Commands returns the commands migrate, backup and restore. They work on databases
// themselves, as the collector's user, and need no collector that runs.
func (c Console) Commands() []*cobra.Command {
	return []*cobra.Command{c.migrate(), c.backup(), c.restore()}
}

func (c Console) migrate() *cobra.Command {
	var back bool
	cmd := &cobra.Command{Use: "migrate FROM TO",
		Short: "Copy the database into an empty one, SQLite or PostgreSQL (stop the collector first)",
		Long: `Copy the database FROM into TO, each a file of SQLite or the URL of a PostgreSQL
database (postgres://…). TO must be empty, a file must not be there. No collector
may run on either. Each table is read back from TO and compared by its digest;
then all of it is kept, or nothing. FROM keeps all that it has, and is marked: no
collector starts on it any more, since hosts' findings would go to two places.
With --back STORE the mark is taken away.

The authority's keys come along by themselves: beside a file they are in the state
folder, in PostgreSQL they are sealed, and seal.key has to be where the collector
runs. Then say in the configuration where the store is, and start the collector.`,
		Example: "  seawall-collector migrate /var/lib/seawall-collector/collector.db 'postgres:///seawall?host=/run/postgresql'\n" +
			"  seawall-collector migrate --back /var/lib/seawall-collector/collector.db",
	}
	cmd.Flags().BoolVar(&back, "back", false, "take the mark of a move away from STORE, the one argument: a collector may start on it again")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if back {
			return cobra.ExactArgs(1)(cmd, args)
		}
		return cobra.ExactArgs(2)(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if back {
			return moved.Clear(cmd.Context(), args[0])
		}
		return c.move(cmd.Context(), args[0], args[1])
	}
	return cmd
}

// move copies a database, and has no collector start on the one that it was.
func (c Console) move(ctx context.Context, from, to string) error {
	var seen list
	if _, err := move.Copy(ctx, from, to, move.Config{Copied: seen.print(c.Stdout)}); err != nil {
		return err
	}
	// Of one that was moved before, the mark came along.
	if err := moved.Clear(ctx, to); err != nil {
		return err
	}
	if err := moved.Set(ctx, from, time.Now()); err != nil {
		return fmt.Errorf("all was copied; but a collector that starts where it was goes on there: %w", err)
	}
	return seen.end(c.Stdout)
}

func (c Console) backup() *cobra.Command {
	var keep int
	cmd := &cobra.Command{Use: "backup FOLDER", Args: cobra.ExactArgs(1),
		Short: "Copy all that the collector keeps into a new folder, also while it runs",
		Long: `Copy the database as it is at this moment into FOLDER, which must not be there,
with the authority's keys where they are files. Each table is read back and
compared by its digest. Whoever has the folder has the keys: keep it as safe as
the collector. With a store on PostgreSQL the keys are sealed; keep the file
seal.key elsewhere, it is in no backup.

With --keep, FOLDER holds several: the backup is a folder in it, named by the time
in UTC, and when it is whole the oldest beyond that number are removed. The timer
seawall-collector-backup.timer does so each night once it is enabled.`,
		Example: "  seawall-collector backup /var/backups/seawall-2026-11-23\n  seawall-collector backup --keep 7 /var/backups/seawall",
		RunE: func(cmd *cobra.Command, args []string) error {
			var seen list
			var told []string
			from := c.Place()
			if cmd.Flags().Changed("keep") {
				name, removed, err := rotation{args[0], keep}.add(cmd.Context(), time.Now(), from, c.Version, seen.print(c.Stdout))
				if err != nil {
					return err
				}
				told = append(told, "The backup is "+filepath.Join(args[0], name)+".")
				if len(removed) > 0 {
					told = append(told, "Removed: "+strings.Join(removed, ", ")+".")
				}
			} else if err := Make(cmd.Context(), from, args[0], c.Version, seen.print(c.Stdout)); err != nil {
				return err
			}
			if postgres.Is(from.Store) {
				told = append(told, "The authority's keys are sealed in it; keep seal.key elsewhere, too.")
			}
			return seen.end(c.Stdout, told...)
		}}
	cmd.Flags().IntVar(&keep, "keep", 0, "keep this `number` of backups in FOLDER, each named by its time, 1 to 1000")
	return cmd
}

func (c Console) restore() *cobra.Command {
	return &cobra.Command{Use: "restore FOLDER", Args: cobra.ExactArgs(1),
		Short: "Put a backup into the store of the configuration, which must be empty",
		Long: `Put the backup in FOLDER into the store that the configuration names, a file or a
PostgreSQL database, and its keys into the state folder. Both must be empty: move
away what is there. Each table and file must have the digest that the backup says,
or nothing is restored.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var seen list
			if err := Restore(cmd.Context(), args[0], c.Place(), seen.print(c.Stdout)); err != nil {
				return err
			}
			return seen.end(c.Stdout)
		}}
}

// list prints what is copied.
type list struct {
	tables       int
	rows, mended int64
	err          error
}

// print returns what prints a table.
func (l *list) print(to io.Writer) func(move.Table) {
	return func(t move.Table) {
		l.tables++
		l.rows += t.Rows
		l.mended += t.Mended
		if _, err := fmt.Fprintf(to, "%-20s %12d rows  %x\n", t.Name, t.Rows, t.Sum); err != nil {
			l.err = err
		}
	}
}

// end says that all of it is there, and more lines.
func (l *list) end(to io.Writer, more ...string) error {
	if l.mended > 0 {
		if _, err := fmt.Fprintf(to, "In %d rows, text that was not UTF-8 or had a NUL was altered.\n", l.mended); err != nil {
			return err
		}
	}
	if l.err != nil {
		return l.err
	}
	said := fmt.Sprintf("%d tables with %d rows were copied, read back, and are the same.", l.tables, l.rows)
	_, err := fmt.Fprintln(to, strings.Join(append([]string{said}, more...), "\n"))
	return err
}
