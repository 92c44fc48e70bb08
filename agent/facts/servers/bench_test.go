package servers

import (
	"context"
	"os"
	"testing"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

// BenchmarkRead reads the servers of this machine, or of the image that SERVERS_ROOT
// names.
func BenchmarkRead(b *testing.B) {
	root := hostfs.Root{}
	if dir := os.Getenv("SERVERS_ROOT"); dir != "" {
		var err error
		if root, err = hostfs.Open(dir); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		Read(context.Background(), fact.Env{Root: root, Now: time.Now})
	}
}
