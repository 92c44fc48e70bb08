// Package pocket finds the security pockets among a host's apt sources, by what
// their Release files say, for judging which of them automatic updates cover.
//
// A source of which no Release file was fetched yet is passed over. Where no
// pocket is found at all, what the vendor is known to write into its own stands in:
// a host that has no security source is told so by the patch level, not here.
package pocket

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"seawall/pkg/apt"
	"seawall/pkg/apt/origin"
	"seawall/pkg/distro"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// The files that are read, and the folder with ".d" behind the first one's name.
const (
	Sources = "/etc/apt/sources.list"
	Release = "/etc/lsb-release"

	lists   = "/var/lib/apt/lists/"
	maxWord = 256
)

// Distribution is what lsb_release says: its own file, or os-release with the id's
// first letter made a capital.
func Distribution(root hostfs.Root, os distro.OS) origin.Distribution {
	d := origin.Distribution{ID: os.ID, Codename: os.Codename}
	if d.ID != "" {
		d.ID = strings.ToUpper(d.ID[:1]) + d.ID[1:]
	}
	b, err := root.ReadFile(Release, 0)
	if err != nil {
		return d
	}
	return d.LSB(b)
}

// Security are the security pockets among the host's sources, each component by
// itself, or the vendor's where no list of one is on disk.
func Security(root hostfs.Root, os distro.OS) ([]origin.Archive, error) {
	names, err := sourceFiles(root)
	if err != nil {
		return nil, err
	}
	var all []origin.Archive
	for _, name := range names {
		b, err := root.ReadFile(name, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read apt's sources: %w", err)
		}
		sources, err := apt.ParseSources(name, b)
		if err != nil {
			return nil, fmt.Errorf("read apt's sources: %w", err)
		}
		for i := range sources {
			all = append(all, of(root, &sources[i])...)
		}
	}
	if len(all) == 0 {
		return vendors(os), nil
	}
	return all, nil
}

func sourceFiles(root hostfs.Root) ([]string, error) {
	const dir = Sources + ".d"
	files := []string{Sources}
	names, err := root.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read apt's sources: %w", err)
	}
	for _, n := range names {
		if apt.ConfigName(n, "list", "sources") {
			files = append(files, dir+"/"+n)
		}
	}
	return files, nil
}

func of(root hostfs.Root, s *apt.Source) []origin.Archive {
	for _, name := range s.ReleaseFiles("amd64") {
		f, _, err := root.OpenFile(lists + name)
		if err != nil {
			continue
		}
		release, err := apt.ParseRelease(f)
		f.Close()
		if err != nil || !release.Security() {
			return nil
		}
		var all []origin.Archive
		for _, component := range s.Components {
			all = append(all, origin.Archive{"origin": clean(release.Origin), "label": clean(release.Label), "archive": clean(release.Suite),
				"codename": clean(release.Codename), "site": clean(s.Site()), "component": clean(component)})
		}
		return all
	}
	return nil
}

func clean(s string) string { return text.Clean(s, maxWord) }

// vendors is what the vendor writes into its security pocket's Release file. The
// suite of Debian's changes with the years, the site is the host's choice.
func vendors(os distro.OS) []origin.Archive {
	if os.Codename == "" {
		return nil
	}
	switch os.ID {
	case "debian":
		return []origin.Archive{{"origin": "Debian", "label": "Debian-Security", "codename": os.Codename + "-security", "component": "main"}}
	case "ubuntu":
		return []origin.Archive{{"origin": "Ubuntu", "label": "Ubuntu", "archive": os.Codename + "-security", "codename": os.Codename, "component": "main"}}
	}
	return nil
}
