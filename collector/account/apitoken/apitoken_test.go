package apitoken_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/db"
	"seawall/collector/store"
)

const word = "correct horse battery"

type place struct {
	*apitoken.Tokens
	users *account.Accounts
	store *store.Store
	now   time.Time
}

func open(t *testing.T) *place {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	p := &place{store: s, now: time.Now()}
	now := func() time.Time { return p.now }
	p.users, p.Tokens = account.New(s, now), apitoken.New(s, now)
	for name, role := range map[string]account.Role{"root": account.Admin, "ann": account.Admin, "op": account.Operator} {
		if err := p.users.Add(t.Context(), "root", name, word, role, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.users.Add(t.Context(), "root", "bob", word, account.Operator, []string{"db", "web"}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) add(t *testing.T, user string, role account.Role, scope ...string) (string, apitoken.Token) {
	t.Helper()
	text, token, err := p.Add(t.Context(), user, user, "for a test", role, scope, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return text, token
}

func TestFind(t *testing.T) {
	p := open(t)
	text, made := p.add(t, "bob", account.Viewer, "web")
	if !regexp.MustCompile(`^swc_[0-9a-f]{12}_[\w-]{43}$`).MatchString(text) {
		t.Errorf("%q", text)
	}
	got, err := p.Find(t.Context(), text)
	if err != nil || got.ID != made.ID || got.User != "bob" || got.Role != account.Viewer || !slices.Equal(got.Scope, []string{"web"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, wrong := range []string{"", "swc_", "swc__", text[:len(text)-1], text + "x", strings.Replace(text, made.ID, "000000000000", 1), strings.TrimPrefix(text, "swc_"), "swc_" + made.ID + "_' OR 1=1"} {
		if _, err := p.Find(t.Context(), wrong); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	// Nothing in the database is the token.
	err = p.store.Read(t.Context(), func(q db.Querier) error {
		var n int
		_, err := db.One(t.Context(), q, "SELECT count(*) FROM api_token WHERE instr(hash, ?) > 0 OR instr(label, ?) > 0", []any{text[17:], text[17:]}, &n)
		if n != 0 {
			t.Error("the secret is in the database")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	p.now = p.now.Add(time.Hour)
	if _, err := p.Find(t.Context(), text); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after its end: %v", err)
	}
	all, err := p.List(t.Context(), "bob")
	if err != nil || len(all) != 1 || all[0].Used.IsZero() {
		t.Errorf("%+v, %v", all, err)
	}
	// It is shown for a month, and gone with the next that is made.
	p.now = p.now.AddDate(0, 1, 1)
	p.add(t, "ann", account.Viewer)
	if all, err = p.List(t.Context(), "bob"); len(all) != 0 || err != nil {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestNeverMoreThanItsUser: what is taken from the user is taken from the token, at once.
func TestNeverMoreThanItsUser(t *testing.T) {
	p := open(t)
	ctx := t.Context()
	mine, _ := p.add(t, "op", account.Operator)
	theirs, _ := p.add(t, "bob", account.Operator, "web")
	for name, c := range map[string]struct {
		user  string
		role  account.Role
		scope []string
	}{
		"role":     {"op", account.Admin, nil},
		"no scope": {"bob", account.Viewer, nil},
		"scope":    {"bob", account.Viewer, []string{"web", "other"}},
	} {
		if _, _, err := p.Add(ctx, c.user, c.user, "x", c.role, c.scope, time.Hour); !errors.Is(err, account.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(p.users.SetRole(ctx, "ann", "op", account.Viewer, []string{"db"}))
	if got, err := p.Find(ctx, mine); err != nil || got.Role != account.Viewer || !slices.Equal(got.Scope, []string{"db"}) {
		t.Errorf("%+v, %v", got, err)
	}
	must(p.users.SetRole(ctx, "ann", "bob", account.Operator, []string{"db"}))
	if _, err := p.Find(ctx, theirs); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing is left of the scope: %v", err)
	}
	must(p.users.Disable(ctx, "ann", "op", true))
	if _, err := p.Find(ctx, mine); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("disabled: %v", err)
	}
	if _, _, err := p.Add(ctx, "ann", "op", "x", account.Viewer, []string{"db"}, time.Hour); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new one of who is disabled: %v", err)
	}
	must(p.users.Disable(ctx, "ann", "op", false))
	must(p.users.Remove(ctx, "ann", "op"))
	if _, err := p.Find(ctx, mine); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed: %v", err)
	}
}

func TestRevoke(t *testing.T) {
	p := open(t)
	text, token := p.add(t, "bob", account.Viewer, "web")
	if err := p.Revoke(t.Context(), "op", "op", token.ID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another's: %v", err)
	}
	if err := p.Revoke(t.Context(), "ann", "", token.ID); err != nil {
		t.Error(err)
	}
	if _, err := p.Find(t.Context(), text); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("revoked: %v", err)
	}
}

func TestRefused(t *testing.T) {
	p := open(t)
	for name, c := range map[string]struct {
		label string
		life  time.Duration
	}{"no label": {"", time.Hour}, "a control character": {"a\x1b", time.Hour}, "a long label": {strings.Repeat("l", 101), time.Hour}, "no life": {"x", 0}, "two years": {"x", 2 * 8766 * time.Hour}} {
		if _, _, err := p.Add(t.Context(), "ann", "ann", c.label, account.Viewer, nil, c.life); !errors.Is(err, account.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range 50 {
		if _, _, err := p.Add(t.Context(), "ann", "ann", fmt.Sprint(i), account.Viewer, nil, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := p.Add(t.Context(), "ann", "ann", "one more", account.Viewer, nil, time.Hour); !errors.Is(err, apitoken.ErrTooMany) {
		t.Error(err)
	}
}
