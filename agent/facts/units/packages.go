package units

import (
	"bytes"
	"errors"
	"io/fs"

	"seawall/pkg/dpkg"
	"seawall/pkg/hostfs"
	"seawall/pkg/rpmdb"
)

// errNoDatabase is a host with neither package manager.
var errNoDatabase = errors.New("neither dpkg's database nor rpm's is there")

// installed returns the versions of those packages that are wanted.
func installed(root hostfs.Root, wanted map[string]bool) (map[string]string, error) {
	found, err := fromDpkg(root, wanted)
	if !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	all, _, _, err := rpmdb.Read(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoDatabase
	}
	if err != nil {
		return nil, err
	}
	found = map[string]string{}
	for i := range all {
		if p := &all[i]; wanted[p.Name] {
			found[p.Name] = p.EVR()
		}
	}
	return found, nil
}

func fromDpkg(root hostfs.Root, wanted map[string]bool) (map[string]string, error) {
	f, _, err := root.OpenFile(dpkg.StatusFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := dpkg.Read(f)
	if err != nil {
		return nil, err
	}
	if all, err = journal(root, all); err != nil {
		return nil, err
	}
	found := map[string]string{}
	for i := range all {
		if p := &all[i]; wanted[p.Name] && p.Installed() {
			found[p.Name] = p.Version
		}
	}
	return found, nil
}

// journal applies what dpkg did since it wrote its status file.
func journal(root hostfs.Root, all []dpkg.Package) ([]dpkg.Package, error) {
	names, err := root.ReadDir(dpkg.JournalDir)
	if err != nil || len(names) == 0 {
		return all, nil // an image may lack it, and it is empty but for moments
	}
	if names, err = dpkg.Journal(names); err != nil {
		return nil, err
	}
	room := dpkg.MaxStatus
	for _, name := range names {
		text, err := root.ReadFile(dpkg.JournalDir+"/"+name, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue // written to the status file meanwhile; the next reading sees it
		}
		if err != nil {
			return nil, err
		}
		if room -= len(text); room < 0 {
			return nil, errors.New("dpkg's journal is too large")
		}
		steps, err := dpkg.Read(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		all = dpkg.Apply(all, steps)
	}
	return all, nil
}
