package lz4frame

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pierrec/lz4/v4"
)

// text is about n bytes that compress like a package list.
func text(n int) []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	words := strings.Fields("Package: Version: Architecture: amd64 lib ssl crypto perl 1.2-3 +deb12u1 Depends: libc6 (>= 2.36)")
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString(words[rng.IntN(len(words))])
		b.WriteByte("  \n"[rng.IntN(3)])
	}
	return b.Bytes()
}

func decode(t *testing.T, frame []byte) []byte {
	t.Helper()
	got, err := io.ReadAll(NewReader(bytes.NewReader(frame)))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAptList reads a list that apt wrote: linked blocks of 64 KB.
func TestAptList(t *testing.T) {
	frame, err := os.ReadFile("testdata/Packages.lz4")
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(lz4.NewReader(bytes.NewReader(frame)))
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, frame); !bytes.Equal(got, want) {
		t.Errorf("%d bytes, differ from the module's own reader (%d)", len(got), len(want))
	}
	got, err := io.ReadAll(iotest.OneByteReader(NewReader(iotest.HalfReader(bytes.NewReader(frame)))))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read in small pieces: %d bytes, error %v", len(got), err)
	}
}

// TestLZ4Tool reads what the lz4 program writes, linked and independent blocks of
// every size, with and without checksums and content size.
func TestLZ4Tool(t *testing.T) {
	tool, err := exec.LookPath("lz4")
	if err != nil {
		t.Fatalf("this test needs the lz4 program (Debian package lz4): %v", err)
	}
	want := text(1 << 20)
	for _, args := range []string{"-B4 -BD", "-B4", "-B5 -BD", "-B6", "-B7 -BD", "-9 -BD", "-B4 -BD -BX", "-B4 --content-size", "--no-frame-crc"} {
		cmd := exec.Command(tool, append(strings.Fields(args), "-c")...)
		cmd.Stdin = bytes.NewReader(want)
		frame, err := cmd.Output()
		if err != nil {
			t.Fatalf("lz4 %s: %v", args, err)
		}
		if got := decode(t, frame); !bytes.Equal(got, want) {
			t.Errorf("lz4 %s: %d bytes differ", args, len(got))
		}
	}
}

func compress(t testing.TB, b []byte, size lz4.BlockSize) []byte {
	t.Helper()
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	if err := w.Apply(lz4.BlockSizeOption(size)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestSeveralFrames(t *testing.T) {
	small, big := text(1000), text(300_000)
	noise := make([]byte, 100_000) // stored, not compressed
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	skip := []byte{0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3}
	in := bytes.Join([][]byte{compress(t, small, lz4.Block64Kb), skip, compress(t, big, lz4.Block4Mb),
		compress(t, noise, lz4.Block64Kb), compress(t, nil, lz4.Block64Kb)}, nil)
	want := bytes.Join([][]byte{small, big, noise}, nil)
	if got := decode(t, in); !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d, or they differ", len(got), len(want))
	}
}

func TestDamage(t *testing.T) {
	frame := compress(t, text(200_000), lz4.Block64Kb)
	for n := 1; n < len(frame); n += 97 {
		if _, err := io.ReadAll(NewReader(bytes.NewReader(frame[:n]))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v, want %v", n, err, io.ErrUnexpectedEOF)
		}
	}
	for _, tt := range []struct {
		name string
		at   int
		b    byte
	}{{"magic", 0, 0}, {"version", 4, 0x20}, {"dictionary", 4, 0x61}, {"block size code", 5, 0x30}, {"block size", 9, 0x7f}} {
		bad := bytes.Clone(frame)
		bad[tt.at] = tt.b
		if _, err := io.ReadAll(NewReader(bytes.NewReader(bad))); !errors.Is(err, ErrCorrupt) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v, want %v", tt.name, err, ErrCorrupt)
		}
	}
}

func TestLittleMemory(t *testing.T) {
	frame := compress(t, text(4<<20), lz4.Block64Kb)
	r := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := io.Copy(io.Discard, struct{ io.Reader }{NewReader(bytes.NewReader(frame))}); err != nil {
				b.Fatal(err)
			}
		}
	})
	if got := r.AllocedBytesPerOp(); got > 512<<10 {
		t.Errorf("%d bytes allocated to read 4 MB, want at most 512 KB", got)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(compress(f, text(1000), lz4.Block64Kb))
	f.Add([]byte{0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0, 4, 0, 0, 0, 0x10, 'a', 1, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := io.Copy(io.Discard, io.LimitReader(NewReader(bytes.NewReader(b)), 16<<20))
		if err == nil && len(b) == 0 && n != 0 {
			t.Errorf("%d bytes from nothing", n)
		}
	})
}
