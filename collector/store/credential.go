package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"seawall/collector/store/host"
	"seawall/collector/store/sqlite"
)

// ErrSet is returned by [Store.SetAdminHash] when there is one.
var ErrSet = errors.New("the administrator has a password")

// AdminHash returns the hash of the administrator's password, if there is one.
func (s *Store) AdminHash(ctx context.Context) (hash string, ok bool, err error) {
	err = s.data.Readers.QueryRowContext(ctx, "SELECT hash FROM credential WHERE name = 'admin'").Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read credential: %w", sqlite.Classify(err))
	}
	return hash, true, nil
}

// SetAdminHash sets the hash of the administrator's password. It returns [ErrSet]
// when there is one already.
func (s *Store) SetAdminHash(ctx context.Context, hash string) error {
	return s.submit(ctx, func(b *host.Batch) error {
		var n int
		if _, err := b.Row("SELECT count(*) FROM credential WHERE name = 'admin'", nil, &n); err != nil {
			return err
		}
		if n > 0 {
			return ErrSet
		}
		return b.Exec("INSERT INTO credential VALUES ('admin', ?, ?)", hash, b.Now.UnixNano())
	})
}

// ReplaceAdminHash sets the hash of the administrator's password, whether or not
// there is one.
func (s *Store) ReplaceAdminHash(ctx context.Context, hash string) error {
	return s.submit(ctx, func(b *host.Batch) error {
		return b.Exec("INSERT OR REPLACE INTO credential VALUES ('admin', ?, ?)", hash, b.Now.UnixNano())
	})
}

// Ready makes a write durable, and so says whether the store can take records.
func (s *Store) Ready(ctx context.Context) error {
	err := s.submit(ctx, func(b *host.Batch) error {
		return b.Exec("UPDATE meta SET value = ? WHERE name = 'probe'", b.Now.UnixNano())
	})
	if err != nil {
		return fmt.Errorf("write probe: %w", err)
	}
	return nil
}
