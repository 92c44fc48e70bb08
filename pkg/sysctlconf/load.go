package sysctlconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/pkg/confdir"
	"seawall/pkg/hostfs"
)

// Config is the configuration of a host: its lines in the order in which they
// count. The zero Config sets nothing.
type Config struct {
	settings []Setting
	explicit map[string]int // the line that counts of each key, by its place in settings
	patterns []int
	// Depends names the files and directories (ending in "/") that were looked at.
	Depends []string
	// Files names the files that were read, in order, as the directories have them.
	Files []string
	// Problems says which files or directories could not be read.
	Problems []string
}

// Directories are the places of files, the strongest first.
func Directories() []string {
	return []string{"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"}
}

// Load reads the configuration of the host at root. It never fails as a whole:
// what could not be read is in Problems.
func Load(root hostfs.Root) *Config {
	c := &Config{}
	for _, dir := range Directories() {
		c.Depends = append(c.Depends, dir+"/")
	}
	files, problems := confdir.Files(root, Directories(), func(name string) bool { return strings.HasSuffix(name, ".conf") })
	c.Problems = append(c.Problems, problems...)
	for _, name := range files {
		c.Add(root, name)
	}
	return c
}

// Add reads one more file, whose lines count after all others. A file that is not
// there, and one that is masked, adds nothing.
func (c *Config) Add(root hostfs.Root, name string) {
	if target, err := root.Readlink(name); err == nil {
		if target == "/dev/null" {
			return
		}
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(name), target)
		}
		c.Depends = append(c.Depends, target)
	}
	b, err := root.ReadFile(name, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		c.Problems = append(c.Problems, err.Error())
		return
	}
	c.Files = append(c.Files, name)
	c.add(Parse(name, b))
}

// add appends lines, of which each takes the place of an earlier one of its key.
// One that says the same again leaves the earlier one where it is, which matters
// among patterns.
func (c *Config) add(more []Setting) {
	if c.explicit == nil {
		c.explicit = map[string]int{}
	}
	for _, s := range more {
		if len(c.settings) == maxSettings {
			c.Problems = append(c.Problems, fmt.Sprintf("more than %d lines", maxSettings))
			return
		}
		old, known := c.explicit[s.Key]
		if known && c.settings[old].Value == s.Value && c.settings[old].Except == s.Except {
			continue
		}
		c.settings = append(c.settings, s)
		c.explicit[s.Key] = len(c.settings) - 1
		if !pattern(s.Key) {
			continue
		}
		if known {
			c.patterns = slices.DeleteFunc(c.patterns, func(i int) bool { return i == old })
		}
		c.patterns = append(c.patterns, len(c.settings)-1)
	}
}

// Lookup returns the line that sets key, a name as /proc/sys or as sysctl(8)
// writes it.
func (c *Config) Lookup(key string) (Setting, bool) { return c.Last(key) }

// Last returns the line that sets the last of several keys: those of one setting
// that has several names.
func (c *Config) Last(keys ...string) (Setting, bool) {
	last := -1
	for _, key := range keys {
		if i, ok := c.lookup(Normalize(key)); ok {
			last = max(last, i)
		}
	}
	if last < 0 {
		return Setting{}, false
	}
	return c.settings[last], true
}

func (c *Config) lookup(key string) (i int, ok bool) {
	if i, known := c.explicit[key]; known {
		return i, !c.settings[i].Except
	}
	for _, i := range slices.Backward(c.patterns) {
		if s := c.settings[i]; !s.Except && match(s.Key, key) {
			return i, true
		}
	}
	return 0, false
}

// Explicit returns the lines that count of all keys that are no patterns, in
// their order.
func (c *Config) Explicit() []Setting {
	var all []Setting
	for i, s := range c.settings {
		if c.explicit[s.Key] == i && !s.Except && !pattern(s.Key) {
			all = append(all, s)
		}
	}
	return all
}
