package xzstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// xz compresses text by the real program.
func xz(t testing.TB, text string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("xz", append([]string{"-zc"}, args...)...)
	cmd.Stdin = strings.NewReader(text)
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("xz %v: %v", args, err)
	}
	return b
}

const allowed = 8 << 20

func open(r io.Reader) (string, error) {
	z, err := NewReader(r, allowed)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(z)
	return string(b), err
}

// text is n lines that compress and do not repeat.
func text(n int) string {
	var b strings.Builder
	for i := range uint32(n) {
		b.WriteString(strings.Repeat("package ", int(i%3)))
		_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE([]byte{byte(i), byte(i >> 8), byte(i >> 16)}))
	}
	return b.String()
}

// TestAgainstXZ reads what xz writes, in every way that it has to split a file.
func TestAgainstXZ(t *testing.T) {
	long := text(12_000)
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"preset 0":         {xz(t, long, "-0"), long},
		"preset 5":         {xz(t, long, "-5"), long},
		"blocks":           {xz(t, long, "-5", "--block-size=10000"), long},
		"threads":          {xz(t, long, "-5", "-T2", "--block-size=65536"), long},
		"no check":         {xz(t, long, "-5", "--check=none", "--block-size=10001"), long},
		"CRC32":            {xz(t, long, "-5", "--check=crc32", "--block-size=10002"), long},
		"SHA-256":          {xz(t, long, "-5", "--check=sha256", "--block-size=10003"), long},
		"nothing":          {xz(t, "", "-5"), ""},
		"one byte":         {xz(t, "x", "-5"), "x"},
		"streams":          {bytes.Join([][]byte{xz(t, long), xz(t, ""), xz(t, "tail")}, nil), long + "tail"},
		"zeros in between": {bytes.Join([][]byte{xz(t, "a"), make([]byte, 8), xz(t, "b"), make([]byte, 4)}, nil), "ab"},
		"nothing first":    {bytes.Join([][]byte{xz(t, ""), xz(t, "b")}, nil), "b"},
	} {
		for _, r := range []io.Reader{bytes.NewReader(tt.file), iotest.OneByteReader(bytes.NewReader(tt.file))} {
			if got, err := open(r); err != nil || got != tt.want {
				t.Errorf("%s: %d bytes, %v, want %d", name, len(got), err, len(tt.want))
			}
		}
	}
	// What does not compress is stored.
	packed := string(xz(t, long))
	if got, err := open(bytes.NewReader(xz(t, packed))); err != nil || got != packed {
		t.Errorf("stored: %d bytes, %v, want %d", len(got), err, len(packed))
	}
}

// asking makes the first block of a file ask for another dictionary: 4 KB with 0
// bits, 3 GB with 39.
func asking(file []byte, bits byte) []byte {
	b := bytes.Clone(file[headSize : headSize+(int(file[headSize])+1)*4])
	b[4] = bits
	binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.ChecksumIEEE(b[:len(b)-4]))
	return append(append(bytes.Clone(file[:headSize]), b...), file[headSize+len(b):]...)
}

// TestDictionary: a block that asks for more than allowed is refused before it is
// made, wherever it stands.
func TestDictionary(t *testing.T) {
	small, large := xz(t, "small", "-0"), asking(xz(t, "large", "-0"), 39)
	for name, file := range map[string][]byte{
		"the first block":  large,
		"a later stream":   append(bytes.Clone(small), large...),
		"behind no block":  append(xz(t, ""), large...),
		"more than before": append(bytes.Clone(small), xz(t, "x", "-6")...),
	} {
		var err error
		used := allocated(func() { _, err = open(bytes.NewReader(file)) })
		if !errors.Is(err, ErrUnsupported) || used > 2<<20 {
			t.Errorf("%s: %v with %d bytes", name, err, used)
		}
	}
	many := bytes.Repeat(xz(t, "x", "-6"), 1000)
	var got string
	var err error
	if used := allocated(func() { got, err = open(bytes.NewReader(many)) }); err != nil || len(got) != 1000 || used > 16*allowed {
		t.Errorf("1000 streams: %d bytes, %v with %d bytes of memory", len(got), err, used)
	}
}

// allocated is how much memory do asks for in all.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestCut: a file that ends anywhere before its end is an error, and so are a filter
// and a header that are not as they should be.
func TestCut(t *testing.T) {
	file := xz(t, text(300), "-0", "--block-size=1000")
	for n := range file {
		if _, err := open(bytes.NewReader(file[:n])); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut at %d of %d: %v", n, len(file), err)
		}
	}
	for _, at := range []int{0, 6, 7, 8, 12, 13, 14, len(file) - 1, len(file) - 4, len(file) - 12} {
		bad := bytes.Clone(file)
		bad[at] ^= 0x20
		if _, err := open(bytes.NewReader(bad)); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d changed: %v", at, err)
		}
	}
	for name, tt := range map[string]struct {
		file []byte
		want error
	}{
		"delta filter":   {xz(t, "text", "--delta", "--lzma2"), ErrUnsupported},
		"x86 filter":     {xz(t, "text", "--x86", "--lzma2"), ErrUnsupported},
		"something else": {append(bytes.Clone(file), "tail"...), ErrDamaged},
		"three zeros":    {append(bytes.Clone(file), 0, 0, 0), ErrDamaged},
		"lzma":           {xz(t, "text", "--format=lzma"), ErrDamaged},
	} {
		if _, err := open(bytes.NewReader(tt.file)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	broken := errors.New("broken disk")
	if _, err := open(io.MultiReader(bytes.NewReader(file[:100]), iotest.ErrReader(broken))); !errors.Is(err, broken) || errors.Is(err, ErrDamaged) {
		t.Errorf("an error of the disk: %v", err)
	}
}

// TestFlips changes each byte of a file. What frames the content is noticed, for the
// rest the reader ends with an error that callers know, or with other content.
func TestFlips(t *testing.T) {
	want := text(40)
	file := xz(t, want, "-0", "--block-size=100")
	noticed := 0
	for i := range file {
		for _, bit := range []byte{0x01, 0x10, 0x80, 0xff} {
			bad := bytes.Clone(file)
			bad[i] ^= bit
			got, err := open(bytes.NewReader(bad))
			switch {
			case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnsupported):
				t.Fatalf("byte %d: %v", i, err)
			case err != nil:
				noticed++
			case len(got) > 2*len(want):
				t.Errorf("byte %d: %d bytes, want about %d", i, len(got), len(want))
			}
		}
	}
	if noticed < len(file) {
		t.Errorf("%d of %d changes were noticed", noticed, 4*len(file))
	}
}

// TestIndex: an index of another number of blocks, or one that never ends, is damage.
func TestIndex(t *testing.T) {
	file := xz(t, "x", "-0")
	at := len(file) - headSize - 8 // 0, the number of blocks, two sizes, padding, checksum
	if file[at] != 0 || file[at+1] != 1 {
		t.Fatalf("the index begins with % x", file[at:at+2])
	}
	for name, count := range map[string][]byte{"none": {0}, "two": {2}, "very many": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, "too long": bytes.Repeat([]byte{0x80}, 100)} {
		bad := append(append(bytes.Clone(file[:at+1]), count...), file[at+2:]...)
		used := allocated(func() {
			if _, err := open(bytes.NewReader(bad)); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
		})
		if used > 4<<20 {
			t.Errorf("%s: %d bytes", name, used)
		}
	}
}

// TestFirstChunk: a block may not go on with the dictionary of the one before.
func TestFirstChunk(t *testing.T) {
	file := xz(t, "x", "-0")
	const chunk = headSize + 12 // the first block's
	if file[chunk] != chunkPlain {
		t.Fatalf("the chunk is of kind %#x", file[chunk])
	}
	for _, kind := range []byte{2, 3, 0x7f, 0x80, 0xdf} {
		bad := bytes.Clone(file)
		bad[chunk] = kind
		if _, err := open(bytes.NewReader(bad)); !errors.Is(err, ErrDamaged) {
			t.Errorf("chunk of kind %#x: %v", kind, err)
		}
	}
}

// FuzzRead: whatever a file holds, reading ends within bounds of memory, and where
// there is an error it is one that callers know.
func FuzzRead(f *testing.F) {
	for _, args := range [][]string{{"-0"}, {"-5", "--block-size=10"}, {"--check=none"}} {
		f.Add(xz(f, "some text, some text", args...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		z, err := NewReader(bytes.NewReader(file), 1<<20)
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(z, 16<<20))
		}
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnsupported) {
			t.Fatal(err)
		}
	})
}

// TestSeeds: what fuzzing begins with is there.
func TestSeeds(t *testing.T) {
	files, err := filepath.Glob("testdata/fuzz/FuzzRead/*")
	if err != nil || len(files) == 0 {
		t.Errorf("seeds %v, %v", files, err)
	}
}
