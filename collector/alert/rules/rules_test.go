package rules

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/alert"
	"seawall/collector/db"
	"seawall/collector/store"
)

// TestWithin: who sees some hosts sees the rules that can tell of them, and of their tags no
// others.
func TestWithin(t *testing.T) {
	rule := func(name string, tags ...string) alert.Rule { return alert.Rule{Name: name, Tags: tags} }
	all := []alert.Rule{rule("all"), rule("mine", "a=1"), rule("both", "b=2", "a=1", "c=3"), rule("other", "b=2")}
	want := []alert.Rule{rule("all"), rule("mine", "a=1"), rule("both", "a=1", "c=3")}
	if d := cmp.Diff(want, Within(all, []string{"a=1", "c=3"})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]alert.Rule{rule("all"), rule("mine", "a=1"), rule("both", "b=2", "a=1", "c=3"), rule("other", "b=2")}, Within(all, nil)); d != "" {
		t.Errorf("who sees all hosts: %s", d)
	}
}

func TestRules(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	now := time.Unix(1_800_000_000, 0)
	save := func(r alert.Rule) (id int64, err error) {
		err = s.Write(t.Context(), func(w db.Writer) (err error) { id, err = Save(w, now, r); return err })
		return id, err
	}
	r := alert.NewRule()
	r.Name, r.Routes, r.Checks = "b", []string{"mail"}, []string{"ssh-*"}
	if r.ID, err = save(r); err != nil || r.ID != 1 {
		t.Fatalf("id %d, %v", r.ID, err)
	}
	two := r
	two.ID = 0
	if _, err := save(two); !errors.Is(err, ErrTaken) {
		t.Errorf("the same name: %v", err)
	}
	two.Name = "a"
	if two.ID, err = save(two); err != nil || two.ID != 2 {
		t.Fatalf("id %d, %v", two.ID, err)
	}
	two.Name = "b"
	if _, err := save(two); !errors.Is(err, ErrTaken) {
		t.Errorf("the name of another: %v", err)
	}
	two.Name = ""
	if _, err := save(two); err == nil {
		t.Error("a rule without a name is saved")
	}
	two.Name, two.Enabled = "a2", false
	if _, err := save(two); err != nil {
		t.Fatal(err)
	}
	all, err := List(t.Context(), s)
	if d := cmp.Diff([]alert.Rule{two, r}, all); d != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, d)
	}
	if got, err := Get(t.Context(), s, 2); err != nil || got.Name != "a2" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.Write(t.Context(), func(w db.Writer) error { return Delete(w, 2) }); err != nil {
		t.Fatal(err)
	}
	if _, err := Get(t.Context(), s, 2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a rule that is gone: %v", err)
	}
	if _, err := save(two); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a change of a rule that is gone: %v", err)
	}
}
