package initial_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/collector/account"
	"seawall/collector/db"
	"seawall/collector/initial"
	"seawall/collector/store"
	"seawall/collector/trail"
)

// begin returns a collector without users, and what it logs and prints.
func begin(t *testing.T) (c initial.Config, s *store.Store, log, stdout *bytes.Buffer) {
	t.Helper()
	folder := t.TempDir()
	s, err := store.Open(t.Context(), filepath.Join(folder, "collector.db"), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	log, stdout = &bytes.Buffer{}, &bytes.Buffer{}
	return initial.Config{Accounts: account.New(s, time.Now), StateDir: folder, Stdout: stdout, Log: slog.New(slog.NewTextHandler(log, nil))}, s, log, stdout
}

// read returns the password in a file, which its owner alone may read.
func read(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	word := strings.TrimSpace(string(data))
	if info.Mode().Perm() != 0o600 || len(word) < 20 || string(data) != word+"\n" {
		t.Fatalf("%s: mode %v, %d bytes", path, info.Mode(), len(data))
	}
	return word
}

func signIn(t *testing.T, c initial.Config, user, word string) {
	t.Helper()
	if u, err := c.Accounts.SignIn(t.Context(), user, word); err != nil || u.Role != account.Admin {
		t.Errorf("sign-in of %s: %+v, %v", user, u, err)
	}
}

func refused(t *testing.T, c initial.Config, user, word string) {
	t.Helper()
	if _, err := c.Accounts.SignIn(t.Context(), user, word); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("sign-in of %s: %v", user, err)
	}
}

// TestFirst makes one admin, once; the password is in its file until somebody signs in.
func TestFirst(t *testing.T) {
	c, s, log, stdout := begin(t)
	file := filepath.Join(c.StateDir, initial.File)
	if err := initial.First(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	word := read(t, file)
	signIn(t, c, initial.Name, word)
	if err := initial.First(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if again := read(t, file); again != word {
		t.Error("the second start wrote another password")
	}
	initial.Forget(c.StateDir, c.Log)
	initial.Forget(c.StateDir, c.Log) // nothing is there
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
	if err := initial.First(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	all, err := c.Accounts.List(t.Context())
	if err != nil || len(all) != 1 {
		t.Errorf("%d users, %v", len(all), err)
	}
	if said := log.String(); strings.Contains(said, word) || strings.Count(said, "still in its file") != 1 || strings.Count(said, "its file is deleted") != 1 {
		t.Errorf("log: %s", said)
	}
	if stdout.Len() > 0 {
		t.Errorf("printed where no person reads: %q", stdout)
	}
	err = s.Read(t.Context(), func(q db.Querier) error {
		entries, err := trail.List(t.Context(), q, trail.Query{})
		if len(entries) != 1 || entries[0].Who != "root" || entries[0].Target != initial.Name {
			t.Errorf("trail: %+v", entries)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestNamed makes the user that the configuration names, with its password in the file
// that it names.
func TestNamed(t *testing.T) {
	c, _, log, stdout := begin(t)
	c.User, c.PasswordFile = "ann", filepath.Join(t.TempDir(), "word")
	if err := initial.First(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	word := read(t, c.PasswordFile)
	signIn(t, c, "ann", word)
	refused(t, c, initial.Name, word)
	if _, err := os.Stat(filepath.Join(c.StateDir, initial.File)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second file: %v", err)
	}
	if strings.Contains(log.String()+stdout.String(), word) {
		t.Error("the password is in the log or printed")
	}
}

// TestUnwritable makes no user whose password nobody could read.
func TestUnwritable(t *testing.T) {
	c, _, _, _ := begin(t)
	c.PasswordFile = filepath.Join(t.TempDir(), "no", "word")
	if err := initial.First(t.Context(), c); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("first: %v", err)
	}
	if empty, err := c.Accounts.Empty(t.Context()); !empty || err != nil {
		t.Errorf("empty %v, %v", empty, err)
	}
	if err := initial.Reset(t.Context(), c); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reset: %v", err)
	}
	c.PasswordFile, c.User = "", "No Such Name"
	if err := initial.First(t.Context(), c); !errors.Is(err, account.ErrInvalid) {
		t.Errorf("a name that cannot be: %v", err)
	}
}

// TestReset gives a disabled admin who lost the password a way in, and deletes the file
// with the first password.
func TestReset(t *testing.T) {
	c, _, log, stdout := begin(t)
	if err := initial.First(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	first := read(t, filepath.Join(c.StateDir, initial.File))
	if err := initial.Reset(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(stdout.String()[strings.Index(stdout.String(), "password  "):])
	signIn(t, c, initial.Name, lines[1])
	refused(t, c, initial.Name, first)
	if _, err := os.Stat(filepath.Join(c.StateDir, initial.File)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the first password's file is left: %v", err)
	}
	if strings.Contains(log.String(), lines[1]) {
		t.Error("the password is in the log")
	}

	stdout.Reset()
	c.PasswordFile = filepath.Join(t.TempDir(), "word")
	if err := c.Accounts.Add(t.Context(), initial.Name, "bob", "correct horse battery", account.Viewer, []string{"web"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Accounts.Disable(t.Context(), initial.Name, "bob", true); err != nil {
		t.Fatal(err)
	}
	c.User = "bob"
	if err := initial.Reset(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	signIn(t, c, "bob", read(t, c.PasswordFile))
	if stdout.Len() > 0 {
		t.Errorf("a script's output has %q", stdout)
	}
}
