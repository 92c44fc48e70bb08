package updates

import "testing"

// BenchmarkRead reads a Debian as its installer leaves it, cold each time.
func BenchmarkRead(b *testing.B) {
	r := host(b, debian())
	b.ReportAllocs()
	for b.Loop() {
		fresh := &reader{root: r.root, now: now, f: &Facts{}}
		fresh.read()
	}
}
