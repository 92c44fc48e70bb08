package squeeze

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const limit = 256 << 10

func codec(t testing.TB) *Codec {
	t.Helper()
	c, err := New(limit, 2)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// frame compresses text.
func frame(t testing.TB, src []byte, o ...zstd.EOption) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil, o...)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	return e.EncodeAll(src, nil)
}

func TestRoundTrip(t *testing.T) {
	c := codec(t)
	for _, n := range []int{Worth, 1000, 1 << 10, 64 << 10, 128<<10 + 1, limit} {
		src := []byte(strings.Repeat("permitrootlogin no\n", n/19+1))[:n]
		small, ok := c.Compress([]byte("before"), src)
		if !ok || !bytes.HasPrefix(small, []byte("before")) || len(small) > n/2+60 {
			t.Fatalf("%d bytes become %d, %v", n, len(small), ok)
		}
		for _, dst := range [][]byte{nil, make([]byte, 10), make([]byte, 0, limit)} {
			got, err := c.Decompress(dst, small[6:], n)
			if err != nil || !bytes.Equal(got, src) {
				t.Errorf("%d bytes come back as %d, %v", n, len(got), err)
			}
		}
	}
}

func TestNotWorthIt(t *testing.T) {
	c := codec(t)
	noise := make([]byte, 10_000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for name, src := range map[string][]byte{
		"nothing": nil, "small": make([]byte, Worth-1), "noise": noise, "too large": make([]byte, limit+1),
	} {
		if got, ok := c.Compress([]byte("x"), src); ok || string(got) != "x" {
			t.Errorf("%s: %d bytes, %v", name, len(got), ok)
		}
	}
}

func TestRefuses(t *testing.T) {
	c := codec(t)
	text := []byte(strings.Repeat("permitrootlogin no\n", 1000))
	good := frame(t, text, zstd.WithSingleSegment(true))
	if got, err := c.Decompress(nil, good, len(text)); err != nil || !bytes.Equal(got, text) {
		t.Fatalf("a good frame: %v", err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1 // of the checksum
	skippable := binary.LittleEndian.AppendUint32([]byte{0x50, 0x2a, 0x4d, 0x18}, 1000)
	for name, tt := range map[string]struct {
		src  []byte
		size int
	}{
		"nothing":            {nil, 0},
		"nothing, of a size": {nil, 5},
		"garbage":            {[]byte(strings.Repeat("garbage", 10)), 70},
		"smaller":            {good, len(text) + 1},
		"larger":             {good, len(text) - 1},
		"empty":              {good, 0},
		"negative":           {good, -1},
		"beyond the limit":   {frame(t, make([]byte, limit+1), zstd.WithSingleSegment(true)), limit + 1},
		"cut":                {good[:len(good)-5], len(text)},
		"cut checksum":       {good[:len(good)-1], len(text)},
		"wrong checksum":     {flipped, len(text)},
		"behind it":          {append(bytes.Clone(good), 0), len(text)},
		"two frames":         {append(bytes.Clone(good), good...), 2 * len(text)},
		"an empty frame too": {append(bytes.Clone(good), frame(t, nil, zstd.WithZeroFrames(true))...), len(text)},
		"skippable":          {append(append(skippable, make([]byte, 1000)...), good...), len(text)},
		"skippable behind":   {append(append(bytes.Clone(good), skippable...), make([]byte, 1000)...), len(text)},
		"no content size":    {stream(t, text), len(text)},
		"a dictionary":       {frame(t, text, zstd.WithEncoderDictRaw(5, text[:1000])), len(text)},
	} {
		if got, err := c.Decompress(nil, tt.src, tt.size); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// stream compresses text without telling its size.
func stream(t testing.TB, text []byte) []byte {
	var b bytes.Buffer
	e, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for len(text) > 0 {
		n, err := e.Write(text[:min(len(text), 1000)])
		if err != nil || e.Flush() != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bombs are frames of a gigabyte that say they are something else.
func bombs() map[string][]byte {
	header := func(descriptor byte, rest ...byte) []byte {
		return append([]byte{0x28, 0xb5, 0x2f, 0xfd, descriptor}, rest...)
	}
	rle := func(b []byte, blocks int) []byte { // each block is 128 KiB of zeros
		for n := range blocks {
			word := uint32(128<<10)<<3 | 1<<1
			if n == blocks-1 {
				word |= 1
			}
			b = append(b, byte(word), byte(word>>8), byte(word>>16), 0)
		}
		return b
	}
	return map[string][]byte{
		"says a gigabyte":   rle(header(0b1010_0000, 0, 0, 0, 0x40), 8192),
		"says a megabyte":   rle(header(0b1010_0000, 0, 0, 0x10, 0), 8192),
		"says a little":     rle(header(0b1010_0000, 200, 0, 0, 0), 8192),
		"says nothing":      rle(header(0, 0x58), 8192),
		"a window of 2 GiB": rle(header(0b1000_0000, 0xa8, 200, 0, 0, 0), 8192),
	}
}

// TestBombs allocate what was promised and a little, whatever they say.
func TestBombs(t *testing.T) {
	c := codec(t)
	for name, b := range bombs() {
		for _, size := range []int{0, 200, limit} {
			if _, err := c.Decompress(nil, b, size); !errors.Is(err, ErrFrame) {
				t.Errorf("%s: %v", name, err)
			}
			got := allocated(func() { _, _ = c.Decompress(nil, b, size) })
			if got > limit+8<<10 {
				t.Errorf("%s for %d bytes: %d allocated", name, size, got)
			}
		}
	}
}

// allocated is the mean of the bytes that f allocates.
func allocated(f func()) uint64 {
	const runs = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / runs
}

func TestAtOnce(t *testing.T) {
	c := codec(t)
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			src := bytes.Repeat([]byte{byte(n), 1, 2}, 1000*(n+1))
			for range 50 {
				small, ok := c.Compress(nil, src)
				got, err := c.Decompress(nil, small, len(src))
				if !ok || err != nil || !bytes.Equal(got, src) {
					t.Errorf("%d: %v", n, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(limit, -1); err == nil {
		t.Error("a codec for less than nobody")
	}
}

// FuzzDecompress gives back exactly what was promised, or an error.
func FuzzDecompress(f *testing.F) {
	c := codec(f)
	good, _ := c.Compress(nil, bytes.Repeat([]byte("text "), 100))
	f.Add(good, 500)
	f.Add(good, 499)
	for _, b := range bombs() {
		f.Add(b[:40], 200)
	}
	f.Fuzz(func(t *testing.T, src []byte, size int) {
		got, err := c.Decompress(nil, src, size)
		if err == nil && (len(got) != size || size > limit) || err != nil && !errors.Is(err, ErrFrame) {
			t.Errorf("%d bytes of %d, %v", len(got), size, err)
		}
		if small, ok := c.Compress(nil, src); ok {
			back, err := c.Decompress(nil, small, len(src))
			if err != nil || !bytes.Equal(back, src) {
				t.Errorf("%d bytes come back as %d, %v", len(src), len(back), err)
			}
		}
	})
}

func TestFuzzSeeds(t *testing.T) {
	files, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzDecompress"))
	if err != nil || len(files) == 0 {
		t.Errorf("seeds: %d, %v", len(files), err)
	}
}
