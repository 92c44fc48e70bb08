package roster

import (
	"errors"
	"testing"

	"seawall/collector/fleet"
	seawallv1 "seawall/proto/seawall/v1"
)

// TestForget: a forgotten member's session ends, and nothing that was under way saves
// it again.
func TestForget(t *testing.T) {
	r, rec, state := open(t)
	s := mustBegin(t, r, 0, state)
	sorry := errors.New("no")
	if err := r.Forget(t.Context(), host, func() error { return sorry }); !errors.Is(err, sorry) {
		t.Fatal(err)
	}
	<-s.ended
	if m, ok := r.Member(host); !ok || m.Standing != fleet.Active {
		t.Fatalf("after an erasure that failed: %+v, %v", m, ok)
	}
	s = mustBegin(t, r, s.number, state)
	slow := make(chan error)
	err := r.Forget(t.Context(), host, func() error {
		entry := r.entry(host)
		go func() {
			_, err := r.Change(t.Context(), host, func(*fleet.Member) error { return nil })
			slow <- err
		}()
		if len(entry.change) != 1 {
			t.Error("others may change the member meanwhile")
		}
		delete(rec.members, host)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	<-s.ended
	if got := reason(<-slow); got != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("a slow change: %v", got)
	}
	if got := reason(s.why); got != seawallv1.Reason_REASON_HOST_REVOKED {
		t.Errorf("the session ended with %v", got)
	}
	if _, err := r.Identify(t.Context(), state); reason(err) != seawallv1.Reason_REASON_HOST_UNKNOWN {
		t.Errorf("it may come again: %v", err)
	}
	if _, ok := r.Member(host); ok || len(rec.members) != 0 {
		t.Errorf("it is still a member: %v", rec.members)
	}
	called := false
	if err := r.Forget(t.Context(), host, func() error { called = true; return nil }); err != nil || !called {
		t.Errorf("a host that is no member: %v, %v", called, err)
	}
}
