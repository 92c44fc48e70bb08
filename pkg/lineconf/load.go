package lineconf

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"seawall/pkg/glob"
	"seawall/pkg/hostfs"
)

// ErrLimit is returned for a configuration beyond the limits.
var ErrLimit = errors.New("the configuration is too large to be read")

const (
	maxFiles = 1000
	maxBytes = 8 << 20
	maxDepth = 16
)

// Conf is a configuration with everything that it includes.
type Conf struct {
	Name  string // of a section
	Lines []Line
	Files []string // that were read
	// Watch is what the configuration depends on: files, missing ones too, and the
	// directories of patterns, which end in "/".
	Watch []string
}

// Load reads the configuration that starts with the file name. On an error the
// Conf has what Files and Watch are known. An included file that is not there is
// none; the first one is fs.ErrNotExist.
func Load(root hostfs.Root, name string, d Dialect) (*Conf, error) {
	l := &loader{root: root, dialect: d, conf: &Conf{}, room: maxBytes}
	if err := l.file(name, "", nil); err != nil {
		l.conf.Lines = nil
		return l.conf, fmt.Errorf("read %s: %w", name, err)
	}
	return l.conf, nil
}

type loader struct {
	root    hostfs.Root
	dialect Dialect
	conf    *Conf
	room    int
}

func (l *loader) watch(names ...string) {
	for _, n := range names {
		if !slices.Contains(l.conf.Watch, n) {
			l.conf.Watch = append(l.conf.Watch, n)
		}
	}
}

// file reads one file, which begins in a section; chain are those that led to it.
func (l *loader) file(name, section string, chain []string) error {
	l.watch(name)
	if len(chain) > maxDepth || len(l.conf.Files) >= maxFiles {
		return ErrLimit
	}
	text, err := l.root.ReadFile(name, 0)
	if err != nil {
		return err
	}
	if l.room -= len(text); l.room < 0 {
		return ErrLimit
	}
	l.conf.Files = append(l.conf.Files, name)
	chain = append(chain[:len(chain):len(chain)], name)
	for _, line := range parse(name, text, l.dialect, section) {
		if l.conf.Lines = append(l.conf.Lines, line); len(l.conf.Lines) > maxLines {
			return ErrLimit
		}
		if l.dialect.Include == nil {
			continue
		}
		for _, pattern := range l.dialect.Include(line) {
			begins := ""
			if l.dialect.Inherit {
				begins = line.Section
			}
			if err := l.include(pattern, begins, chain); err != nil {
				return err
			}
		}
	}
	return nil
}

// include reads what a pattern names.
func (l *loader) include(pattern, section string, chain []string) error {
	names := []string{pattern}
	if glob.Has(pattern) {
		var searched []string
		var err error
		names, searched, err = glob.Expand(l.root, pattern)
		for _, dir := range searched {
			l.watch(strings.TrimRight(dir, "/") + "/")
		}
		if err != nil {
			return err
		}
	}
	for _, name := range names {
		if slices.Contains(chain, name) {
			continue
		}
		err := l.file(name, section, chain)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, hostfs.ErrNotRegular) {
			return err
		}
	}
	return nil
}

// Last returns the last line of a key, whatever section it is in.
func (c *Conf) Last(key string) (Line, bool) {
	for _, l := range slices.Backward(c.Lines) {
		if l.Key == key {
			return l, true
		}
	}
	return Line{}, false
}

// All returns the lines of any of the keys, in their order.
func (c *Conf) All(keys ...string) []Line {
	var all []Line
	for _, l := range c.Lines {
		if slices.Contains(keys, l.Key) {
			all = append(all, l)
		}
	}
	return all
}

// Sections returns the configuration of each section, in the order in which they
// first appear: what stands before any is the section "".
func (c *Conf) Sections() []*Conf {
	var all []*Conf
	known := map[string]*Conf{}
	for _, l := range c.Lines {
		s := known[l.Section]
		if s == nil {
			s = &Conf{Name: l.Section, Files: c.Files, Watch: c.Watch}
			known[l.Section] = s
			all = append(all, s)
		}
		s.Lines = append(s.Lines, l)
	}
	return all
}
