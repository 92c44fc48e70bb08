package tag_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/account"
	"seawall/collector/account/tag"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/trail"
)

const (
	one = fleet.HostID("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa01")
	two = fleet.HostID("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa02")
	own = fleet.HostID("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01")
)

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, id := range []fleet.HostID{one, two, own} {
		key, err := id.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		err = s.Write(t.Context(), func(w db.Writer) error {
			return w.Exec("INSERT INTO host (host, first_seen, last_seen, name) VALUES (?, 1, 1, ?)", key, "host-"+string(id[31:])+string(id[:1]))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func change(t *testing.T, s *store.Store, host string, add, remove []string) (tags []string, err error) {
	t.Helper()
	err = s.Write(t.Context(), func(w db.Writer) (err error) {
		tags, err = tag.Change(w, time.Now(), "ann", host, add, remove)
		return err
	})
	return tags, err
}

func TestChange(t *testing.T) {
	s := open(t)
	for _, step := range []struct {
		host        string
		add, remove []string
		want        []string
	}{
		{string(one), []string{"web", "db", "web"}, nil, []string{"db", "web"}},
		{"bbbbbbbb", []string{"web"}, nil, []string{"web"}},
		{string(one), []string{"eu"}, []string{"db", "not there"}, []string{"eu", "web"}},
		{"bbbbbbbbb", nil, []string{"web"}, nil},
	} {
		got, err := change(t, s, step.host, step.add, step.remove)
		if diff := cmp.Diff(step.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (- want, + got):\n%s", step.host, err, diff)
		}
	}
	err := s.Read(t.Context(), func(q db.Querier) error {
		all, err := tag.List(t.Context(), q)
		if diff := cmp.Diff([]tag.Host{{ID: one, Name: "host-1a", Tags: []string{"eu", "web"}}}, all); diff != "" {
			t.Error(diff)
		}
		told, terr := trail.List(t.Context(), q, trail.Query{Action: "host tag"})
		if len(told) != 4 || told[1].Target != string(one) || told[1].Detail != "eu, web" {
			t.Errorf("%+v", told)
		}
		return errors.Join(err, terr)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	s := open(t)
	for host, want := range map[string]error{
		"aaaaaaaa": tag.ErrSeveral, "cccccccc": fs.ErrNotExist, "bbbbbbb": fs.ErrNotExist, "": fs.ErrNotExist,
		"%": fs.ErrNotExist, "bbbbbbbb' OR 1=1": fs.ErrNotExist, string(one) + "0": fs.ErrNotExist,
	} {
		if _, err := change(t, s, host, []string{"web"}, nil); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", host, err, want)
		}
	}
	for _, bad := range []string{"", "a b", "\x1b", strings.Repeat("t", 65)} {
		if _, err := change(t, s, string(one), []string{bad}, nil); !errors.Is(err, account.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestSet: a host has the tags that were set and no others; a host that is not there has
// none and gets none.
func TestSet(t *testing.T) {
	s := open(t)
	if _, err := change(t, s, string(one), []string{"old"}, nil); err != nil {
		t.Fatal(err)
	}
	set := func(host fleet.HostID, tags ...string) error {
		return s.Write(t.Context(), func(w db.Writer) error {
			_, err := tag.Set(w, time.Now(), "ann", string(host), tags)
			return err
		})
	}
	if err := set(one, "b", "a", "b"); err != nil {
		t.Fatal(err)
	}
	if err := set(two, "a b"); !errors.Is(err, account.ErrInvalid) {
		t.Errorf("a tag with a blank: %v", err)
	}
	if got, err := tag.Of(t.Context(), s, one); err != nil || !cmp.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := tag.Of(t.Context(), s, two); err != nil || len(got) > 0 {
		t.Errorf("%q, %v", got, err)
	}
	const none = fleet.HostID("cccccccccccccccccccccccccccccc01")
	if err := set(none, "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("set for none: %v", err)
	}
	if _, err := tag.Of(t.Context(), s, none); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of none: %v", err)
	}
}
