package rsyslogconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"seawall/pkg/glob"
	"seawall/pkg/hostfs"
)

const (
	maxFile     = 1 << 20
	maxFiles    = 500
	maxIncludes = 10 // nested
)

// Config is a configuration with its includes.
type Config struct {
	Items []Item
	Files []string // in the order in which they were read
	Watch []string // names that the configuration depends on, directories with "/"
}

// Load reads a configuration. A file that cannot be read, or too many, is an error.
func Load(root hostfs.Root, file string) (*Config, error) {
	l := &loader{root: root, c: &Config{}}
	if err := l.load(file, 0); err != nil {
		return nil, fmt.Errorf("load rsyslog configuration: %w", err)
	}
	return l.c, nil
}

type loader struct {
	root hostfs.Root
	c    *Config
}

func (l *loader) load(file string, depth int) error {
	if depth > maxIncludes || len(l.c.Files) >= maxFiles {
		return fmt.Errorf("%s: too many includes", file)
	}
	l.c.Watch = append(l.c.Watch, file)
	b, err := l.root.ReadFile(file, maxFile)
	if err != nil {
		return err
	}
	l.c.Files = append(l.c.Files, file)
	for _, it := range Parse(file, b) {
		l.c.Items = append(l.c.Items, it)
		if len(l.c.Items) >= maxItems { // where Parse ends
			return fmt.Errorf("%s: more than %d items", file, maxItems)
		}
		if err := l.include(it, depth); err != nil {
			return err
		}
	}
	return nil
}

// include follows an item that is one.
func (l *loader) include(it Item, depth int) error {
	pattern, optional, is := included(&it)
	if !is {
		return nil
	}
	if pattern == "" || strings.Contains(pattern, "`") {
		it.Kind, it.Value = KindUnknown, "what "+it.File+" includes is made when rsyslogd starts"
		l.c.Items = append(l.c.Items, it)
		return nil
	}
	if !path.IsAbs(pattern) {
		pattern = "/" + pattern
	}
	if strings.HasSuffix(pattern, "/") {
		pattern += "*"
	}
	if !glob.Has(pattern) {
		err := l.load(pattern, depth+1)
		if optional && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return l.loadAll(pattern, depth)
}

// included returns what an item includes, and whether that may be missing.
func included(it *Item) (pattern string, optional, is bool) {
	switch {
	case it.Kind == KindDirective && it.Name == "includeconfig":
		return strings.Trim(it.Value, `"`), false, true
	case it.Kind == KindObject && it.Name == "include" && it.Params["text"] != "":
		return "`text`", false, true
	case it.Kind == KindObject && it.Name == "include":
		return it.Params["file"], it.Params["mode"] == "optional", true
	}
	return "", false, false
}

// loadAll loads the files that a pattern stands for.
func (l *loader) loadAll(pattern string, depth int) error {
	names, searched, err := glob.Expand(l.root, pattern)
	l.c.Watch = append(l.c.Watch, glob.Base(pattern))
	for _, dir := range searched {
		l.c.Watch = append(l.c.Watch, strings.TrimRight(dir, "/")+"/")
	}
	if err != nil {
		return err
	}
	for _, n := range names {
		if fi, err := l.root.Stat(n); err == nil && fi.IsDir() {
			continue
		}
		if err := l.load(n, depth+1); err != nil {
			return err
		}
	}
	return nil
}
