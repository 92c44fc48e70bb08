package hostfs

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPlaced: what lies elsewhere is read there, under its own name, and nothing else is.
func TestPlaced(t *testing.T) {
	top := t.TempDir()
	write(t, filepath.Join(top, "shown/a"), "shown")
	write(t, filepath.Join(top, "real/hidden/a"), "hidden")
	write(t, filepath.Join(top, "real/hiddenly"), "beside")
	must(t, os.Symlink("real", filepath.Join(top, "link")))
	hidden, at := filepath.Join(top, "link/hidden"), filepath.Join(top, "shown")
	r, err := Placed(" " + hidden + "=" + at + "\n")
	if err != nil || !r.Live() {
		t.Fatalf("%+v, %v", r, err)
	}
	real := filepath.Join(top, "real/hidden")
	if want := map[string]string{real: at}; !maps.Equal(r.Places(), want) {
		t.Errorf("places %v, want %v", r.Places(), want)
	}
	for name, want := range map[string]string{hidden + "/a": "shown", real + "/a": "shown", real + "ly": "beside", hidden + "/../hidden/a": "shown"} {
		if got, err := r.ReadFile(name, 0); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	if got, err := r.ReadDir(real); err != nil || !slices.Equal(got, []string{"a"}) || r.Path(real+"/a") != at+"/a" {
		t.Errorf("got %v, %v, %s", got, err, r.Path(real+"/a"))
	}
	none := hidden + "/none"
	_, errOpen := r.ReadFile(none, 0)
	_, errStat := r.Stat(none)
	_, errLstat := r.Lstat(none)
	_, errLink := r.Readlink(none)
	for _, err := range []error{errOpen, errStat, errLstat, errLink} {
		var where *fs.PathError
		if !errors.As(err, &where) || where.Path != none || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want that %s is not there", err, none)
		}
	}
}

// TestPlacedWrongly: a list that is no list is refused as a whole, and none is the
// running system.
func TestPlacedWrongly(t *testing.T) {
	for _, list := range []string{"/tmp", "/tmp=", "=/tmp", "tmp=/x", "/tmp=x", "/=/x", "/tmp/=/x", "/tmp=/../x", "/a=/b /tmp", "/etc/passwd/x/y=/x",
		strings.Repeat("/a=/b ", maxPlaces+1)} {
		if r, err := Placed(list); err == nil || !strings.Contains(err.Error(), PlacesVariable) || r != (Root{}) {
			t.Errorf("%.40q: got %+v, %v", list, r, err)
		}
	}
	t.Setenv(PlacesVariable, "")
	if r, err := Running(); err != nil || r != (Root{}) || r.Places() != nil {
		t.Errorf("got %+v, %v", r, err)
	}
	t.Setenv(PlacesVariable, "/nowhere/at/all=/x")
	if r, err := Running(); err != nil || r.Path("/nowhere/at/all/a") != "/x/a" {
		t.Errorf("got %+v, %v", r, err)
	}
}

// FuzzPlaced: whatever the variable holds, each place is absolute and below no other name.
func FuzzPlaced(f *testing.F) {
	f.Add("/tmp=/tmp/host/tmp /lib/modules=/tmp/host/modules")
	f.Add("/a=/b=/c")
	f.Fuzz(func(t *testing.T, list string) {
		r, err := Placed(list)
		if err != nil && r != (Root{}) {
			t.Errorf("%q: a root beside %v", list, err)
		}
		for name, at := range r.Places() {
			if !proper(name) || !proper(at) || r.Path(name) == "" {
				t.Errorf("%q: %q at %q", list, name, at)
			}
		}
	})
}
