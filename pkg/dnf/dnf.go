package dnf

import (
	"errors"
	"fmt"
	"io/fs"

	"seawall/pkg/dnf/ini"
	"seawall/pkg/hostfs"
)

// Config is dnf's configuration on one host.
type Config struct {
	Repos   []Repo   // enabled and disabled, in the order of their files
	Modules []Module // what the host chose
	// Files are all files and folders that this depends on, those that are missing
	// now included, for who wants to know when to look again.
	Files []string
	// Problems are what could not be read or understood, one sentence each. dnf
	// itself goes on, too, in most cases.
	Problems []string
	Arch     string // $basearch

	excludes, includes []*rule
	locks              locks
}

// loader reads one host's configuration.
type loader struct {
	*Config
	root    hostfs.Root
	vars    vars
	release []string // what $releasever may be, the likeliest first
	watched map[string]bool
}

// Load reads the configuration. That there is none is no error: a host without dnf
// has no repositories.
func Load(root hostfs.Root) (*Config, error) {
	l := &loader{Config: new(Config), root: root, watched: make(map[string]bool)}
	conf := "/etc/dnf/dnf.conf"
	sections, ok := l.ini(conf)
	if !ok && !root.Exists(conf) {
		conf = "/etc/yum.conf"
		sections, _ = l.ini(conf)
	}
	main := &ini.Section{Name: "main"}
	for _, dir := range []string{"/usr/share/dnf5/libdnf.conf.d", "/etc/dnf/libdnf5.conf.d"} {
		for _, file := range l.files([]string{dir}, ".conf") {
			dropIn, _ := l.ini(file)
			l.merge(main, file, dropIn)
		}
	}
	l.merge(main, conf, sections)
	dirs := ini.List(main.Value("varsdir"))
	if len(dirs) == 0 {
		dirs = []string{"/usr/share/dnf5/vars.d", "/etc/yum/vars", "/etc/dnf/vars"}
	}
	l.vars = l.readVars(dirs)
	if r := main.Value("releasever"); r != "" {
		l.vars["releasever"] = r
	}
	l.Arch = l.vars["basearch"]
	l.release = l.releases(l.vars)
	l.readRepos(conf, main, sections)
	l.findFolders(main)
	l.readModules()
	l.readLocks(main)
	l.fullLists()
	return l.Config, nil
}

// merge puts the options of the sections [main] over those of main.
func (l *loader) merge(main *ini.Section, file string, sections []ini.Section) {
	for i := range sections {
		if s := &sections[i]; s.Name == "main" {
			main.Options = append(main.Options, s.Options...)
			l.excludes = rules(file, s, l.excludes, "excludepkgs", "exclude")
			l.includes = rules(file, s, l.includes, "includepkgs")
		}
	}
}

// fullLists tells of lists of patterns that are full: what else stands there is not
// used.
func (l *loader) fullLists() {
	full := func(rules []*rule) {
		if len(rules) == maxRules {
			l.problem("%s line %d: a list of %d patterns is full", rules[maxRules-1].File, rules[maxRules-1].Line, maxRules)
		}
	}
	full(l.excludes)
	full(l.includes)
	for i := range l.Repos {
		full(l.Repos[i].excludes)
		full(l.Repos[i].includes)
	}
}

// maxProblems bounds the list.
const maxProblems = 100

func (l *loader) problem(format string, args ...any) {
	if len(l.Problems) < maxProblems {
		l.Problems = append(l.Problems, fmt.Sprintf(format, args...))
	}
}

// watch notes that the answer depends on a file or folder.
func (l *loader) watch(name string) {
	if !l.watched[name] {
		l.watched[name] = true
		l.Files = append(l.Files, name)
	}
}

// read reads a file. That it is not there is the only error that is no problem.
func (l *loader) read(name string) (string, error) {
	l.watch(name)
	b, err := l.root.ReadFile(name, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.problem("%v", err)
	}
	return string(b), err
}

// list lists a folder.
func (l *loader) list(dir string) ([]string, error) {
	l.watch(dir)
	names, err := l.root.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.problem("%v", err)
	}
	return names, err
}

// ini reads a file of sections, and reports whether it is there and could be read.
func (l *loader) ini(name string) ([]ini.Section, bool) {
	text, err := l.read(name)
	if err != nil {
		return nil, false
	}
	sections, err := ini.Parse(text)
	if err != nil {
		l.problem("%s: %v", name, err)
		return nil, false
	}
	return sections, true
}
