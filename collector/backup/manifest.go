package backup

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"seawall/collector/store/move"
)

const (
	databaseFile = "collector.db"
	manifestFile = "backup.json"
	// authorityFolder is that of package authority.
	authorityFolder = "ca"

	format = 1
	// maxFile bounds a file beside the database, and maxFiles how many there are.
	maxFile, maxFiles = 1 << 20, 1000
)

// manifest is what backup.json holds.
type manifest struct {
	Format  int       `json:"format"`
	Made    time.Time `json:"made"`
	Program string    `json:"program"` // the version of the program that made it
	Tables  []entry   `json:"tables"`
	Files   []entry   `json:"files"` // of the authority
}

// entry is a table or a file and its digest.
type entry struct {
	Name string `json:"name"`
	Rows int64  `json:"rows,omitempty"`
	Sum  string `json:"sha256"`
}

func entries(tables []move.Table) []entry {
	all := make([]entry, len(tables))
	for i, t := range tables {
		all[i] = entry{t.Name, t.Rows, hex.EncodeToString(t.Sum[:])}
	}
	return all
}

// parseManifest reads what is in backup.json.
func parseManifest(data []byte) (m manifest, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return m, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return m, errors.New("more than one value")
	}
	if m.Format != format {
		return m, fmt.Errorf("format %d, this program knows %d", m.Format, format)
	}
	if len(m.Files) > maxFiles {
		return m, fmt.Errorf("%d files", len(m.Files))
	}
	for _, f := range m.Files {
		if f.Name == "" || f.Name != filepath.Base(f.Name) || f.Name[0] == '.' || f.Name[0] == '/' {
			return m, fmt.Errorf("a file named %q", f.Name)
		}
	}
	return m, nil
}

// check returns an error unless the tables are those of the backup.
func (m *manifest) check(tables []move.Table) error {
	got := entries(tables)
	if len(got) != len(m.Tables) {
		return fmt.Errorf("the backup says that it has %d tables, and %d are there", len(m.Tables), len(got))
	}
	for i, want := range m.Tables {
		if got[i] != want {
			return fmt.Errorf("table %s is damaged: it has %d rows with the digest %s, and the backup says %d with %s",
				want.Name, got[i].Rows, got[i].Sum, want.Rows, want.Sum)
		}
	}
	return nil
}

// readFile reads a small regular file.
func readFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", name, maxFile)
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// writeFile writes a file that must not be there, to disk.
func writeFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// flush brings a folder's names to disk.
func flush(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
