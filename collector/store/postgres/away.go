package postgres

import (
	"database/sql/driver"
	"errors"
	"io/fs"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// unreachable is the error of a server that cannot be reached, without what it wraps.
type unreachable struct{ text string }

func (u unreachable) Error() string { return u.text }

// opaque returns the error of a connection that could not be made. A server's socket that
// is not there, or not for us, must not be taken for a row that is not there, or not for
// who asks.
func opaque(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return unreachable{err.Error()}
	}
	return err
}

// Away reports whether an error says that the server cannot be used now.
func Away(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		// Connections, resources, an administrator's word, the system, and a server that
		// only reads, as a standby does until it is promoted.
		for _, class := range []string{"08", "53", "57P", "58", "25006"} {
			if strings.HasPrefix(server.Code, class) {
				return true
			}
		}
		return false
	}
	var refused *pgconn.ConnectError
	var network net.Error
	var nowhere unreachable
	return errors.As(err, &nowhere) || errors.As(err, &refused) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn)
}
