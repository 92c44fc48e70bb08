package triage

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

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/pkg/finding"
	"seawall/scripts/pgtest"
)

var noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

const (
	one = fleet.HostID("01010101010101010101010101010101")
	two = fleet.HostID("02020202020202020202020202020202")
)

// open returns a store with two hosts: on both ssh-root fails, and files twice on the
// first. The second has the tag env=prod from an administrator, and says itself that it
// has the tag test.
func open(t *testing.T, database string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), database, store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	write(t, s, func(w db.Writer) error {
		for i, id := range []fleet.HostID{one, two} {
			key, err := id.Bytes()
			if err != nil {
				return err
			}
			err = errors.Join(
				w.Exec("INSERT INTO host (host, first_seen, last_seen, name) VALUES (?, 1, 1, ?)", key, fmt.Sprintf("h%d", i+1)),
				w.Exec("INSERT INTO state VALUES (?, 'ssh-root', '', 2, 4, 7, ?)", key, []byte{}),
				w.Exec("INSERT INTO host_check VALUES (?, 'ssh-root', 1)", key))
			if err == nil && id == one {
				err = errors.Join(w.Exec("INSERT INTO state VALUES (?, 'files', '/a', 2, 3, 7, ?), (?, 'files', '/b', 4, 3, 8, ?)", key, []byte{}, key, []byte{}),
					w.Exec("INSERT INTO host_check VALUES (?, 'files', 2)", key))
			}
			if err == nil && id == two {
				err = errors.Join(w.Exec("INSERT INTO host_tag VALUES (?, 'env=prod')", key), w.Exec("INSERT INTO host_told VALUES (?, 'test')", key),
					w.Exec("INSERT INTO state VALUES (?, 'files', '/a', 1, 3, 7, ?)", key, []byte{}))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

func write(t *testing.T, s *store.Store, do func(db.Writer) error) {
	t.Helper()
	if err := s.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func waive(t *testing.T, s *store.Store, v Waiver) string {
	t.Helper()
	v.Owner, v.Reason, v.Who = "ann", "known", "bob"
	if v.Expires.IsZero() {
		v.Expires = noon.Add(time.Hour)
	}
	var id string
	write(t, s, func(w db.Writer) (err error) {
		id, err = Add(w, noon, v)
		return err
	})
	return id
}

// What a waiver stands for is what it says, and only until its end; the state is as it
// was all along.
func testCovered(t *testing.T, database func(testing.TB) string) {
	for name, test := range map[string]struct {
		waiver Waiver
		want   map[string]int
	}{
		"a check on all hosts":     {Waiver{Check: "ssh-root"}, map[string]int{"ssh-root": 2}},
		"on one host":              {Waiver{Check: "ssh-root", Host: one}, map[string]int{"ssh-root": 1}},
		"on those with a tag":      {Waiver{Check: "ssh-root", Tag: "env=prod"}, map[string]int{"ssh-root": 1}},
		"a tag that the host told": {Waiver{Check: "ssh-root", Tag: "test"}, map[string]int{}},
		"one resource":             {Waiver{Check: "files", Resource: "/b"}, map[string]int{"files": 1}},
		"all resources":            {Waiver{Check: "files"}, map[string]int{"files": 2}},
		"a resource that is good":  {Waiver{Check: "files", Resource: "/a", Host: two}, map[string]int{}},
		"no such check":            {Waiver{Check: "%"}, map[string]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, database(t))
			before := states(t, s)
			id := waive(t, s, test.waiver)
			covered := func(at time.Time) map[string]int {
				by, err := Covered(t.Context(), s, at, nil)
				if err != nil {
					t.Fatal(err)
				}
				return by
			}
			if diff := cmp.Diff(test.want, covered(noon)); diff != "" {
				t.Errorf("while it stands (- want, + got):\n%s", diff)
			}
			if by := covered(noon.Add(time.Hour)); len(by) > 0 {
				t.Errorf("after its end: %v", by)
			}
			write(t, s, func(w db.Writer) error { return End(w, noon, id, "eve") })
			if by := covered(noon); len(by) > 0 {
				t.Errorf("after somebody ended it: %v", by)
			}
			if diff := cmp.Diff(before, states(t, s)); diff != "" {
				t.Errorf("the results changed:\n%s", diff)
			}
		})
	}
}

// Of a tag only the hosts that have it count.
func testCoveredOfATag(t *testing.T, database func(testing.TB) string) {
	s := open(t, database(t))
	waive(t, s, Waiver{Check: "ssh-root"})
	for tags, want := range map[string]map[string]int{"env=prod": {"ssh-root": 1}, "test": {}, "test env=prod": {"ssh-root": 1}, "": {"ssh-root": 2}} {
		by, err := Covered(t.Context(), s, noon, strings.Fields(tags))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, by); diff != "" {
			t.Errorf("tags %q (- want, + got):\n%s", tags, diff)
		}
	}
}

// states is what stands in the store, a line for each.
func states(t *testing.T, s *store.Store) (all []string) {
	t.Helper()
	err := s.Read(t.Context(), func(q db.Querier) error {
		return db.Each(t.Context(), q, func(scan func(...any) error) error {
			var host, body []byte
			var check, resource string
			var status, severity, since int64
			err := scan(&host, &check, &resource, &status, &severity, &since, &body)
			all = append(all, fmt.Sprint(host, check, resource, status, severity, since, body))
			return err
		}, "SELECT host, check_id, resource, status, severity, since, body FROM state ORDER BY host, check_id, resource")
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A finding is new until somebody looks, and has to be looked at again when it was good
// in between.
func testLife(t *testing.T, database func(testing.TB) string) {
	s := open(t, database(t))
	k := Key{two, "ssh-root", ""}
	key, err := two.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	status := func(status finding.Status, times int) {
		write(t, s, func(w db.Writer) error {
			return errors.Join(w.Exec("UPDATE state SET status = ? WHERE host = ? AND check_id = 'ssh-root'", status, key),
				w.Exec("DELETE FROM life"), w.Exec("INSERT INTO life VALUES (?, 'ssh-root', '', ?, 5)", key, times))
		})
	}
	assign := func() {
		write(t, s, func(w db.Writer) error { return Assign(w, noon, k, "ann", "look\u202eat it", "bob") })
	}
	expect := func(what string, want Life) {
		t.Helper()
		f, err := Get(t.Context(), s, noon, k)
		if err != nil {
			t.Fatal(err)
		}
		if f.Life != want {
			t.Errorf("%s: %s, want %s", what, f.Life, want)
		}
	}
	expect("nobody looked", New)
	assign()
	expect("somebody looked", Open)
	status(finding.StatusPass, 1)
	expect("good", Resolved)
	status(finding.StatusFail, 1)
	expect("bad again", Reopened)
	assign()
	expect("looked at again", Open)
	id := waive(t, s, Waiver{Check: "ssh-root", Tag: "env=prod"})
	expect("waived", Waived)
	write(t, s, func(w db.Writer) error { return End(w, noon, id, "bob") })
	expect("no more", Open)

	f, err := Get(t.Context(), s, noon, k)
	if err != nil {
		t.Fatal(err)
	}
	want := Finding{Key: k, HostName: "h2", Status: finding.StatusFail, Severity: 4, Since: moment(7), Times: 1, Resolved: moment(5),
		Life: Open, Assignee: "ann", Note: "look\u202eat it", Who: "bob", Changed: noon, looked: 1}
	if diff := cmp.Diff(want, f, cmp.AllowUnexported(Finding{})); diff != "" {
		t.Errorf("(- want, + got):\n%s", diff)
	}
}

func testLists(t *testing.T, database func(testing.TB) string) {
	s := open(t, database(t))
	write(t, s, func(w db.Writer) error { return Assign(w, noon, Key{one, "files", "/b"}, "ann", "", "bob") })
	names := func(all []Finding, err error) (out []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			out = append(out, f.HostName+" "+f.Check+" "+f.Resource+" "+string(f.Life))
		}
		return out
	}
	for what, test := range map[string]struct{ got, want []string }{
		"of a host":  {names(OfHost(t.Context(), s, noon, one, 10)), []string{"h1 ssh-root  new", "h1 files /a new", "h1 files /b open"}},
		"of a check": {names(FindingsOf(t.Context(), s, noon, "ssh-root", nil, 10)), []string{"h1 ssh-root  new", "h2 ssh-root  new"}},
		"limited":    {names(FindingsOf(t.Context(), s, noon, "ssh-root", nil, 1)), []string{"h1 ssh-root  new"}},
		"in a scope": {names(FindingsOf(t.Context(), s, noon, "ssh-root", []string{"env=prod"}, 10)), []string{"h2 ssh-root  new"}},
		"of nobody":  {names(Assigned(t.Context(), s, noon, []string{"env=prod"}, 10)), nil},
		"assigned":   {names(Assigned(t.Context(), s, noon, nil, 10)), []string{"h1 files /b open"}},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (- want, + got):\n%s", what, diff)
		}
	}
	for _, k := range []Key{{one, "none", ""}, {"x", "ssh-root", ""}, {two, "ssh-root", "' OR 1=1 --"}} {
		if _, err := Get(t.Context(), s, noon, k); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", k, err)
		}
		err := s.Write(t.Context(), func(w db.Writer) error { return Assign(w, noon, k, "", "", "") })
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("assign %v: %v", k, err)
		}
	}
	tags, err := Tags(t.Context(), s, two)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"env=prod"}, tags); diff != "" {
		t.Errorf("tags (- want, + got):\n%s", diff)
	}
}

func testWaivers(t *testing.T, database func(testing.TB) string) {
	s := open(t, database(t))
	late := waive(t, s, Waiver{Check: "ssh-root", Host: one, Expires: noon.Add(2 * time.Hour)})
	soon := waive(t, s, Waiver{Check: "files", Resource: "/a", Expires: noon.Add(time.Minute)})
	ids := func(all []Waiver, err error) (out []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range all {
			out = append(out, v.ID)
		}
		return out
	}
	expect := func(what string, got []string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (- want, + got):\n%s", what, diff)
		}
	}
	expect("standing", ids(Waivers(t.Context(), s, noon, false)), soon, late)
	expect("past", ids(Waivers(t.Context(), s, noon, true)))
	expect("of a check", ids(OfCheck(t.Context(), s, noon, "ssh-root")), late)
	expect("one has expired", ids(Waivers(t.Context(), s, noon.Add(time.Hour), true)), soon)
	write(t, s, func(w db.Writer) error { return End(w, noon, late, "eve") })
	for _, id := range []string{late, "none", ""} {
		if err := s.Write(t.Context(), func(w db.Writer) error { return End(w, noon, id, "eve") }); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("end %q: %v", id, err)
		}
	}
	v, err := One(t.Context(), s, late)
	if err != nil {
		t.Fatal(err)
	}
	want := Waiver{ID: late, Check: "ssh-root", Host: one, Owner: "ann", Reason: "known", Who: "bob", Made: noon,
		Expires: noon.Add(2 * time.Hour), Ended: noon, EndedBy: "eve"}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("(- want, + got):\n%s", diff)
	}
	if _, err := One(t.Context(), s, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// A waiver without an end, an owner or a reason is none.
func TestProblems(t *testing.T) {
	good := Waiver{Check: "c", Owner: "ann", Reason: "known", Expires: noon.Add(Longest)}
	if all := good.Problems(noon); len(all) > 0 {
		t.Fatal(all)
	}
	for name, spoil := range map[string]func(*Waiver){
		"no check":      func(w *Waiver) { w.Check = " " },
		"no owner":      func(w *Waiver) { w.Owner = "" },
		"no reason":     func(w *Waiver) { w.Reason = "\t" },
		"no end":        func(w *Waiver) { w.Expires = time.Time{} },
		"in the past":   func(w *Waiver) { w.Expires = noon },
		"too long":      func(w *Waiver) { w.Expires = noon.Add(Longest + 1) },
		"host and tag":  func(w *Waiver) { w.Host, w.Tag = one, "x" },
		"no such host":  func(w *Waiver) { w.Host = "h1" },
		"huge":          func(w *Waiver) { w.Reason = strings.Repeat("x", maxText+1) },
		"huge resource": func(w *Waiver) { w.Resource = strings.Repeat("x", maxText+1) },
		"huge tag":      func(w *Waiver) { w.Tag = strings.Repeat("x", maxName+1) },
		"no text":       func(w *Waiver) { w.Owner = "\xff" },
	} {
		w := good
		spoil(&w)
		if len(w.Problems(noon)) != 1 {
			t.Errorf("%s: %q", name, w.Problems(noon))
		}
		if _, err := Add(nil, noon, w); err == nil {
			t.Errorf("%s: kept", name)
		}
	}
}

// TestStores runs the tests of what is kept on both kinds of database.
func TestStores(t *testing.T) {
	server := pgtest.Start(t)
	for kind, database := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "collector.db") },
		"postgres": func(testing.TB) string { return server.New() },
	} {
		for name, test := range map[string]func(*testing.T, func(testing.TB) string){
			"Covered":       testCovered,
			"CoveredOfATag": testCoveredOfATag,
			"Life":          testLife,
			"Lists":         testLists,
			"Waivers":       testWaivers,
		} {
			t.Run(kind+"/"+name, func(t *testing.T) { test(t, database) })
		}
	}
}
