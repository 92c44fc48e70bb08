// Package seal closes what must not be read by those who can read the database, or a
// backup of it: the keys of the collector's authority.
//
// # The key file
//
// It is text: on each line a key of 32 random bytes in base64, as
//
//	head -c 32 /dev/urandom | base64
//
// makes one. Empty lines and lines that begin with # do not count. The first key seals
// and all of them open. So a key is replaced without a pause: append the new one to
// the file of each collector and restart them, make it the first and restart them
// again, which seals anew, and then remove the old one.
//
// Nobody but the owner may read the file. It may also be as systemd hands a credential
// to a service (LoadCredential=): of the group root, which may read it.
//
// # What is sealed
//
// One byte that is 1, the first 8 bytes of the SHA-256 of a label and the key, and what
// AES-256-GCM makes of the text: a random nonce of 12 bytes, the text, 16 bytes that
// prove it. The name under which it is kept is proved with it, so that nothing is opened
// in another's place. It is not proved that it is the newest.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

const (
	keySize  = 32
	idSize   = 8
	version  = 1
	header   = 1 + idSize
	maxKeys  = 8
	keyLabel = "seawall seal key id\x00"
	rowLabel = "seawall sealed row\x00"
)

// ErrOtherKey is returned for what was sealed with a key that is not in the file.
var ErrOtherKey = errors.New("it was sealed with another key")

// Keys are the keys of a file. They do not change.
type Keys struct{ all []key }

type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

func newKey(secret []byte) (key, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, err
	}
	sum := sha256.Sum256(append([]byte(keyLabel), secret...))
	return key{[idSize]byte(sum[:idSize]), aead}, nil
}

// ID names the key that seals: 16 hexadecimal digits that tell nothing of it.
func (k *Keys) ID() string { return hex.EncodeToString(k.all[0].id[:]) }

// Seal closes a text that is to be kept under that name.
func (k *Keys) Seal(name string, text []byte) []byte {
	first := k.all[0]
	out := append([]byte{version}, first.id[:]...)
	return first.aead.Seal(out, nil, text, []byte(rowLabel+name))
}

// Open returns the text that was sealed under that name, and whether it was with the
// key that seals now.
func (k *Keys) Open(name string, sealed []byte) (text []byte, newest bool, err error) {
	if len(sealed) < header || sealed[0] != version {
		return nil, false, fmt.Errorf("open %q: not sealed by this program", name)
	}
	for i, one := range k.all {
		if !bytes.Equal(sealed[1:header], one.id[:]) {
			continue
		}
		text, err := one.aead.Open(nil, nil, sealed[header:], []byte(rowLabel+name))
		if err != nil {
			return nil, false, fmt.Errorf("open %q: it was altered: %w", name, err)
		}
		return text, i == 0, nil
	}
	return nil, false, fmt.Errorf("open %q: %w: %x", name, ErrOtherKey, sealed[1:header])
}

// parse reads the text of a key file.
func parse(data []byte) (*Keys, error) {
	k := new(Keys)
	n := 0
	for line := range bytes.Lines(data) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		// The errors do not show the line.
		secret, err := base64.StdEncoding.Strict().DecodeString(string(line))
		if err != nil || len(secret) != keySize {
			return nil, fmt.Errorf("line %d is not %d bytes in base64", n, keySize)
		}
		one, err := newKey(secret)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		for _, other := range k.all {
			if other.id == one.id {
				return nil, fmt.Errorf("line %d: a key is there twice", n)
			}
		}
		k.all = append(k.all, one)
	}
	if len(k.all) == 0 || len(k.all) > maxKeys {
		return nil, fmt.Errorf("%d keys, not 1 to %d", len(k.all), maxKeys)
	}
	return k, nil
}

// line makes a key, as a line of the file.
func line() []byte {
	var secret [keySize]byte
	_, _ = rand.Read(secret[:]) // never fails
	return append(base64.StdEncoding.AppendEncode(nil, secret[:]), '\n')
}
