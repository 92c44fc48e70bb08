package authority

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"seawall/pkg/trust"
)

const (
	folderName = "ca"
	stateName  = "state.json"
	maxFile    = 64 << 10
)

// disk is the folder of the authorities.
type disk struct {
	folder string
	step   func(what string) error // called before each change; an error ends it
}

func diskIn(folder string) disk {
	return disk{filepath.Join(folder, folderName), func(string) error { return nil }}
}

// ensure makes the folder with the first authority, and reports whether it did.
// When two processes do so at once, both go on with the one that came first.
func (d disk) ensure(now func() time.Time) (bool, error) {
	if _, err := os.Lstat(d.folder); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	s, err := newSigner(now())
	if err != nil {
		return false, err
	}
	if err := d.step("make folder"); err != nil {
		return false, err
	}
	draft, err := os.MkdirTemp(filepath.Dir(d.folder), folderName+".*") // mode 0700
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(draft)
	in := disk{draft, d.step}
	if err := in.putSigner(s); err != nil {
		return false, err
	}
	if err := in.putState(state{uint64(now().Unix()), []entry{s.entry()}}); err != nil {
		return false, err
	}
	if err := d.step("rename folder"); err != nil {
		return false, err
	}
	if err := os.Rename(draft, d.folder); err != nil {
		if _, there := os.Lstat(d.folder); there == nil {
			return false, nil
		}
		return false, err
	}
	return true, syncFolder(filepath.Dir(d.folder))
}

// load reads the state and what it lists.
func (d disk) load() (*view, error) {
	info, err := os.Lstat(d.folder)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir() || info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s is not a folder of mode 0700 (%v)", d.folder, info.Mode())
	}
	// A rename that nobody made durable must not be believed and then undone.
	if err := errors.Join(syncFolder(d.folder), syncFolder(filepath.Dir(d.folder))); err != nil {
		return nil, err
	}
	data, err := d.read(stateName)
	if err != nil {
		return nil, err
	}
	var s state
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("%s: %w", stateName, err)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", stateName, err)
	}
	return d.view(s)
}

// view reads the keys that the state lists. Those of distrusted authorities may be
// gone.
func (d disk) view(s state) (*view, error) {
	var signers []*signer
	for _, e := range s.Authorities {
		if e.Standing == distrusted {
			continue
		}
		one, err := d.signer(e.ID)
		if err != nil {
			return nil, fmt.Errorf("authority %s: %w", e.ID, err)
		}
		signers = append(signers, one)
	}
	return newView(s, signers)
}

func (d disk) signer(id string) (*signer, error) {
	data, err := d.read(id + ".pem")
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(data, data)
	if err != nil {
		return nil, err
	}
	one, err := trust.ParseBundle(0, pair.Certificate)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || idOf(pair.Leaf) != id || len(one.Authorities) != 1 {
		return nil, errors.New("the file holds another key")
	}
	return &signer{id, pair.Leaf, key}, nil
}

// read returns a file of the folder that nobody else may read.
func (d disk) read(name string) ([]byte, error) {
	name = filepath.Join(d.folder, name)
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return nil, fmt.Errorf("%s is not a regular file of at most %d bytes", name, maxFile)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s may be read by others (mode %04o); make it 0600", name, info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

func (d disk) putSigner(s *signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		return err
	}
	data := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw})...)
	// A link, unlike a rename, replaces nothing.
	return d.put(s.id+".pem", data, os.Link)
}

func (d disk) putState(s state) error {
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	return d.put(stateName, append(data, '\n'), os.Rename)
}

// put makes a file, whole and durable. The file stays under a temporary name until
// commit gives it its own.
func (d disk) put(name string, data []byte, commit func(from, to string) error) error {
	if err := d.step("create " + name); err != nil {
		return err
	}
	f, err := os.CreateTemp(d.folder, name+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, d.step("sync "+name), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := d.step("commit " + name); err != nil {
		return err
	}
	if err := commit(f.Name(), filepath.Join(d.folder, name)); err != nil {
		return err
	}
	if err := d.step("sync folder of " + name); err != nil {
		return err
	}
	return syncFolder(d.folder)
}

func syncFolder(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
