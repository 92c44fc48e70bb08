// Package file delivers raw parcels to a file, a line for each entry, for a shipper of
// logs on the same machine.
//
// Beside the file is one that says how long it was after which parcel. A parcel that
// comes again (this process died after it wrote, and before it said so) is not written
// again, and what an unfinished write left is cut off first: each entry is in the file
// once, and whole. A parcel counts as delivered when it is on the disk.
//
// A file that would grow beyond its limit is set aside under its name and the time, and
// the oldest of those go. A tool that rotates it by renaming does no harm.
package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"seawall/collector/alert"
	"seawall/pkg/wholefile"
)

// Config says where to write.
type Config struct {
	Path     string // absolute
	MaxBytes int64  // of the file; default 64 MiB
	Keep     int    // files set aside; default 10
	Now      func() time.Time
}

// Limits of a configuration.
const (
	minBytes    = 1 << 20
	maxKeep     = 1000
	normalBytes = 64 << 20
	normalKeep  = 10
	mode        = 0o640
	maxState    = 4 << 10
)

// Sender appends to one file.
type Sender struct{ cfg Config }

// New returns a sender.
func New(c Config) (*Sender, error) {
	if c.MaxBytes == 0 {
		c.MaxBytes = normalBytes
	}
	if c.Keep == 0 {
		c.Keep = normalKeep
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case !filepath.IsAbs(c.Path) || filepath.Clean(c.Path) != c.Path || c.Path == "/":
		return nil, errors.New("path: of a file, beginning with /")
	case c.MaxBytes < minBytes:
		return nil, fmt.Errorf("max_bytes: at least %d", minBytes)
	case c.Keep < 1 || c.Keep > maxKeep:
		return nil, fmt.Errorf("keep: 1 to %d", maxKeep)
	}
	return &Sender{c}, nil
}

// state says how far the file is good.
type state struct {
	Parcel string `json:"parcel"` // the last one that is in the file
	Inode  uint64 `json:"inode"`  // of the file
	End    int64  `json:"end"`    // its length after that parcel
}

// Send appends a parcel, once. An error that wraps alert.ErrRefused is final.
func (s *Sender) Send(_ context.Context, p alert.Parcel) error {
	if p.Kind != alert.KindRaw {
		return fmt.Errorf("a route of this kind takes no %q: %w", p.Kind, alert.ErrRefused)
	}
	good, err := s.read()
	if err != nil || good.Parcel == p.ID {
		return err
	}
	f, size, inode, err := s.begin(good, int64(len(p.Body)))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()             // what counts was synced
	if good.Inode != inode || good.End != size { // what is there already stays, whatever happens next
		if err := s.write(state{good.Parcel, inode, size}); err != nil {
			return err
		}
	}
	if _, err := f.WriteAt(p.Body, size); err != nil {
		return fmt.Errorf("write %s: %w", s.cfg.Path, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", s.cfg.Path, err)
	}
	return s.write(state{p.ID, inode, size + int64(len(p.Body))})
}

// begin opens the file for so many bytes after the last whole entry: a fresh one where they have no room.
func (s *Sender) begin(good state, more int64) (f *os.File, size int64, inode uint64, err error) {
	if f, size, inode, err = s.open(); err != nil {
		return nil, 0, 0, err
	}
	if inode == good.Inode && size > good.End {
		if err := f.Truncate(good.End); err != nil {
			return nil, 0, 0, errors.Join(fmt.Errorf("cut off an unfinished entry: %w", err), f.Close())
		}
		size = good.End
	}
	if size == 0 || size+more <= s.cfg.MaxBytes {
		return f, size, inode, nil
	}
	_ = f.Close() // it was synced with its last parcel
	if err := s.setAside(); err != nil {
		return nil, 0, 0, err
	}
	return s.open()
}

// open opens the file, which must be one, and not a link to one.
func (s *Sender) open() (f *os.File, size int64, inode uint64, err error) {
	f, err = os.OpenFile(s.cfg.Path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, mode)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("open file: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, 0, 0, fmt.Errorf("open %s: %w", s.cfg.Path, errors.Join(err, f.Close()))
	}
	stat, _ := info.Sys().(*syscall.Stat_t)
	return f, info.Size(), stat.Ino, nil
}

// setAside gives the file a name with the time, and removes the oldest that have one.
func (s *Sender) setAside() error {
	stamp := s.cfg.Now().UTC().Format("20060102T150405.000000000Z")
	if err := os.Rename(s.cfg.Path, s.cfg.Path+"."+stamp); err != nil {
		return fmt.Errorf("set the file aside: %w", err)
	}
	old, err := filepath.Glob(escape(s.cfg.Path) + ".[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T*Z")
	if err != nil {
		return fmt.Errorf("look for files set aside: %w", err)
	}
	slices.Sort(old)
	for _, name := range old[:max(0, len(old)-s.cfg.Keep)] {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an old file: %w", err)
		}
	}
	return nil
}

// escape has a name stand for itself in a pattern.
func escape(name string) string {
	var b []byte
	for _, c := range []byte(name) {
		if c == '*' || c == '?' || c == '[' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return string(b)
}

func (s *Sender) name() string { return s.cfg.Path + ".state" }

// read returns what is known of the file, nothing where that cannot be read as such: then
// nothing of the file is cut off.
func (s *Sender) read() (good state, err error) {
	f, err := os.Open(s.name())
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("open the file's state: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxState))
	if err != nil {
		return state{}, fmt.Errorf("read the file's state: %w", err)
	}
	if json.Unmarshal(data, &good) != nil || good.End < 0 {
		return state{}, nil
	}
	return good, nil
}

// write replaces the state, whole or not at all. It is durable on return: an older one
// would have what was delivered after it cut off.
func (s *Sender) write(good state) error {
	data, err := json.Marshal(good)
	if err != nil {
		return fmt.Errorf("encode the file's state: %w", err)
	}
	if err := wholefile.Write(s.name(), append(data, '\n'), mode, nil); err != nil {
		return fmt.Errorf("write the file's state: %w", err)
	}
	return nil
}
