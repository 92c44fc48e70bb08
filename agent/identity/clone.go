package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"

	"seawall/agent/machine"
	"seawall/agent/private"
)

// SetAside gives this machine a key of its own in place of one that is another
// machine's. An enrolled identity is kept as the original; see Original.
func (i *Identity) SetAside(m machine.Machine) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.held.host != "" {
		b, err := i.held.encode()
		if err == nil {
			err = private.WriteFile(filepath.Join(i.dir, originalFile), b)
		}
		if err != nil {
			return fmt.Errorf("set identity aside: %w", err)
		}
	}
	return i.renew(m)
}

// Discard gives this host a new key, and drops an identity that the collector will
// never accept again.
func (i *Identity) Discard() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.renew(i.held.machine)
}

func (i *Identity) renew(m machine.Machine) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	return i.replace(&contents{key: key, machine: m})
}

// Original returns the identity that was set aside: the host that this one is a
// copy of. Its error is fs.ErrNotExist where there is none.
func (i *Identity) Original() (*Identity, error) { return read(i.dir, originalFile, i.now) }

// DropOriginal removes the identity that was set aside.
func (i *Identity) DropOriginal() error {
	if err := private.Remove(filepath.Join(i.dir, originalFile)); err != nil {
		return fmt.Errorf("remove original identity: %w", err)
	}
	return nil
}

// Wipe removes every identity from the state directory.
func Wipe(dir string) error {
	var err error
	for _, name := range []string{identityFile, originalFile, formerFile} {
		err = errors.Join(err, private.Wipe(filepath.Join(dir, name)))
	}
	if err != nil {
		return fmt.Errorf("wipe identity: %w", err)
	}
	return nil
}
