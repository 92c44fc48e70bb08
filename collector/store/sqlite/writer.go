package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// Writer is the connection that writes, with the statements prepared on it. One
// goroutine uses it at a time. Its statements run without a deadline: a
// transaction is short, and one that is interrupted helps nobody.
//
// Its statements are the driver's and not those of database/sql, whose pool and
// locks cost as much again as a small statement.
type Writer struct {
	Conn     *sql.Conn
	prepared map[string]*statement
	args     []driver.NamedValue
}

// statement is prepared once and closed with the writer.
type statement struct {
	driver.Stmt
	columns []driver.Value // of the row that is read
}

// with calls do with the statement of a text and its arguments. No text is made
// from data, so there are a few dozen.
func (w *Writer) with(text string, args []any, do func(*statement, []driver.NamedValue) error) error {
	return w.Conn.Raw(func(conn any) error {
		stmt := w.prepared[text]
		if stmt == nil {
			c, ok := conn.(driver.ConnPrepareContext)
			if !ok {
				return fmt.Errorf("the driver's connection is a %T", conn)
			}
			made, err := c.PrepareContext(context.Background(), text)
			if err != nil {
				return err
			}
			stmt = &statement{Stmt: made}
			w.prepared[text] = stmt
		}
		w.args = w.args[:0]
		for i, arg := range args {
			value, err := driver.DefaultParameterConverter.ConvertValue(arg)
			if err != nil {
				return fmt.Errorf("argument %d: %w", i+1, err)
			}
			w.args = append(w.args, driver.NamedValue{Ordinal: i + 1, Value: value})
		}
		return do(stmt, w.args)
	})
}

// Exec runs a statement.
func (w *Writer) Exec(text string, args ...any) error {
	_, err := w.Change(text, args...)
	return err
}

// Change runs a statement and returns how many rows it changed.
func (w *Writer) Change(text string, args ...any) (rows int64, err error) {
	err = w.with(text, args, func(stmt *statement, values []driver.NamedValue) error {
		s, ok := stmt.Stmt.(driver.StmtExecContext)
		if !ok {
			return fmt.Errorf("the driver's statement is a %T", stmt.Stmt)
		}
		result, err := s.ExecContext(context.Background(), values)
		if err != nil {
			return err
		}
		rows, err = result.RowsAffected()
		return err
	})
	return rows, err
}

// Row scans the one row of a query into to and reports whether there was one.
func (w *Writer) Row(text string, args []any, to ...any) (found bool, err error) {
	err = w.Rows(text, args, func(scan func(...any) error) error {
		if found {
			return nil
		}
		found = true
		return scan(to...)
	})
	return found && err == nil, err
}

// Rows calls row with the Scan of each row of a query. The writer must not be used
// meanwhile.
func (w *Writer) Rows(text string, args []any, row func(scan func(...any) error) error) error {
	return w.with(text, args, func(stmt *statement, values []driver.NamedValue) (err error) {
		s, ok := stmt.Stmt.(driver.StmtQueryContext)
		if !ok {
			return fmt.Errorf("the driver's statement is a %T", stmt.Stmt)
		}
		rows, err := s.QueryContext(context.Background(), values)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		if stmt.columns == nil {
			stmt.columns = make([]driver.Value, len(rows.Columns()))
		}
		for {
			if err := rows.Next(stmt.columns); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := row(stmt.scan); err != nil {
				return err
			}
		}
	})
}

// scan assigns the columns of the row that is read.
func (s *statement) scan(to ...any) error {
	if len(to) != len(s.columns) {
		return fmt.Errorf("%d columns are scanned into %d", len(s.columns), len(to))
	}
	for i, v := range s.columns {
		if err := assign(to[i], v); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (w *Writer) close() error {
	err := w.Conn.Raw(func(any) error {
		var errs []error
		for _, stmt := range w.prepared {
			errs = append(errs, stmt.Close())
		}
		return errors.Join(errs...)
	})
	return errors.Join(err, w.Conn.Close())
}
