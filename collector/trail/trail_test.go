package trail_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"seawall/collector/db"
	"seawall/collector/store"
	"seawall/collector/trail"
	"seawall/scripts/pgtest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 5, time.UTC)

func open(t *testing.T) (s *store.Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "collector.db")
	s, err := store.Open(t.Context(), path, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, path
}

func record(t *testing.T, s db.DB, entries ...trail.Entry) {
	t.Helper()
	for i, e := range entries {
		err := s.Write(t.Context(), func(w db.Writer) error {
			_, err := trail.Record(w, noon.Add(time.Duration(i)*time.Second), e)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func list(t *testing.T, s db.DB, q trail.Query) (out []trail.Entry) {
	t.Helper()
	if err := s.Read(t.Context(), func(r db.Querier) (err error) { out, err = trail.List(t.Context(), r, q); return err }); err != nil {
		t.Fatal(err)
	}
	return out
}

func verify(ctx context.Context, s db.DB, head string) (n int64, err error) {
	err = s.Read(ctx, func(r db.Querier) (err error) { n, err = trail.Verify(ctx, r, head); return err })
	return n, err
}

func TestList(t *testing.T) {
	s, _ := open(t)
	record(t, s,
		trail.Entry{Who: "ann", Action: "user add", Target: "bob", Detail: "viewer of all hosts"},
		trail.Entry{Who: "bob", Action: "waiver add", Target: "ssh-a"},
		trail.Entry{Who: "ann", Action: "user remove", Target: "bob"},
		trail.Entry{Who: "ann", Action: "username", Target: "not a user"},
	)
	all := list(t, s, trail.Query{})
	if len(all) != 4 || all[0].Seq != 4 || !all[3].Time.Equal(noon) || all[3].Detail != "viewer of all hosts" {
		t.Fatalf("%+v", all)
	}
	for name, c := range map[string]struct {
		q    trail.Query
		want []int64
	}{
		"who":           {trail.Query{Who: "ann"}, []int64{4, 3, 1}},
		"noun":          {trail.Query{Action: "user"}, []int64{3, 1}},
		"noun and verb": {trail.Query{Action: "user add"}, []int64{1}},
		"before":        {trail.Query{Before: 3, Limit: 1}, []int64{2}},
	} {
		var got []int64
		for _, e := range list(t, s, c.q) {
			got = append(got, e.Seq)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (- want, + got):\n%s", name, diff)
		}
	}
}

// TestHostile: whatever a text holds, it is kept as valid UTF-8 of bounded length, and
// the chain holds.
func TestHostile(t *testing.T) {
	s, _ := open(t)
	record(t, s, trail.Entry{Who: "a\x00b", Action: "x", Target: strings.Repeat("é", 2000), Detail: "\xff<script>"})
	e := list(t, s, trail.Query{})[0]
	if e.Who != "a\uFFFDb" || len(e.Target) > 1000 || e.Detail != "\uFFFD<script>" {
		t.Errorf("%+v", e)
	}
	if n, err := verify(t.Context(), s, e.Hash); n != 1 || err != nil {
		t.Error(n, err)
	}
}

// alteration is something done to the trail behind the collector's back, and what is to
// be said of it; "" for nothing.
type alteration struct{ change, says string }

func alterations() map[string]alteration {
	return map[string]alteration{
		"nothing":      {"", ""},
		"a text":       {"UPDATE trail SET target = 'x' WHERE seq = 3", "entry 3 of"},
		"the time":     {"UPDATE trail SET at = at + 1 WHERE seq = 1", "entry 1 of"},
		"text moved":   {"UPDATE trail SET who = who || action, action = '' WHERE seq = 2", "entry 2 of"},
		"one removed":  {"DELETE FROM trail WHERE seq = 4", "entry 4 is missing"},
		"the first":    {"DELETE FROM trail WHERE seq = 1", "entry 1 is missing"},
		"the end":      {"DELETE FROM trail WHERE seq > 3", "no entry has the hash"},
		"exchanged":    {"UPDATE trail SET seq = -seq; UPDATE trail SET seq = CASE seq WHEN -2 THEN 3 WHEN -3 THEN 2 ELSE -seq END", "entry 2 of"},
		"all anew":     {"DELETE FROM trail", "no entry has the hash"},
		"a hash alone": {"UPDATE trail SET hash = (SELECT hash FROM trail WHERE seq = 1) WHERE seq = 5", "entry 5 of"},
	}
}

// TestVerify alters the trail in every way, in a file and on a server.
func TestVerify(t *testing.T) {
	server := pgtest.Start(t)
	for name, c := range alterations() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "collector.db")
			altered(t, path, c, func() {
				raw, err := sql.Open("sqlite", path)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := raw.ExecContext(t.Context(), c.change); c.change != "" && err != nil {
					t.Fatal(err)
				}
				if err := raw.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
		t.Run(name+" on PostgreSQL", func(t *testing.T) {
			address := server.New()
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			altered(t, address, c, func() { server.Execute(strings.TrimPrefix(u.Path, "/"), c.change) })
		})
	}
}

// altered writes a trail, has it altered, and looks what is said of it.
func altered(t *testing.T, name string, c alteration, alter func()) {
	t.Helper()
	quiet := store.Config{Log: slog.New(slog.DiscardHandler)}
	s, err := store.Open(t.Context(), name, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		record(t, s, trail.Entry{Who: "ann", Action: "user add", Target: fmt.Sprint("user", i)})
	}
	head := list(t, s, trail.Query{Limit: 1})[0].Hash
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c.change != "" {
		alter()
	}
	if s, err = store.Open(t.Context(), name, quiet); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	switch n, err := verify(t.Context(), s, head); {
	case c.says == "":
		if n != 5 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	case !errors.Is(err, trail.ErrBroken) || !strings.Contains(err.Error(), c.says):
		t.Errorf("%v, want %q", err, c.says)
	}
}

// TestChecked verifies what came since, and the whole when it is time.
func TestChecked(t *testing.T) {
	s, _ := open(t)
	var c trail.Checked
	now := noon
	check := func() (n int64, err error) {
		rerr := s.Read(t.Context(), func(r db.Querier) error {
			n, err = c.Verify(t.Context(), r, now)
			return nil
		})
		return n, errors.Join(err, rerr)
	}
	alter := func(text string) {
		t.Helper()
		if err := s.Write(t.Context(), func(w db.Writer) error { return w.Exec(text) }); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(what string, want int64) {
		t.Helper()
		if n, err := check(); n != want || err != nil {
			t.Errorf("%s: %d hold, %v; want %d", what, n, err, want)
		}
	}
	broken := func(what, says string) {
		t.Helper()
		for range 2 { // and the next who asks is told, too
			if _, err := check(); !errors.Is(err, trail.ErrBroken) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, want %q", what, err, says)
			}
		}
	}
	holds("an empty one", 0)
	for range 5 {
		record(t, s, trail.Entry{Who: "ann", Action: "user add"})
	}
	holds("five", 5)
	holds("again", 5)
	record(t, s, trail.Entry{Who: "ann", Action: "user add"})
	alter("UPDATE trail SET who = 'bob' WHERE seq = 6")
	broken("the newest is altered", "entry 6 of")
	alter("UPDATE trail SET who = 'ann' WHERE seq = 6")
	holds("put back", 6)
	alter("UPDATE trail SET who = 'bob' WHERE seq = 2")
	now = now.Add(time.Hour)
	broken("an old one is altered, an hour later", "entry 2 of")
	alter("UPDATE trail SET who = 'ann' WHERE seq = 2")
	holds("put back", 6)
	if err := s.Write(t.Context(), func(w db.Writer) error {
		_, err := trail.Cut(w, noon, noon.Add(time.Hour), 2)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	holds("two are deleted, one tells of it", 5)
	alter("DELETE FROM trail WHERE seq = 7")
	broken("the end is cut off", "entry 7 held before")
	record(t, s, trail.Entry{Who: "bob", Action: "user add"})
	broken("and goes on otherwise", "entry 7 held before")
}

func TestHead(t *testing.T) {
	s, _ := open(t)
	for i := range 3 {
		err := s.Read(t.Context(), func(r db.Querier) error {
			seq, hash, err := trail.Head(t.Context(), r)
			if seq != int64(i) || (hash == "") != (i == 0) {
				t.Errorf("head %d %q after %d", seq, hash, i)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		record(t, s, trail.Entry{Who: "root", Action: "x"})
	}
}

// TestCut: old entries go, the chain goes on, an entry tells of it, and whoever takes away
// more, or forges where it goes on, is found.
func TestCut(t *testing.T) {
	s, _ := open(t)
	record(t, s, trail.Entry{Who: "ann", Action: "a b"}, trail.Entry{Who: "ann", Action: "c d"}, trail.Entry{Who: "ann", Action: "e f"}, trail.Entry{Who: "ann", Action: "g h"})
	old := list(t, s, trail.Query{})
	cut := func(before time.Time, most int) (n int) {
		t.Helper()
		err := s.Write(t.Context(), func(w db.Writer) (err error) {
			n, err = trail.Cut(w, noon, before, most)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := cut(noon, 10); n != 0 {
		t.Errorf("%d entries are old", n)
	}
	if n := cut(noon.Add(2*time.Second), 1); n != 1 {
		t.Errorf("%d entries in a step of one", n)
	}
	if n := cut(noon.Add(2*time.Second), 10); n != 1 {
		t.Errorf("%d entries in the second step", n)
	}
	all := list(t, s, trail.Query{})
	if len(all) != 4 || all[3].Seq != 3 || all[0].Who != "collector" || all[0].Target != "2" || !strings.Contains(all[0].Detail, old[2].Hash) {
		t.Fatalf("%+v", all)
	}
	for _, head := range []string{"", old[0].Hash, old[2].Hash} {
		if n, err := verify(t.Context(), s, head); n != 4 || err != nil {
			t.Errorf("head %q: %d, %v", head, n, err)
		}
	}
	if _, err := verify(t.Context(), s, old[3].Hash); !errors.Is(err, trail.ErrBroken) {
		t.Errorf("a head that was deleted: %v", err)
	}
	for name, text := range map[string]string{
		"another number": "UPDATE trail_cut SET seq = seq - 1",
		"no cut":         "UPDATE trail_cut SET seq = 0",
	} {
		if err := s.Write(t.Context(), func(w db.Writer) error { return w.Exec(text) }); err != nil {
			t.Fatal(err)
		}
		if _, err := verify(t.Context(), s, ""); !errors.Is(err, trail.ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Write(t.Context(), func(w db.Writer) error { return w.Exec("UPDATE trail_cut SET seq = 2") }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Write(t.Context(), func(w db.Writer) error { return w.Exec("UPDATE trail_cut SET hash = x'00'") }); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t.Context(), s, ""); !errors.Is(err, trail.ErrBroken) {
		t.Errorf("a forged start: %v", err)
	}
	if n := cut(noon.Add(time.Hour), 10); n == 0 {
		t.Error("nothing is cut")
	}
	if all := list(t, s, trail.Query{}); len(all) != 2 {
		t.Errorf("the newest entry does not stay: %+v", all)
	}
}

// TestActor carries who acts through a context.
func TestActor(t *testing.T) {
	if who := trail.By(t.Context()); who != "" {
		t.Errorf("%q acts", who)
	}
	if who := trail.By(context.WithoutCancel(trail.As(t.Context(), "ann"))); who != "ann" {
		t.Errorf("%q acts", who)
	}
}
