package ingest

import (
	"testing"
	"time"

	"seawall/collector/fleet"
)

// TestDeafHost never reads what it is told: revocation ends its stream all the same.
func TestDeafHost(t *testing.T) {
	m := &memory{}
	s := start(t, m, func(c *Config) { c.BytesPerSecond, c.BurstBytes = 1<<30, 1<<30 })
	k := s.host()
	c := dial(t, s.addr, k)
	c.greet(0)
	p := payload(t, "ssh-a")
	go func() {
		for n := uint64(1); c.Send(batch(t, n, p)) == nil; n++ {
		}
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	taken := 0
	for same := 0; same < 5; { // until nothing more is taken, since nobody reads what is sent
		<-tick.C
		if n := len(m.of(k.id)); n > taken {
			taken, same = n, 0
		} else if n > 0 {
			same++
		}
	}
	_, err := s.roster.Change(t.Context(), k.id, func(m *fleet.Member) error {
		m.Standing = fleet.Revoked
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the stream", func() bool {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		return len(s.server.streams) == 0
	})
}
