package modprobe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"seawall/pkg/hostfs"
)

// Files says where the installed kernels have the modules that were asked for.
type Files struct {
	Loadable map[string]bool // some kernel has a file of it
	Builtin  map[string]bool // every kernel that was looked at has it in its image, none as a file
	Releases []string        // the kernels that were looked at, in order
}

const (
	maxReleases = 32
	maxIndex    = 16 << 20 // bytes of a modules.dep
)

// Find looks for modules, by their names with "_", in the kernels below
// /lib/modules. A host without any kernel there is fs.ErrNotExist: a container, or
// a process that may not see them.
func Find(root hostfs.Root, names []string) (Files, error) {
	f := Files{Loadable: map[string]bool{}, Builtin: map[string]bool{}}
	names = slices.Sorted(slices.Values(names))
	dir := "/lib/modules"
	releases, err := root.ReadDir(dir)
	if err != nil {
		return f, fmt.Errorf("list kernels: %w", err)
	}
	images := map[string]int{}
	for _, r := range releases {
		found := map[string]bool{}
		err := scan(root, path.Join(dir, r, "modules.dep"), names, f.Loadable)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
			continue // what a removed kernel left behind
		}
		if err == nil {
			err = scan(root, path.Join(dir, r, "modules.builtin"), names, found)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		for n := range found {
			images[n]++
		}
		if f.Releases = append(f.Releases, r); len(f.Releases) == maxReleases {
			break
		}
	}
	if len(f.Releases) == 0 {
		return f, fmt.Errorf("no kernel with modules below %s: %w", dir, fs.ErrNotExist)
	}
	for n, count := range images {
		f.Builtin[n] = count == len(f.Releases) && !f.Loadable[n]
	}
	return f, nil
}

// scan marks the modules that a modules.dep or modules.builtin names: each line
// begins with a file's name, such as kernel/fs/cramfs/cramfs.ko.xz.
func scan(root hostfs.Root, name string, names []string, found map[string]bool) error {
	file, _, err := root.OpenFile(name)
	if err != nil {
		return err
	}
	defer file.Close()
	r := bufio.NewReaderSize(io.LimitReader(file, maxIndex), 64<<10)
	for {
		line, err := r.ReadSlice('\n')
		if m := module(line); len(m) > 0 {
			if i, ok := slices.BinarySearchFunc(names, m, func(a string, b []byte) int { return bytes.Compare([]byte(a), b) }); ok {
				found[names[i]] = true
			}
		}
		for errors.Is(err, bufio.ErrBufferFull) { // the dependencies do not matter
			_, err = r.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// module is the name of the module that a line begins with. It changes line.
func module(line []byte) []byte {
	if i := bytes.IndexAny(line, ":\n "); i >= 0 {
		line = line[:i]
	}
	if i := bytes.LastIndexByte(line, '/'); i >= 0 {
		line = line[i+1:]
	}
	i := bytes.Index(line, []byte(".ko"))
	if i < 0 {
		return nil
	}
	for j, c := range line[:i] {
		if c == '-' {
			line[j] = '_'
		}
	}
	return line[:i]
}
