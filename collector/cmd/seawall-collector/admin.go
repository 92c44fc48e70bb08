package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"seawall/collector/password"
	"seawall/collector/store"
	"seawall/pkg/service"
	"seawall/pkg/wholefile"
)

// firstPassword gives the administrator a password when there is none. It is shown
// on a terminal alone: a journal or a log file keeps what it gets for years, for
// readers that nobody thinks of. There it goes to --password-file, or without one
// to a file in the state folder that the first sign-in deletes.
func firstPassword(ctx context.Context, c config, s *store.Store, log *slog.Logger, stdout io.Writer) error {
	initial := filepath.Join(c.StateDir, initialFile)
	_, ok, err := s.AdminHash(ctx)
	if err != nil {
		return err
	}
	if ok {
		if _, err := os.Lstat(initial); err == nil {
			log.Warn("first password is still in its file: nobody has signed in with it", "path", initial)
		}
		return nil
	}
	file := c.PasswordFile
	shown := terminal(stdout)
	if file == "" && !shown {
		file = initial
	}
	word, err := givePassword(file, func(hash string) error { return s.SetAdminHash(ctx, hash) })
	if err != nil {
		return err
	}
	switch {
	case shown:
		return showPassword(stdout, word)
	case file == initial:
		log.Warn("administrator's password is in a file: read it, then delete the file; the first sign-in does so, too", "path", file)
	default:
		log.Info("administrator's password is in a file", "path", file)
	}
	return nil
}

// resetPassword gives a new password to the person who asks for one.
func resetPassword(cmd *cobra.Command, c config, stdout, stderr io.Writer) error {
	s, err := store.Open(cmd.Context(), filepath.Join(c.StateDir, databaseFile), store.Config{Log: service.NewLog(stderr, c.LogLevel.level, os.Environ())})
	if err != nil {
		return err
	}
	defer s.Close()
	word, err := givePassword(c.PasswordFile, func(hash string) error { return s.ReplaceAdminHash(cmd.Context(), hash) })
	if err != nil {
		return err
	}
	// Worth nothing now, and misleading.
	if err := os.Remove(filepath.Join(c.StateDir, initialFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete the first password: %w", err)
	}
	if c.PasswordFile != "" && !terminal(stdout) {
		return nil // a script asked, whose output is a log
	}
	return showPassword(stdout, word)
}

// givePassword makes a password and has its hash kept. The password itself is kept
// in the file, if one is named, and nowhere else. The file comes first: a password
// that is set and that nobody can read would lock the administrator out.
func givePassword(file string, keep func(hash string) error) (string, error) {
	word := password.Generate()
	if file != "" {
		if err := wholefile.Write(file, []byte(word+"\n"), 0o600, nil); err != nil {
			return "", fmt.Errorf("write the password: %w", err)
		}
	}
	if err := keep(password.Hash(word)); err != nil {
		return "", fmt.Errorf("keep the password: %w", err)
	}
	return word, nil
}

func showPassword(w io.Writer, word string) error {
	_, err := fmt.Fprintf(w, `
==================== SEAWALL ADMINISTRATOR PASSWORD ====================

    %s

This is shown once. A new one: seawall-collector reset-password
========================================================================

`, word)
	return err
}

// terminal reports whether a person reads what is written to w.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// verifier returns the dashboard's question about a password. The first right
// answer deletes the file with the first password.
func verifier(s *store.Store, initial string, log *slog.Logger) func(string) bool {
	return func(word string) bool {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		hash, ok, err := s.AdminHash(ctx)
		if err == nil && ok {
			ok, err = password.Verify(hash, word)
		}
		if err != nil {
			log.Error("password cannot be verified", "err", err)
			return false
		}
		if ok {
			forget(initial, log)
		}
		return ok
	}
}

// forget deletes the file with the first password, if it is there.
func forget(initial string, log *slog.Logger) {
	switch err := os.Remove(initial); {
	case err == nil:
		log.Info("signed in with the first password; its file is deleted", "path", initial)
	case !errors.Is(err, fs.ErrNotExist):
		log.Error("first password stays in its file, delete it", "path", initial, "err", err)
	}
}
