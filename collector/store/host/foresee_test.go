package host

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

// far is a writer whose answers are far away: each costs an exchange.
type far struct {
	db.Writer
	exchanges int
}

func (f *far) Row(text string, args []any, to ...any) (bool, error) {
	f.exchanges++
	return f.Writer.Row(text, args, to...)
}

func (f *far) Change(text string, args ...any) (int64, error) {
	f.exchanges++
	return f.Writer.Change(text, args...)
}

func (f *far) Rows(text string, args []any, row func(scan func(...any) error) error) error {
	f.exchanges++
	return f.Writer.Rows(text, args, row)
}

func (f *far) Ask(questions []db.Question) error {
	f.exchanges++
	for _, q := range questions {
		if err := f.Writer.Rows(q.Text, q.Args, q.Row); err != nil {
			return err
		}
	}
	return nil
}

// turned is a change of a check from one verdict to another.
func turned(seq uint64, check string, from, to finding.Status) fleet.Delivery {
	r := finding.Result{Check: check, Status: to, Severity: finding.SeverityHigh, Time: noon.Add(time.Duration(seq))}
	return fleet.Delivery{Lane: "live", Epoch: 1, Sequence: seq, Record: wire.Record{Time: noon, Change: &finding.Change{Result: r, Previous: from}}}
}

// TestForesee: where answers are far, the changes of a transaction cost as many exchanges
// as one, whatever the tables say of them, and become the same as where they are near.
func TestForesee(t *testing.T) {
	const pass, fail, none = finding.StatusPass, finding.StatusFail, finding.StatusUnspecified
	first := []fleet.Delivery{turned(1, "a", none, fail), turned(2, "b", none, pass), turned(3, "c", none, fail)}
	second := []fleet.Delivery{
		turned(4, "a", fail, pass),
		turned(5, "b", pass, fail), turned(6, "b", fail, pass), turned(7, "b", pass, fail), // one after another
		turned(8, "c", pass, fail),   // not what stands
		turned(9, "new", pass, fail), // nothing stands
	}
	apply := func(w *writer, writer db.Writer, foresees bool, items []fleet.Delivery) []string {
		work, err := Prepare(items, nil)
		if err != nil {
			t.Fatal(err)
		}
		told, err := w.with(writer, func(b *Batch) error {
			if foresees {
				if err := b.Foresee([]fleet.HostID{id, "00000000000000000000000000000009"}, []*Work{work, work}); err != nil {
					return err
				}
			}
			h, err := b.Open(id)
			if err != nil {
				return err
			}
			return h.Apply(work)
		})
		if err != nil {
			t.Fatal(err)
		}
		return lines(told)
	}
	near, distant := open(t), open(t)
	if diff := cmp.Diff(apply(near, near.db, true, first), apply(distant, distant.db, true, first)); diff != "" {
		t.Fatal(diff)
	}
	costs := func(items []fleet.Delivery) (int, []string) {
		f := &far{Writer: distant.db}
		told := apply(distant, f, true, items)
		return f.exchanges, told
	}
	n, told := costs(second)
	if diff := cmp.Diff(apply(near, near.db, false, second), told); diff != "" {
		t.Errorf("told otherwise: -near +far\n%s", diff)
	}
	if diff := cmp.Diff(near.tables(), distant.tables()); diff != "" {
		t.Errorf("other tables: -near +far\n%s", diff)
	}
	one, _ := costs([]fleet.Delivery{turned(10, "a", pass, fail)})
	if n > one {
		t.Errorf("6 changes cost %d exchanges, 1 costs %d", n, one)
	}
}

// TestWeight: what writes many rows weighs as much.
func TestWeight(t *testing.T) {
	state := fleet.Delivery{Sequence: 1, Payload: []byte{0}, Record: wire.Record{State: &finding.StatePart{Results: make([]finding.Result, 200)}}}
	for want, items := range map[int][]fleet.Delivery{
		1: nil, 3: {turned(1, "a", 0, finding.StatusPass), turned(2, "a", 0, finding.StatusPass)}, 202: {state},
		50: {{Sequence: 1, Payload: []byte{0}, Record: wire.Record{Pack: &finding.Pack{Checks: make([]finding.CheckInfo, 48)}}}},
	} {
		if work, err := Prepare(items, nil); err != nil || work.Weight() != want {
			t.Errorf("%d records weigh %d, want %d, %v", len(items), work.Weight(), want, err)
		}
	}
}

// TestWholeAsksLittle: what a whole state asks the tables does not grow with its results,
// neither when all are new nor when all change.
func TestWholeAsksLittle(t *testing.T) {
	costs := func(w *writer, seq uint64, results int, status finding.Status) int {
		all := make([]finding.Result, results)
		for i := range all {
			all[i] = result(fmt.Sprint("check-", i), "", status)
		}
		state := fleet.Delivery{Lane: "posture", Epoch: 7, Sequence: seq, Record: finding.Record{Time: noon, State: &finding.StatePart{
			ID: seq, Parts: 1, Total: uint32(results), Digest: finding.Digest(all), Results: all}}}
		work, err := Prepare([]fleet.Delivery{state}, nil)
		if err != nil {
			t.Fatal(err)
		}
		f := &far{Writer: w.db}
		told, err := w.with(f, func(b *Batch) error {
			h, err := b.Open(id)
			if err != nil {
				return err
			}
			return h.Apply(work)
		})
		if err != nil {
			t.Fatal(err)
		}
		if seq > 1 && len(told) != results {
			t.Errorf("%d changes are told of %d", len(told), results)
		}
		if got := w.standing(); len(got) != results || !strings.HasSuffix(got[0], fmt.Sprint(uint8(status))) {
			t.Fatalf("%d results stand: %v", len(got), got)
		}
		return f.exchanges
	}
	small, large := open(t), open(t)
	for i, status := range []finding.Status{finding.StatusFail, finding.StatusPass} {
		seq := uint64(i + 1)
		if few, many := costs(small, seq, 3, status), costs(large, seq, 90, status); many != few {
			t.Errorf("a state of 3 results that %v asks %d times, one of 90 %d times", status, few, many)
		}
	}
}
