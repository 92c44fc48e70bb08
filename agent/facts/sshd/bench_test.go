package sshd

import "testing"

// BenchmarkRead is a whole reading of Debian's stock file: one run of sshd.
func BenchmarkRead(b *testing.B) {
	h := newHost(b)
	list := cases(b)
	for i := range list {
		if list[i].Name == "003-stock-debian12" {
			h.stage(&list[i])
		}
	}
	for b.Loop() {
		if f := Read(b.Context(), h.env); f.ByParser || len(f.Connections) != 2 {
			b.Fatalf("%d connections, %s", len(f.Connections), f.ParserReason)
		}
	}
}
