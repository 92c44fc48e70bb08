package account

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"seawall/collector/db"
)

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// Add makes a user. Without a password the user signs in through a provider of
// identities alone. Who is who does it, for the trail, here and below.
func (a *Accounts) Add(ctx context.Context, who, name, word string, role Role, scope []string) error {
	scope, err := Bounds(role, scope)
	if err := errors.Join(err, CheckName(name)); err != nil {
		return err
	}
	hash := ""
	if word != "" {
		if err := checkPassword(name, word); err != nil {
			return err
		}
		if hash, err = a.hash(ctx, word); err != nil {
			return fmt.Errorf("user add %s: %w", name, err)
		}
	}
	return a.change(ctx, who, "user add", name, describe(role, scope), func(w db.Writer) error {
		if _, found, err := one(w, name); found || err != nil {
			return errors.Join(err, exists(found))
		}
		return a.insert(w, name, hash, role, scope)
	})
}

func exists(found bool) error {
	if found {
		return ErrExists
	}
	return nil
}

func (a *Accounts) insert(w db.Writer, name, hash string, role Role, scope []string) error {
	now, changed := a.now().UnixNano(), int64(0)
	if hash != "" {
		changed = now
	}
	return w.Exec("INSERT INTO account (name, hash, role, scope, created, changed, disabled, seen) VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
		name, hash, string(role), strings.Join(scope, "\n"), now, changed)
}

// First makes the first user, an admin with a password's hash, and returns false
// without doing so where there is a user already.
func (a *Accounts) First(ctx context.Context, who, name, hash string) (made bool, err error) {
	if err := CheckName(name); err != nil {
		return false, err
	}
	err = a.change(ctx, who, "user add", name, "the first", func(w db.Writer) error {
		var n int
		if _, err := w.Row("SELECT count(*) FROM account", nil, &n); err != nil || n > 0 {
			return errors.Join(err, exists(n > 0))
		}
		return a.insert(w, name, hash, Admin, nil)
	})
	if errors.Is(err, ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// Empty reports whether there is no user yet.
func (a *Accounts) Empty(ctx context.Context) (empty bool, err error) {
	all, err := a.List(ctx)
	return len(all) == 0, err
}

func describe(role Role, scope []string) string {
	if len(scope) == 0 {
		return string(role) + " of all hosts"
	}
	return string(role) + " of " + strings.Join(scope, ", ")
}

// one returns a user in a transaction that writes.
func one(w db.Writer, name string) (u User, found bool, err error) {
	err = w.Rows(columns+"WHERE name = ?", []any{name}, func(scan func(...any) error) (err error) {
		found = true
		u, _, err = read(scan)
		return err
	})
	return u, found, err
}

// must returns a user who must exist.
func must(w db.Writer, name string) (User, error) {
	u, found, err := one(w, name)
	if err == nil && !found {
		err = fs.ErrNotExist
	}
	return u, err
}

// SetRole gives a user another role and scope.
func (a *Accounts) SetRole(ctx context.Context, who, name string, role Role, scope []string) error {
	scope, err := Bounds(role, scope)
	if err != nil {
		return err
	}
	return a.change(ctx, who, "user role", name, describe(role, scope), func(w db.Writer) error {
		if _, err := must(w, name); err != nil {
			return err
		}
		if err := w.Exec("UPDATE account SET role = ?, scope = ? WHERE name = ?", string(role), strings.Join(scope, "\n"), name); err != nil {
			return err
		}
		return anAdmin(w)
	})
}

// Disable takes a user the right to sign in, or gives it back.
func (a *Accounts) Disable(ctx context.Context, who, name string, disabled bool) error {
	action, flag := "user enable", 0
	if disabled {
		action, flag = "user disable", 1
	}
	return a.change(ctx, who, action, name, "", func(w db.Writer) error {
		if _, err := must(w, name); err != nil {
			return err
		}
		if err := w.Exec("UPDATE account SET disabled = ? WHERE name = ?", flag, name); err != nil {
			return err
		}
		return anAdmin(w)
	})
}

// Remove removes a user, and with it the API tokens and the saved views, also those that
// it shared.
func (a *Accounts) Remove(ctx context.Context, who, name string) error {
	return a.change(ctx, who, "user remove", name, "", func(w db.Writer) error {
		if _, err := must(w, name); err != nil {
			return err
		}
		if err := w.Exec("DELETE FROM api_token WHERE account = ?", name); err != nil {
			return err
		}
		if err := w.Exec("DELETE FROM saved_view WHERE account = ?", name); err != nil {
			return err
		}
		if err := w.Exec("DELETE FROM account WHERE name = ?", name); err != nil {
			return err
		}
		return anAdmin(w)
	})
}

// SetPassword gives a user another password.
func (a *Accounts) SetPassword(ctx context.Context, who, name, word string) error {
	if err := checkPassword(name, word); err != nil {
		return err
	}
	hash, err := a.hash(ctx, word)
	if err != nil {
		return fmt.Errorf("user password %s: %w", name, err)
	}
	return a.change(ctx, who, "user password", name, "", func(w db.Writer) error {
		if _, err := must(w, name); err != nil {
			return err
		}
		return w.Exec("UPDATE account SET hash = ?, changed = ? WHERE name = ?", hash, a.now().UnixNano(), name)
	})
}

// Rescue makes a user an admin who can sign in with a password of this hash, whatever
// the user was, or none: for who has the machine and has lost every way in.
func (a *Accounts) Rescue(ctx context.Context, who, name, hash string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return a.change(ctx, who, "user rescue", name, "", func(w db.Writer) error {
		_, found, err := one(w, name)
		if err != nil {
			return err
		}
		if !found {
			return a.insert(w, name, hash, Admin, nil)
		}
		return w.Exec("UPDATE account SET hash = ?, changed = ?, role = ?, scope = '', disabled = 0 WHERE name = ?",
			hash, a.now().UnixNano(), string(Admin), name)
	})
}

// anAdmin fails where no admin is left who can sign in here: a provider of identities may be
// away.
func anAdmin(w db.Writer) error {
	var n int
	if _, err := w.Row("SELECT count(*) FROM account WHERE role = 'admin' AND disabled = 0 AND hash <> ''", nil, &n); err != nil {
		return fmt.Errorf("count the admins: %w", err)
	}
	if n == 0 {
		return ErrLastAdmin
	}
	return nil
}
