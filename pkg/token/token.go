// Package token holds the invitation with which a host enrols.
//
// A token names the collector's authority by its pin, so that the first
// connection already reaches the right collector, and holds a secret that proves
// the invitation. The collector keeps the secret's hash alone. Whether the token
// still counts is for the collector to say: there are no dates in it.
//
// The text is "seawall1_" and 80 characters of base64url (RFC 4648, section 5)
// without padding, of 60 bytes:
//
//	0   id, 8 bytes
//	8   secret, 16 bytes
//	24  pin, 32 bytes
//	56  CRC-32C of all before, 4 bytes, big-endian
//
// The check sum is against slips of the hand, the secret against guessing. The
// text holds no character that a shell, a URL or cloud-init's YAML would change,
// and a double click selects all of it.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"strings"

	"seawall/pkg/trust"
)

const (
	prefix  = "seawall1_"
	size    = 8 + 16 + len(trust.Pin{}) + crc32.Size
	maxText = 256
)

// Token is an invitation. When it is printed or logged, its secret is not;
// [Token.Text] returns it. Package fmt asks nobody about unexported fields and the
// verb p, so do not print what holds a token in one.
type Token struct {
	ID     [8]byte
	Secret [16]byte
	Pin    trust.Pin
}

// New returns a token with a fresh id and secret.
func New(pin trust.Pin) Token {
	t := Token{Pin: pin}
	// Read never fails: crypto/rand ends the program first.
	_, _ = rand.Read(t.ID[:])
	_, _ = rand.Read(t.Secret[:])
	return t
}

// Parse reads a token as Text writes it, with white space around it. Its errors do
// not repeat the text.
func Parse(s string) (Token, error) {
	if len(s) > maxText {
		return Token{}, fmt.Errorf("token: %d bytes, more than %d", len(s), maxText)
	}
	s = strings.TrimSpace(s)
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return Token{}, fmt.Errorf("token: it does not begin with %q", prefix)
	}
	if want := encoding().EncodedLen(size); len(digits) != want {
		return Token{}, fmt.Errorf("token: %d characters behind %q, want %d: was all of it copied?", len(digits), prefix, want)
	}
	// The decoder would skip line ends, and says with other faults where they are.
	b, err := encoding().DecodeString(digits)
	if err != nil || len(b) != size {
		return Token{}, errors.New("token: it has characters that are not base64url")
	}
	body := b[:size-crc32.Size]
	if sum(body) != binary.BigEndian.Uint32(b[len(body):]) {
		return Token{}, errors.New("token: the check sum is wrong: was it copied by hand?")
	}
	var t Token
	copy(t.ID[:], body)
	copy(t.Secret[:], body[8:])
	copy(t.Pin[:], body[24:])
	return t, nil
}

// Text returns the whole token, with its secret, as Parse reads it.
func (t Token) Text() string {
	b := make([]byte, 0, size)
	b = append(b, t.ID[:]...)
	b = append(b, t.Secret[:]...)
	b = append(b, t.Pin[:]...)
	b = binary.BigEndian.AppendUint32(b, sum(b))
	return prefix + encoding().EncodeToString(b)
}

// Hash returns the SHA-256 of the secret, which the collector keeps. A secret of
// 128 random bits needs nothing slower.
func (t Token) Hash() [32]byte { return sha256.Sum256(t.Secret[:]) }

// String returns "seawall1…" and the id.
func (t Token) String() string { return "seawall1…" + hex.EncodeToString(t.ID[:]) }

// GoString is String.
func (t Token) GoString() string { return t.String() }

// Format writes String for every verb, also those that would go past it to the
// fields.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue is String.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText is String, so that no JSON holds the secret by accident.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func encoding() *base64.Encoding { return base64.RawURLEncoding.Strict() }

func sum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
