package zchunk

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

func open(r io.Reader) ([]byte, error) {
	z, err := NewReader(r)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return io.ReadAll(z)
}

// samples are files that zck made of content.xml, in its ways.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.zck")
	if err != nil || len(names) < 7 {
		t.Fatalf("found %d samples, %v", len(names), err)
	}
	files := make(map[string][]byte)
	for _, name := range names {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func content(t testing.TB, name string) []byte {
	t.Helper()
	if name == "empty.zck" {
		return nil
	}
	b, err := os.ReadFile("testdata/content.xml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRead(t *testing.T) {
	for name, file := range samples(t) {
		want := content(t, name)
		for _, r := range []io.Reader{bytes.NewReader(file), iotest.HalfReader(bytes.NewReader(file))} {
			got, err := open(r)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if !bytes.Equal(got, want) {
				t.Errorf("%s: got %d bytes, want %d", name, len(got), len(want))
			}
		}
		z, err := NewReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(z, want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := z.Close(); err != nil {
			t.Error(err)
		}
		if n, err := z.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%s: read after close: %d, %v", name, n, err)
		}
	}
}

// TestCut: a file that ends early is an error wherever it ends.
func TestCut(t *testing.T) {
	for name, file := range samples(t) {
		for n := 0; n < len(file); n += 1 + n/50 {
			if _, err := open(bytes.NewReader(file[:n])); !errors.Is(err, ErrDamaged) {
				t.Fatalf("%s, %d of %d bytes: %v", name, n, len(file), err)
			}
		}
	}
}

// TestFlipped: a bit that changed is an error wherever it is, except behind the
// last chunk.
func TestFlipped(t *testing.T) {
	for name, file := range samples(t) {
		for i := 0; i < len(file); i += 1 + i/50 {
			bad := bytes.Clone(file)
			bad[i] ^= 1
			if got, err := open(bytes.NewReader(bad)); err == nil {
				t.Fatalf("%s, byte %d: read %d bytes without an error", name, i, len(got))
			}
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("input/output error")
	file := samples(t)["split.zck"]
	for _, n := range []int{40, 600} {
		r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken))
		if _, err := open(r); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// number encodes as the format does.
func number(n uint64) []byte {
	var b []byte
	for ; n > 0x7f; n >>= 7 {
		b = append(b, byte(n&0x7f))
	}
	return append(b, byte(n)|0x80)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// lead puts the right lead in front of a header.
func lead(t *testing.T, header []byte) []byte {
	t.Helper()
	digest, _, err := sum(1)
	if err != nil {
		t.Fatal(err)
	}
	start := join([]byte(Magic), number(1), number(uint64(len(header))))
	return join(start, digest(join(start, header)), header)
}

// TestHostile: headers whose checksum is right, and that still are not.
func TestHostile(t *testing.T) {
	data := make([]byte, 32)
	index := func(parts ...[]byte) []byte {
		i := join(parts...)
		return join(number(uint64(len(i))), i, number(0))
	}
	none := join(make([]byte, 16), number(0), number(0))
	for name, tt := range map[string]struct {
		header []byte
		want   error
	}{
		"flags":                {join(data, number(8), number(2)), ErrUnsupported},
		"streams":              {join(data, number(1), number(2)), ErrUnsupported},
		"compression":          {join(data, number(0), number(1)), ErrUnsupported},
		"checksum":             {join(data, number(0), number(2), index(number(9), number(1), none)), ErrUnsupported},
		"no index":             {join(data, number(0), number(2)), ErrDamaged},
		"huge index":           {join(data, number(0), number(2), number(1<<33)), ErrDamaged},
		"no chunks":            {join(data, number(0), number(2), index(number(3), number(0), none)), ErrDamaged},
		"many chunks":          {join(data, number(0), number(2), index(number(3), number(1<<34), none)), ErrDamaged},
		"many options":         {join(data, number(2), number(2), number(1<<34), number(1)), ErrDamaged},
		"chunk for nothing":    {join(data, number(0), number(2), index(number(3), number(2), none, make([]byte, 16), number(0), number(1))), ErrDamaged},
		"huge chunk":           {join(data, number(0), number(2), index(number(3), number(2), none, make([]byte, 16), number(1<<34), number(1<<34))), ErrDamaged},
		"large when opened":    {join(data, number(0), number(2), index(number(3), number(2), none, make([]byte, 16), number(1), number(1<<34))), ErrDamaged},
		"huge dictionary":      {join(data, number(0), number(2), index(number(3), number(1), make([]byte, 16), number(1<<22), number(1<<22))), ErrDamaged},
		"chunk that is absent": {join(data, number(0), number(2), index(number(3), number(2), none, make([]byte, 16), number(maxChunk), number(maxChunk))), ErrDamaged},
	} {
		file := lead(t, tt.header)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := open(bytes.NewReader(file))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %d bytes, %v, want %v", name, len(got), err, tt.want)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
			t.Errorf("%s: took %d bytes of memory", name, used)
		}
	}
	for name, file := range map[string][]byte{
		"size":       join([]byte(Magic), number(1), number(1<<34), data),
		"long lead":  join([]byte(Magic), bytes.Repeat([]byte{0}, 100)),
		"other lead": []byte("\x00ZHR1" + string(data)),
	} {
		if got, err := open(bytes.NewReader(file)); err == nil {
			t.Errorf("%s: got %d bytes without an error", name, len(got))
		}
	}
}

// TestGrowingChunks: chunks of which each is a byte larger than the one before do not
// take memory anew each time, and the most that a file can ask for is bounded.
func TestGrowingChunks(t *testing.T) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	digest, _, err := sum(3)
	if err != nil {
		t.Fatal(err)
	}
	file := func(sizes ...int) []byte {
		i := join(number(3), number(uint64(len(sizes))+1), make([]byte, 16), number(0), number(0))
		var data []byte
		for _, n := range sizes {
			packed := encoder.EncodeAll(make([]byte, n), nil)
			i = join(i, digest(packed), number(uint64(len(packed))), number(uint64(n)))
			data = append(data, packed...)
		}
		return join(lead(t, join(make([]byte, 32), number(0), number(2), number(uint64(len(i))), i, number(0))), data)
	}
	growing := make([]int, 64)
	for i := range growing {
		growing[i] = 1<<20 + i
	}
	for name, tt := range map[string]struct {
		sizes []int
		want  error
		most  uint64 // MiB
	}{
		"growing": {growing, nil, 8},
		"largest": {[]int{maxChunk, maxChunk, maxChunk}, nil, 16},
		"larger":  {[]int{maxChunk + 1}, ErrDamaged, 4},
	} {
		b := file(tt.sizes...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		z, err := NewReader(bytes.NewReader(b))
		n := int64(0)
		if err == nil {
			n, err = io.Copy(io.Discard, struct{ io.Reader }{z})
			z.Close()
		}
		runtime.ReadMemStats(&after)
		used := (after.TotalAlloc - before.TotalAlloc) >> 20
		if !errors.Is(err, tt.want) || used > tt.most || tt.want == nil && n < int64(len(tt.sizes)*tt.sizes[0]) {
			t.Errorf("%s: %d bytes, %v with %d MiB", name, n, err, used)
		}
	}
}

// TestLargeHeader: a header at its bound takes little more than its size.
func TestLargeHeader(t *testing.T) {
	i := join(number(3), number(0))
	header := join(make([]byte, 32), number(0), number(0), number(uint64(len(i))), i, number(0))
	file := lead(t, join(header, make([]byte, maxHeader-len(header))))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := open(bytes.NewReader(file))
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; err != nil || len(got) != 0 || used > 4*maxHeader {
		t.Errorf("%d bytes, %v with %d bytes of memory", len(got), err, used)
	}
	if _, err := open(bytes.NewReader(lead(t, make([]byte, maxHeader+1)))); !errors.Is(err, ErrDamaged) {
		t.Errorf("a larger one: %v", err)
	}
}

// TestOptional: optional elements are passed over.
func TestOptional(t *testing.T) {
	header := join(make([]byte, 32), number(2), number(0), number(2), number(1), number(3), []byte("abc"), number(300), number(0))
	digest, _, err := sum(3)
	if err != nil {
		t.Fatal(err)
	}
	i := join(number(3), number(2), make([]byte, 16), number(0), number(0), digest([]byte("text")), number(4), number(4))
	file := join(lead(t, join(header, number(uint64(len(i))), i, number(0))), []byte("text"))
	if got, err := open(bytes.NewReader(file)); err != nil || string(got) != "text" {
		t.Errorf("got %q, %v", got, err)
	}
}

// FuzzRead: no file makes the reader panic, and none gives more than its header
// says. The checksums are put right, or nothing would get behind them.
func FuzzRead(f *testing.F) {
	for _, file := range samples(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		open(bytes.NewReader(file))
		if len(file) > 40 {
			open(bytes.NewReader(lead(t, file[39:])))
		}
	})
}

// TestSeeds: the fuzz target begins with files that zck made.
func TestSeeds(t *testing.T) {
	if len(samples(t)) < 7 {
		t.Error("few seeds")
	}
}
