package audit

import (
	"testing"
	"time"

	"github.com/elastic/go-libaudit/v2"
	"github.com/elastic/go-libaudit/v2/aucoalesce"
	"github.com/elastic/go-libaudit/v2/auparse"
)

// BenchmarkAssembler compares this package with go-libaudit's parser, reassembler
// and coalescing on the same records. The target is 600 ns a record and no
// allocation.
func BenchmarkAssembler(b *testing.B) {
	messages := capture(b)
	b.Run("seawall", func(b *testing.B) {
		events := 0
		a := NewAssembler(0, func(*Event) { events++ })
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			m := &messages[n%len(messages)]
			n++
			a.Push(m.typ, m.payload, clock)
		}
	})
	b.Run("go-libaudit", func(b *testing.B) {
		s := &coalesce{}
		r, err := libaudit.NewReassembler(50, 2*time.Second, s)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			m := &messages[n%len(messages)]
			n++
			// Its own errors (arguments it cannot find) are part of what it does.
			_ = r.Push(auparse.AuditMessageType(m.typ), m.payload)
		}
	})
}

type coalesce struct{ events int }

func (s *coalesce) ReassemblyComplete(messages []*auparse.AuditMessage) {
	if _, err := aucoalesce.CoalesceMessages(messages); err == nil {
		s.events++
	}
}

func (s *coalesce) EventsLost(int) {}

// TestNoAllocations holds the benchmark's second target.
func TestNoAllocations(t *testing.T) {
	var short []message
	for _, m := range capture(t) {
		if len(m.payload) < 4096 {
			short = append(short, m)
		}
	}
	a := NewAssembler(0, func(*Event) {})
	push := func() {
		for _, m := range short {
			a.Push(m.typ, m.payload, clock)
		}
		a.Flush(clock)
	}
	push()
	perRecord := testing.AllocsPerRun(5, push) / float64(len(short))
	if perRecord > 0.001 {
		t.Errorf("%.4f allocations a record", perRecord)
	}
}
