package apt

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestDraw compares with 203 numbers drawn by a C++ program of libstdc++ 12.
func TestDraw(t *testing.T) {
	b, err := os.ReadFile("testdata/phase.tsv")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(b)) {
		seed, number, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		want, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		if got := draw(seed); got != want {
			t.Errorf("draw(%q) = %d, want %d", seed, got, want)
		}
		rows++
	}
	if rows != 203 {
		t.Errorf("%d rows, want 203", rows)
	}
}

func TestDeferred(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	number := draw("vim-1-" + id)
	for _, tt := range []struct {
		id      string
		percent int
		want    bool
	}{
		{id, number - 1, true}, {id, number, false}, {id, 100, false}, {"", 0, false},
	} {
		if got := Deferred("vim", "1", tt.id, tt.percent); got != tt.want {
			t.Errorf("machine %q at %d %%: deferred %v, want %v", tt.id, tt.percent, got, tt.want)
		}
	}
}

// FuzzDeferred: a higher percentage never takes an update away from a machine, and
// the same question has the same answer.
func FuzzDeferred(f *testing.F) {
	f.Add("vim", "2:9.1", "0123456789abcdef0123456789abcdef", 10)
	f.Add("", "", "\xff", -1)
	f.Add("linux", "6.8.0-1", "uninitialized", 200)
	f.Fuzz(func(t *testing.T, source, version, id string, percentage int) {
		deferred := Deferred(source, version, id, percentage)
		if deferred != Deferred(source, version, id, percentage) {
			t.Error("two answers")
		}
		if !deferred && percentage < 100 && Deferred(source, version, id, percentage+1) {
			t.Errorf("taken at %d %%, deferred at %d %%", percentage, percentage+1)
		}
		if n := draw(source + "-" + version + "-" + id); n < 0 || n > 100 {
			t.Errorf("drew %d", n)
		}
	})
}
