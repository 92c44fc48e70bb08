package move

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var columnsOfTest = []column{{"a", integers, 1}, {"b", texts, 2}, {"c", blobs, 0}}

// form is the form of a table.
func form(t testing.TB, rows ...[]any) []byte {
	t.Helper()
	var out bytes.Buffer
	e := encoder{w: bufio.NewWriter(&out), columns: columnsOfTest}
	_, err := e.w.WriteString(head)
	for _, row := range rows {
		err = errors.Join(err, e.encode(row))
	}
	_, more := e.w.WriteString(tail)
	if err := errors.Join(err, more, e.w.Flush()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestForm(t *testing.T) {
	rows := [][]any{
		{int64(-1), "", []byte{}},
		{int64(1) << 62, "Ä", []byte{0, 0xff, 0xff}},
		{nil, nil, nil},
	}
	data := form(t, rows...)
	var got [][]any
	n, err := decode(bytes.NewReader(data), columnsOfTest, func(values []any) error {
		got = append(got, append([]any(nil), values...))
		return nil
	})
	if diff := cmp.Diff(rows, got); n != 3 || err != nil || diff != "" {
		t.Errorf("%d rows, %v (-want +got):\n%s", n, err, diff)
	}
	// The digest is the same however the form comes in, and whatever the rows' order is.
	digest := func(data []byte, step int) Table {
		var sum tally
		for part := range chunks(data, step) {
			if _, err := sum.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		n, s, err := sum.table()
		if err != nil {
			t.Fatal(err)
		}
		return Table{Rows: n, Sum: s}
	}
	want := digest(data, len(data))
	for step := 1; step < 40; step++ {
		if got := digest(form(t, rows[2], rows[0], rows[1]), step); got != want {
			t.Errorf("in steps of %d: %v, not %v", step, got, want)
		}
	}
	if got := digest(form(t, rows[0], rows[0], rows[1]), 5); got == want {
		t.Error("other rows have the same digest")
	}
	// Each end but the last is one too early.
	for i := range data {
		var sum tally
		_, err := sum.Write(data[:i])
		_, _, ended := sum.table()
		_, decoded := decode(bytes.NewReader(data[:i]), columnsOfTest, func([]any) error { return nil })
		if err != nil || !errors.Is(ended, errForm) || !errors.Is(decoded, errForm) {
			t.Errorf("cut after %d bytes: %v, %v, %v", i, err, ended, decoded)
		}
	}
}

func chunks(data []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			part := data[:min(n, len(data))]
			if data = data[len(part):]; !yield(part) {
				return
			}
		}
	}
}

// FuzzDecode gives the decoder anything. What it takes, the encoder makes the same of, and
// the tally counts as many rows.
func FuzzDecode(f *testing.F) {
	f.Add(form(f))
	f.Add(form(f, []any{int64(7), "x", []byte("y")}, []any{nil, nil, nil}))
	f.Add([]byte(head + "\x00\x03\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x01\x7f\xff\xff\xff"))
	f.Add([]byte(head + tail + "more"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var rows [][]any
		n, err := decode(bytes.NewReader(data), columnsOfTest, func(values []any) error {
			rows = append(rows, append([]any(nil), values...))
			return nil
		})
		var sum tally
		_, refused := sum.Write(data)
		counted, _, cut := sum.table()
		if err != nil {
			return
		}
		if refused != nil || cut != nil || counted != n || n != int64(len(rows)) {
			t.Fatalf("%d rows are decoded, %d counted: %v, %v", n, counted, refused, cut)
		}
		if again := form(t, rows...); !bytes.Equal(again, data) {
			t.Errorf("%x became %x", data, again)
		}
	})
}

func TestSeeds(t *testing.T) {
	seeds, err := filepath.Glob("testdata/fuzz/FuzzDecode/*")
	if err != nil || len(seeds) == 0 {
		t.Fatalf("no seeds: %v", err)
	}
	for _, seed := range seeds {
		data, err := os.ReadFile(seed)
		if err != nil || !bytes.HasPrefix(data, []byte("go test fuzz v1\n")) {
			t.Errorf("%s is no seed: %v", seed, err)
		}
	}
}
