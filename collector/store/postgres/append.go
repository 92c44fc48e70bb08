package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"seawall/collector/db"
)

const (
	// many rows of a table are copied. Fewer are inserted, which is no exchange of its
	// own with the server.
	many = 12
	// atOnce bounds the rows of a table that wait.
	atOnce = 4096
)

// rows are rows of one table.
type rows struct {
	table, columns string
	values         [][]any
}

// Append adds a row to a table, with others by COPY, before the next statement that
// names the table, or with the commit. Its error comes then.
func (w *Writer) Append(table, columns string, args ...any) error {
	values, err := values(args)
	if err != nil {
		return err
	}
	w.wrote = true
	for i := range w.added {
		if a := &w.added[i]; a.table == table && a.columns == columns {
			if a.values = append(a.values, values); len(a.values) < atOnce {
				return nil
			}
			return w.add()
		}
	}
	w.added = append(w.added, rows{table, columns, [][]any{values}})
	return nil
}

// meet adds what waits to be, when a statement's text names a table of it: then the
// statement sees the rows.
func (w *Writer) meet(text string) error {
	for i := range w.added {
		if strings.Contains(text, w.added[i].table) {
			return w.add()
		}
	}
	return nil
}

// add adds the rows that wait, after the statements that do.
func (w *Writer) add() error {
	added := w.added
	w.added = nil
	for _, a := range added {
		if len(a.values) < many {
			for _, values := range a.values {
				w.waiting.Queue(w.dialect.rewrite(db.Insert(a.table, a.columns)), values...)
			}
			continue
		}
		if err := w.flush(); err != nil {
			return err
		}
		err := w.use(patience, func(ctx context.Context, c *pgx.Conn) error {
			_, err := c.CopyFrom(ctx, pgx.Identifier{a.table}, strings.Split(a.columns, ", "), pgx.CopyFromRows(a.values))
			return err
		})
		if err != nil {
			return fmt.Errorf("copy to %s: %w", a.table, err)
		}
	}
	return nil
}
