package rpm

import (
	"context"
	"testing"

	"seawall/agent/facts/patch"
)

// BenchmarkRead is the whole answer of a small host, cold. scripts/peers has one
// with 1,000 packages and 5,000 advisories, beside dnf.
func BenchmarkRead(b *testing.B) {
	e := env(b, unpack(b, "rfx1"))
	b.ReportAllocs()
	for b.Loop() {
		if f := Read(context.Background(), e).Facts; len(f.Packages) != 10 {
			b.Fatalf("%d pending, want 10, state %s: %s", len(f.Packages), f.Meta.State, f.Meta.Reason)
		}
	}
}

// BenchmarkUnchanged is the answer of a Reader when nothing changed.
func BenchmarkUnchanged(b *testing.B) {
	r, e := patch.NewReader(Read), env(b, unpack(b, "rfx1"))
	r.Read(context.Background(), e)
	b.ReportAllocs()
	for b.Loop() {
		if f := r.Read(context.Background(), e); len(f.Packages) != 10 {
			b.Fatalf("%d pending, want 10", len(f.Packages))
		}
	}
}
