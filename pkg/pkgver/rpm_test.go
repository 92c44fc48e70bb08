package pkgver

import (
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func rpmCorpus(t testing.TB) []pair { t.Helper(); return corpus(t, "rpm-versions.tsv.gz", 173) }

func TestRPMCorpus(t *testing.T) {
	for _, p := range rpmCorpus(t) {
		if got := RPM(p.a, p.b); got != p.want {
			t.Errorf("RPM(%q, %q) = %d, want %d (%s)", p.a, p.b, got, p.want, p.note)
		}
		if got := RPM([]byte(p.b), p.a); got != -p.want {
			t.Errorf("RPM(%q, %q) = %d, want %d (%s)", p.b, p.a, got, -p.want, p.note)
		}
	}
}

func TestRPMForms(t *testing.T) {
	for _, p := range []pair{
		{"1.0", "1.0-1", -1, "release missing"},
		{"1.0-", "1.0", 1, "release empty"},
		{"0:1.0-1", "1.0-1", 0, "epoch 0"},
		{":1.0-1", "1.0-1", 0, "epoch empty"},
		{"00002:1-1", "2:1-1", 0, "zeros in front of an epoch"},
		{"18446744073709551617:1", "1:9", 1, "epoch of more than 64 bits"},
		{"a:1-1", "b:1-1", -1, "no epoch"},
		{"", "", 0, "nothing"},
		{"", "-1", -1, "no version"},
		{"1-2-3", "1_2-3", 0, "hyphen in a version"},
		{"1.0\x00", "1.0", 0, "NUL"},
	} {
		if got, back := RPM(p.a, p.b), RPM(p.b, p.a); got != p.want || back != -p.want {
			t.Errorf("%s: RPM(%q, %q) = %d, swapped %d, want %d", p.note, p.a, p.b, got, back, p.want)
		}
	}
}

// TestRPMAgainstRPM asks the real rpm about random pairs that are near each other.
func TestRPMAgainstRPM(t *testing.T) {
	rpm, err := exec.LookPath("rpm")
	if err != nil {
		t.Fatalf("this test asks rpm (Debian package rpm): %v", err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var pairs []string
	for range 1500 {
		a := strings.NewReplacer("+", "^", "Z", "_").Replace(random(rng))
		pairs = append(pairs, a, strings.ReplaceAll(mutate(rng, a), "+", "^"))
	}
	out, err := exec.Command(rpm, "--eval", `%{lua:for a, b in string.gmatch("`+strings.Join(pairs, " ")+
		` ", "([^ ]+) ([^ ]+) ") do print(rpm.vercmp(a, b) .. " ") end}`).Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Fields(string(out))
	if len(answers) != len(pairs)/2 {
		t.Fatalf("%d answers to %d questions", len(answers), len(pairs)/2)
	}
	kinds := make(map[string]int)
	for i, answer := range answers {
		a, b := pairs[2*i], pairs[2*i+1]
		kinds[answer]++
		if got := strconv.Itoa(RPM(a, b)); got != answer {
			t.Errorf("RPM(%q, %q) = %s, rpm says %s", a, b, got, answer)
		}
	}
	if len(kinds) != 3 {
		t.Errorf("answers are only %v", kinds)
	}
}

func FuzzRPM(f *testing.F) {
	for _, p := range rpmCorpus(f) {
		f.Add(p.a, p.b, "1:1.0~rc1^-1")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if ab, ba := RPM(a, b), RPM([]byte(b), a); ab != -ba {
			t.Errorf("RPM(%q, %q) = %d, swapped %d", a, b, ab, ba)
		}
		if RPM(a, a) != 0 || RPMPart(b, b) != 0 {
			t.Errorf("%q or %q does not equal itself", a, b)
		}
		if RPM(a, b) <= 0 && RPM(b, c) <= 0 && RPM(a, c) > 0 {
			t.Errorf("not transitive: %q <= %q <= %q", a, b, c)
		}
	})
}

func BenchmarkRPM(b *testing.B) {
	pairs := rpmCorpus(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p := &pairs[i%len(pairs)]
		RPM(p.a, p.b)
	}
}
