// Package initial gives a collector without users its first one, an admin, and gives an
// admin who lost the password a new one.
//
// A password is shown on a terminal alone: a journal or a log file keeps what it gets for
// years, for readers that nobody thinks of. Otherwise it goes to a file that is named, or
// to one in the state folder that the first sign-in deletes. It is kept nowhere else.
package initial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"seawall/collector/account"
	"seawall/collector/password"
	"seawall/pkg/wholefile"
)

const (
	// Name is the first user's where nobody named another.
	Name = "admin"
	// File holds the first password, in the state folder.
	File = "initial-password"
	// who does what this package does, for the trail.
	who = "root"
)

// Config says where a password goes.
type Config struct {
	Accounts     *account.Accounts
	User         string // default Name
	StateDir     string
	PasswordFile string // the password goes here, if it is named
	Stdout       io.Writer
	Log          *slog.Logger
}

func (c *Config) user() string {
	if c.User == "" {
		return Name
	}
	return c.User
}

// First makes the first user when there is none.
func First(ctx context.Context, c Config) error {
	empty, err := c.Accounts.Empty(ctx)
	if err != nil {
		return err
	}
	initial := filepath.Join(c.StateDir, File)
	if !empty {
		if _, err := os.Lstat(initial); err == nil {
			c.Log.Warn("first password is still in its file: nobody has signed in with it", "path", initial)
		}
		return nil
	}
	to, shown := c.PasswordFile, terminal(c.Stdout)
	if to == "" && !shown {
		to = initial
	}
	word, err := give(to, func(hash string) error {
		_, err := c.Accounts.First(ctx, who, c.user(), hash)
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case shown:
		return show(c.Stdout, c.user(), word)
	case to == initial:
		c.Log.Warn("administrator's password is in a file: read it, then delete the file; the first sign-in does so, too", "user", c.user(), "path", to)
	default:
		c.Log.Info("administrator's password is in a file", "user", c.user(), "path", to)
	}
	return nil
}

// Reset gives a user a new password, and makes it an admin who can sign in.
func Reset(ctx context.Context, c Config) error {
	word, err := give(c.PasswordFile, func(hash string) error { return c.Accounts.Rescue(ctx, who, c.user(), hash) })
	if err != nil {
		return err
	}
	// Worth nothing now, and misleading.
	if err := os.Remove(filepath.Join(c.StateDir, File)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete the first password: %w", err)
	}
	if c.PasswordFile != "" && !terminal(c.Stdout) {
		return nil // a script asked, whose output is a log
	}
	return show(c.Stdout, c.user(), word)
}

// give makes a password and has its hash kept. The file comes first: a password that is
// set and that nobody can read would lock the administrator out.
func give(path string, keep func(hash string) error) (string, error) {
	word := password.Generate()
	if path != "" {
		if err := wholefile.Write(path, []byte(word+"\n"), 0o600, nil); err != nil {
			return "", fmt.Errorf("write the password: %w", err)
		}
	}
	if err := keep(password.Hash(word)); err != nil {
		return "", fmt.Errorf("keep the password: %w", err)
	}
	return word, nil
}

func show(w io.Writer, user, word string) error {
	_, err := fmt.Fprintf(w, `
==================== SEAWALL ADMINISTRATOR PASSWORD ====================

    user      %s
    password  %s

This is shown once. A new one: seawall-collector reset-password
========================================================================

`, user, word)
	return err
}

// terminal reports whether a person reads what is written to w.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Forget deletes the file with the first password, if it is there: somebody signed in.
func Forget(stateDir string, log *slog.Logger) {
	path := filepath.Join(stateDir, File)
	switch err := os.Remove(path); {
	case err == nil:
		log.Info("signed in with the first password; its file is deleted", "path", path)
	case !errors.Is(err, fs.ErrNotExist):
		log.Error("first password stays in its file, delete it", "path", path, "err", err)
	}
}
