package deb

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"seawall/pkg/apt"
	"seawall/pkg/apt/conf"
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
	locked      bool   // of esmBase: its versions cannot be installed
	reason      string // why it is not used
	lack        string // which of its lists is not there, or not whole
	err         error  // what is broken of it, where that is the reason
	failed      string // what the last refresh left of a failure
	put         time.Time
}

type list struct {
	apt.List
	name      string // absolute
	extension string
}

// setup is apt's configuration.
type setup struct {
	native   string
	archives []*archive
	policy   *pin.Policy
	phasing  phasing
}

// errElsewhere is returned where apt.conf moves what is read here to other places.
var errElsewhere = errors.New("only apt's own places are read")

func (w *host) setup(packages []dpkg.Package) (*setup, error) {
	var s setup
	archs, err := w.architectures(packages)
	if err != nil {
		return nil, err
	}
	s.native = archs[0]
	installed := map[string]bool{s.native: true}
	for i := range packages {
		installed[packages[i].Arch] = installed[packages[i].Arch] || packages[i].Installed()
	}
	settings, err := w.settings()
	if err != nil {
		return nil, err
	}
	for _, base := range []string{"", esmBase} {
		archives, err := w.archives(base, archs, installed)
		if err != nil {
			return nil, err
		}
		s.archives = append(s.archives, archives...)
	}
	if s.policy, err = w.policy(settings); err != nil {
		return nil, err
	}
	s.phasing = w.phasing(settings)
	return &s, nil
}

// settings reads apt.conf: its directory first, so that the file has the last word.
func (w *host) settings() (*conf.Tree, error) {
	tree := &conf.Tree{Include: func(name string) ([]byte, error) {
		text, err := w.ReadFile(name, 0)
		if errors.Is(err, fs.ErrNotExist) { // apt refuses that
			err = errors.New(name + " is not there")
		}
		return text, err
	}}
	names, err := w.files(etcDir+"apt.conf", etcDir+"apt.conf.d", "conf", "")
	if err != nil {
		return nil, err
	}
	err = w.eachFile(append(names[1:], names[0]), tree.Parse)
	if err != nil {
		return nil, err
	}
	for name, own := range map[string]string{
		"Dir": "", "RootDir": "", "Dir::State": "var/lib/apt", "Dir::State::lists": "lists", "Dir::State::status": "var/lib/dpkg/status", "Dir::Etc": "etc/apt",
		"Dir::Etc::sourcelist": "sources.list", "Dir::Etc::sourceparts": "sources.list.d", "Dir::Etc::preferences": "preferences", "Dir::Etc::preferencesparts": "preferences.d",
	} {
		v, set := tree.Find(name)
		if place := strings.Trim(v.Text, "/"); set && place != own && place != "var/lib/apt/"+own && place != "etc/apt/"+own {
			return nil, fmt.Errorf("%s line %d: %s is %q: %w", v.File, v.Line, name, v.Text, errElsewhere)
		}
	}
	return tree, nil
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

// eachFile reads configuration files one after the other. One that vanished is as
// one that never was.
func (w *host) eachFile(names []string, fn func(name string, text []byte) error) error {
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
	names, err := w.files(base+etcDir+"sources.list", base+etcDir+"sources.list.d", "list", "sources")
	if err != nil {
		return nil, err
	}
	var all []apt.Source
	err = w.eachFile(names, func(name string, text []byte) error {
		s, err := apt.ParseSources(name, text)
		all = append(all, s...)
		return err
	})
	return all, err
}

func (w *host) policy(settings *conf.Tree) (*pin.Policy, error) {
	names, err := w.files(etcDir+"preferences", etcDir+"preferences.d", "pref", "")
	if err != nil {
		return nil, err
	}
	var pins []pin.Pin
	err = w.eachFile(names, func(name string, text []byte) error {
		p, err := pin.Parse(name, text)
		pins = append(pins, p...)
		return err
	})
	release, _ := settings.Find("APT::Default-Release")
	return pin.NewPolicy(pins, release.Text), err
}

// archives are the sources configured below a base, with what is there of them.
// installed are the architectures that packages have.
func (w *host) archives(base string, archs []string, installed map[string]bool) ([]*archive, error) {
	sources, err := w.sources(base)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	dir := base + listsDir
	present, err := w.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// Without the right to look there (apt gives it to nobody but its own user) a
	// failed refresh shows in the age of the lists alone.
	partial, _ := w.ReadDir(dir + "partial")
	var all []*archive
	for i := range sources {
		a := &archive{Source: sources[i], locked: base != ""}
		w.find(a, dir, present, archs, installed)
		w.leftovers(a, dir+"partial/", partial, archs[0])
		all = append(all, a)
	}
	return all, nil
}

// leftovers looks for what a refresh of the source did not finish: apt empties the
// directory when all went well. In a running host what is older than the Release
// file is of a refresh before the one that put it there.
func (w *host) leftovers(a *archive, dir string, partial []string, native string) {
	base := strings.TrimSuffix(a.ReleaseFiles(native)[1], "Release")
	for _, name := range partial {
		if !strings.HasPrefix(name, base) {
			continue
		}
		fi, err := w.Look(dir + name)
		if err != nil || !a.put.IsZero() && w.Root().Live() && changed(fi).Before(a.put) {
			continue
		}
		a.failed = "the last refresh did not finish: " + dir + name
		return
	}
}

// find looks for the Release file and the package lists of a source.
func (w *host) find(a *archive, dir string, present []string, archs []string, installed map[string]bool) {
	has := func(name string) bool {
		_, ok := slices.BinarySearch(present, name)
		return ok
	}
	names := a.ReleaseFiles(archs[0])
	i := slices.IndexFunc(names, has)
	if i < 0 {
		a.reason = "no Release file: the lists were never fetched"
		return
	}
	if !w.takeRelease(a, dir+names[i]) {
		return
	}
	empty := false
	for _, l := range a.Lists(archs) {
		if size, listed := a.release.Lists[l.Path]; listed && size == 0 {
			empty = true // apt keeps no file of it
		}
		extensions := apt.Extensions()
		i := slices.IndexFunc(extensions, func(ext string) bool { return has(l.File + ext) })
		switch {
		case i >= 0:
			a.lists = append(a.lists, list{l, dir + l.File + extensions[i], extensions[i]})
		// Many archives name a list for "all" that apt does not fetch.
		case l.Arch != "all" && a.release.Lists[l.Path] > 0 && (l.Arch == "" || installed[l.Arch]):
			a.lack = "its package list " + l.Path + " is not there"
		}
	}
	if len(a.lists) == 0 && !empty {
		a.reason = "no package list for " + strings.Join(archs, ", ")
	}
}

// takeRelease reads the Release file of a source, or says why it cannot be read.
func (w *host) takeRelease(a *archive, name string) bool {
	r, err := w.release(name)
	if err != nil {
		a.err = fmt.Errorf("%s: %w", name, err)
		a.reason = a.err.Error()
		return false
	}
	a.release, a.releaseFile = r, name
	if fi, err := w.Look(name); err == nil && w.Root().Live() {
		a.put = changed(fi)
	}
	return true
}

func (w *host) release(name string) (*apt.Release, error) {
	f, err := w.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return apt.ParseRelease(f)
}
