package ledger

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/membership"
)

const host = fleet.HostID("0123456789abcdef0123456789abcdef")

// TestTells changes a member in every way that a person should know of, and some
// that nobody should.
func TestTells(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	l := Ledger{Update: db.Update, Read: db.Read}
	m := fleet.Member{Host: host, Standing: fleet.Active, Enrolled: time.Now(), Expires: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
	if _, err := l.Change(t.Context(), host, func(*fleet.Member) error { return nil }); !errors.Is(err, fleet.ErrUnknown) {
		t.Errorf("one that nobody admitted is changed: %v", err)
	}
	if err := db.Update(t.Context(), func(tx *membership.Tx) error { return tx.PutMember(m) }); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		change func(*fleet.Member)
		what   string // "" for nothing
		detail string
	}{
		{func(m *fleet.Member) { m.Session, m.Confirmed = 7, true }, "", ""},
		{func(m *fleet.Member) { m.Bundle = 7 }, "", ""},
		{func(m *fleet.Member) { m.Standing, m.Reason = fleet.Quarantined, "two places" }, "quarantined", "two places"},
		{func(m *fleet.Member) { m.Standing, m.Reason = fleet.Active, "" }, "released", ""},
		{func(m *fleet.Member) { m.Recoveries++; m.Expires = m.Expires.AddDate(0, 2, 0) }, "recovered",
			"came back with a certificate that expired at 2026-06-01T00:00:00Z, for the 1st time"},
		{func(m *fleet.Member) { m.Token = "0123" }, "enrolled", "enrolled again with token 0123"},
		{func(m *fleet.Member) { m.Standing, m.Reason = fleet.Revoked, "sold" }, "revoked", "sold"},
	} {
		before := events(t, db)
		var err error
		if m, err = l.Change(t.Context(), host, func(m *fleet.Member) error { step.change(m); return nil }); err != nil {
			t.Fatal(err)
		}
		saved, err := l.Members(t.Context())
		if err != nil || len(saved) != 1 || saved[0].Standing != m.Standing || saved[0].Session != m.Session {
			t.Errorf("saved %+v, %v", saved, err)
		}
		after := events(t, db)
		switch {
		case step.what == "" && len(after) != len(before):
			t.Errorf("told %+v", after[0])
		case step.what != "" && (len(after) != len(before)+1 || after[0].Change.Result.Resource != step.what || after[0].Change.Result.Actual != step.detail):
			t.Errorf("told %+v, want %s: %s", after[0].Change.Result, step.what, step.detail)
		}
	}
}

// TestChange: what do refuses is not kept, and hosts that are no members are left out.
func TestChange(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	l := Ledger{Update: db.Update, Read: db.Read}
	if err := db.Update(t.Context(), func(tx *membership.Tx) error {
		return tx.PutMember(fleet.Member{Host: host, Standing: fleet.Active})
	}); err != nil {
		t.Fatal(err)
	}
	sorry := errors.New("no")
	if _, err := l.Change(t.Context(), host, func(m *fleet.Member) error { m.Session = 9; return sorry }); !errors.Is(err, sorry) {
		t.Error(err)
	}
	some, err := l.Some(t.Context(), []fleet.HostID{"ffffffffffffffffffffffffffffffff", host})
	if err != nil || len(some) != 1 || some[0].Host != host || some[0].Session != 0 {
		t.Errorf("%+v, %v", some, err)
	}
	if _, err := l.Some(t.Context(), []fleet.HostID{"no host"}); err == nil {
		t.Error("an id that is none")
	}
}

// events is the timeline, newest first.
func events(t *testing.T, db *store.Store) []fleet.Event {
	t.Helper()
	all, err := db.Timeline(t.Context(), fleet.TimelineQuery{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOrdinal(t *testing.T) {
	var got []string
	for _, n := range []int{1, 2, 3, 4, 11, 12, 13, 21, 101, 111, 122} {
		got = append(got, ordinal(n))
	}
	if want := []string{"1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "101st", "111th", "122nd"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
