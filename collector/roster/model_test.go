package roster

import (
	"crypto/tls"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seawall/collector/fleet"
	seawallv1 "seawall/proto/seawall/v1"
)

// place is a host's disk: an honest one's, or a copy's.
type place struct {
	durable uint64 // the session number on it
}

// The ways in which a stream can go once the collector has begun it.
const (
	replyLost   = iota // or the host died before the number was durable
	confirmLost        // the number is durable, and the collector never hears
	whole              // it is confirmed
	ways
)

// world is two collectors with one database and the disks that hold one host's key.
type world struct {
	t     *rapid.T
	tb    testing.TB
	rec   *records
	both  [2]*Roster
	live  [2]*Session // that each began last
	state tls.ConnectionState
}

func newWorld(tb testing.TB, t *rapid.T, state tls.ConnectionState) *world {
	w := &world{t: t, tb: tb, state: state, rec: &records{members: map[fleet.HostID]fleet.Member{
		host: {Host: host, Key: KeyOf(state.PeerCertificates[0]), Standing: fleet.Active},
	}}}
	w.restart()
	return w
}

func (w *world) restart() {
	for i := range w.both {
		w.restartOne(i)
	}
}

func (w *world) restartOne(i int) {
	w.both[i] = load(w.tb, w.rec, func() time.Time { return now })
	w.live[i] = nil
}

// either is one of the collectors: a host comes to any.
func (w *world) either() int { return rapid.IntRange(0, 1).Draw(w.t, "collector") }

// hear has a collector hear what the other did. It may do so late.
func (w *world) hear(i int) {
	if err := w.both[i].Refresh(w.tb.Context(), []fleet.HostID{host}); err != nil {
		w.t.Fatal(err)
	}
}

// connect is one stream of a place. It reports whether a collector began it.
func (w *world) connect(p *place, way int) bool {
	i := w.either()
	if rapid.Bool().Draw(w.t, "heard") {
		w.hear(i)
	}
	s, err := w.both[i].Begin(w.tb.Context(), host, p.durable, w.state)
	if err != nil {
		if reason(err) != seawallv1.Reason_REASON_HOST_QUARANTINED {
			w.t.Fatalf("begin: %v", err)
		}
		return false
	}
	w.live[i] = s
	if way == replyLost {
		return true
	}
	if s.Number() <= p.durable {
		w.t.Fatalf("the number does not rise: %#x after %#x", s.Number(), p.durable)
	}
	p.durable = s.Number()
	if way == whole {
		if err := s.Confirm(w.tb.Context(), s.Number(), 0); err != nil {
			w.t.Fatalf("confirm: %v", err)
		}
	}
	return true
}

// TestHonestHostIsNeverQuarantined loses replies and confirmations, crashes the
// host, restarts the collector and sets it back to backups.
func TestHonestHostIsNeverQuarantined(t *testing.T) {
	state := connection(certificate(t, host))
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt, state)
		p := &place{}
		var backups []map[fleet.HostID]fleet.Member
		rt.Repeat(map[string]func(*rapid.T){
			"connect": func(t *rapid.T) {
				if !w.connect(p, rapid.IntRange(0, ways-1).Draw(t, "way")) {
					t.Fatalf("quarantined at %#x: %+v", p.durable, w.rec.members[host])
				}
			},
			"restart": func(*rapid.T) { w.restartOne(w.either()) },
			"hear":    func(*rapid.T) { w.hear(w.either()) },
			// Once both have heard of the other, one stream is left at most.
			"": func(*rapid.T) {
				if !rapid.Bool().Draw(rt, "both hear") {
					return
				}
				w.hear(0)
				w.hear(1)
				if a, b := w.live[0], w.live[1]; a != nil && b != nil && a.Err() == nil && b.Err() == nil {
					rt.Fatalf("two streams: %#x, %#x", a.Number(), b.Number())
				}
			},
			"backup": func(*rapid.T) { backups = append(backups, maps.Clone(w.rec.members)) },
			"restore": func(t *rapid.T) {
				if len(backups) == 0 {
					return
				}
				// Those after it are of a history that never was.
				backups = backups[:rapid.IntRange(1, len(backups)).Draw(t, "backup")]
				w.rec.members = maps.Clone(backups[len(backups)-1])
				w.restart()
			},
			// By a person who takes it for another.
			"release": func(t *rapid.T) {
				if _, err := w.both[w.either()].Change(w.tb.Context(), host, Release); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

// TestCopyIsQuarantined copies a host's disk at any moment and then lets both
// connect in any order. Once one of them has had a whole session, the other is
// refused, and both are quarantined for good.
func TestCopyIsQuarantined(t *testing.T) {
	state := connection(certificate(t, host))
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt, state)
		first := &place{}
		for _, way := range rapid.SliceOfN(rapid.IntRange(0, ways-1), 0, 5).Draw(rt, "before") {
			w.connect(first, way)
		}
		second := &place{first.durable}
		places := []*place{first, second}
		ahead := -1 // the place that had a whole session since the copy
		for range rapid.IntRange(1, 20).Draw(rt, "streams") {
			if rapid.Bool().Draw(rt, "restart") {
				w.restart()
			}
			i := rapid.IntRange(0, 1).Draw(rt, "place")
			way := rapid.IntRange(0, ways-1).Draw(rt, "way")
			begun := w.connect(places[i], way)
			switch {
			case begun && ahead == 1-i:
				rt.Fatalf("place %d begins after the other had a whole session", i)
			case !begun:
				w.quarantined(places)
				return
			case way == whole:
				ahead = i
			}
		}
		// However that went: a whole session of each is enough.
		if w.connect(first, whole) && w.connect(second, whole) && w.connect(first, whole) {
			rt.Fatalf("both live: %#x, %#x", first.durable, second.durable)
		}
		w.quarantined(places)
	})
}

// TestCopyIsQuarantinedAfterRestore does so with a collector that was set back,
// which needs one session more.
func TestCopyIsQuarantinedAfterRestore(t *testing.T) {
	state := connection(certificate(t, host))
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, rt, state)
		first, second := &place{}, &place{}
		backup := maps.Clone(w.rec.members)
		for i, way := range rapid.SliceOfN(rapid.IntRange(0, ways-1), 1, 12).Draw(rt, "before") {
			if i == rapid.IntRange(0, 12).Draw(rt, "at") {
				backup = maps.Clone(w.rec.members)
			}
			*second = *first // a copy of what was before
			w.connect(first, way)
		}
		w.rec.members = backup
		w.restart()
		if rapid.Bool().Draw(rt, "second goes first") {
			first, second = second, first
		}
		if w.connect(first, whole) && w.connect(second, whole) && w.connect(first, whole) {
			rt.Fatalf("both live: %#x, %#x", first.durable, second.durable)
		}
		w.quarantined([]*place{first, second})
	})
}

// quarantined holds that no place comes in any more, over a restart, too.
func (w *world) quarantined(places []*place) {
	for range 2 {
		for i, p := range places {
			if w.connect(p, whole) {
				w.t.Fatalf("place %d begins after the quarantine", i)
			}
		}
		w.restart()
	}
}

// TestReleased lets the one that comes first go on, and notices the other again.
func TestReleased(t *testing.T) {
	r, _, state := open(t)
	newest := mustBegin(t, r, mustBegin(t, r, 0, state).Number(), state).Number()
	if _, err := r.Begin(t.Context(), host, 0, state); err == nil {
		t.Fatal("the copy begins")
	}
	if _, err := r.Change(t.Context(), host, Release); err != nil {
		t.Fatal(err)
	}
	s := mustBegin(t, r, 0, state)
	if err := s.Confirm(t.Context(), s.Number(), 0); err != nil {
		t.Fatal(err)
	}
	s = mustBegin(t, r, newest, state) // higher than what the released one has
	if err := s.Confirm(t.Context(), s.Number(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Begin(t.Context(), host, 1<<32, state); reason(err) != seawallv1.Reason_REASON_HOST_QUARANTINED {
		t.Errorf("both go on: %v", err)
	}
}

// TestNumbers holds the rule at its edges.
func TestNumbers(t *testing.T) {
	for _, test := range []struct {
		newest    uint64
		confirmed bool
		presented uint64
		want      uint64
		ok        bool
	}{
		{0, false, 0, 1 << 32, true},
		{1 << 32, true, 0, 0, false},
		{1 << 32, false, 0, 1<<32 | 1, true},
		{1<<32 | 0xffff, false, 0, 1<<32 | 0xffff, true}, // tries run out: the same again
		{1<<32 | 5, false, 1<<32 | 4, 0, false},
		{1<<32 | 5, false, 1<<32 | 5, 2<<32 | 5<<16, true},
		{2<<32 | 5<<16, false, 1<<32 | 5, 2<<32 | 5<<16 | 1, true},
		{2<<32 | 5<<16, false, 1<<32 | 4, 0, false}, // not the one that it follows
		{3 << 32, false, 1 << 32, 0, false},
		{3 << 32, false, 7<<32 | 2, 8<<32 | 2<<16, true}, // the collector was set back
		{0, true, highest, 0, false},
		{0, true, 1<<64 - 1, 0, false},
	} {
		got, ok := next(test.newest, test.confirmed, test.presented)
		if got != test.want || ok != test.ok {
			t.Errorf("next(%#x, %v, %#x) = %#x, %v, want %#x, %v",
				test.newest, test.confirmed, test.presented, got, ok, test.want, test.ok)
		}
	}
}
