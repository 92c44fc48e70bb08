package sshdconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// maxGlob bounds the names that one configuration's Includes look at.
const maxGlob = 100_000

// glob returns the names that match an absolute pattern as glob(3) does without
// flags: sorted bytewise, "*" not for a leading dot, dangling links included, no
// braces and no tilde. A directory that may not be read is an error here: what
// is in it is not known.
func (l *loader) glob(pattern string) ([]string, error) {
	if !strings.HasPrefix(pattern, "/") {
		return nil, nil // "~…": a name relative to "/" that does not begin so
	}
	found := []string{"/"}
	for part := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		if part == "" {
			continue
		}
		var next []string
		for _, dir := range found {
			names, err := l.expand(dir, part)
			if err != nil {
				return nil, fmt.Errorf("include %q: %w", pattern, err)
			}
			next = append(next, names...)
		}
		if found = next; len(found) > maxFiles {
			return nil, fmt.Errorf("include %q: %w", pattern, ErrLimit)
		}
	}
	return found, nil
}

func (l *loader) expand(dir, part string) ([]string, error) {
	if !strings.ContainsAny(part, `*?[`) {
		name := path.Join(dir, strings.ReplaceAll(part, `\`, ""))
		if _, err := l.host.Lstat(name); err != nil {
			return nil, passable(err)
		}
		return []string{name}, nil
	}
	entries, err := l.host.ReadDir(dir)
	if err != nil {
		return nil, passable(err)
	}
	if l.globbed += len(entries); l.globbed > maxGlob {
		return nil, ErrLimit
	}
	var out []string
	fnmatch := strings.ReplaceAll(part, "[!", "[^")
	for _, name := range entries {
		if strings.HasPrefix(name, ".") && !strings.HasPrefix(part, ".") {
			continue
		}
		hit, err := path.Match(fnmatch, name)
		if err != nil {
			hit = name == part // a bracket that is not closed is itself
		}
		if hit {
			out = append(out, path.Join(dir, name))
		}
	}
	return out, nil
}

// passable lets absence pass: what is not there does not match.
func passable(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
