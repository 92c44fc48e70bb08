package apt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

const packages = `Package: openssl
Architecture: amd64
Version: 3.0.13-0ubuntu3.5
Depends: libc6 (>= 2.34),
 libssl3t64
Phased-Update-Percentage: 10

Architecture: all
Package: python3-x
Source: x (2-1)
Version: 2-1+b1

Package: unwanted
this stanza is not even parsed

Package: libssl3t64
Architecture: i386
Source: openssl
Version: 3.0.13-0ubuntu3.5
`

func everything([]byte) bool { return true }

func want(name []byte) bool { return string(name) != "unwanted" }

func scan(r io.Reader, extension string) ([]string, error) {
	var got []string
	_, err := ScanList(r, extension, want, func(e *Entry) error {
		got = append(got, fmt.Sprintf("%s %s %s [%s] %d", e.Name, e.Arch, e.Version, e.Source, e.Phased))
		return nil
	})
	return got, err
}

func entries() []string {
	return []string{"openssl amd64 3.0.13-0ubuntu3.5 [] 10", "python3-x all 2-1+b1 [x (2-1)] 100", "libssl3t64 i386 3.0.13-0ubuntu3.5 [openssl] 100"}
}

// pack compresses as the extension says.
func pack(t testing.TB, text, extension string) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch extension {
	case "":
		return []byte(text)
	case ".gz":
		w = gzip.NewWriter(&b)
	case ".lz4":
		w = lz4.NewWriter(&b)
	case ".xz":
		w, err = xz.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	case ".bz2", ".lzma":
		tool := map[string]string{".bz2": "bzip2", ".lzma": "lzma"}[extension]
		cmd := exec.Command(tool, "-c")
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("this test runs %s (Debian packages bzip2, xz-utils): %v", tool, err)
		}
		return out
	}
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestScanList(t *testing.T) {
	for _, ext := range []string{"", ".gz", ".lz4", ".xz", ".zst", ".bz2", ".lzma"} {
		packed := pack(t, packages, ext)
		got, err := scan(bytes.NewReader(packed), ext)
		if err != nil {
			t.Errorf("%q: %v", ext, err)
		}
		if d := cmp.Diff(entries(), got); d != "" {
			t.Errorf("%q (-want +got):\n%s", ext, d)
		}
		if ext == "" {
			continue
		}
		if _, err := scan(bytes.NewReader(packed[:len(packed)-8]), ext); err == nil {
			t.Errorf("%q: a file cut short goes unnoticed", ext)
		}
		if _, err := scan(strings.NewReader("nonsense that is long enough to be read"), ext); err == nil {
			t.Errorf("%q: nonsense goes unnoticed", ext)
		}
	}
	if _, err := scan(strings.NewReader("x"), ".7z"); !errors.Is(err, ErrUnsupported) {
		t.Errorf("7z: %v, want %v", err, ErrUnsupported)
	}
	if got, err := scan(strings.NewReader(""), ""); err != nil || got != nil {
		t.Errorf("an empty list is fine: %v, %v", got, err)
	}
}

func TestBrokenList(t *testing.T) {
	for text, want := range map[string]string{
		"Package: a\nVersion: 1\n":                                                              "line 1: entry without",
		"Package: a\nArchitecture: all\nVersion: 1\nDescr":                                      "line 4: the list ends within a line",
		"Package: unwanted\nVersion: 1":                                                         "line 2: the list ends within a line",
		"Package: a\nArchitecture: all\nVersion: 1\n\nVersion: 2\nnonsense\n":                   "line 6",
		"Package: a\nArchitecture: all\nVersion: 1\nDescription: " + strings.Repeat("x", 2<<20): "longer than the limit",
	} {
		if _, err := scan(strings.NewReader(text), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

// TestListSize: the length that a Release file has for the list, whatever it is
// compressed with, and what the caller refuses.
func TestListSize(t *testing.T) {
	refused := errors.New("refused")
	for _, ext := range Extensions() {
		n, err := ScanList(bytes.NewReader(pack(t, packages, ext)), ext, want, func(*Entry) error { return nil })
		if err != nil || n != int64(len(packages)) {
			t.Errorf("%q: %d bytes, %v; want %d", ext, n, err, len(packages))
		}
		if _, err := ScanList(bytes.NewReader(pack(t, packages, ext)), ext, want, func(*Entry) error { return refused }); !errors.Is(err, refused) {
			t.Errorf("%q: %v, want what the caller says", ext, err)
		}
	}
}

// TestPercentage: apt reads it with strtoull and passes over what is above 100.
func TestPercentage(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "10": 10, "100": 100, "101": 100, "-1": 100, "x": 100, "7 %": 7, "99999999999999999999": 100, "007": 7} {
		var got int
		_, err := ScanList(strings.NewReader("Package: a\nArchitecture: all\nVersion: 1\nPhased-Update-Percentage: "+text+"\n"), "", everything,
			func(e *Entry) error { got = e.Phased; return nil })
		if err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
}

// TestDecompressionBombs: a small file may not ask for much memory.
func TestDecompressionBombs(t *testing.T) {
	head := pack(t, packages, ".xz")
	i := bytes.Index(head[14:], []byte{0x21, 0x01}) + 14
	head[i+2] = 40 // 4 GB of dictionary
	if _, err := scan(bytes.NewReader(head), ".xz"); err == nil || !strings.Contains(err.Error(), "larger than the limit") {
		t.Errorf("xz: %v", err)
	}
	// 1 GB of zeros in one stanza ends at the stanza's limit.
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := scan(&b, ".zst"); err == nil || !strings.Contains(err.Error(), "longer than the limit") {
		t.Errorf("zstd: %v", err)
	}
}

func FuzzScanList(f *testing.F) {
	exts := []string{"", ".gz", ".lz4", ".xz", ".zst", ".bz2", ".lzma"}
	for i, ext := range exts {
		f.Add(uint8(i), pack(f, packages, ext))
	}
	f.Fuzz(func(t *testing.T, i uint8, b []byte) {
		in := io.Reader(bytes.NewReader(b))
		_, err := ScanList(in, exts[int(i)%len(exts)], want, func(e *Entry) error {
			if len(e.Name) == 0 || len(e.Version) == 0 || e.Phased < 0 || e.Phased > 100 {
				t.Errorf("incomplete entry %+v", e)
			}
			return nil
		})
		_ = err // any error is fine, a panic or a hang is not
	})
}
