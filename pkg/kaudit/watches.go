package kaudit

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/pkg/auditrule"
)

// Key is the key of every rule that Watches loads. Rules that have it alone are
// ours; no other rule is ever touched.
const Key = "seawall"

const (
	// maxWatches bounds the rules of one Set: each costs every system call that it
	// names some time.
	maxWatches = 512
	// maxNames bounds the names that they are made of.
	maxNames = 8192
	// fewNames below one of the directories of seldom are watched each by itself.
	fewNames = 16
)

// seldom lists directories in which little is written. One rule for all below them
// costs less than many rules, and brings few events that nobody asked for.
func seldom() []string { return []string{"/etc", "/boot"} }

// Watches keeps watch rules in the kernel. The kernel itself drops the rules of a
// directory that is removed (a CONFIG_CHANGE record with op=remove_rule and our
// key says so) and cannot watch below one that does not exist, so Set is to be
// called again after such a change.
type Watches struct{ control *Control }

// NewWatches returns the watches that go through c. Nothing is loaded yet.
func NewWatches(c *Control) *Watches { return &Watches{c} }

// Set makes the kernel report every change of the named files, and of everything
// below names that end in "/", and of nothing else that was watched before. Where
// a name is a symbolic link, both it and what it points to are watched; of a name
// that does not exist, the first part that is missing. Names below /proc, /sys
// and /dev are passed over.
//
// A rule that the kernel refuses does not keep the others from being loaded; the
// error then tells of each. A locked configuration is ErrLocked.
func (w *Watches) Set(names []string) error {
	if len(names) > maxNames {
		return fmt.Errorf("watch %d names: more than %d", len(names), maxNames)
	}
	want, err := plan(names)
	if err != nil {
		return err
	}
	if len(want) > maxWatches {
		return fmt.Errorf("watch %d names: %d rules are more than %d", len(names), len(want), maxWatches)
	}
	loaded, err := w.loaded()
	if err != nil {
		return err
	}
	var errs []error
	for id, r := range loaded {
		if _, keep := want[id]; !keep {
			if err := w.control.Delete(r); err != nil && !errors.Is(err, ErrNoRule) {
				errs = append(errs, fmt.Errorf("%s: %w", r.Text, err))
			}
		}
	}
	for id, r := range want {
		if _, there := loaded[id]; there {
			continue
		}
		if err := w.control.Add(r); err != nil && !errors.Is(err, ErrExists) {
			errs = append(errs, fmt.Errorf("%s: %w", r.Text, err))
		}
	}
	for _, err := range errs {
		if errors.Is(err, ErrLocked) {
			return err
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// Close removes all of our rules.
func (w *Watches) Close() error { return w.Set(nil) }

// loaded returns our rules in the kernel by their ID.
func (w *Watches) loaded() (map[string]auditrule.Rule, error) {
	rules, err := w.control.Rules()
	if err != nil {
		return nil, err
	}
	own := map[string]auditrule.Rule{}
	for _, r := range rules {
		if slices.Equal(r.Keys(), []string{Key}) {
			own[r.ID()] = r
		}
	}
	return own, nil
}

// plan returns the rules for names by their ID.
func plan(names []string) (map[string]auditrule.Rule, error) {
	dirs, files := map[string]bool{}, map[string]bool{}
	for _, name := range names {
		if !strings.HasPrefix(name, "/") {
			return nil, fmt.Errorf("watch %q: not an absolute name", name)
		}
		if !skipped(path.Clean(name)) {
			place(name, dirs, files, 0)
		}
	}
	for _, dir := range seldom() {
		merge(dir, dirs, files)
	}
	rules := map[string]auditrule.Rule{}
	for dir := range dirs {
		if below(path.Dir(dir), dirs) {
			continue
		}
		made, err := auditrule.WatchDir(dir, Key)
		if err != nil {
			return nil, err
		}
		for _, r := range made {
			rules[r.ID()] = r
		}
	}
	for file := range files {
		if below(file, dirs) {
			continue
		}
		r, err := auditrule.WatchFile(file, Key)
		if err != nil {
			return nil, err
		}
		rules[r.ID()] = r
	}
	return rules, nil
}

// merge watches dir as a whole where many names below it are wanted.
func merge(dir string, dirs, files map[string]bool) {
	n := 0
	for _, names := range []map[string]bool{dirs, files} {
		for name := range names {
			if strings.HasPrefix(name, dir+"/") {
				n++
			}
		}
	}
	if fi, err := os.Lstat(dir); n > fewNames && err == nil && fi.IsDir() {
		dirs[dir] = true
	}
}

func skipped(name string) bool {
	for _, top := range []string{"/proc", "/sys", "/dev"} {
		if name == top || strings.HasPrefix(name, top+"/") {
			return true
		}
	}
	return name == "/"
}

// below reports whether name or a directory above it is in dirs.
func below(name string, dirs map[string]bool) bool {
	for ; name != "/"; name = path.Dir(name) {
		if dirs[name] {
			return true
		}
	}
	return false
}

// place finds what has to be watched for name and notes it in dirs or files.
func place(name string, dirs, files map[string]bool, depth int) {
	const maxLinks = 16
	wantDir := strings.HasSuffix(name, "/")
	name = path.Clean(name)
	fi, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		// The first part that is missing, below the last that is there.
		for parent := path.Dir(name); parent != "/"; name, parent = parent, path.Dir(parent) {
			if at, err := os.Stat(parent); err == nil && at.IsDir() {
				break
			}
		}
		files[name] = true
	case err != nil:
		files[name] = true // let the kernel say
	case fi.Mode()&fs.ModeSymlink != 0 && depth < maxLinks:
		files[name] = true
		target, err := os.Readlink(name)
		if err != nil {
			return
		}
		if !path.IsAbs(target) {
			target = resolved(path.Dir(name)) + "/" + target
		}
		if target = path.Clean(target); !skipped(target) {
			if wantDir {
				target += "/"
			}
			place(target, dirs, files, depth+1)
		}
	case wantDir && fi.IsDir():
		dirs[resolved(name)] = true
	default:
		files[name] = true
	}
}

// resolved returns name without links where it can.
func resolved(name string) string {
	if r, err := filepath.EvalSymlinks(name); err == nil {
		return r
	}
	return name
}
