package opensslconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/pkg/hostfs"
)

// Paths are where distributions keep openssl.cnf: Debian and Ubuntu, the family of
// RHEL.
func Paths() []string {
	return []string{"/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf"}
}

// Bounds of one configuration, all files together.
const (
	maxFiles = 256
	maxBytes = 1 << 20
)

// ErrLimit is returned for a configuration beyond the limits.
var ErrLimit = errors.New("the configuration is too large to be read")

// Setting is a setting as written and where it stands.
type Setting struct {
	Value string
	Set   bool
	File  string
	Line  int
	Raw   string
}

// Config is what openssl.cnf sets.
type Config struct {
	Files    []string
	sections map[string]map[string]Setting
	bytes    int
}

// Load reads the configuration that starts with the file name.
func Load(root hostfs.Root, name string) (*Config, error) {
	c := &Config{sections: map[string]map[string]Setting{}}
	_, err := c.file(root, name, "default")
	return c, err
}

// System returns a setting for all programs: MinProtocol, CipherString, Options.
func (c *Config) System(name string) Setting {
	section := "default"
	for _, key := range []string{"openssl_conf", "ssl_conf", "system_default"} {
		if section = c.sections[section][key].Value; section == "" {
			return Setting{}
		}
	}
	// "TLS.MinProtocol" is for TLS alone, DTLS has its own.
	if s, ok := c.sections[section]["TLS."+name]; ok {
		return s
	}
	return c.sections[section][name]
}

// file reads one file, which begins in a section, and returns the one it ends in.
func (c *Config) file(root hostfs.Root, name, section string) (string, error) {
	if len(c.Files) == maxFiles {
		return section, fmt.Errorf("%s: %w", name, ErrLimit)
	}
	if slices.Contains(c.Files, name) {
		return section, nil
	}
	c.Files = append(c.Files, name)
	data, err := root.ReadFile(name, maxBytes)
	if err != nil {
		return section, err
	}
	if c.bytes += len(data); c.bytes > maxBytes {
		return section, fmt.Errorf("%s: %w", name, ErrLimit)
	}
	number := 0
	for raw := range strings.Lines(string(data)) {
		number++
		text, _, _ := strings.Cut(raw, "#")
		text = strings.TrimSpace(text)
		if inner, ok := strings.CutPrefix(text, "["); ok {
			section = strings.TrimSpace(strings.TrimSuffix(inner, "]"))
			continue
		}
		if rest, ok := strings.CutPrefix(text, ".include"); ok {
			target := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest), "="))
			if section, err = c.include(root, target, path.Dir(name), section); err != nil {
				return section, err
			}
			continue
		}
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			continue
		}
		if c.sections[section] == nil {
			c.sections[section] = map[string]Setting{}
		}
		c.sections[section][strings.TrimSpace(key)] = Setting{Value: strings.Trim(strings.TrimSpace(value), `"'`), Set: true, File: name, Line: number, Raw: text}
	}
	return section, nil
}

// include reads a file, or the files of a directory that end in .cnf or .conf. What
// is not there is passed over, as OpenSSL does.
func (c *Config) include(root hostfs.Root, target, dir, section string) (string, error) {
	if !strings.HasPrefix(target, "/") {
		target = path.Join(dir, target)
	}
	fi, err := root.Stat(target)
	if err != nil {
		c.Files = append(c.Files, target)
		if errors.Is(err, fs.ErrNotExist) {
			return section, nil
		}
		return section, err
	}
	if !fi.IsDir() {
		return c.file(root, target, section)
	}
	names, err := root.ReadDir(target)
	for _, n := range names {
		if ext := path.Ext(n); ext == ".cnf" || ext == ".conf" {
			if section, err = c.file(root, path.Join(target, n), section); err != nil {
				return section, err
			}
		}
	}
	return section, err
}
