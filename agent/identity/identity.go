package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"seawall/agent/machine"
	"seawall/agent/private"
	"seawall/pkg/trust"
)

// Names in the state directory.
const (
	identityFile = "identity.json"
	originalFile = "original.json"
	formerFile   = "identity.pem" // of versions without enrolment
)

// Config is what an identity may be given. The zero Config is whole.
type Config struct {
	Now func() time.Time // default time.Now
	Log *slog.Logger     // default none
}

// Identity is what this host proves to be. Its methods may be called at once.
type Identity struct {
	dir string
	now func() time.Time

	mu   sync.Mutex
	held *contents // replaced, never changed
}

// Open reads the identity in the state directory, and makes a key where there is
// none.
func Open(dir string, cfg Config) (*Identity, error) {
	id, err := read(dir, identityFile, cfg.Now)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	if cfg.Log != nil {
		if former := filepath.Join(dir, formerFile); exists(former) {
			cfg.Log.Info("key of an older version is not used and may be removed", "file", former)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	id = &Identity{dir: dir, now: clock(cfg.Now)}
	if err := id.replace(&contents{key: key}); err != nil {
		return nil, err
	}
	return id, nil
}

// Read reads the identity in the state directory, and makes none.
func Read(dir string) (*Identity, error) { return read(dir, identityFile, nil) }

func read(dir, name string, now func() time.Time) (*Identity, error) {
	file := filepath.Join(dir, name)
	b, err := private.ReadFile(file, maxFile)
	if err != nil {
		return nil, fmt.Errorf("open identity: %w", err)
	}
	c, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("open identity: %s: %w; restore the file, or remove it to enrol this host as a new one", file, err)
	}
	return &Identity{dir: dir, now: clock(now), held: c}, nil
}

func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// get returns what is held now. It must not be changed.
func (i *Identity) get() *contents {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.held
}

// replace makes c durable, and then what is held.
func (i *Identity) replace(c *contents) error {
	b, err := c.encode()
	if err == nil {
		err = private.WriteFile(filepath.Join(i.dir, identityFile), b)
	}
	if err != nil {
		return fmt.Errorf("write identity: %w", err)
	}
	i.held = c
	return nil
}

// change replaces what is held by what edit makes of a copy of it.
func (i *Identity) change(edit func(*contents) error) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := *i.held
	if err := edit(&c); err != nil {
		return err
	}
	return i.replace(&c)
}

// Host returns the host's id, 32 hexadecimal digits, or nothing before enrolment.
func (i *Identity) Host() string { return i.get().host }

// Enrolled reports whether the collector knows this host.
func (i *Identity) Enrolled() bool { return i.get().host != "" }

// KeyID returns the first 16 hexadecimal digits of the SHA-256 of the public key
// (SubjectPublicKeyInfo), by which people name a host that waits for approval.
func (i *Identity) KeyID() string {
	spki, err := x509.MarshalPKIXPublicKey(&i.get().key.PublicKey)
	if err != nil {
		return "" // not for a key on P-256
	}
	sum := sha256.Sum256(spki)
	return hex.EncodeToString(sum[:8])
}

// Token returns the id of the token that admitted this host, if one did.
func (i *Identity) Token() string { return i.get().token }

// Machine returns the machine that the key belongs to.
func (i *Identity) Machine() machine.Machine { return i.get().machine }

// Lifetime returns from when until when the certificate is valid. Both are zero
// before enrolment.
func (i *Identity) Lifetime() (from, to time.Time) {
	if leaf := i.get().leaf(); leaf != nil {
		return leaf.NotBefore, leaf.NotAfter
	}
	return time.Time{}, time.Time{}
}

// Expires returns when the certificate does.
func (i *Identity) Expires() time.Time {
	_, to := i.Lifetime()
	return to
}

// Session returns the number of the last session that the collector gave.
func (i *Identity) Session() uint64 { return i.get().session }

// SetSession keeps the number of a session; it is durable on return.
func (i *Identity) SetSession(n uint64) error {
	return i.change(func(c *contents) error {
		c.session = n
		return nil
	})
}

// Bundle returns the authorities that this host believes.
func (i *Identity) Bundle() trust.Bundle { return i.get().bundle }

// SetBundle replaces the authorities by those of a higher revision; they are
// durable on return. Of the same revision or an older one nothing is taken.
func (i *Identity) SetBundle(b trust.Bundle) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if b.Revision <= i.held.bundle.Revision {
		return nil
	}
	c := *i.held
	c.bundle = b
	return i.replace(&c)
}

// Seal keeps the machine that the key belongs to; it is durable on return.
func (i *Identity) Seal(m machine.Machine) error {
	if i.Machine() == m {
		return nil
	}
	return i.change(func(c *contents) error {
		c.machine = m
		return nil
	})
}

// SigningRequest returns a request for a certificate (PKCS #10, DER). It carries
// the key and nothing else.
func (i *Identity) SigningRequest() ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, i.get().key)
	if err != nil {
		return nil, fmt.Errorf("make signing request: %w", err)
	}
	return der, nil
}

// Adopt keeps what the collector issued: at enrolment, and, for the same host, when
// the certificate was renewed. It is durable on return.
func (i *Identity) Adopt(host string, chain [][]byte, bundle trust.Bundle) error {
	return i.AdoptFrom("", host, chain, bundle)
}

// AdoptFrom is Adopt for what the token with that id brought, which may make this
// key another host.
func (i *Identity) AdoptFrom(token, host string, chain [][]byte, bundle trust.Bundle) error {
	return i.change(func(c *contents) error {
		if c.host != "" && c.host != host && token == "" {
			return fmt.Errorf("adopt certificate: it is for host %q, this is %s", host, c.host)
		}
		certificates, err := parseChain(chain)
		if err == nil {
			err = vouched(bundle, certificates, host, &c.key.PublicKey)
		}
		if err != nil {
			return fmt.Errorf("adopt certificate: %w", err)
		}
		if c.host != host {
			c.session = 0
		}
		c.host, c.chain = host, certificates
		if token != "" {
			c.token = token
		}
		if bundle.Revision > c.bundle.Revision || len(c.bundle.Authorities) == 0 {
			c.bundle = bundle
		}
		return nil
	})
}
