package lane

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"seawall/collector/fleet"
	"seawall/collector/store/sqlite"
)

// oracle says of every single sequence what the package says of ranges.
type oracle struct {
	epochs map[uint64]*account
	newest uint64
	any    bool
}

type account struct {
	last    uint64
	had     map[uint64]bool
	missing map[uint64]fleet.GapReason
}

func (o *oracle) copy() *oracle {
	c := &oracle{epochs: make(map[uint64]*account), newest: o.newest, any: o.any}
	for n, a := range o.epochs {
		c.epochs[n] = &account{a.last, maps.Clone(a.had), maps.Clone(a.missing)}
	}
	return c
}

// reason is what the first of the ranges that hold a sequence says.
func reason(told []fleet.Missing, epoch, seq uint64) fleet.GapReason {
	for _, m := range told {
		if m.Epoch == epoch && m.From <= seq && seq <= m.To {
			return m.Reason
		}
	}
	return fleet.Unexplained
}

// reach accounts for everything of an epoch before next.
func (o *oracle) reach(epoch, next uint64, told []fleet.Missing) *account {
	a := o.epochs[epoch]
	from := next
	if a != nil {
		from = a.last + 1
	} else {
		had := uint64(0)
		if o.any {
			had = o.epochs[o.newest].last
		}
		if had < next {
			from = had + 1
		}
		for _, m := range told {
			if m.Epoch == epoch && (had >= next || m.Reason == fleet.Diverged) {
				from = min(from, m.From)
			}
		}
		a = &account{had: make(map[uint64]bool), missing: make(map[uint64]fleet.GapReason)}
		o.epochs[epoch], o.newest, o.any = a, epoch, true
	}
	for seq := from; seq < next; seq++ {
		a.missing[seq] = reason(told, epoch, seq)
	}
	a.last = next - 1
	return a
}

func (o *oracle) take(epoch, seq uint64, told []fleet.Missing) Verdict {
	a := o.epochs[epoch]
	if a == nil || seq > a.last {
		a = o.reach(epoch, seq, told)
		a.last, a.had[seq] = seq, true
		if o.newest == epoch {
			return Fresh
		}
		return Late
	}
	if _, missing := a.missing[seq]; missing {
		delete(a.missing, seq)
		a.had[seq] = true
		return Late
	}
	return Had
}

func (o *oracle) miss(told []fleet.Missing) {
	for _, m := range told {
		a := o.epochs[m.Epoch]
		if a == nil || m.To > a.last {
			o.reach(m.Epoch, m.To+1, told)
		}
	}
}

// records is everything missing, and had[epoch] everything that came.
func (o *oracle) records() map[[2]uint64]bool {
	all := make(map[[2]uint64]bool)
	for n, a := range o.epochs {
		for seq := range a.missing {
			all[[2]uint64{n, seq}] = true
		}
	}
	return all
}

func drawTold(t *rapid.T, epoch uint64) []fleet.Missing {
	var told []fleet.Missing
	for range rapid.IntRange(0, 3).Draw(t, "told") {
		from := rapid.Uint64Range(1, 40).Draw(t, "from")
		told = append(told, lost(epoch, from, from+rapid.Uint64Range(0, 8).Draw(t, "more"),
			rapid.SampledFrom([]fleet.GapReason{fleet.Evicted, fleet.Damaged, fleet.Diverged}).Draw(t, "reason")))
	}
	return told
}

// TestModel sends records and ranges in any order, forgets what is in memory, and
// rolls transactions back.
func TestModel(t *testing.T) {
	w := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		for _, table := range []string{"position", "gap"} {
			if err := w.Exec("DELETE FROM " + table); err != nil {
				rt.Fatal(err)
			}
		}
		s, o := load(t, w, 0), &oracle{epochs: make(map[uint64]*account)}
		told := make(map[[2]uint64]bool) // every record that was told as missing
		for range rapid.IntRange(1, 10).Draw(rt, "batches") {
			kept, was := o.copy(), s.Missing()
			if err := w.Exec("BEGIN IMMEDIATE"); err != nil {
				rt.Fatal(err)
			}
			found := batch(rt, w, s, o)
			if rapid.IntRange(0, 4).Draw(rt, "fails") == 0 {
				if err := w.Exec("ROLLBACK"); err != nil {
					rt.Fatal(err)
				}
				s, o = load(t, w, was), kept
				continue
			}
			if err := w.Exec("COMMIT"); err != nil {
				rt.Fatal(err)
			}
			for _, l := range found {
				for seq := l.From; seq <= l.To; seq++ {
					if told[[2]uint64{l.Epoch, seq}] {
						rt.Fatalf("record %d of %d is told twice", seq, l.Epoch)
					}
					told[[2]uint64{l.Epoch, seq}] = true
				}
			}
			if rapid.Bool().Draw(rt, "reload") {
				s = load(t, w, s.Missing())
			}
			compareTables(rt, w, s, o, told)
		}
	})
}

// batch has the set and the oracle take the same.
func batch(rt *rapid.T, w *sqlite.Writer, s *Set, o *oracle) []Loss {
	epoch := rapid.Uint64Range(1, 4).Draw(rt, "epoch")
	ranges, err := Order(drawTold(rt, epoch))
	if err != nil {
		rt.Fatal(err)
	}
	for _, seq := range rapid.SliceOfN(rapid.Uint64Range(1, 40), 0, 6).Draw(rt, "sequences") {
		want := o.take(epoch, seq, ranges)
		got, err := s.Take(w, &fleet.Delivery{Lane: "posture", Epoch: epoch, Sequence: seq}, ranges, now)
		if err != nil || got != want {
			rt.Fatalf("record %d of %d: verdict %d, want %d; %v", seq, epoch, got, want, err)
		}
	}
	o.miss(ranges)
	if err := s.Miss(w, ranges, now); err != nil {
		rt.Fatal(err)
	}
	if err := s.Flush(w, now); err != nil {
		rt.Fatal(err)
	}
	return s.Found()
}

// compareTables has the table gap, record by record, be what the oracle misses, and
// all of that have been told.
func compareTables(rt *rapid.T, w *sqlite.Writer, s *Set, o *oracle, told map[[2]uint64]bool) {
	got := make(map[[2]uint64]bool)
	err := w.Rows("SELECT epoch, from_seq, to_seq, records FROM gap", nil, func(scan func(...any) error) error {
		var epoch, from, to, records uint64
		err := scan(&epoch, &from, &to, &records)
		if records != to-from+1 {
			rt.Errorf("%d records in %d to %d", records, from, to)
		}
		for seq := from; seq <= to; seq++ {
			if k := [2]uint64{epoch, seq}; got[k] || !told[k] {
				rt.Errorf("record %d of %d: twice %v, told %v", seq, epoch, got[k], told[k])
			}
			got[[2]uint64{epoch, seq}] = true
		}
		return err
	})
	if err != nil {
		rt.Fatal(err)
	}
	want := o.records()
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatalf("missing (-want +got):\n%s", diff)
	}
	if s.Missing() != int64(len(want)) {
		rt.Fatalf("%d counted as missing, want %d", s.Missing(), len(want))
	}
}
