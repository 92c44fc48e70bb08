package trust

import (
	"testing"
	"time"

	"seawall/agent/enrol"
	"seawall/agent/uplink"
	collectorenrol "seawall/collector/enrol"
	"seawall/collector/fleet"
	"seawall/collector/roster"
)

// TestYear runs host and collector for a year, an authority made anew every
// quarter: the host is never without a good certificate, and nobody visits it.
func TestYear(t *testing.T) {
	c := newCollector(t)
	h := newMember(t, c, "1")
	began := c.clock.Now()
	for n := 1; c.clock.Now().Sub(began) < 365*day; n++ {
		before := h.id.Expires()
		c.clock.advance(7 * day)
		h.await("a new certificate", func(enrol.State, uplink.State) bool { return h.id.Expires().After(before) })
		if n%13 == 0 {
			if err := c.authority.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			b, _ := c.authority.Bundle()
			h.await("the new bundle", func(enrol.State, uplink.State) bool { return h.id.Bundle().Revision == b.Revision })
		}
	}
	h.delivers()
	if m := c.member(h.id.Host()); m.Recoveries != 0 || m.Standing != fleet.Active {
		t.Errorf("%+v", m)
	}
}

// TestAsleep wakes a host after 90 days beyond its certificate, while which the
// authority was made anew twice and the first was retired.
func TestAsleep(t *testing.T) {
	c := newCollector(t)
	h := newMember(t, c, "1")
	id := h.id.Host()
	h.end()
	for range 2 {
		c.clock.advance(30 * day)
		if err := c.authority.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.authority.Retire(t.Context(), c.authority.List()[0].ID, false); err != nil {
		t.Fatal(err)
	}
	c.clock.advance(h.id.Expires().Add(90*day - time.Minute).Sub(c.clock.Now()))
	c.end()
	c.start()
	h.start()
	h.delivers()
	if m := c.member(id); h.id.Host() != id || m.Recoveries != 1 || m.Recovered.IsZero() {
		t.Errorf("is %s: %+v", h.id.Host(), m)
	}
	b, _ := c.authority.Bundle()
	if got := h.id.Bundle(); got.Revision != b.Revision || len(got.Authorities) != 2 {
		t.Errorf("revision %d with %d authorities, want %d with 2", got.Revision, len(got.Authorities), b.Revision)
	}
}

// TestAsleepTooLong needs a token a day later, and is the same host again.
func TestAsleepTooLong(t *testing.T) {
	c := newCollector(t)
	h := newMember(t, c, "1")
	id := h.id.Host()
	h.end()
	c.clock.advance(h.id.Expires().Add(91 * day).Sub(c.clock.Now()))
	h.start()
	h.refused("too late")
	if h.id.Host() != id {
		t.Error("it threw its identity away")
	}
	h.give(c.invite(collectorenrol.Invitation{}))
	h.delivers()
	if h.id.Host() != id || c.member(id).Standing != fleet.Active {
		t.Errorf("is %s, was %s", h.id.Host(), id)
	}
}

// TestDistrust refuses what a stolen authority signed: the live stream ends within a
// second, and the host enrols again.
func TestDistrust(t *testing.T) {
	c := newCollector(t)
	h := newMember(t, c, "1")
	if err := c.authority.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, _ := c.authority.Bundle()
	h.await("the new bundle", func(enrol.State, uplink.State) bool { return h.id.Bundle().Revision == b.Revision })
	began := time.Now()
	if err := c.authority.Retire(t.Context(), c.authority.List()[0].ID, true); err != nil {
		t.Fatal(err)
	}
	h.await("the stream's end", func(_ enrol.State, u uplink.State) bool { return !u.Connected && u.Refusal == "host unknown" })
	if took := time.Since(began); took > time.Second {
		t.Errorf("the stream lived for %v", took)
	}
	h.end()
	h.start()
	h.refused("host unknown")
	h.give(c.invite(collectorenrol.Invitation{}))
	h.delivers()
}

// TestCopiedKey runs one identity in two places on what says it is one machine: both
// are quarantined and told, and a person settles it.
func TestCopiedKey(t *testing.T) {
	c := newCollector(t)
	h := newMember(t, c, "1")
	id := h.id.Host()
	h.end()
	thief := h.copyTo(c, "1")
	h.start()
	h.delivers()
	thief.start()
	thief.refused("quarantined")
	h.refused("quarantined")
	if m := c.member(id); m.Standing != fleet.Quarantined || m.Reason == "" {
		t.Errorf("%+v", m)
	}
	c.told(id, "quarantined")
	if _, err := h.spool.AppendSync("posture", []byte("kept")); err != nil { // it spools on
		t.Error(err)
	}
	// The right one is released; the other, with a token, becomes another host.
	thief.end()
	if _, err := c.roster.Change(t.Context(), fleet.HostID(id), roster.Release); err != nil {
		t.Fatal(err)
	}
	h.end()
	h.start()
	h.delivers()
	thief.give(c.invite(collectorenrol.Invitation{}))
	thief.start()
	thief.refused("quarantined")
	thief.delivers()
	if thief.id.Host() == id {
		t.Error("both are one host")
	}
	// That it came once more with the copied key was noticed, too.
	h.refused("quarantined")
}

// TestRevocation ends the live stream within a second, and is remembered.
func TestRevocation(t *testing.T) {
	c := newCollector(t)
	h := newMember(t, c, "1")
	id := h.id.Host()
	began := time.Now()
	c.revoke(id)
	h.await("the stream's end", func(_ enrol.State, u uplink.State) bool { return !u.Connected && u.Refusal == "host revoked" })
	if took := time.Since(began); took > time.Second {
		t.Errorf("the stream lived for %v", took)
	}
	h.refused("host revoked")
	h.end()
	c.end()
	c.start()
	h.start()
	h.refused("host revoked")
	if !h.id.Enrolled() {
		t.Error("it threw its identity away")
	}
	h.give(c.invite(collectorenrol.Invitation{}))
	h.delivers()
	if h.id.Host() == id || c.member(id).Standing != fleet.Revoked {
		t.Errorf("is %s again: %+v", id, c.member(id))
	}
}

// TestRestored sets the collector back to a backup: the host goes on.
func TestRestored(t *testing.T) {
	c := newCollector(t)
	h := newMember(t, c, "1")
	h.end()
	restore := c.backup()
	for range 3 {
		h.start()
		h.delivers()
		h.end()
	}
	restore()
	h.start()
	h.delivers()
	h.end()
	h.start()
	h.delivers()
	if m := c.member(h.id.Host()); m.Standing != fleet.Active {
		t.Errorf("%+v", m)
	}
}

// TestSetBack sets the host's disk back: its key was in two places, in time.
func TestSetBack(t *testing.T) {
	c := newCollector(t)
	h := newMember(t, c, "1")
	h.end()
	old := h.copyTo(c, "1")
	for range 2 {
		h.start()
		h.delivers()
		h.end()
	}
	old.start()
	old.refused("quarantined")
}

// TestWrongClock does not believe a collector whose certificate is not valid by this
// clock, and says whose clock it is.
func TestWrongClock(t *testing.T) {
	c := newCollector(t)
	h := newHost(t, c, "1")
	h.clock = &clock{now: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.give(c.invite(collectorenrol.Invitation{}))
	h.start()
	h.await("doubt", func(e enrol.State, _ uplink.State) bool {
		return contains(e.Problem, "clock") && contains(e.Problem, "2001")
	})
	h.clock.advance(c.clock.Now().Sub(h.clock.Now())) // NTP
	h.delivers()
}
