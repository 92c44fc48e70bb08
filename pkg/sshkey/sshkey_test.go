package sshkey

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func lines(t *testing.T) (all []string) {
	t.Helper()
	b, err := os.ReadFile("testdata/authorized_keys")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		all = append(all, l)
	}
	return all
}

// TestSSHKeygen: length, fingerprint, comment and kind are those that ssh-keygen -l
// prints of the same file.
func TestSSHKeygen(t *testing.T) {
	want, err := os.ReadFile("testdata/list")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, s := range lines(t) {
		l, err := ParseLine(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if l == nil {
			continue
		}
		kind, comment := strings.ToUpper(l.Kind), l.Comment
		if l.Certificate {
			kind += "-CERT"
		}
		fmt.Fprintf(&got, "%d %s %s (%s)\n", l.Bits, l.Fingerprint, comment, kind)
		if l.Weak != "" {
			t.Errorf("%s is weak: %s", comment, l.Weak)
		}
	}
	if diff := cmp.Diff(bare(string(want)), bare(got.String())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// bare leaves out the fingerprints of certificates: ssh-keygen prints those of the
// keys in them.
func bare(list string) (out []string) {
	for l := range strings.Lines(list) {
		if f := strings.Fields(l); strings.Contains(l, "-CERT") {
			f[1] = ""
			l = strings.Join(f, " ")
		}
		out = append(out, l)
	}
	return out
}

func TestOptions(t *testing.T) {
	_, key, _ := strings.Cut(lines(t)[2], " ")
	kind := "ssh-dss "
	for options, want := range map[string]string{
		`command="echo \"hi, you\""`:        `[{command echo "hi, you"}]`,
		`No-Pty,RESTRICT,x11-forwarding`:    "[{no-pty } {restrict } {x11-forwarding }]",
		`from="a, b",environment="A=b"`:     "[{from a, b} {environment A=b}]",
		`no-restrict`:                       "sshd does not know the option",
		`command`:                           "sshd does not know the option",
		`command=ls`:                        "its value has no quotes",
		`command="ls`:                       "there is no key",
		`pty,`:                              "something unexpected follows",
		`command="a"b`:                      "something unexpected follows",
		`pty="yes"`:                         "something unexpected follows",
		`,pty`:                              "sshd does not know",
		`unknown,` + strings.Repeat("x", 9): "sshd does not know",
	} {
		l, err := ParseLine(options + " " + kind + key)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(l.Options)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", options, got, want)
		}
	}
	l, err := ParseLine("\t " + `from="x",pty` + "\t \t" + kind + key)
	if err != nil || !l.Has("pty") || l.Has("command") || l.Value("from") != "x" || l.Value("command") != "" {
		t.Errorf("got %+v, %v", l, err)
	}
}

func TestNoKeys(t *testing.T) {
	f := strings.Fields(lines(t)[2])
	for _, s := range []string{"", "  # x", "\n", "\t"} {
		if l, err := ParseLine(s); l != nil || err != nil {
			t.Errorf("%q: got %v, %v", s, l, err)
		}
	}
	for s, want := range map[string]string{
		"x": "no key", "ssh-rsa": "no key", "ssh-rsa !!!": "no key",
		"ssh-rsa " + f[1]:               "not of the kind",
		f[0] + " " + f[1][:len(f[1])-8]: "damaged",
		f[0] + " " + f[1][:40]:          "damaged",
		"x y z":                         "no key",
		strings.Repeat("a", LineLimit) + " " + f[1]: "too long",
	} {
		if _, err := ParseLine(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %s", s, err, want)
		}
	}
}

// blob puts strings together as the protocol does.
func blob(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

func TestSecurityKeys(t *testing.T) {
	for name, rest := range map[string][][]byte{
		"sk-ssh-ed25519@openssh.com":         {make([]byte, 32), []byte("ssh:")},
		"sk-ecdsa-sha2-nistp256@openssh.com": {[]byte("nistp256"), append([]byte{4}, make([]byte, 64)...), []byte("ssh:")},
	} {
		k, err := Parse(blob(append([][]byte{[]byte(name)}, rest...)...))
		if err != nil || !strings.HasPrefix(k.Kind, "sk-") || k.Bits != 256 {
			t.Errorf("%s: got %+v, %v", name, k, err)
		}
		if _, err := Parse(blob([]byte(name), rest[0])); err == nil {
			t.Errorf("%s: half of it is a key", name)
		}
	}
}

// rocaModulus is a number that the faulty chips could have made: a power of 65537
// modulo the product of the primes, of 1024 bits.
func rocaModulus() *big.Int {
	product := big.NewInt(1)
	for _, p := range []int64{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167} {
		product.Mul(product, big.NewInt(p))
	}
	n := new(big.Int).Exp(big.NewInt(65537), big.NewInt(99991), product)
	step := new(big.Int).Lsh(product, 1024-uint(product.BitLen()))
	n.Add(n, step)
	for smallFactor(n) != 0 {
		n.Add(n, product)
	}
	return n
}

func TestWeak(t *testing.T) {
	good := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 2048), big.NewInt(981))
	for name, tt := range map[string]struct {
		e, n *big.Int
		want string
	}{
		"roca":     {big.NewInt(65537), rocaModulus(), "ROCA"},
		"even":     {big.NewInt(65537), new(big.Int).Lsh(big.NewInt(1), 2048), "factor 2"},
		"three":    {big.NewInt(65537), new(big.Int).Exp(big.NewInt(3), big.NewInt(1300), nil), "factor 3"},
		"exponent": {big.NewInt(1), good, "no exponent"},
		"long":     {big.NewInt(3), new(big.Int).Lsh(big.NewInt(1), 20000), "longer"},
	} {
		k, err := Parse(blob([]byte("ssh-rsa"), tt.e.Bytes(), append([]byte{0}, tt.n.Bytes()...)))
		if err != nil || !strings.Contains(k.Weak, tt.want) {
			t.Errorf("%s: got %+v, %v", name, k, err)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	b, err := os.ReadFile("testdata/authorized_keys")
	if err != nil {
		f.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		f.Add(l)
	}
	f.Add(`command="\" x`)
	f.Add("ssh-rsa " + base64.StdEncoding.EncodeToString(blob([]byte("ssh-rsa"), nil, nil)))
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLine(s)
		if err != nil || l == nil {
			return
		}
		if l.Kind == "" || l.Bits <= 0 && l.Kind != "dsa" || !strings.HasPrefix(l.Fingerprint, "SHA256:") {
			t.Errorf("%q: %+v", s, l)
		}
	})
}
