package store

import (
	"context"
	"errors"

	"seawall/collector/store/postgres"
	"seawall/collector/store/sqlite"
)

// Away reports whether an error says that the database cannot be used now: it is down,
// slow, full, or being restarted. What is asked again later may be answered; other errors
// are the program's own.
func Away(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrClosed) || postgres.Away(err) || sqlite.Away(err)
}
