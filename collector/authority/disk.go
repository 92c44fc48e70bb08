package authority

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"seawall/collector/authority/signer"
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
	if there, err := d.there(); there || err != nil {
		return false, err
	}
	s, err := signer.New(now())
	if err != nil {
		return false, err
	}
	return d.create(state{uint64(now().Unix()), []entry{entryOf(s)}}, []*signer.Signer{s})
}

// there reports whether there is the folder, or something else of its name.
func (d disk) there() (bool, error) {
	if _, err := os.Lstat(d.folder); !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	return false, nil
}

// create makes the folder, and reports whether it did: when another process was
// faster, its folder stays.
func (d disk) create(s state, signers []*signer.Signer) (bool, error) {
	if err := d.step("make folder"); err != nil {
		return false, err
	}
	draft, err := os.MkdirTemp(filepath.Dir(d.folder), folderName+".*") // mode 0700
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(draft)
	in := disk{draft, d.step}
	for _, one := range signers {
		if err := in.putSigner(one); err != nil {
			return false, err
		}
	}
	if err := in.putState(s); err != nil {
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

// load reads the state and what it lists, once: nobody else changes the folder.
func (d disk) load(_ context.Context, known *view) (*view, error) {
	if known != nil {
		return known, nil
	}
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
	s, err := decodeState(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", stateName, err)
	}
	return d.view(s)
}

// change makes the next state durable and returns it.
func (d disk) change(_ context.Context, known *view, next func(state) (state, *signer.Signer, error)) (*view, error) {
	s, added, err := next(known.state.copy())
	if err != nil || s.equal(known.state) {
		return known, err
	}
	if added != nil {
		if err := d.putSigner(added); err != nil {
			return nil, fmt.Errorf("write its key: %w", err)
		}
	}
	v, err := d.view(s)
	if err != nil {
		return nil, err
	}
	if err := d.putState(s); err != nil {
		return nil, fmt.Errorf("write the state: %w", err)
	}
	return v, nil
}

// view reads the keys that the state lists.
func (d disk) view(s state) (*view, error) {
	return assemble(s, func(id string) ([]byte, error) { return d.read(id + ".pem") })
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

func (d disk) putSigner(s *signer.Signer) error {
	data, err := s.Encode()
	if err != nil {
		return err
	}
	// A link, unlike a rename, replaces nothing.
	return d.put(s.ID+".pem", data, os.Link)
}

func (d disk) putState(s state) error {
	data, err := s.encode()
	if err != nil {
		return err
	}
	return d.put(stateName, data, os.Rename)
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
