package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// Writer is the connection that writes, with the statements prepared on it. One
// goroutine uses it at a time. Its statements run without a deadline: a
// transaction is short, and one that is interrupted helps nobody.
type Writer struct {
	Conn     *sql.Conn
	prepared map[string]statement
}

// statement is prepared once and closed with the writer.
type statement struct{ *sql.Stmt }

// stmt returns the statement of a text. No text is made from data, so there are a
// few dozen.
func (w *Writer) stmt(text string) (statement, error) {
	if stmt, ok := w.prepared[text]; ok {
		return stmt, nil
	}
	stmt, err := w.Conn.PrepareContext(context.Background(), text)
	if err != nil {
		return statement{}, err
	}
	w.prepared[text] = statement{stmt}
	return statement{stmt}, nil
}

// Exec runs a statement.
func (w *Writer) Exec(text string, args ...any) error {
	_, err := w.Insert(text, args...)
	return err
}

// Insert runs a statement and returns the number of the row that it inserted.
func (w *Writer) Insert(text string, args ...any) (int64, error) {
	stmt, err := w.stmt(text)
	if err != nil {
		return 0, err
	}
	res, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// Row scans the one row of a query into to and reports whether there was one.
func (w *Writer) Row(text string, args []any, to ...any) (bool, error) {
	stmt, err := w.stmt(text)
	if err != nil {
		return false, err
	}
	err = stmt.QueryRowContext(context.Background(), args...).Scan(to...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Rows calls row with the Scan of each row of a query. The writer must not be used
// meanwhile.
func (w *Writer) Rows(text string, args []any, row func(scan func(...any) error) error) error {
	stmt, err := w.stmt(text)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	return each(rows, row)
}

func (w *Writer) close() error {
	var errs []error
	for _, stmt := range w.prepared {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, w.Conn.Close())...)
}
