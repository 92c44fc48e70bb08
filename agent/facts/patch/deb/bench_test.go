package deb

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/patch/watch"
)

// BenchmarkSecurity is the first stage alone: the pending set without labels.
func BenchmarkSecurity(b *testing.B) {
	e := env(b, unpack(b, "fx1"))
	b.ReportAllocs()
	for b.Loop() {
		w := &host{watch.New(e.Root)}
		packages, err := w.status()
		if err != nil {
			b.Fatal(err)
		}
		s, err := w.setup(packages)
		if err != nil {
			b.Fatal(err)
		}
		sc, err := newScan(s, packages)
		if err != nil {
			b.Fatal(err)
		}
		sc.kept = sc.newMemory(w.Files)
		if err := sc.readAll(context.Background(), w, true); err != nil {
			b.Fatal(err)
		}
		var f patch.Facts
		sc.verdict(&f)
		if len(f.Packages) != 79 {
			b.Fatalf("%d pending, want 79", len(f.Packages))
		}
	}
}

// BenchmarkRead is the whole answer, cold.
func BenchmarkRead(b *testing.B) {
	e := env(b, unpack(b, "fx1"))
	b.ReportAllocs()
	for b.Loop() {
		if f := read(context.Background(), e); len(f.Packages) != 79 {
			b.Fatalf("%d pending, want 79", len(f.Packages))
		}
	}
}

// BenchmarkUnchanged is the answer of a Reader when nothing changed.
func BenchmarkUnchanged(b *testing.B) {
	r, e := patch.NewReader(Read), env(b, unpack(b, "fx1"))
	r.Read(context.Background(), e)
	b.ReportAllocs()
	for b.Loop() {
		if f := r.Read(context.Background(), e); len(f.Packages) != 79 {
			b.Fatalf("%d pending, want 79", len(f.Packages))
		}
	}
}

// BenchmarkThisHost reads the running system, cold.
func BenchmarkThisHost(b *testing.B) {
	e := env(b, "/")
	b.ReportAllocs()
	for b.Loop() {
		if f := read(context.Background(), e); f.Meta.State != fact.StateKnown {
			b.Fatal(f.Meta.Reason)
		}
	}
}

// BenchmarkThisHostUnchanged is the answer about the running system when nothing
// changed.
func BenchmarkThisHostUnchanged(b *testing.B) {
	r, e := patch.NewReader(Read), env(b, "/")
	r.Read(context.Background(), e)
	b.ReportAllocs()
	for b.Loop() {
		r.Read(context.Background(), e)
	}
}

// BenchmarkStatusChanged is the answer after a step of an upgrade: the status file
// is new, the lists are not.
func BenchmarkStatusChanged(b *testing.B) {
	dir := unpack(b, "fx1")
	r, e := patch.NewReader(New()), env(b, dir)
	text, err := os.ReadFile(filepath.Join(dir, "var/lib/dpkg/status"))
	if err != nil {
		b.Fatal(err)
	}
	r.Read(context.Background(), e)
	for b.Loop() {
		write(b, dir, "var/lib/dpkg/status", string(text))
		if f := r.Read(context.Background(), e); len(f.Packages) != 79 {
			b.Fatalf("%d pending, want 79", len(f.Packages))
		}
	}
}
