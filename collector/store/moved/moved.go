// Package moved has the mark of a database that was copied to another by "migrate". A
// collector does not start on it: hosts' findings would go to two places, and neither
// would have all. The mark is a row of the table meta, so that it is seen by every
// collector on a database that several use, and is there whatever becomes of a folder.
//
// A backup is no move, and leaves no mark.
package moved

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"seawall/collector/db"
	"seawall/collector/store/postgres"
	"seawall/collector/store/sqlite"
)

// Error says that the database was moved.
type Error struct{ When time.Time }

func (e *Error) Error() string {
	return fmt.Sprintf("it was copied to another database by \"seawall-collector migrate\" at %s, which is the one to use: name that as the store; or have this one go on with \"seawall-collector migrate --back STORE\"",
		e.When.Format("2006-01-02 15:04:05 UTC"))
}

// Check returns an [*Error] if the database has the mark.
func Check(w db.Writer) error {
	var at int64
	there, err := w.Row("SELECT value FROM meta WHERE name = 'moved'", nil, &at)
	if err != nil {
		return fmt.Errorf("look whether it was moved: %w", err)
	}
	if there {
		return &Error{time.Unix(0, at).UTC()}
	}
	return nil
}

// Set marks the database of a name, the path of a file or a URL of PostgreSQL, on which
// no collector runs.
func Set(ctx context.Context, name string, at time.Time) error {
	if err := run(ctx, name, at.UnixNano(),
		"INSERT INTO meta VALUES ('moved', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		"INSERT INTO meta VALUES ('moved', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value"); err != nil {
		return fmt.Errorf("mark what was moved: %w", err)
	}
	return nil
}

// Clear takes the mark away. There need be none.
func Clear(ctx context.Context, name string) error {
	if err := run(ctx, name, "moved", "DELETE FROM meta WHERE name = ?", "DELETE FROM meta WHERE name = $1"); err != nil {
		return fmt.Errorf("take the mark away: %w", err)
	}
	return nil
}

// run runs a statement on the database of a name, in the words of either kind.
func run(ctx context.Context, name string, arg any, file, server string) (err error) {
	if postgres.Is(name) {
		d, err := postgres.Open(ctx, name)
		if err != nil {
			return err
		}
		err = d.Do(func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, server, arg)
			return err
		})
		return errors.Join(err, d.Close())
	}
	// One that is not there would be made.
	if _, err := os.Stat(name); err != nil {
		return err
	}
	d, err := sqlite.Open(ctx, name)
	if err != nil {
		return err
	}
	return errors.Join(d.Writer.Exec(file, arg), d.Close())
}
