package dnf

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/pkg/dnf/ini"
	"seawall/pkg/nevra"
)

// Repo is one repository.
type Repo struct {
	ID, Name       string
	Enabled        bool
	File           string // the file that has its section, and the line
	Line           int
	Priority, Cost int // 99 and 1000 by default; the lower priority wins
	// ModuleHotfixes: its packages are offered whatever module streams are active.
	ModuleHotfixes bool
	MetadataExpire time.Duration // after which dnf would refresh; negative is never
	// Folders are the repository's cache folders that exist, the one that dnf would
	// use first. Each holds repodata/repomd.xml.
	Folders []string
	// Refreshed is when dnf last made sure that the first of them is what the
	// repository has.
	Refreshed time.Time
	// Expired: something marked the cache for a refresh.
	Expired bool

	section            *ini.Section
	excludes, includes []*rule
}

// readRepos reads all repositories: of dnf.conf itself, then of the .repo files in
// the order of their names, then what dnf 5 puts over them.
func (l *loader) readRepos(conf string, main *ini.Section, sections []ini.Section) {
	l.addRepos(conf, main, sections)
	dirs := ini.List(main.Value("reposdir"))
	if len(dirs) == 0 {
		dirs = []string{"/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d", "/usr/share/dnf5/repos.d"}
	}
	for _, file := range l.files(dirs, ".repo") {
		if sections, ok := l.ini(file); ok {
			l.addRepos(file, main, sections)
		}
	}
	for _, file := range l.files([]string{"/usr/share/dnf5/repos.override.d", "/etc/dnf/repos.override.d"}, ".repo") {
		sections, _ := l.ini(file)
		for i := range sections {
			l.override(file, &sections[i])
		}
	}
}

// Bounds of repositories: their number, the length of an id, and the files that may
// have some.
const (
	maxRepos = 1024
	maxID    = 256
	maxFiles = 4096
)

func (l *loader) addRepos(file string, main *ini.Section, sections []ini.Section) {
	for i := range sections {
		s := &sections[i]
		if s.Name == "main" {
			continue
		}
		id := l.vars.with(l.release[0]).replace(s.Name)
		switch {
		case len(id) > maxID || strings.Trim(id, letters+"-_.:") != "":
			l.problem("%s line %d: %.60q is no id of a repository", file, s.Line, id)
			continue
		case slices.ContainsFunc(l.Repos, func(r Repo) bool { return r.ID == id }):
			l.problem("%s line %d: repository %s is listed more than once", file, s.Line, id)
			continue
		case len(l.Repos) == maxRepos:
			l.problem("%s: more than %d repositories", file, maxRepos)
			return
		}
		r := Repo{ID: id, Name: id, Priority: 99, Cost: 1000, MetadataExpire: 48 * time.Hour, section: s, File: file, Line: s.Line}
		r.Enabled = isTrue(main.Value("enabled"), true)
		if d, ok := seconds(main.Value("metadata_expire")); ok {
			r.MetadataExpire = d
		}
		r.set(file, s)
		r.Name = l.vars.with(l.release[0]).replace(r.Name)
		l.Repos = append(l.Repos, r)
	}
}

// override puts the options of one section over those of the repositories that its
// name, which may be a glob, stands for.
func (l *loader) override(file string, s *ini.Section) {
	for i := range l.Repos {
		r := &l.Repos[i]
		if len(s.Name) <= maxID && nevra.Glob(s.Name, r.ID) {
			merged := *r.section
			merged.Options = append(addresses(&merged), addresses(s)...)
			r.section = &merged
			r.set(file, s)
		}
	}
}

// addresses are the options of a section that say where a repository is, of each the
// one that counts: all that is asked of a section later.
func addresses(s *ini.Section) (options []ini.Option) {
	for _, key := range [...]string{"metalink", "mirrorlist", "baseurl"} {
		if o := s.Option(key); o != nil {
			options = append(options, *o)
		}
	}
	return options
}

// set takes over the options that a section has.
func (r *Repo) set(file string, s *ini.Section) {
	if name := s.Value("name"); name != "" {
		r.Name = name
	}
	r.Enabled = isTrue(s.Value("enabled"), r.Enabled)
	r.ModuleHotfixes = isTrue(s.Value("module_hotfixes"), r.ModuleHotfixes)
	if n, err := strconv.Atoi(s.Value("priority")); err == nil {
		r.Priority = n
	}
	if n, err := strconv.Atoi(s.Value("cost")); err == nil {
		r.Cost = n
	}
	if d, ok := seconds(s.Value("metadata_expire")); ok {
		r.MetadataExpire = d
	}
	r.excludes = rules(file, s, r.excludes, "excludepkgs", "exclude")
	r.includes = rules(file, s, r.includes, "includepkgs")
}

// seconds reads a time as dnf does: a number with s, m, h or d, or "never".
func seconds(value string) (time.Duration, bool) {
	if value == "-1" || strings.EqualFold(value, "never") {
		return -1, true
	}
	unit := time.Second
	if value != "" {
		switch value[len(value)-1] {
		case 's', 'S':
			value = value[:len(value)-1]
		case 'm', 'M':
			unit, value = time.Minute, value[:len(value)-1]
		case 'h', 'H':
			unit, value = time.Hour, value[:len(value)-1]
		case 'd', 'D':
			unit, value = 24*time.Hour, value[:len(value)-1]
		}
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || !(n >= 0 && n <= 1e9) { // nor NaN
		return 0, false
	}
	return time.Duration(n * float64(unit)), true
}

// address is what names the repository's cache folder: the first of metalink,
// mirror list and base address that it has, "" where it has none.
func (r *Repo) address(v vars) string {
	base := ini.List(v.replace(r.section.Value("baseurl")))
	if len(base) == 0 {
		base = []string{""}
	}
	return cmp.Or(v.replace(r.section.Value("metalink")), v.replace(r.section.Value("mirrorlist")), base[0])
}

// files lists the files with an ending in folders, in the order of their names.
func (l *loader) files(dirs []string, ending string) []string {
	var all []string
	for _, dir := range dirs {
		names, err := l.list(dir)
		if err != nil {
			continue
		}
		for _, name := range names {
			if !strings.HasSuffix(name, ending) {
				continue
			}
			if len(all) == maxFiles {
				l.problem("%s: more than %d files", dir, maxFiles)
				break
			}
			all = append(all, path.Join(dir, name))
		}
	}
	slices.SortStableFunc(all, func(a, b string) int {
		return strings.Compare(strings.TrimSuffix(a, ending), strings.TrimSuffix(b, ending))
	})
	return all
}

// isTrue reads a truth value as dnf does; other is what anything else means.
func isTrue(value string, other bool) bool {
	if yes, ok := ini.Bool(value); ok {
		return yes
	}
	return other
}
