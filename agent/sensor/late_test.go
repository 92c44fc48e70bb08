package sensor

import (
	"log/slog"
	"testing"
	"time"

	"seawall/agent/spool"
	"seawall/agent/witness"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// TestLateCause: what a look by the clock found is told again, with who did it, when
// the file's change that explains it comes within a minute; once, and never later.
func TestLateCause(t *testing.T) {
	h := &toyHost{actual: "good", resource: "r", looked: make(chan struct{}, 1)}
	dir := t.TempDir()
	sp, err := spool.Open(dir, spool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer sp.Close()
	s, err := New(Config{Spool: sp, Host: h.host(), Log: slog.New(slog.DiscardHandler), Audit: witness.Config{Mode: witness.Off}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.watch.Close() }()
	var told []finding.Result
	s.ledger.append = func(_ string, payload []byte) error {
		r, err := wire.Decode(payload)
		if err == nil && r.Change != nil {
			told = append(told, r.Change.Result)
		}
		return err
	}
	// look looks at group one, which the named file made stale, "" the clock.
	look := func(actual, name string, auid uint32) {
		h.set(actual)
		s.take(change{name: name, group: "one", cause: &finding.Cause{Time: time.Now(), AUID: auid, Path: name}})
		st := s.stale["one"]
		if name == "" {
			st.names = nil
		}
		s.stale["one"] = st
		s.evaluate(t.Context(), []string{"one"})
	}
	causes := func() (auids []uint32) {
		for _, r := range told {
			if r.Cause == nil {
				auids = append(auids, 0)
			} else {
				auids = append(auids, r.Cause.AUID)
			}
		}
		told = nil
		return auids
	}
	expect := func(what string, want ...uint32) {
		t.Helper()
		got := causes()
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
			t.Errorf("%s: told by %v, want %v", what, got, want)
		}
	}
	s.ledger.replace(h.host().Look(t.Context(), "one").Results)
	look("bad", "", 7)
	expect("by the clock", 0)
	look("bad", "/one", 1000)
	expect("the file that explains it", 1000)
	look("bad", "/one", 1001)
	expect("another change")
	look("worse", "", 7)
	expect("by the clock", 0)
	for key := range s.late {
		s.late[key] = time.Now().Add(-2 * lateLimit)
	}
	look("worse", "/one", 1002)
	expect("a change long after")
	look("worst", "/one", 1003)
	expect("a change with its cause", 1003)
	look("worst", "/one", 1004)
	expect("the same again")
	h.resource = ""
	look("worst", "", 7)
	expect("the host as a whole, and the resource that is gone", 0, 0)
	look("worst", "/one", 1005)
	expect("no resource: what changed it is not known")
}
