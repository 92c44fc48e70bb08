package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// connector makes connections that rewrite statements.
type connector struct {
	driver.Connector
	dialect *dialect
	reads   bool // its connections only read
}

// Connect implements [driver.Connector].
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, opaque(err)
	}
	inner, ok := made.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("the driver's connection is a %T", made)
	}
	return &conn{inner, c.dialect, c.reads}, nil
}

// conn is a connection that takes SQLite's statements.
type conn struct {
	*stdlib.Conn
	dialect *dialect
	reads   bool
}

// again is the error of a connection that is gone: where it only reads, the pool asks
// another one, since the server may have been away or be another by now.
func (c *conn) again(err error) error {
	if err != nil && c.reads && c.raw().IsClosed() {
		return driver.ErrBadConn
	}
	return err
}

// BeginTx implements [driver.ConnBeginTx]. All that a transaction which reads sees is of
// one moment.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.reads && opts.ReadOnly {
		opts.Isolation = driver.IsolationLevel(sql.LevelRepeatableRead)
	}
	tx, err := c.Conn.BeginTx(ctx, opts)
	return tx, c.again(err)
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.QueryContext(ctx, c.dialect.rewrite(text), args)
	return rows, c.again(err)
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.ExecContext(ctx, c.dialect.rewrite(text), args)
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *conn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	return c.Conn.PrepareContext(ctx, c.dialect.rewrite(text))
}

// CheckNamedValue implements [driver.NamedValueChecker].
func (c *conn) CheckNamedValue(v *driver.NamedValue) (err error) {
	v.Value, err = value(v.Value)
	return err
}

// raw is the driver's own connection.
func (c *conn) raw() *pgx.Conn { return c.Conn.Conn() }

// value is an argument as the tables hold it.
func value(arg any) (any, error) {
	v, err := driver.DefaultParameterConverter.ConvertValue(arg)
	switch x := v.(type) {
	case bool:
		if x {
			return int64(1), err
		}
		return int64(0), err
	case string:
		return strings.ReplaceAll(x, "\x00", "\uFFFD"), err
	}
	return v, err
}
