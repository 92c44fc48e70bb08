package postgres

import (
	"context"
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
