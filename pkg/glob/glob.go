// Package glob expands the patterns by which configuration files include others,
// as glob(3) does without flags: "*" and "?" not for a leading dot, sets in
// brackets, a backslash takes the next character as it is, the names sorted
// bytewise and dangling links among them.
//
// It knows no file system: the two functions that it is given do. Braces and
// tildes are not expanded.
package glob

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// maxNames bounds the names that one pattern's directories may hold, and those
// that match.
const maxNames = 100_000

// ErrLimit is returned for a pattern that looks at too many names.
var ErrLimit = errors.New("the pattern looks at too many names")

// Lister is what a file system has to tell: the sorted names in a directory, and
// an error for a name that does not exist.
type Lister interface {
	ReadDir(dir string) ([]string, error)
	Lstat(name string) (fs.FileInfo, error)
}

// Has reports whether pattern has anything to expand.
func Has(pattern string) bool { return strings.ContainsAny(pattern, `*?[`) }

// Expand returns the names that match an absolute pattern, and the directories
// that were searched: a new file in one of them could match too. A directory that
// is not there matches nothing; one that may not be read is an error, since what
// is in it is not known.
func Expand(l Lister, pattern string) (names, searched []string, err error) {
	names = []string{"/"}
	budget := maxNames
	for part := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		if part == "" {
			continue
		}
		var next []string
		for _, dir := range names {
			if Has(part) {
				searched = append(searched, dir)
			}
			found, err := expand(l, dir, part, &budget)
			if err != nil {
				return nil, searched, fmt.Errorf("expand %q: %w", pattern, err)
			}
			next = append(next, found...)
		}
		names = next
	}
	return names, searched, nil
}

// expand returns the names in dir that match one part of a pattern.
func expand(l Lister, dir, part string, budget *int) ([]string, error) {
	if !Has(part) {
		name := path.Join(dir, strings.ReplaceAll(part, `\`, ""))
		if _, err := l.Lstat(name); err != nil {
			return nil, passable(err)
		}
		return []string{name}, nil
	}
	entries, err := l.ReadDir(dir)
	if err != nil {
		return nil, passable(err)
	}
	if *budget -= len(entries); *budget < 0 {
		return nil, ErrLimit
	}
	var out []string
	for _, name := range entries {
		if Match(part, name) {
			out = append(out, path.Join(dir, name))
		}
	}
	return out, nil
}

// Match reports whether one name, without slashes, matches one part of a pattern.
func Match(part, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(part, ".") {
		return false
	}
	hit, err := path.Match(strings.ReplaceAll(part, "[!", "[^"), name)
	if err != nil {
		return name == part // a bracket that is not closed is itself
	}
	return hit
}

// passable lets absence pass: what is not there does not match.
func passable(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// Base is the directory that a pattern starts from, its last one without anything
// to expand, ending in "/".
func Base(pattern string) string {
	i := strings.IndexAny(pattern, `*?[`)
	if i < 0 {
		i = len(pattern)
	}
	return pattern[:strings.LastIndex(pattern[:i], "/")+1]
}
