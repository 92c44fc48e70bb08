package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"seawall/collector/db"
	"seawall/collector/store/host"
	"seawall/collector/store/sqlite"
)

// Read calls do with a transaction that reads, see [db.DB].
func (s *Store) Read(ctx context.Context, do func(db.Querier) error) error {
	tx, err := s.data.Readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("read the store: %w", sqlite.Classify(err))
	}
	// What was read is not undone by the end of a transaction that writes nothing.
	return errors.Join(sqlite.Classify(do(tx)), tx.Rollback())
}

// Write has do write in one transaction, see [db.DB]. It shares the transaction with
// others that wait for the writer.
func (s *Store) Write(ctx context.Context, do func(db.Writer) error) error {
	return s.submit(ctx, func(b *host.Batch) error {
		w := &noting{Writer: b.Writer, tell: b.Tell}
		err := do(w)
		if err != nil && !w.wrote {
			return refusal{err}
		}
		return err
	})
}

// noting notes whether anything may have been changed.
type noting struct {
	db.Writer
	tell  func(topic string)
	wrote bool
}

// Tell is for [db.Tell].
func (n *noting) Tell(topic string) { n.tell(topic) }

func (n *noting) Exec(text string, args ...any) error {
	n.wrote = true
	return n.Writer.Exec(text, args...)
}

func (n *noting) Change(text string, args ...any) (int64, error) {
	n.wrote = true
	return n.Writer.Change(text, args...)
}
