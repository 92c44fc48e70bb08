package admit_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/collector/db"
	"seawall/collector/enrol"
	"seawall/collector/fleet"
	"seawall/collector/trail"
)

// TestPerson: a host is archived, and revoked for ever, under its session; a machine that
// waits is decided upon.
func TestPerson(t *testing.T) {
	c := start(t, "", nil)
	ann := trail.As(t.Context(), "ann")
	m := newMachine(t)
	must(t, m.enrol(c, c.invite(enrol.Invitation{})))
	session, err := m.deliver(c)
	must(t, err)
	host := session.Member().Host
	if one, err := c.Change(ann, host, "release", ""); err != nil || one.Standing != fleet.Active {
		t.Errorf("one that is active is released: %+v, %v", one, err)
	}
	if one, err := c.Change(ann, host, "archive", ""); err != nil || one.Archived.IsZero() {
		t.Errorf("archived: %+v, %v", one, err)
	}
	for range 2 {
		if one, err := c.Change(ann, host, "revoke", "sold"); err != nil || one.Standing != fleet.Revoked || one.Reason != "sold" {
			t.Errorf("revoked: %+v, %v", one, err)
		}
	}
	if session.Check() == nil {
		t.Error("its session goes on")
	}
	for _, change := range []string{"release", "erase"} {
		if _, err := c.Change(ann, host, change, ""); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", change, err)
		}
	}
	for _, id := range []fleet.HostID{"x", "00000000000000000000000000000000"} {
		if _, err := c.Change(t.Context(), id, "revoke", ""); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("one that is no member: %v", err)
		}
	}
	other := newMachine(t)
	waiting := c.invite(enrol.Invitation{Approval: true})
	if err := other.enrol(c, waiting); status.Code(err) == codes.OK {
		t.Fatal("it did not have to wait")
	}
	all, err := c.store.Requests(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if r, err := c.Decide(ann, all[0].ID, fleet.Approved); err != nil || r.Decision != fleet.Approved {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := c.Decide(ann, "none", fleet.Approved); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not known: %v", err)
	}
	must(t, other.enrol(c, waiting))
	// What was done once is told once, and what was refused is not.
	var told []string
	must(t, c.store.Read(t.Context(), func(q db.Querier) error {
		lines, err := trail.List(t.Context(), q, trail.Query{Who: "ann", Limit: 10})
		for _, e := range lines {
			told = append(told, e.Action)
		}
		return err
	}))
	if got := strings.Join(told, ", "); got != "request approved, host revoke, host archive" {
		t.Errorf("the trail says %q", got)
	}
}
