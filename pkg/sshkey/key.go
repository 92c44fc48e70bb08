package sshkey

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Key is what can be said of a public key.
type Key struct {
	// Kind is the name that ssh-keygen gives the kind: rsa, dsa, ecdsa, ed25519,
	// sk-ecdsa, sk-ed25519.
	Kind string
	Bits int
	// Weak says why the key is weak whatever its length; usually empty.
	Weak string
	// Fingerprint is ssh-keygen -l's.
	Fingerprint string
	// Certificate: it is a certificate and no bare key.
	Certificate bool
}

var errDamaged = errors.New("the key is damaged")

// Parse reads a public key in the form of the protocol (RFC 4253 6.6).
func Parse(blob []byte) (Key, error) {
	sum := sha256.Sum256(blob)
	k := Key{Fingerprint: "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])}
	r := reader{rest: blob}
	name := string(r.next())
	if i := strings.Index(name, "-cert-v0"); i >= 0 {
		k.Certificate = true
		r.next() // the nonce
		name = name[:i]
		if strings.HasPrefix(name, "sk-") {
			name += "@openssh.com"
		}
	}
	switch name {
	case "ssh-rsa":
		k.Kind = "rsa"
		k.rsa(&r)
	case "ssh-dss":
		k.Kind = "dsa"
		k.Bits = new(big.Int).SetBytes(r.next()).BitLen()
		r.next()
		r.next()
		r.next()
	case "ssh-ed25519", "sk-ssh-ed25519@openssh.com":
		k.Kind, k.Bits = "ed25519", 256
		if len(r.next()) != 32 {
			return k, errDamaged
		}
	case "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com":
		k.Kind = "ecdsa"
		if err := k.curve(&r); err != nil {
			return k, err
		}
	default:
		return k, fmt.Errorf("a key of the unknown kind %.64q", name)
	}
	if strings.HasPrefix(name, "sk-") {
		k.Kind = "sk-" + k.Kind
		r.next() // the application
	}
	if r.bad || len(r.rest) > 0 && !k.Certificate {
		return k, errDamaged
	}
	return k, nil
}

// curve reads the curve and the point of an ECDSA key.
func (k *Key) curve(r *reader) error {
	points := map[string][2]int{"nistp256": {256, 65}, "nistp384": {384, 97}, "nistp521": {521, 133}}
	size, ok := points[string(r.next())]
	if point := r.next(); !ok || len(point) != size[1] || point[0] != 4 {
		return errDamaged
	}
	k.Bits = size[0]
	return nil
}

func (k *Key) rsa(r *reader) {
	e, n := new(big.Int).SetBytes(r.next()), new(big.Int).SetBytes(r.next())
	k.Bits = n.BitLen()
	switch {
	case k.Bits < 2:
		r.bad = true
	case e.Bit(0) == 0 || e.BitLen() < 2:
		k.Weak = "its exponent is no exponent"
	case k.Bits > 16384: // sshd's own limit; more is not worth the arithmetic
		k.Weak = "it is longer than sshd takes"
	case smallFactor(n) != 0:
		k.Weak = fmt.Sprintf("its modulus has the factor %d", smallFactor(n))
	case roca(n):
		k.Weak = "it was made by a faulty chip (ROCA, CVE-2017-15361)"
	}
}

// reader takes strings off a key. After the first that is cut short it is bad, and
// empty.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) next() []byte {
	if len(r.rest) < 4 {
		r.bad, r.rest = true, nil
		return nil
	}
	n := uint64(binary.BigEndian.Uint32(r.rest))
	if n > uint64(len(r.rest)-4) {
		r.bad, r.rest = true, nil
		return nil
	}
	s := r.rest[4 : 4+n]
	r.rest = r.rest[4+n:]
	return s
}

// smallFactor is the smallest prime below 200 that divides n, or 0.
func smallFactor(n *big.Int) int64 {
	if n.Bit(0) == 0 {
		return 2
	}
	for p := int64(3); p < 200; p += 2 { // a p that is no prime has its factors before it
		if mod(n, p) == 0 {
			return p
		}
	}
	return 0
}

func mod(n *big.Int, p int64) int64 { return new(big.Int).Mod(n, big.NewInt(p)).Int64() }

// roca reports whether n is a power of 65537 modulo each of the primes for which few
// numbers are.
func roca(n *big.Int) bool {
	for _, p := range []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		residue, power, found := mod(n, p), int64(1), false
		for range p {
			if power == residue {
				found = true
				break
			}
			power = power * (65537 % p) % p
		}
		if !found {
			return false
		}
	}
	return true
}
