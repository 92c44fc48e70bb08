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

// corpus is pairs with the real program's own answer: 166 of dpkg, 173 of rpm.
func corpus(t testing.TB, name string, rows int) []pair {
	t.Helper()
	f, err := os.Open("testdata/" + name)
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
	if len(pairs) != rows {
		t.Fatalf("corpus has %d rows, want %d", len(pairs), rows)
	}
	return pairs
}

func debCorpus(t testing.TB) []pair { t.Helper(); return corpus(t, "deb-versions.tsv.gz", 166) }

func TestDebCorpus(t *testing.T) {
	for _, p := range debCorpus(t) {
		if got := Deb(p.a, p.b); got != p.want {
			t.Errorf("Deb(%q, %q) = %d, want %d (%s)", p.a, p.b, got, p.want, p.note)
		}
		if got := Deb([]byte(p.b), p.a); got != -p.want {
			t.Errorf("Deb(%q, %q) = %d, want %d (%s)", p.b, p.a, got, -p.want, p.note)
		}
	}
}

func TestDoesNotAllocate(t *testing.T) {
	deb, rpm := debCorpus(t), rpmCorpus(t)
	b := []byte("1:2.3~rc1-4+deb12u1")
	for name, run := range map[string]func(){
		"Deb": func() {
			for i := range deb {
				Deb(deb[i].a, deb[i].b)
				Deb(deb[i].a, b)
			}
		},
		"RPM": func() {
			for i := range rpm {
				RPM(rpm[i].a, rpm[i].b)
				RPM(b, rpm[i].a)
				RPMPart(rpm[i].a, b)
			}
		},
	} {
		if n := testing.AllocsPerRun(10, run); n != 0 {
			t.Errorf("%s: %v allocations per run, want 0", name, n)
		}
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
	for _, p := range debCorpus(f) {
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
	pairs := debCorpus(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p := &pairs[i%len(pairs)]
		Deb(p.a, p.b)
	}
}
