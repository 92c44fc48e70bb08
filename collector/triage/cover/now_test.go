package cover_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/triage"
	"seawall/collector/triage/cover"
)

// Of two hosts on which the same check fails, a waiver of a tag stands for one until it
// ends, and is seen within the scope of it alone.
func TestNow(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	begin := time.Now()
	now := begin
	ids := []fleet.HostID{"01010101010101010101010101010101", "02020202020202020202020202020202"}
	err = s.Write(t.Context(), func(w db.Writer) error {
		for i, id := range ids {
			key, err := id.Bytes()
			if err != nil {
				return err
			}
			for _, text := range []string{
				"INSERT INTO host (host, first_seen, last_seen, name) VALUES (?, 1, 1, 'h')",
				"INSERT INTO state VALUES (?, 'ssh-root', '', 2, 4, 7, '')", "INSERT INTO state VALUES (?, 'ssh-port', '', 4, 4, 7, '')",
				"INSERT INTO host_check VALUES (?, 'ssh-root', 1)", "INSERT INTO host_check VALUES (?, 'ssh-port', 1)",
				fmt.Sprintf("INSERT INTO host_tag VALUES (?, 'tag-%d')", i),
			} {
				if err := w.Exec(text, key); err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
			}
		}
		for _, check := range []string{"ssh-root", "ssh-port"} { // of which one is not decided, and so not failed
			if _, err := triage.Add(w, now, triage.Waiver{Check: check, Tag: "tag-1", Owner: "ann", Reason: "r", Who: "ann", Expires: now.AddDate(0, 0, 2)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := cover.New(s, func() time.Time { return now })
	look := func(scope ...string) (hosts map[fleet.HostID]int, checks map[string]int) {
		t.Helper()
		hosts, err := c.OnHosts(t.Context(), ids)
		if err == nil {
			checks, err = c.ByCheck(t.Context(), scope)
		}
		if err != nil {
			t.Fatal(err)
		}
		return hosts, checks
	}
	hosts, checks := look()
	if d := cmp.Diff(map[fleet.HostID]int{ids[1]: 1}, hosts) + cmp.Diff(map[string]int{"ssh-root": 1}, checks); d != "" {
		t.Error(d)
	}
	if _, checks = look("tag-0"); len(checks) != 0 {
		t.Errorf("another's scope has %v", checks)
	}
	decided := func(check string, ids ...fleet.HostID) []fleet.Care {
		t.Helper()
		all, err := c.Decisions(t.Context(), check, ids)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	err = s.Write(t.Context(), func(w db.Writer) error {
		return triage.Assign(w, now, triage.Key{Host: ids[0], Check: "ssh-port"}, "bob", "", "ann")
	})
	if err != nil {
		t.Fatal(err)
	}
	waived := fleet.Care{Host: ids[1], Check: "ssh-root", Owner: "ann", Until: begin.AddDate(0, 0, 2).UTC().Round(0)}
	looked := fleet.Care{Host: ids[0], Check: "ssh-port", Assignee: "bob"}
	if d := cmp.Diff([]fleet.Care{waived}, decided("ssh-root", ids...)) + cmp.Diff([]fleet.Care{looked}, decided("", ids[0])); d != "" {
		t.Error(d)
	}
	if got := decided(""); got != nil {
		t.Errorf("of no host: %v", got)
	}
	if _, err := c.Decisions(t.Context(), "", []fleet.HostID{"x"}); err == nil {
		t.Error("of what is no host there are decisions")
	}
	now = begin.AddDate(0, 0, 3)
	if got := decided("ssh-root", ids...); len(got) != 0 {
		t.Errorf("after the end: %v", got)
	}
	if hosts, checks = look(); len(hosts)+len(checks) != 0 {
		t.Errorf("after the end: %v, %v", hosts, checks)
	}
}
