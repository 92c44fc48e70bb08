package report

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/triage/cover"
	"seawall/scripts/pgtest"
)

var noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

const (
	one   = fleet.HostID("01010101010101010101010101010101")
	two   = fleet.HostID("02020202020202020202020202020202")
	three = fleet.HostID("03030303030303030303030303030303") // archived
)

func TestOnSQLite(t *testing.T) {
	test(t, filepath.Join(t.TempDir(), "collector.db"))
}

func TestOnPostgres(t *testing.T) {
	test(t, pgtest.Start(t).New())
}

func test(t *testing.T, database string) {
	s, err := store.Open(t.Context(), database, store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Write(t.Context(), fill); err != nil {
		t.Fatal(err)
	}
	reports := New(Config{Data: s, Checks: s.Checks, Hosts: s.HostPage})
	for name, c := range map[string]struct {
		in   cover.Hosts
		want summary
	}{
		"fleet":            {cover.Hosts{}, summary{Hosts: 2, Fail: 3, After: 1, Pending: Pending{All: 2, Week: 1, Quarter: 1}, Worst: 2, Checks: 2, Days: 10, First: 9}},
		"a given tag":      {cover.Hosts{Tag: "prod"}, summary{Hosts: 1, Fail: 1, Pending: Pending{All: 1, Quarter: 1}, Worst: 1, Checks: 1, Days: 6, First: 5}},
		"a told tag":       {cover.Hosts{Tag: "told"}, summary{Hosts: 1, Fail: 2, After: 1, Pending: Pending{All: 1, Week: 1}, Worst: 1, Checks: 2, Days: 6, First: 4}},
		"a scope":          {cover.Hosts{Scope: []string{"prod"}}, summary{Hosts: 1, Fail: 1, Pending: Pending{All: 1, Quarter: 1}, Worst: 1, Checks: 1, Days: 6, First: 5}},
		"a told scope":     {cover.Hosts{Scope: []string{"told"}}, summary{Days: 1}},
		"a scope's tag":    {cover.Hosts{Scope: []string{"prod"}, Tag: "told"}, summary{Days: 1}},
		"a host":           {cover.Hosts{Host: one}, summary{Hosts: 1, Fail: 2, After: 1, Pending: Pending{All: 1, Week: 1}, Checks: 2, Days: 6, First: 4}},
		"a host, no scope": {cover.Hosts{Host: one, Scope: []string{"prod"}}, summary{Days: 1}},
		"an archived host": {cover.Hosts{Host: three}, summary{Hosts: 1, Fail: 7, After: 7, Days: 1, First: 7}},
	} {
		r, err := reports.Make(t.Context(), noon, c.in, 10)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := summary{Hosts: r.Hosts, Pending: r.Pending, Worst: len(r.Worst), Checks: len(r.Checks), Days: len(r.Days), First: r.Days[0].Counts.Fail}
		got.Fail, got.After = r.Fails()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (- want, + got):\n%s", name, diff)
		}
		last := r.Days[len(r.Days)-1]
		if last.Counts != r.Counts || !last.Day.Equal(noon.Truncate(24*time.Hour)) {
			t.Errorf("%s: today is %+v", name, last)
		}
	}
	if _, err := reports.Make(t.Context(), noon, cover.Hosts{Host: "' OR 1=1 --"}, 10); err == nil {
		t.Error("a host of no right form is reported of")
	}
}

// summary is what of a report is compared.
type summary struct {
	Hosts, Fail, After         int
	Pending                    Pending
	Worst, Checks, Days, First int
}

// fill writes two hosts and an archived one. The waiver stands for ssh-root everywhere,
// which fails on both; on the first, files fails too.
func fill(w db.Writer) error {
	today := noon.Unix() / 86400
	keys := make([][]byte, 3)
	for i, id := range []fleet.HostID{one, two, three} {
		key, err := id.Bytes()
		if err != nil {
			return err
		}
		keys[i] = key
	}
	for _, step := range []struct {
		text string
		args []any
	}{
		{"INSERT INTO host (host, first_seen, last_seen, name, pass, fail, severity3, severity4, pending) VALUES (?, 1, ?, 'a', 5, 2, 1, 1, 1)", []any{keys[0], noon.UnixNano()}},
		{"INSERT INTO host (host, first_seen, last_seen, name, pass, fail, severity4, pending) VALUES (?, 1, ?, 'b', 6, 1, 1, 1)", []any{keys[1], noon.UnixNano()}},
		{"INSERT INTO host (host, first_seen, last_seen, name, fail, severity4, archived) VALUES (?, 1, 1, 'c', 7, 7, 1)", []any{keys[2]}},
		{"INSERT INTO host_tag VALUES (?, 'prod')", []any{keys[1]}},
		{"INSERT INTO host_told VALUES (?, 'told')", []any{keys[0]}},
		{"INSERT INTO host_check VALUES (?, 'ssh-root', 1), (?, 'files', 1), (?, 'ssh-root', 1)", []any{keys[0], keys[0], keys[1]}},
		{"INSERT INTO state VALUES (?, 'ssh-root', '', 2, 4, 7, ?), (?, 'files', '/a', 2, 3, 7, ?), (?, 'ssh-root', '', 2, 4, 7, ?)",
			[]any{keys[0], []byte{}, keys[0], []byte{}, keys[1], []byte{}}},
		{"INSERT INTO state VALUES (?, 'patch-security-updates', 'vim', 2, 4, ?, ?), (?, 'patch-security-updates', 'vim', 2, 4, ?, ?)",
			[]any{keys[0], noon.AddDate(0, 0, -2).UnixNano(), []byte{}, keys[1], noon.AddDate(0, 0, -45).UnixNano(), []byte{}}},
		{"INSERT INTO check_rollup (check_id, fail, hosts) VALUES ('ssh-root', 2, 2), ('files', 1, 1), ('fine', 0, 0)", nil},
		{"INSERT INTO day (day, fail) VALUES (?, 9), (?, 4), (?, 8)", []any{today - 40, today - 4, today - 50}},
		{"INSERT INTO host_day VALUES (?, ?, 0, 4, 0, 0), (?, ?, 0, 5, 0, 0)", []any{keys[0], today - 5, keys[1], today - 5}},
		{"INSERT INTO waiver VALUES ('W', 'ssh-root', '', ?, '', 'ann', 'known', 'ann', 1, ?, 0, '')", []any{[]byte{}, noon.AddDate(0, 1, 0).UnixNano()}},
	} {
		if err := w.Exec(step.text, step.args...); err != nil {
			return err
		}
	}
	return nil
}
