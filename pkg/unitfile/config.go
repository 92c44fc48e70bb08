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

// ConfigDirectories are the places of the configuration of systemd's own programs,
// the strongest first.
func ConfigDirectories() []string {
	return []string{"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"}
}

// LoadConfig reads the configuration of one of systemd's own programs, such as
// "journald.conf", as journald.conf(5) has it: the main file of the strongest
// directory, then the drop-ins of NAME.d by their names, of equal names the one in
// the strongest directory. No file at all is no error: the defaults are in force.
func LoadConfig(root hostfs.Root, name string) (*Unit, error) {
	u := &Unit{Name: name}
	for _, dir := range ConfigDirectories() {
		file := path.Join(dir, name)
		text, err := root.ReadFile(file, maxFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if null(root, file) {
			break // what hides a weaker one
		}
		if err != nil {
			return nil, fmt.Errorf("load %s: %w", name, err)
		}
		u.Fragment, u.settings = file, Parse(file, text)
		break
	}
	files := map[string]string{}
	for _, dir := range ConfigDirectories() {
		names, err := root.ReadDir(path.Join(dir, name+".d"))
		if err != nil {
			continue // most have none
		}
		for _, n := range names {
			if _, known := files[n]; strings.HasSuffix(n, ".conf") && !known {
				files[n] = path.Join(dir, name+".d", n)
			}
		}
	}
	if err := u.read(root, files); err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	return u, nil
}

// read appends the settings of drop-ins in the order of their names.
func (u *Unit) read(root hostfs.Root, files map[string]string) error {
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	if len(names) > maxDropins {
		return fmt.Errorf("more than %d drop-ins", maxDropins)
	}
	slices.Sort(names)
	for _, n := range names {
		if null(root, files[n]) {
			continue
		}
		text, err := root.ReadFile(files[n], maxFile)
		if err != nil {
			return err
		}
		u.Dropins = append(u.Dropins, files[n])
		if u.settings = append(u.settings, Parse(files[n], text)...); len(u.settings) > maxLines {
			return fmt.Errorf("more than %d settings", maxLines)
		}
	}
	return nil
}
