package deb

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"seawall/pkg/apt"
	"seawall/pkg/apt/pin"
	"seawall/pkg/dpkg"
)

// Where apt keeps its configuration and lists, below a base: "" for the host's
// own, esmBase for the second set that Ubuntu Pro keeps so that a host without a
// subscription can be told what it misses.
const (
	etcDir   = "/etc/apt/"
	listsDir = "/var/lib/apt/lists/"
	esmBase  = "/var/lib/ubuntu-advantage/apt-esm"
)

// archive is one source with what is on disk of it.
type archive struct {
	apt.Source
	release     *apt.Release
	releaseFile string
	lists       []list
	locked      bool // of esmBase: its versions cannot be installed
	reason      string
}

type list struct {
	apt.List
	name      string // absolute
	extension string
}

// setup is apt's configuration.
type setup struct {
	native    string
	foreign   []string
	archives  []*archive
	policy    *pin.Policy
	machineID string
}

func (w *host) setup(packages []dpkg.Package) (*setup, error) {
	var s setup
	archs, err := w.architectures(packages)
	if err != nil {
		return nil, err
	}
	s.native, s.foreign = archs[0], archs[1:]
	for _, base := range []string{"", esmBase} {
		sources, err := w.sources(base)
		if err != nil {
			return nil, err
		}
		if len(sources) == 0 {
			continue
		}
		present, err := w.ReadDir(base + listsDir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for i := range sources {
			a := &archive{Source: sources[i], locked: base != ""}
			w.find(a, base+listsDir, present, archs)
			s.archives = append(s.archives, a)
		}
	}
	if s.policy, err = w.policy(); err != nil {
		return nil, err
	}
	id, err := w.ReadFile("/etc/machine-id", 4096)
	if err == nil {
		s.machineID = strings.TrimSpace(string(id))
	}
	return &s, nil
}

// architectures are the host's, the native one first. dpkg writes its file only
// once a foreign one was added; without it dpkg's own package tells.
func (w *host) architectures(packages []dpkg.Package) ([]string, error) {
	text, err := w.ReadFile(dpkg.ArchFile, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if archs := dpkg.ReadArchitectures(text); len(archs) > 0 {
		return archs, nil
	}
	for i := range packages {
		if p := &packages[i]; (p.Name == "dpkg" || p.Name == "base-files") && p.Arch != "all" && p.Installed() {
			return []string{p.Arch}, nil
		}
	}
	return nil, errors.New("the host's architecture is not known: no " + dpkg.ArchFile + " and no package dpkg")
}

// files are the names of the configuration files in apt's order: the file itself,
// then those of the directory that apt would read.
func (w *host) files(file, dir string, extensions ...string) ([]string, error) {
	names, err := w.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all := []string{file}
	for _, n := range names {
		if apt.ConfigName(n, extensions...) {
			all = append(all, dir+"/"+n)
		}
	}
	return all, nil
}

// eachFile reads the configuration files one after the other.
func (w *host) eachFile(fn func(name string, text []byte) error, file, dir string, extensions ...string) error {
	names, err := w.files(file, dir, extensions...)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := w.ReadFile(name, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := fn(name, text); err != nil {
			return err
		}
	}
	return nil
}

func (w *host) sources(base string) ([]apt.Source, error) {
	var all []apt.Source
	err := w.eachFile(func(name string, text []byte) error {
		s, err := apt.ParseSources(name, text)
		all = append(all, s...)
		return err
	}, base+etcDir+"sources.list", base+etcDir+"sources.list.d", "list", "sources")
	return all, err
}

func (w *host) policy() (*pin.Policy, error) {
	var pins []pin.Pin
	read := func(name string, text []byte) error {
		p, err := pin.Parse(name, text)
		pins = append(pins, p...)
		return err
	}
	// apt reads the directory before the file.
	parts, err := w.files("", etcDir+"preferences.d", "pref", "")
	if err != nil {
		return nil, err
	}
	for _, name := range append(parts[1:], etcDir+"preferences") {
		text, err := w.ReadFile(name, 0)
		if err == nil {
			err = read(name, text)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	// apt.conf has the last word over its directory.
	var release, main string
	err = w.eachFile(func(name string, text []byte) error {
		if r, ok := apt.DefaultRelease(text); ok {
			if name == etcDir+"apt.conf" {
				main = r
			} else {
				release = r
			}
		}
		return nil
	}, etcDir+"apt.conf", etcDir+"apt.conf.d", "conf", "")
	if main != "" {
		release = main
	}
	return pin.NewPolicy(pins, release), err
}

// find looks for the Release file and the package lists of a source.
func (w *host) find(a *archive, dir string, present []string, archs []string) {
	has := func(name string) bool {
		_, ok := slices.BinarySearch(present, name)
		return ok
	}
	for _, name := range a.ReleaseFiles(archs[0]) {
		if !has(name) {
			continue
		}
		r, err := w.release(dir + name)
		if err != nil {
			a.reason = fmt.Sprintf("%s: %v", dir+name, err)
			return
		}
		a.release, a.releaseFile = r, dir+name
		break
	}
	if a.release == nil {
		a.reason = "no Release file: the lists were never fetched"
		return
	}
	for _, l := range a.Lists(archs) {
		for _, ext := range apt.Extensions() {
			if has(l.File + ext) {
				a.lists = append(a.lists, list{l, dir + l.File + ext, ext})
				break
			}
		}
	}
	if len(a.lists) == 0 {
		a.reason = "no package list for " + strings.Join(archs, ", ")
	}
}

func (w *host) release(name string) (*apt.Release, error) {
	f, err := w.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return apt.ParseRelease(f)
}
