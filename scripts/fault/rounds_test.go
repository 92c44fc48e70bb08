package fault

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"seawall/scripts/stage"
)

// usualRounds are enough to meet each kind of fault a few times; the full number is
// for scripts/faults --rounds.
const usualRounds = 30

// ordinalLost marks the events by which the collector tells of missing records.
const ordinalLost = -1

// TestRounds throws random faults at a host and its collector while a writer writes
// findings, and then compares: what became durable in the spool is in the store
// once, in order and as it was written, or in a range that the timeline tells lost.
func TestRounds(t *testing.T) {
	rounds := usualRounds
	if text := os.Getenv(envRounds); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		rounds = n
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(envSeed); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("seed %d", seed)
	storm := newStorm(t, seed)
	start := time.Now()
	for range rounds {
		storm.round(t)
	}
	took := time.Since(start)
	storm.settle(t)
	seen := storm.compare(t)
	fmt.Fprintf(os.Stdout, "rounds: %d in %.0f s (%.0f ms each): %s\n        %s\n", rounds, took.Seconds(),
		took.Seconds()*1000/float64(rounds), storm.tally(), seen)
}

// storm is a system under random faults.
type storm struct {
	*system
	random *rand.Rand
	ledger *ledger
	writer *writer
	order  order
	counts map[string]int
	faults []trouble
}

// trouble is a fault that can be had again and again: begin it, and end it.
type trouble struct {
	name       string
	begin, end func(t *testing.T)
}

func newStorm(t *testing.T, seed uint64) *storm {
	t.Helper()
	dir := folder(t)
	g := ground{spool: small(t, dir, "spool", "size=16m"), state: small(t, dir, "state", "size=4g")}
	g.spool = filepath.Join(g.spool, "spool") // filled beside it
	g.state = filepath.Join(g.state, "state")
	s := &storm{
		system: startSystem(t, g),
		random: rand.New(rand.NewPCG(seed, 0)),
		ledger: newLedger(),
		counts: map[string]int{},
	}
	// Bounds that a collector which is away for a second makes evict.
	s.order = s.system.order(order{
		Lanes:   map[string]int64{"posture": 160 << 10, "health": 56 << 10},
		Segment: 8 << 10, Group: 4, Pace: 5 * time.Millisecond,
	})
	s.writer = startWriter(t, s.ledger, s.order)
	s.faults = s.troubles()
	stage.Await(t, "the first findings in the store", 30*time.Second, func() bool { return s.findings() > 0 })
	return s
}

func (s *storm) troubles() []trouble {
	none := func(*testing.T) {}
	good := func(*testing.T) { s.relay.good() }
	set := func(change func()) func(*testing.T) {
		return func(*testing.T) { s.relay.set(change) }
	}
	return []trouble{
		{"kill writer", func(t *testing.T) { s.writer.Kill() }, func(t *testing.T) {
			s.writer.settle(t)
			s.order.Life++
			s.writer = startWriter(t, s.ledger, s.order)
		}},
		{"kill uplink", func(t *testing.T) { s.uplink.Alive(t); s.uplink.Kill() }, s.uplink.Start},
		{"kill collector", func(t *testing.T) { s.supervise(t); s.collector.Kill() }, s.collector.Start},
		{"partition", set(func() { s.relay.stall = [2]bool{true, true} }), good},
		{"partition, then cut", set(func() { s.relay.stall = [2]bool{true, true} }), func(*testing.T) {
			s.relay.set(s.relay.cut)
			s.relay.good()
		}},
		{"answers lost", set(func() { s.relay.stall[down] = true }), func(*testing.T) {
			s.relay.set(s.relay.cut)
			s.relay.good()
		}},
		{"cut in the middle", func(*testing.T) {
			budget := s.random.Int64N(20_000)
			s.relay.set(func() { s.relay.budget = budget })
		}, none},
		{"delay", func(*testing.T) {
			delay := time.Duration(1+s.random.Int64N(40)) * time.Millisecond
			s.relay.set(func() { s.relay.delay = delay })
		}, good},
		{"refused", set(func() { s.relay.refuse = true; s.relay.cut() }), good},
		{"spool's disk full", func(t *testing.T) { shrink(t, filepath.Dir(s.spool)) }, func(t *testing.T) { grow(t, filepath.Dir(s.spool), "16m") }},
		{"store's disk full", func(t *testing.T) { shrink(t, filepath.Dir(s.state)) }, func(t *testing.T) { grow(t, filepath.Dir(s.state), "4g") }},
	}
}

// round has one or two faults at once for a moment.
func (s *storm) round(t *testing.T) {
	t.Helper()
	chosen := s.random.Perm(len(s.faults))[:1+s.random.IntN(2)]
	pause := time.NewTimer(time.Duration(10+s.random.Int64N(150)) * time.Millisecond)
	for _, n := range chosen {
		s.counts[s.faults[n].name]++
		s.faults[n].begin(t)
	}
	<-pause.C
	for _, n := range chosen {
		s.faults[n].end(t)
	}
	s.supervise(t)
	// Now and then what was broken is whole long enough to get going.
	pause.Reset(time.Duration(s.random.Int64N(150)) * time.Millisecond)
	<-pause.C
}

// supervise starts a collector that ended by itself, as systemd does. It may do so
// when it starts on a full disk, and must say so.
func (s *storm) supervise(t *testing.T) {
	t.Helper()
	if !s.collector.Ended() {
		return
	}
	// In the words of SQLite, or of the system.
	if !s.collector.Says("disk is full") && !s.collector.Says("no space left on device") {
		t.Fatalf("the collector ended: %s", s.collector.Said())
	}
	s.counts["collector ended on a full disk"]++
	s.collector.Start(t)
}

// settle ends all faults and waits until the store has what the spool has.
func (s *storm) settle(t *testing.T) {
	t.Helper()
	s.relay.good()
	stage.Await(t, "a collector", 30*time.Second, func() bool {
		s.supervise(t)
		return s.collector.Says("collector runs")
	})
	s.writer.stop(t)
	// A writer makes durable what one before it wrote.
	s.order.Life++
	s.order.Records = 20
	last := startWriter(t, s.ledger, s.order)
	last.settle(t)
	if last.Wait() != nil {
		t.Fatalf("the last writer: %v", last.Wait())
	}
	s.drained(t, 90*time.Second)
	stage.Await(t, "the last acknowledgement", 30*time.Second, func() bool { return maps.Equal(s.acked(t), s.newest(t)) })
}

func (s *storm) tally() string {
	var text string
	for _, name := range slices.Sorted(maps.Keys(s.counts)) {
		text += fmt.Sprintf("%s %d, ", name, s.counts[name])
	}
	return text + fmt.Sprintf("%d appends refused", s.ledger.failures(""))
}

// compare is the oracle.
func (s *storm) compare(t *testing.T) string {
	t.Helper()
	all := s.store(t)
	got, lost := map[key]string{}, []gap{}
	named := map[string]key{}
	last := map[string]uint64{}
	for _, e := range all.events {
		switch e.ordinal {
		case 0:
			if e.key.lane == "" {
				continue // the collector's own word
			}
			if _, ok := got[e.key]; ok {
				t.Errorf("%+v is stored twice", e.key)
			}
			if other, ok := named[e.actual]; ok {
				t.Errorf("finding %s is stored as %+v and as %+v", e.actual, other, e.key)
			}
			if e.key.seq <= last[e.key.lane] {
				t.Errorf("%+v came after %d", e.key, last[e.key.lane])
			}
			got[e.key], named[e.actual], last[e.key.lane] = e.actual, e.key, e.key.seq
		case ordinalLost:
			lost = append(lost, toldLost(t, e))
		}
	}
	s.ledger.whole(t, got, lost)
	return s.accounted(t, got, lost, all)
}

// toldLost reads the range out of an event.
func toldLost(t *testing.T, e event) gap {
	t.Helper()
	g := gap{lane: e.key.lane, reason: e.actual}
	var lane string
	if _, err := fmt.Sscanf(e.resource, "%s %d–%d", &lane, &g.from, &g.to); err != nil || lane != g.lane || e.check != "agent-records-lost" {
		t.Errorf("event %+v does not tell a range: %v", e, err)
	}
	return g
}

// accounted demands that every sequence up to a lane's last is in the store or told
// lost, and none is both, or told twice.
func (s *storm) accounted(t *testing.T, got map[key]string, lost []gap, all stored) string {
	t.Helper()
	slices.SortFunc(lost, func(a, b gap) int {
		return cmp.Or(cmp.Compare(a.lane, b.lane), cmp.Compare(a.from, b.from))
	})
	missing := uint64(0)
	for lane, last := range all.last {
		have := map[uint64]bool{}
		for k := range got {
			if k.lane == lane {
				have[k.seq] = true
			}
		}
		for _, g := range lost {
			for seq := g.from; g.lane == lane && seq <= g.to; seq++ {
				if have[seq] {
					t.Errorf("%s %d is stored or told lost, and is in %d–%d told lost (%s)", lane, seq, g.from, g.to, g.reason)
				}
				have[seq] = true
				missing++
			}
		}
		for seq := uint64(1); seq <= last; seq++ {
			if !have[seq] {
				t.Errorf("%s %d is neither stored nor told lost", lane, seq)
			}
		}
	}
	for _, g := range all.gaps {
		if !covered(key{lane: g.lane, seq: g.from}, lost) || !covered(key{lane: g.lane, seq: g.to}, lost) {
			t.Errorf("the gap %+v is not told", g)
		}
	}
	return fmt.Sprintf("%d durable in the spool = %d stored + %d lost in %d ranges, each told; none twice, none invented, in order; %d gaps in the table",
		len(got)+int(missing), len(got), missing, len(lost), len(all.gaps))
}

// shrink takes all room of a tmpfs that is not in use.
func shrink(t *testing.T, disk string) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(disk, &s); err != nil {
		t.Fatal(err)
	}
	used := int64(s.Blocks-s.Bfree) * s.Bsize
	// What is written meanwhile may make it too small: then it stays as it is.
	for more := int64(1); more < 1<<12; more *= 4 {
		if syscall.Mount("", disk, "", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", used+more*s.Bsize)) == nil {
			return
		}
	}
}

// grow gives a tmpfs its room back.
func grow(t *testing.T, disk, size string) {
	t.Helper()
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, "size="+size); err != nil {
		t.Fatal(err)
	}
}
