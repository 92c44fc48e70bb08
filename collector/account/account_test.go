package account_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/account"
	"seawall/collector/db"
	"seawall/collector/password"
	"seawall/collector/store"
	"seawall/collector/trail"
)

const word = "correct horse battery"

func open(t *testing.T) (*account.Accounts, *store.Store) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return account.New(s, time.Now), s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSignIn(t *testing.T) {
	a, _ := open(t)
	ctx := t.Context()
	must(t, a.Add(ctx, "root", "ann", word, account.Admin, nil))
	must(t, a.Add(ctx, "ann", "bob", word+"!", account.Viewer, []string{"web", "db", "web"}))
	must(t, a.Add(ctx, "ann", "carol", "", account.Operator, nil))
	must(t, a.Add(ctx, "ann", "dave", word, account.Operator, nil))
	must(t, a.Disable(ctx, "ann", "dave", true))
	u, err := a.SignIn(ctx, "bob", word+"!")
	if err != nil || u.Role != account.Viewer || !slices.Equal(u.Scope, []string{"db", "web"}) {
		t.Errorf("%+v, %v", u, err)
	}
	if u, err = a.Get(ctx, "bob"); err != nil || u.Seen.IsZero() || !u.Password {
		t.Errorf("%+v, %v", u, err)
	}
	for name, c := range map[string][2]string{
		"another's": {"bob", word}, "nobody": {"eve", word}, "nothing": {"ann", ""}, "without one": {"carol", ""},
		"disabled": {"dave", word}, "markup": {"<b>' OR 1=1 --", word}, "in capitals": {"ANN", word},
	} {
		if u, err := a.SignIn(ctx, c[0], c[1]); !errors.Is(err, fs.ErrPermission) || u.Name != "" {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
	if u, err := a.Known(ctx, "carol"); err != nil || u.Role != account.Operator {
		t.Errorf("%+v, %v", u, err)
	}
	for _, name := range []string{"dave", "eve"} {
		if _, err := a.Known(ctx, name); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChanges(t *testing.T) {
	a, s := open(t)
	ctx := t.Context()
	made, err := a.First(ctx, "root", "ann", password.Hash(word))
	if !made || err != nil {
		t.Fatal(made, err)
	}
	if made, err = a.First(ctx, "root", "eve", password.Hash(word)); made || err != nil {
		t.Errorf("a second first user: %v, %v", made, err)
	}
	must(t, a.Add(ctx, "ann", "bob", word+"!", account.Viewer, nil))
	if err := a.Add(ctx, "ann", "bob", word+"!", account.Viewer, nil); !errors.Is(err, account.ErrExists) {
		t.Error(err)
	}
	must(t, a.SetRole(ctx, "ann", "bob", account.Operator, []string{"web"}))
	must(t, a.SetPassword(ctx, "bob", "bob", "another long word"))
	if _, err := a.SignIn(ctx, "bob", "another long word"); err != nil {
		t.Error(err)
	}
	must(t, a.Disable(ctx, "ann", "bob", true))
	must(t, a.Disable(ctx, "ann", "bob", false))
	// The last who could administrate stays; who has no password does not stand in.
	must(t, a.Add(ctx, "ann", "ghost", "", account.Admin, nil))
	defer func() { must(t, a.Remove(ctx, "new", "ghost")) }()
	for name, do := range map[string]func() error{
		"remove":  func() error { return a.Remove(ctx, "ann", "ann") },
		"disable": func() error { return a.Disable(ctx, "ann", "ann", true) },
		"role":    func() error { return a.SetRole(ctx, "ann", "ann", account.Operator, nil) },
	} {
		if err := do(); !errors.Is(err, account.ErrLastAdmin) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, a.Rescue(ctx, "root", "bob", password.Hash(word)))
	if u, err := a.SignIn(ctx, "bob", word); err != nil || u.Role != account.Admin || u.Scope != nil {
		t.Errorf("%+v, %v", u, err)
	}
	must(t, a.Remove(ctx, "bob", "ann"))
	must(t, a.Rescue(ctx, "root", "new", password.Hash(word)))
	for name, err := range map[string]error{
		"role": a.SetRole(ctx, "bob", "ann", account.Viewer, nil), "password": a.SetPassword(ctx, "bob", "ann", word),
		"disable": a.Disable(ctx, "bob", "ann", true), "remove": a.Remove(ctx, "bob", "ann"),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var names []string
	all, err := a.List(ctx)
	must(t, err)
	for _, u := range all {
		names = append(names, u.Name)
	}
	if diff := cmp.Diff([]string{"bob", "ghost", "new"}, names); diff != "" {
		t.Error(diff)
	}
	// What was done is told, and what was refused is not; no password is.
	var told []string
	must(t, s.Read(ctx, func(q db.Querier) error {
		entries, err := trail.List(ctx, q, trail.Query{Limit: 100})
		for _, e := range slices.Backward(entries) {
			told = append(told, strings.TrimRight(strings.Join([]string{e.Who, e.Action, e.Target, e.Detail}, " "), " "))
		}
		return err
	}))
	want := []string{
		"root user add ann the first", "ann user add bob viewer of all hosts", "ann user role bob operator of web",
		"bob user password bob", "ann user disable bob", "ann user enable bob", "ann user add ghost admin of all hosts", "root user rescue bob", "bob user remove ann", "root user rescue new",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	a, _ := open(t)
	for name, c := range map[string]struct {
		name, word string
		role       account.Role
		scope      []string
	}{
		"capitals":        {"Ann", word, account.Viewer, nil},
		"a blank":         {"an n", word, account.Viewer, nil},
		"no name":         {"", word, account.Viewer, nil},
		"a long name":     {strings.Repeat("a", 65), word, account.Viewer, nil},
		"a short word":    {"ann", "elevenchars", account.Viewer, nil},
		"a long word":     {"ann", strings.Repeat("a", 1025), account.Viewer, nil},
		"the name":        {"annabellewood", "AnnabelleWood", account.Viewer, nil},
		"no role":         {"ann", word, "", nil},
		"another role":    {"ann", word, "root", nil},
		"admin's scope":   {"ann", word, account.Admin, []string{"web"}},
		"an empty tag":    {"ann", word, account.Viewer, []string{""}},
		"a newline":       {"ann", word, account.Viewer, []string{"a\nb"}},
		"too many tags":   {"ann", word, account.Viewer, strings.Split("a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6", " ")},
		"no valid UTF-8":  {"ann", word, account.Viewer, []string{"\xff"}},
		"a tag too long ": {"ann", word, account.Viewer, []string{strings.Repeat("t", 65)}},
	} {
		err := a.Add(t.Context(), "root", c.name, c.word, c.role, c.scope)
		if !errors.Is(err, account.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && c.word != "" && strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: the error has the password: %v", name, err)
		}
	}
	if all, err := a.List(t.Context()); len(all) > 0 || err != nil {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestLeast(t *testing.T) {
	for _, r := range account.Roles() {
		if account.Least(r, account.Viewer) != account.Viewer || account.Least(account.Admin, r) != r || account.Least(r, r) != r {
			t.Errorf("%s", r)
		}
	}
	if account.Least("nonsense", account.Admin) != account.Viewer {
		t.Error("what is no role is more than a viewer")
	}
}
