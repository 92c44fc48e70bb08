package dnf

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"seawall/pkg/dnf/ini"
)

// folder is a cache folder of a repository.
type folder struct {
	path      string
	exact     bool // its name is that of the address as it is configured now
	refreshed time.Time
	expired   bool
}

// maxFolders bounds the folders of one repository that are looked into, beside those
// of its address.
const maxFolders = 64

// hashDigits is the number of hex digits of an address' SHA-256 in a folder's name.
const hashDigits = 16

// findFolders looks for the cache folders of all repositories, under the folders in
// which dnf 4 and dnf 5 keep them.
func (l *loader) findFolders(main *ini.Section) {
	dirs := []string{"/var/cache/dnf", "/var/cache/libdnf5"}
	for _, key := range []string{"cachedir", "system_cachedir"} {
		if dir := main.Value(key); path.IsAbs(dir) && !slices.Contains(dirs, path.Clean(dir)) {
			dirs = append(dirs, path.Clean(dir))
		}
	}
	byID := make(map[string][]string)
	expired := make(map[string]bool)
	for _, dir := range dirs {
		names, err := l.list(dir)
		if err != nil {
			continue
		}
		for _, name := range names {
			if i := len(name) - hashDigits - 1; i > 0 && name[i] == '-' && strings.Trim(name[i+1:], "0123456789abcdef") == "" {
				byID[name[:i]] = append(byID[name[:i]], path.Join(dir, name))
			}
		}
		for _, id := range l.expired(path.Join(dir, "expired_repos.json")) {
			expired[id] = true
		}
	}
	for i := range l.Repos {
		r := &l.Repos[i]
		if !r.Enabled {
			continue
		}
		l.settle(r, byID[r.ID])
		r.Expired = r.Expired || expired[r.ID]
	}
}

// settle picks from the folders that bear the repository's id: those of its address
// come first, and of these the one refreshed last. The others stay, for where the
// value of $releasever is not known.
func (l *loader) settle(r *Repo, paths []string) {
	hashes := make([]string, 0, len(l.release))
	for _, release := range l.release {
		sum := sha256.Sum256([]byte(r.address(l.vars.with(release))))
		hashes = append(hashes, hex.EncodeToString(sum[:])[:hashDigits])
	}
	var folders []folder
	others := 0
	for _, p := range paths {
		f := folder{path: p, exact: slices.Contains(hashes, p[len(p)-hashDigits:])}
		if !f.exact {
			if others++; others > maxFolders {
				continue
			}
		}
		if l.inspect(&f) {
			folders = append(folders, f)
		}
	}
	slices.SortStableFunc(folders, func(a, b folder) int {
		if a.exact != b.exact {
			if a.exact {
				return -1
			}
			return 1
		}
		return b.refreshed.Compare(a.refreshed)
	})
	for i, f := range folders {
		if i == 0 {
			r.Refreshed, r.Expired = f.refreshed, f.expired
		}
		r.Folders = append(r.Folders, f.path)
	}
}

// inspect looks at one folder. dnf touches the list of packages (4) or repomd.xml
// (5) when it finds that the repository still has what the cache has.
func (l *loader) inspect(f *folder) bool {
	data := path.Join(f.path, "repodata")
	md := path.Join(data, "repomd.xml")
	l.watch(data)
	l.watch(md)
	fi, err := l.root.Stat(md)
	if err != nil || !fi.Mode().IsRegular() {
		return false
	}
	f.refreshed = fi.ModTime()
	names, err := l.root.ReadDir(data)
	if err != nil {
		return true
	}
	for _, name := range names {
		if !strings.Contains(name, "primary") {
			continue
		}
		if fi, err := l.root.Stat(path.Join(data, name)); err == nil && fi.ModTime().After(f.refreshed) {
			f.refreshed = fi.ModTime()
		}
	}
	f.expired = l.root.Exists(path.Join(f.path, "attributes/expired"))
	return true
}

// expired reads dnf 4's list of repositories that are to be refreshed.
func (l *loader) expired(name string) []string {
	text, err := l.read(name)
	if err != nil {
		return nil
	}
	var ids []string
	if err := json.Unmarshal([]byte(text), &ids); err != nil {
		l.problem("%s: %v", name, err)
	}
	return ids
}
