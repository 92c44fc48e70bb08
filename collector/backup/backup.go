package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"seawall/collector/store/move"
	"seawall/collector/store/postgres"
)

// Place is where a collector keeps what it knows.
type Place struct {
	Store    string // the path of a file, or the URL of a PostgreSQL database
	StateDir string
}

// Make makes a backup in a folder that must not be there. Version is the program's, and
// told is called with each table that was copied.
func Make(ctx context.Context, from Place, folder, version string, told func(move.Table)) (err error) {
	if err := absent(folder); err != nil {
		return err
	}
	parent, name := filepath.Split(filepath.Clean(folder))
	part, err := os.MkdirTemp(parent, "."+name+filling)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	m := manifest{Format: format, Made: time.Now().UTC().Truncate(time.Second), Program: version}
	tables, err := move.Copy(ctx, from.Store, filepath.Join(part, databaseFile), move.Config{Live: true, Copied: told})
	if err != nil {
		return err
	}
	m.Tables = entries(tables)
	if err := os.Remove(filepath.Join(part, databaseFile+".lock")); err != nil {
		return err
	}
	if !postgres.Is(from.Store) {
		if m.Files, err = keys(filepath.Join(from.StateDir, authorityFolder), filepath.Join(part, authorityFolder)); err != nil {
			return fmt.Errorf("copy the authority's keys: %w", err)
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", manifestFile, err)
	}
	if err := errors.Join(writeFile(filepath.Join(part, manifestFile), append(text, '\n')), flush(part)); err != nil {
		return err
	}
	if err := errors.Join(absent(folder), ctx.Err()); err != nil {
		return err
	}
	if err := os.Rename(part, folder); err != nil {
		return err
	}
	return flush(filepath.Dir(filepath.Clean(folder)))
}

// keys copies the authority's folder. Its state goes first: each key that it lists was on
// disk before it was.
func keys(from, to string) (files []entry, err error) {
	list, err := os.ReadDir(from)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list))
	for _, f := range list {
		if f.Type().IsRegular() && !strings.HasPrefix(f.Name(), ".") {
			names = append(names, f.Name())
		}
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("%d files are too many", len(names))
	}
	const state = "state.json"
	slices.SortFunc(names, func(a, b string) int {
		if (a == state) != (b == state) {
			return map[bool]int{true: -1, false: 1}[a == state]
		}
		return strings.Compare(a, b)
	})
	if err := os.Mkdir(to, 0o700); err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := readFile(filepath.Join(from, name))
		if err != nil {
			return nil, err
		}
		if err := writeFile(filepath.Join(to, name), data); err != nil {
			return nil, err
		}
		files = append(files, entry{Name: name, Sum: digest(data)})
	}
	return files, flush(to)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Restore puts a backup into a place that is empty, and calls told with each table that
// was copied.
func Restore(ctx context.Context, folder string, to Place, told func(move.Table)) error {
	data, err := readFile(filepath.Join(folder, manifestFile))
	if err != nil {
		return fmt.Errorf("this is no backup: %w", err)
	}
	m, err := parseManifest(data)
	if err != nil {
		return fmt.Errorf("parse %s: %w", manifestFile, err)
	}
	undo := func() error { return nil }
	if len(m.Files) > 0 {
		if undo, err = m.restoreKeys(filepath.Join(folder, authorityFolder), to.StateDir); err != nil {
			return fmt.Errorf("restore the authority's keys: %w", err)
		}
	}
	_, err = move.Copy(ctx, filepath.Join(folder, databaseFile), to.Store, move.Config{Live: true, Copied: told, Check: m.check})
	if err != nil {
		return errors.Join(err, undo())
	}
	return nil
}

// restoreKeys puts the authority's keys into a state folder that has none, and returns
// what takes them away again.
func (m *manifest) restoreKeys(from, stateDir string) (undo func() error, err error) {
	contents := make([][]byte, len(m.Files))
	for i, f := range m.Files {
		if contents[i], err = readFile(filepath.Join(from, f.Name)); err != nil {
			return nil, err
		}
		if digest(contents[i]) != f.Sum {
			return nil, fmt.Errorf("%s is damaged: it has not the digest that the backup says", f.Name)
		}
	}
	folder := filepath.Join(stateDir, authorityFolder)
	if err := absent(folder); err != nil {
		if m.restored(folder) {
			return func() error { return nil }, nil
		}
		return nil, err
	}
	part, err := os.MkdirTemp(stateDir, ".ca"+filling)
	if err != nil {
		return nil, err
	}
	made := []string{filepath.Base(part)}
	for i, f := range m.Files {
		err = errors.Join(err, writeFile(filepath.Join(part, f.Name), contents[i]))
		made = append(made, filepath.Join(made[0], f.Name))
	}
	if err = errors.Join(err, flush(part), move.Give(stateDir, made...)); err == nil {
		err = os.Rename(part, folder)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(part))
	}
	return func() error { return os.RemoveAll(folder) }, flush(stateDir)
}

// restored reports whether a folder holds the keys of the backup already.
func (m *manifest) restored(folder string) bool {
	list, err := os.ReadDir(folder)
	if err != nil || len(list) != len(m.Files) {
		return false
	}
	for _, f := range m.Files {
		if data, err := readFile(filepath.Join(folder, f.Name)); err != nil || digest(data) != f.Sum {
			return false
		}
	}
	return true
}

// absent returns an error unless nothing has the name.
func absent(name string) error {
	_, err := os.Lstat(name)
	if err == nil {
		return fmt.Errorf("%s is there already", name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
