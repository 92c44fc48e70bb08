// Package identity holds which user of a provider of identities is which user here.
//
// A provider's names may be changed and given to somebody else; its subjects may not. So
// the first sign-in ties the account to the provider's issuer and subject, and from then
// on the account is that subject's alone, whatever its name there is. An account that was
// removed and made anew is another.
package identity

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"seawall/collector/db"
)

// Identities are the ties in a database.
type Identities struct{ db db.DB }

// New returns the ties of a database.
func New(d db.DB) *Identities { return &Identities{d} }

const join = " FROM identity i JOIN account a ON a.name = i.account AND a.created = i.created WHERE "

// Find returns the account of a subject. Where there is none, the error is fs.ErrNotExist.
func (s *Identities) Find(ctx context.Context, issuer, subject string) (name string, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		found, err := db.One(ctx, q, "SELECT i.account"+join+"i.issuer = ? AND i.subject = ?", []any{issuer, subject}, &name)
		if err == nil && !found {
			return fs.ErrNotExist
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("find the account of a subject: %w", err)
	}
	return name, nil
}

// Tie makes the account of a name, which was made at a time, a subject's, or finds that it
// is. One that is another's is an error that is fs.ErrPermission.
func (s *Identities) Tie(ctx context.Context, issuer, subject, name string, made time.Time) error {
	err := s.db.Write(ctx, func(w db.Writer) error {
		var i, sub string
		found, err := w.Row("SELECT i.issuer, i.subject"+join+"i.account = ?", []any{name}, &i, &sub)
		switch {
		case err != nil:
			return err
		case found && (i != issuer || sub != subject):
			return fs.ErrPermission
		case found:
			return nil
		}
		return errors.Join(
			w.Exec("DELETE FROM identity WHERE account = ? OR issuer = ? AND subject = ?", name, issuer, subject),
			w.Exec("INSERT INTO identity (account, issuer, subject, created) VALUES (?, ?, ?, ?)", name, issuer, subject, made.UnixNano()))
	})
	if err != nil {
		return fmt.Errorf("tie account %q to its subject: %w", name, err)
	}
	return nil
}
