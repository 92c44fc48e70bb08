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
