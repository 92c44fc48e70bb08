package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Listens reports whether [Database.Listen] can work: a pool of connections does not
// hand notifications on.
func (d *Database) Listens() bool { return !d.pooled }

// Listen calls wake when it has begun to listen to a channel, and for each notification
// from then on, until ctx or the connection ends.
func (d *Database) Listen(ctx context.Context, channel string, wake func()) error {
	conn, err := pgx.ConnectConfig(ctx, d.cfg)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for {
		wake()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("wait for others: %w", err)
		}
	}
}

// Busy reports whether a collector is connected to the database of a URL.
func Busy(ctx context.Context, name string) (bool, error) {
	cfg, err := pgx.ParseConfig(name)
	if err != nil {
		return false, errors.New("the database's URL is not one that PostgreSQL knows") // the error shows passwords
	}
	cfg.RuntimeParams["application_name"] = "seawall"
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var busy bool
	if err := conn.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1", program+"%").Scan(&busy); err != nil {
		return false, fmt.Errorf("ask who is connected: %w", err)
	}
	return busy, nil
}
