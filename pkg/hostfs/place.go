package hostfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// PlacesVariable is the environment variable in which a service is told where its sandbox
// shows directories of the host that it hides at their own names, such as
//
//	/tmp=/tmp/host/tmp /lib/modules=/tmp/host/modules
//
// Only the unit that makes the sandbox knows that, so it is what says so; nothing is
// guessed.
const PlacesVariable = "SEAWALL_PLACES"

// maxPlaces bounds the directories that are shown elsewhere.
const maxPlaces = 16

// place is a directory of the host that this process finds elsewhere.
type place struct{ name, at string }

// places are those of one process. A Root has a pointer to them, so that roots compare.
type places struct {
	all  []place
	real map[string]string // by the names that the host's kernel knows, links resolved
}

// Placed returns the running system of a process that finds some directories at other
// places. An empty list is the running system itself.
func Placed(list string) (Root, error) {
	words := strings.Fields(list)
	if len(words) == 0 {
		return Root{}, nil
	}
	if len(words) > maxPlaces {
		return Root{}, fmt.Errorf("%s: more than %d places", PlacesVariable, maxPlaces)
	}
	p := &places{real: map[string]string{}}
	for _, w := range words {
		name, at, ok := strings.Cut(w, "=")
		if !ok || !proper(name) || !proper(at) {
			return Root{}, fmt.Errorf("%s: %q is not /NAME=/PLACE", PlacesVariable, w)
		}
		real, err := resolve(name)
		if err != nil {
			return Root{}, fmt.Errorf("%s: %w", PlacesVariable, err)
		}
		p.real[real] = at
		p.all = append(p.all, place{name, at})
		if real != name {
			p.all = append(p.all, place{real, at})
		}
	}
	return Root{places: p}, nil
}

// Running returns the running system as this process's environment says that it is shown.
func Running() (Root, error) { return Placed(os.Getenv(PlacesVariable)) }

func proper(name string) bool {
	return strings.HasPrefix(name, "/") && name != "/" && path.Clean(name) == name
}

// resolve follows the links above name, such as /lib. What is at the name itself is
// hidden.
func resolve(name string) (string, error) {
	dir, err := filepath.EvalSymlinks(path.Dir(name))
	if errors.Is(err, fs.ErrNotExist) {
		return name, nil
	}
	return path.Join(dir, path.Base(name)), err
}

// Places returns the directories of the host that this process finds elsewhere, by their
// own names, and where.
func (r Root) Places() map[string]string {
	if r.places == nil {
		return nil
	}
	return r.places.real
}

// at returns where name, a clean one, is found on the running system.
func (r Root) at(name string) string {
	if r.places == nil {
		return name
	}
	for _, p := range r.places.all {
		if rest, ok := strings.CutPrefix(name, p.name); ok && (rest == "" || rest[0] == '/') {
			return p.at + rest
		}
	}
	return name
}

// named gives an error of the running system the name that was asked for.
func named(err error, name string) error {
	var where *fs.PathError
	if errors.As(err, &where) {
		where.Path = name
	}
	return err
}
