package password

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestGenerate(t *testing.T) {
	form := regexp.MustCompile(`^([a-km-np-z2-9]{5}-){4}[a-km-np-z2-9]{5}$`)
	seen := make(map[string]bool)
	for range 200 {
		p := Generate()
		if !form.MatchString(p) || seen[p] {
			t.Fatalf("password %q", p)
		}
		seen[p] = true
	}
}

func TestHashAndVerify(t *testing.T) {
	h := Hash("correct horse")
	if h == Hash("correct horse") {
		t.Error("two hashes with one salt")
	}
	for _, tt := range []struct {
		password string
		want     bool
	}{{"correct horse", true}, {"correct hors", false}, {"", false}, {strings.Repeat("x", 1<<16), false}} {
		if got, err := Verify(h, tt.password); got != tt.want || err != nil {
			t.Errorf("verify %.20q: %v, %v", tt.password, got, err)
		}
	}
}

// TestVerifyRefuses covers what is not a hash, and parameters that would cost much.
func TestVerifyRefuses(t *testing.T) {
	good := Hash("x")
	for _, h := range []string{
		"", "x", "$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$c3Vt",
		strings.Replace(good, "m=19456", "m=4294967295", 1),
		strings.Replace(good, "t=2", "t=99", 1),
		strings.Replace(good, "v=19", "v=16", 1),
		good[:len(good)-3], good + "$", strings.Replace(good, ",p=1$", ",p=1$!", 1),
	} {
		if ok, err := Verify(h, "x"); ok || !errors.Is(err, ErrForm) {
			t.Errorf("%q: %v, %v", h, ok, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, hash string) {
		// Costly parameters are for the other tests.
		if strings.Contains(hash, "m=8,t=1,p=1$") {
			if _, err := Verify(hash, "x"); err != nil && !errors.Is(err, ErrForm) {
				t.Error(err)
			}
		}
	})
}

func TestFuzzSeeds(t *testing.T) {
	if files, err := os.ReadDir("testdata/fuzz/FuzzVerify"); err != nil || len(files) == 0 {
		t.Errorf("seeds: %d, %v", len(files), err)
	}
}
