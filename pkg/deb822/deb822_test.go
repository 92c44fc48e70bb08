package deb822

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const document = `
# leading comment

Package: a
Depends: b,
 c
# comment
 d
version: 1

Package: z
Empty:
Version:2
`

// flat prints stanzas as one line per field.
func flat(r io.Reader) ([]string, error) {
	d := NewReader(r, 0)
	var out []string
	for {
		s, err := d.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		err = s.Each(func(f Field) { out = append(out, fmt.Sprintf("%d %s=%q", f.Line, f.Name, f.Value)) })
		if err != nil {
			return out, err
		}
	}
}

func TestReader(t *testing.T) {
	want := []string{
		`4 Package="a"`, `5 Depends="b,\n c"`, `8 Depends="d"`, `9 version="1"`,
		`11 Package="z"`, `12 Empty=""`, `13 Version="2"`,
	}
	for name, r := range map[string]io.Reader{
		"whole":     strings.NewReader(document),
		"by bytes":  iotest.OneByteReader(strings.NewReader(document)),
		"data, EOF": iotest.DataErrReader(strings.NewReader(document)),
	} {
		got, err := flat(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestStanzaLongerThanTheBuffer(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	text := "A: 1\n\nB: " + long + "\nC: 2\n\nD: 3\n"
	got, err := flat(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`1 A="1"`, `3 B="` + long + `"`, `4 C="2"`, `6 D="3"`}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%.500s", d)
	}
}

func TestLimit(t *testing.T) {
	d := NewReader(strings.NewReader("A: 1\n\nB: "+strings.Repeat("x", 2000)), 1000)
	if _, err := d.Next(); err != nil {
		t.Fatal(err)
	}
	_, err := d.Next()
	if !errors.Is(err, ErrTooLong) || !strings.HasPrefix(err.Error(), "line 3: ") {
		t.Errorf("got %v, want %v of line 3", err, ErrTooLong)
	}
	if _, again := d.Next(); again == nil {
		t.Error("goes on after a stanza that is too long")
	}
}

func TestErrors(t *testing.T) {
	_, err := flat(io.MultiReader(strings.NewReader("A: 1\nB"), iotest.ErrReader(io.ErrNoProgress)))
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v, want the reader's error", err)
	}
	for text, line := range map[string]int{"nothing\n": 1, "A: 1\n: 2\n": 2, "A: 1\nB b: 2\n": 2, " x\n": 1} {
		_, err := flat(strings.NewReader(text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != line {
			t.Errorf("%q: got %v, want a syntax error in line %d", text, err, line)
		}
	}
	d := NewReader(strings.NewReader("A: 1\nB: 2"), 0)
	if _, err := d.Next(); err != nil || !d.Truncated {
		t.Errorf("error %v, truncated %v; want a truncated stanza", err, d.Truncated)
	}
}

func TestGet(t *testing.T) {
	s := Stanza{Text: []byte("A: 1\nb: 2\nB: 3\n"), Line: 1}
	if got := string(s.Get("B")); got != "2" {
		t.Errorf("B is %q, want the first, 2", got)
	}
	if got := s.Get("C"); got != nil {
		t.Errorf("C is %q, want nil", got)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(document)
	f.Add("A: 1\r\n\r\nB: 2\n")
	f.Add(" \n\n#\n\n:\n")
	f.Fuzz(func(t *testing.T, text string) {
		// Reading byte by byte gives the same fields and the same error.
		got, err := flat(strings.NewReader(text))
		slow, slowErr := flat(iotest.OneByteReader(strings.NewReader(text)))
		if d := cmp.Diff(got, slow); d != "" {
			t.Errorf("whole and by bytes differ:\n%s", d)
		}
		if fmt.Sprint(err) != fmt.Sprint(slowErr) {
			t.Errorf("errors differ: %v and %v", err, slowErr)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	text := strings.Repeat("Package: abc\nDescription: some words here to fill it up\nDepends: a, b, c, d, e, f, g, h, i\n\n", 1000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d := NewReader(strings.NewReader(text), 0)
		for {
			if _, err := d.Next(); err != nil {
				break
			}
		}
	}
}
