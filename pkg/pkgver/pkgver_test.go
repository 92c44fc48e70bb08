package pkgver

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

type pair struct {
	a, b string
	want int
	note string
}

// corpus is 166 pairs with dpkg's own answer.
func corpus(t testing.TB) []pair {
	t.Helper()
	f, err := os.Open("testdata/deb-versions.tsv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []pair
	for s := bufio.NewScanner(z); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		col := strings.Split(s.Text(), "\t")
		want, err := strconv.Atoi(col[2])
		if err != nil {
			t.Fatalf("row %q: %v", s.Text(), err)
		}
		pairs = append(pairs, pair{col[0], col[1], want, col[3]})
	}
	if len(pairs) != 166 {
		t.Fatalf("corpus has %d rows, want 166", len(pairs))
	}
	return pairs
}

func TestDebCorpus(t *testing.T) {
	for _, p := range corpus(t) {
		if got := Deb(p.a, p.b); got != p.want {
			t.Errorf("Deb(%q, %q) = %d, want %d (%s)", p.a, p.b, got, p.want, p.note)
		}
		if got := Deb([]byte(p.b), p.a); got != -p.want {
			t.Errorf("Deb(%q, %q) = %d, want %d (%s)", p.b, p.a, got, -p.want, p.note)
		}
	}
}

func TestDebDoesNotAllocate(t *testing.T) {
	pairs := corpus(t)
	b := []byte("1:2.3~rc1-4+deb12u1")
	if n := testing.AllocsPerRun(10, func() {
		for i := range pairs {
			Deb(pairs[i].a, pairs[i].b)
			Deb(pairs[i].a, b)
		}
	}); n != 0 {
		t.Errorf("%v allocations per run, want 0", n)
	}
}

// TestDebAgainstDpkg asks the real dpkg about random well-formed pairs that are
// near each other.
func TestDebAgainstDpkg(t *testing.T) {
	dpkg, err := exec.LookPath("dpkg")
	if err != nil {
		t.Fatalf("this test asks dpkg: %v", err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		a := random(rng)
		b := mutate(rng, a)
		got := Deb(a, b)
		op := [...]string{"lt", "eq", "gt"}[got+1]
		if err := exec.Command(dpkg, "--compare-versions", a, op, b).Run(); err != nil {
			t.Errorf("Deb(%q, %q) = %d; dpkg --compare-versions denies %s: %v", a, b, got, op, err)
		}
	}
}

func random(rng *rand.Rand) string {
	const chars = "0123456789001aZ.+~"
	var s strings.Builder
	if rng.IntN(3) == 0 {
		fmt.Fprintf(&s, "%d:", rng.IntN(3))
	}
	part := func() {
		s.WriteByte("0123456789"[rng.IntN(10)])
		for range rng.IntN(6) {
			s.WriteByte(chars[rng.IntN(len(chars))])
		}
	}
	part()
	for range rng.IntN(3) {
		s.WriteByte('-')
		part()
	}
	return s.String()
}

func mutate(rng *rand.Rand, v string) string {
	i := len(v) - 1 - rng.IntN(min(3, len(v)))
	switch rng.IntN(5) {
	case 0:
		return v + "~"
	case 1:
		return v + "+deb12u1"
	case 2:
		return v[:i+1] + "0" + v[i+1:]
	case 3:
		return random(rng)
	}
	return strings.Replace(v, ".", ".0", 1)
}

func FuzzDeb(f *testing.F) {
	for _, p := range corpus(f) {
		f.Add(p.a, p.b, "1.0-1")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab := Deb(a, b)
		if ba := Deb(b, a); ab != -ba {
			t.Errorf("Deb(%q, %q) = %d, swapped %d", a, b, ab, ba)
		}
		if Deb(a, a) != 0 {
			t.Errorf("%q does not equal itself", a)
		}
		if ab <= 0 && Deb(b, c) <= 0 && Deb(a, c) > 0 {
			t.Errorf("not transitive: %q <= %q <= %q", a, b, c)
		}
	})
}

func BenchmarkDeb(b *testing.B) {
	pairs := corpus(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p := &pairs[i%len(pairs)]
		Deb(p.a, p.b)
	}
}
