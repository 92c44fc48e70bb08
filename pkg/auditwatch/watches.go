// Package auditwatch keeps rules of Seawall's own in the kernel's audit system: watches
// of names, and what else is asked for, beside a user's rules and without touching them.
// Which are ours their keys say (auditrule.Key). A user's "never" rules that stand before
// ours hide what they match: ours are appended, for putting them first would change what
// the user's rules report.
package auditwatch

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"seawall/pkg/auditrule"
	"seawall/pkg/kaudit"
)

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

// Watches keeps rules in the kernel: for names, and others that are Seawall's own
// (auditrule.Rule.Owned). The kernel itself drops the rules of a directory that is removed (a
// CONFIG_CHANGE record with op=remove_rule and our key says so) and cannot watch below
// one that does not exist, so Set is to be called again after such a change.
type Watches struct{ control *kaudit.Control }

// Loaded says what became of the rules of a Set.
type Loaded struct {
	Wanted int
	Loaded int // are in the kernel
	Shared int // a rule of somebody else's reports the same, so ours is left out
	// Refused tells of each of the rest, which the kernel did not take or whose
	// directory is not there.
	Refused []string
}

// New returns the watches that go through c. Nothing is loaded yet.
func New(c *kaudit.Control) *Watches { return &Watches{c} }

// Set makes the kernel report every change of the named files, and of everything
// below names that end in "/", and what more asks for, and of nothing else that was
// asked for here before. Where a name is a symbolic link, both it and what it points to
// are watched; of a name that does not exist, the first part that is missing. Names below
// /proc, /sys and /dev are passed over.
//
// The rules in more stand before the others and in their order. A rule that the kernel
// refuses does not keep the others from being loaded; the error then tells of each. A
// locked configuration is kaudit.ErrLocked.
func (w *Watches) Set(names []string, more ...auditrule.Rule) (Loaded, error) {
	want, err := wanted(names, more)
	if err != nil {
		return Loaded{}, err
	}
	own, others, err := w.loaded()
	if err != nil {
		return Loaded{}, err
	}
	l := Loaded{Wanted: len(want)}
	want = slices.DeleteFunc(want, func(r auditrule.Rule) bool { return others[r.Body()] })
	l.Shared = l.Wanted - len(want)
	var errs []error
	for _, r := range surplus(own, want) {
		if err := w.control.Delete(r); err != nil && !errors.Is(err, kaudit.ErrNoRule) {
			errs = append(errs, fmt.Errorf("%s: %w", r.Text, err))
		}
		delete(own, r.ID())
	}
	for _, r := range want {
		if _, there := own[r.ID()]; there {
			l.Loaded++
			continue
		}
		// The kernel tells of each rule that it refuses: it is not asked in vain.
		if place := absent(r); place != "" {
			l.Refused = append(l.Refused, fmt.Sprintf("%s: there is no %s", r.Text, place))
			continue
		}
		if err := w.control.Add(r); err != nil && !errors.Is(err, kaudit.ErrExists) {
			errs = append(errs, fmt.Errorf("%s: %w", r.Text, err))
			continue
		}
		l.Loaded++
	}
	for _, err := range errs {
		l.Refused = append(l.Refused, err.Error())
		if errors.Is(err, kaudit.ErrLocked) {
			return l, err
		}
	}
	slices.Sort(l.Refused)
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return l, errors.Join(errs...)
}

// Close removes all of our rules.
func (w *Watches) Close() error {
	_, err := w.Set(nil)
	return err
}

// State returns a number that changes when the kernel's rules do.
func (w *Watches) State() (uint64, error) {
	wires, err := w.control.Wires()
	if err != nil {
		return 0, err
	}
	h := fnv.New64a()
	for _, wire := range wires {
		_, _ = h.Write(wire)
	}
	return h.Sum64(), nil
}

// loaded returns our rules in the kernel by their ID, and what others report by body.
func (w *Watches) loaded() (own map[string]placed, others map[string]bool, err error) {
	rules, err := w.control.Rules()
	if err != nil {
		return nil, nil, err
	}
	own, others = map[string]placed{}, map[string]bool{}
	for i, r := range rules {
		if r.Owned() {
			own[r.ID()] = placed{r, i}
		} else {
			others[r.Body()] = true
		}
	}
	return own, others, nil
}

// placed is a rule and where in the kernel's list it stands.
type placed struct {
	auditrule.Rule
	at int
}

// surplus returns those of own that are to be deleted: what is not wanted, and all when
// their order is wrong and matters, since the kernel goes by the first that matches.
func surplus(own map[string]placed, want []auditrule.Rule) []auditrule.Rule {
	keep, last, ordered, never := map[string]bool{}, -1, true, false
	for _, r := range want {
		keep[r.ID()] = true
		never = never || r.Never()
		if p, there := own[r.ID()]; there {
			ordered = ordered && p.at > last
			last = p.at
		} else if r.Never() && len(own) > 0 {
			ordered = false
		}
	}
	var over []auditrule.Rule
	for id, p := range own {
		if !keep[id] || never && !ordered {
			over = append(over, p.Rule)
		}
	}
	return over
}

// absent returns the place that a rule is about when the kernel would refuse the rule
// because it is not there.
func absent(r auditrule.Rule) string {
	for _, place := range r.Places() {
		name := place.Name
		if !place.Dir {
			name = path.Dir(name)
		}
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
			return name
		}
	}
	return ""
}

// wanted returns the rules in more and then those for names, without repeats and without
// watches that a rule in more makes superfluous.
func wanted(names []string, more []auditrule.Rule) ([]auditrule.Rule, error) {
	if len(names) > maxNames {
		return nil, fmt.Errorf("watch %d names: more than %d", len(names), maxNames)
	}
	planned, err := plan(names)
	if err != nil {
		return nil, err
	}
	if len(planned)+len(more) > maxWatches {
		return nil, fmt.Errorf("watch %d names: %d rules are more than %d", len(names), len(planned)+len(more), maxWatches)
	}
	var want []auditrule.Rule
	seen, covered := map[string]bool{}, map[string]bool{}
	add := func(r auditrule.Rule) {
		if id := r.ID(); !seen[id] {
			seen[id] = true
			want = append(want, r)
		}
	}
	for _, r := range more {
		if dir := r.Covers(); dir != "" {
			covered[dir] = true
		}
		for _, n := range auditrule.Narrow(r) {
			add(n)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(planned)) {
		r := planned[id]
		if places := r.Places(); len(places) == 1 && below(places[0].Name, covered) {
			continue
		}
		add(r)
	}
	return want, nil
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
		made, err := auditrule.WatchDir(dir, auditrule.Key)
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
		r, err := auditrule.WatchFile(file, auditrule.Key)
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
