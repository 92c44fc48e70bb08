package unitfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"seawall/pkg/hostfs"
)

// Directories are the places of unit files, the strongest first.
func Directories() []string {
	return []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system", "/lib/systemd/system"}
}

const (
	maxFile    = 256 << 10
	maxDropins = 200
	maxLines   = 1 << 15 // settings of one unit
)

// Setting is one assignment and where it stands.
type Setting struct {
	Section, Key string
	Value        string
	File         string
	Line         int
}

// Unit is what the files say of a unit.
type Unit struct {
	Name     string
	Fragment string // the file that counts; of a masked unit the mask
	Masked   bool
	Start    string // the link by which the unit is started at boot, "" where there is none
	Dropins  []string
	settings []Setting
}

// Load reads a unit. A unit without a fragment is fs.ErrNotExist.
func Load(root hostfs.Root, name string) (*Unit, error) {
	u, err := LoadFiles(root, name)
	if err != nil || u.Masked {
		return u, err
	}
	if u.Start, err = starter(root, name); err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	return u, nil
}

// LoadFiles reads a unit without looking for what starts it, which is most of the
// work: Start stays empty.
func LoadFiles(root hostfs.Root, name string) (*Unit, error) {
	if name == "" || strings.ContainsAny(name, "/\x00") {
		return nil, fmt.Errorf("%q is no unit's name", name)
	}
	u := &Unit{Name: name}
	if err := u.fragment(root); err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	if u.Masked {
		return u, nil
	}
	if err := u.dropins(root); err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	return u, nil
}

func (u *Unit) fragment(root hostfs.Root) error {
	for _, dir := range Directories() {
		file := path.Join(dir, u.Name)
		if null(root, file) {
			u.Fragment, u.Masked = file, true
			return nil
		}
		text, err := root.ReadFile(file, maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		u.Fragment, u.Masked = file, len(text) == 0
		u.settings = Parse(file, text)
		return nil
	}
	return fmt.Errorf("no unit file: %w", fs.ErrNotExist)
}

// null reports whether a name is a link to /dev/null, as a mask is.
func null(root hostfs.Root, file string) bool {
	target, err := root.Readlink(file)
	if err != nil {
		return false
	}
	if !path.IsAbs(target) {
		target = path.Join(path.Dir(file), target)
	}
	return path.Clean(target) == "/dev/null"
}

// starter finds the link that starts a unit at boot.
func starter(root hostfs.Root, name string) (string, error) {
	refused := map[string]bool{} // "timers.target.wants" that a stronger directory denies
	for _, dir := range Directories() {
		names, err := root.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		for _, n := range names {
			switch path.Ext(n) {
			case ".wants", ".requires", ".upholds":
			default:
				continue
			}
			link := path.Join(dir, n, name)
			if _, err := root.Lstat(link); err != nil || refused[n] {
				continue
			}
			if null(root, link) {
				refused[n] = true
				continue
			}
			return link, nil
		}
	}
	return "", nil
}

func (u *Unit) dropins(root hostfs.Root) error {
	files := map[string]string{}
	for _, d := range []string{u.Name, strings.TrimPrefix(path.Ext(u.Name), ".")} {
		for _, dir := range Directories() {
			dir = path.Join(dir, d+".d")
			names, err := root.ReadDir(dir)
			if err != nil {
				continue // most units have none
			}
			for _, n := range names {
				if _, known := files[n]; strings.HasSuffix(n, ".conf") && !known {
					files[n] = path.Join(dir, n)
				}
			}
		}
	}
	return u.read(root, files)
}

// Values returns what a list setting such as ExecStart has in force: an empty
// assignment drops the ones before it. Of a setting with one value the last counts.
func (u *Unit) Values(section, key string) []Setting {
	var list []Setting
	for _, s := range u.settings {
		switch {
		case s.Section != section || s.Key != key:
		case s.Value == "":
			list = nil
		default:
			list = append(list, s)
		}
	}
	return list
}

// Has reports whether a setting is there at all, be it empty.
func (u *Unit) Has(section, key string) bool {
	return slices.ContainsFunc(u.settings, func(s Setting) bool { return s.Section == section && s.Key == key })
}

// Parse reads the text of a unit file. As systemd does it passes over lines that
// are no assignment.
func Parse(file string, text []byte) []Setting {
	var all []Setting
	section, number, first := "", 0, 0
	var joined strings.Builder
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, ";") || joined.Len() == 0 && trimmed == "" {
			continue // comments stand between the lines of a continued one, too
		}
		if joined.Len() == 0 {
			first = number
		}
		if before, more := strings.CutSuffix(line, `\`); more && joined.Len() < maxFile {
			joined.WriteString(before)
			joined.WriteByte(' ')
			continue
		}
		if joined.Len() > 0 {
			line = joined.String() + line
			joined.Reset()
		}
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = line[1 : len(line)-1]
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok {
			all = append(all, Setting{section, strings.TrimSpace(key), strings.TrimSpace(value), file, first})
		}
	}
	return all
}
