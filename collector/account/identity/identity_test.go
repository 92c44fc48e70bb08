package identity

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"seawall/collector/account"
	"seawall/collector/store"
)

// TestTie: an account is one subject's for as long as it is that account, and a subject has
// one account.
func TestTie(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	accounts, ids := account.New(s, func() time.Time { return now }), New(s)
	user := func(name string) account.User {
		now = now.Add(time.Second)
		if err := accounts.Add(t.Context(), "root", name, "a long password of ours", account.Admin, nil); err != nil {
			t.Fatal(err)
		}
		u, err := accounts.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	tie := func(issuer, subject string, u account.User, want error) {
		t.Helper()
		if err := ids.Tie(t.Context(), issuer, subject, u.Name, u.Created); !errors.Is(err, want) {
			t.Errorf("tie %s to %s of %s: %v, want %v", u.Name, subject, issuer, err, want)
		}
	}
	find := func(issuer, subject, want string) {
		t.Helper()
		name, err := ids.Find(t.Context(), issuer, subject)
		if name != want || (want == "") != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of %s is %q, %v, want %q", subject, issuer, name, err, want)
		}
	}
	ada, bob := user("ada"), user("bob")
	find("i", "1", "")
	tie("i", "1", ada, nil)
	tie("i", "1", ada, nil)
	find("i", "1", "ada")
	find("other", "1", "")
	tie("i", "2", ada, fs.ErrPermission)
	tie("other", "1", ada, fs.ErrPermission)
	tie("i", "2", bob, nil)
	find("i", "2", "bob")
	if err := accounts.Remove(t.Context(), "root", "ada"); err != nil {
		t.Fatal(err)
	}
	find("i", "1", "")
	ada = user("ada")
	find("i", "1", "")
	tie("i", "3", ada, nil)
	find("i", "3", "ada")
	find("i", "2", "bob")
}
