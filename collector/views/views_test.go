package views

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"seawall/collector/account"
	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/scripts/pgtest"
)

var noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, database string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), database, store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func save(t *testing.T, s *store.Store, v View) (was View, err error) {
	t.Helper()
	err = s.Write(t.Context(), func(w db.Writer) (err error) {
		was, err = Save(w, noon, v)
		return err
	})
	return was, err
}

func must(t *testing.T, s *store.Store, all ...View) {
	t.Helper()
	for _, v := range all {
		if _, err := save(t, s, v); err != nil {
			t.Fatal(err)
		}
	}
}

// of returns what an account sees, a line for each.
func of(t *testing.T, s *store.Store, account string) (lines []string) {
	t.Helper()
	all, err := Of(t.Context(), s, account)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		lines = append(lines, fmt.Sprintf("%s %s %s %v", v.Account, v.Name, v.Query, v.Shared))
	}
	return lines
}

// Who saves sees the own first, then what others share; the same name takes the place of
// what was there, of the same user alone.
func testSave(t *testing.T, database func(testing.TB) string) {
	s := open(t, database(t))
	must(t, s, View{Account: "ann", Name: "b", Query: "q=1"}, View{Account: "ann", Name: "A", Query: "q=2", Shared: true},
		View{Account: "bob", Name: "a", Query: "q=3", Shared: true}, View{Account: "bob", Name: "b", Query: "q=4"})
	for account, want := range map[string][]string{
		"ann": {"ann A q=2 true", "ann b q=1 false", "bob a q=3 true"},
		"bob": {"bob a q=3 true", "bob b q=4 false", "ann A q=2 true"},
		"eve": {"ann A q=2 true", "bob a q=3 true"},
	} {
		got := of(t, s, account)
		if diff := cmp.Diff(want, got, cmpopts.SortSlices(func(a, b string) bool { return account == "eve" && a < b })); diff != "" {
			t.Errorf("%s (- want, + got):\n%s", account, diff)
		}
	}
	was, err := save(t, s, View{Account: "ann", Name: "A", Query: "q=5"})
	if want := (View{Account: "ann", Name: "A", Query: "q=2", Shared: true, Made: noon}); err != nil || !cmp.Equal(want, was, cmpopts.IgnoreFields(View{}, "ID")) || was.ID == "" {
		t.Errorf("it replaced %+v, %v", was, err)
	}
	if diff := cmp.Diff([]string{"ann A q=5 false", "ann b q=1 false", "bob a q=3 true"}, of(t, s, "ann")); diff != "" {
		t.Error(diff)
	}
}

// There are so many of a user, and so many that are shared; what is there can be saved
// anew all the same.
func testFull(t *testing.T, database func(testing.TB) string) {
	s := open(t, database(t))
	for _, account := range []string{"ann", "bob"} {
		for i := range Most {
			must(t, s, View{Account: account, Name: fmt.Sprint(i), Query: "q=1", Shared: true})
		}
	}
	if _, err := save(t, s, View{Account: "ann", Name: "more", Query: "q=1"}); !errors.Is(err, ErrFull) {
		t.Errorf("one more: %v", err)
	}
	if _, err := save(t, s, View{Account: "eve", Name: "more", Query: "q=1", Shared: true}); !errors.Is(err, ErrSharedFull) {
		t.Errorf("one more that is shared: %v", err)
	}
	must(t, s, View{Account: "ann", Name: "7", Query: "q=2", Shared: true}, View{Account: "eve", Name: "more", Query: "q=1"})
	if n := len(of(t, s, "eve")); n != 2*Most+1 {
		t.Errorf("%d views", n)
	}
}

// One's own are removed, of others what is shared by who may; what is another's is as if
// it was not there.
func testRemove(t *testing.T, database func(testing.TB) string) {
	s := open(t, database(t))
	must(t, s, View{Account: "ann", Name: "own", Query: "q=1"}, View{Account: "ann", Name: "shared", Query: "q=2", Shared: true})
	all, err := Of(t.Context(), s, "ann")
	if err != nil {
		t.Fatal(err)
	}
	own, shared := all[0].ID, all[1].ID
	for _, step := range []struct {
		id, account string
		others, ok  bool
	}{
		{own, "bob", true, false}, {shared, "bob", false, false}, {"none", "ann", true, false},
		{shared, "bob", true, true}, {shared, "ann", true, false}, {own, "ann", false, true},
	} {
		var was View
		err := s.Write(t.Context(), func(w db.Writer) (err error) {
			was, err = Remove(w, step.id, step.account, step.others)
			return err
		})
		if step.ok != (err == nil) || !step.ok && !errors.Is(err, fs.ErrNotExist) || step.ok != (was.ID == step.id) {
			t.Errorf("%+v: %+v, %v", step, was, err)
		}
	}
	if left := of(t, s, "ann"); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// With a user go the user's views, and nobody else's.
func testUserRemoved(t *testing.T, database func(testing.TB) string) {
	s := open(t, database(t))
	a := account.New(s, func() time.Time { return noon })
	if _, err := a.First(t.Context(), "root", "ann", "hash"); err != nil {
		t.Fatal(err)
	}
	if err := a.Add(t.Context(), "ann", "bob", "", account.Viewer, nil); err != nil {
		t.Fatal(err)
	}
	must(t, s, View{Account: "ann", Name: "x", Query: "q=1"}, View{Account: "bob", Name: "x", Query: "q=1", Shared: true})
	if err := a.Remove(t.Context(), "bob", "ann"); !errors.Is(err, account.ErrLastAdmin) {
		t.Fatal(err)
	}
	if n := len(of(t, s, "ann")); n != 2 {
		t.Errorf("%d views after a user was not removed", n)
	}
	if err := a.Remove(t.Context(), "ann", "bob"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ann x q=1 false"}, of(t, s, "ann")); diff != "" {
		t.Error(diff)
	}
}

func TestProblems(t *testing.T) {
	for name, want := range map[string]struct {
		view View
		n    int
	}{
		"right":            {View{Name: strings.Repeat("ü", 64), Query: strings.Repeat("q", 1000)}, 0},
		"long":             {View{Name: strings.Repeat("ü", 65), Query: strings.Repeat("q", 1001)}, 2},
		"empty":            {View{}, 2},
		"spaces":           {View{Name: " \u2003\u200d", Query: "q"}, 1},
		"control":          {View{Name: "a\x00b", Query: "q\n"}, 2},
		"turned around":    {View{Name: "a\u202eb", Query: "q"}, 1},
		"not UTF-8":        {View{Name: "a\xff", Query: "q\xff"}, 2},
		"joined emoji":     {View{Name: "👩\u200d🚒 mine", Query: "q"}, 0},
		"markup is a name": {View{Name: "<b>", Query: "q"}, 0},
	} {
		if got := want.view.Problems(); len(got) != want.n {
			t.Errorf("%s: %q", name, got)
		}
	}
	s := open(t, filepath.Join(t.TempDir(), "x.db"))
	if _, err := save(t, s, View{Account: "ann", Name: "a\nb", Query: "q=1"}); err == nil || len(of(t, s, "ann")) > 0 {
		t.Errorf("a name of two lines: %v", err)
	}
}

func TestStores(t *testing.T) {
	server := pgtest.Start(t)
	for kind, database := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "collector.db") },
		"postgres": func(testing.TB) string { return server.New() },
	} {
		for name, test := range map[string]func(*testing.T, func(testing.TB) string){
			"Save": testSave, "Full": testFull, "Remove": testRemove, "UserRemoved": testUserRemoved,
		} {
			t.Run(kind+"/"+name, func(t *testing.T) { test(t, database) })
		}
	}
}
