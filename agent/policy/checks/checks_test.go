package checks

import (
	"testing"
)

func TestLoads(t *testing.T) {
	p, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(len(p.Checks()))
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(""); err != nil {
			b.Fatal(err)
		}
	}
}
