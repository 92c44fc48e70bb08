// Package password makes, hashes and verifies the passwords of people.
//
// Hashes are argon2id in the usual form, $argon2id$v=19$m=…,t=…,p=…$salt$hash, with
// 19 MiB and two passes. Verify takes the parameters from the hash, within bounds.
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	memory  = 19 << 10 // KiB
	passes  = 2
	threads = 1
	saltLen = 16
	hashLen = 32

	// alphabet has no characters that are read as another; its 32 make a byte's
	// low five bits one of them without bias.
	alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
	groups   = 5
	group    = 5
)

// ErrForm is returned for a text that is not a hash of this package.
var ErrForm = errors.New("not an argon2id hash")

// Generate returns a random password of 125 bits: 25 letters and digits in groups
// of five.
func Generate() string {
	var raw [groups * group]byte
	rand.Read(raw[:]) // never fails
	var out strings.Builder
	for i, b := range raw {
		if i > 0 && i%group == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(alphabet[b&31])
	}
	return out.String()
}

// Hash returns a new hash of the password.
func Hash(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails
	sum := argon2.IDKey([]byte(password), salt, passes, memory, threads, hashLen)
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads, enc(salt), enc(sum))
}

// Verify reports whether the hash is one of the password.
func Verify(hash, password string) (bool, error) {
	c, err := parse(hash)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password), c.salt, c.time, c.memory, c.threads, hashLen)
	return subtle.ConstantTimeCompare(got, c.sum) == 1, nil
}

// cost is what a hash says of how it was made, and what came of it.
type cost struct {
	time, memory uint32
	threads      uint8
	salt, sum    []byte
}

func parse(hash string) (c cost, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return c, ErrForm
	}
	var version, threads uint32
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &c.memory, &c.time, &threads); err != nil {
		return c, fmt.Errorf("%w: %w", ErrForm, err)
	}
	within := func(n, least, most uint32) bool { return n >= least && n <= most }
	if version != argon2.Version || !within(c.memory, 8, 1<<20) || !within(c.time, 1, 16) || !within(threads, 1, 16) {
		return c, fmt.Errorf("parameters are out of bounds: %w", ErrForm)
	}
	c.threads = uint8(threads)
	if c.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, fmt.Errorf("salt: %w", ErrForm)
	}
	if c.sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(c.sum) != hashLen {
		return c, fmt.Errorf("sum: %w", ErrForm)
	}
	return c, nil
}
