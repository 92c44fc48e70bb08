package dpkg

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"seawall/pkg/hostfs"
)

// Places of what dpkg knows of files.
const (
	InfoDir        = "/var/lib/dpkg/info"
	OverrideFile   = "/var/lib/dpkg/statoverride"
	diversionsFile = "/var/lib/dpkg/diversions"
)

const (
	maxList  = 64 << 20 // bytes of one list of files
	maxLists = 1 << 30  // bytes of all
)

// Owners finds the packages that the named files belong to, by the lists of files
// that dpkg keeps of each package. Files of no package are left out. A file in
// /usr is also looked for in the directory that is now a link to it (/bin), and
// one that was diverted by its old name.
func Owners(root hostfs.Root, names []string) (map[string]string, error) {
	lists, err := root.ReadDir(InfoDir)
	if err != nil {
		return nil, err
	}
	wanted, err := aliases(root, names)
	if err != nil {
		return nil, err
	}
	owners := map[string]string{}
	room := int64(maxLists)
	r := bufio.NewReaderSize(nil, 64<<10)
	for _, l := range lists {
		name, ok := strings.CutSuffix(l, ".list")
		if !ok {
			continue
		}
		n, err := scanList(root, InfoDir+"/"+l, r, func(line []byte) {
			for _, file := range wanted[string(line)] {
				if _, ok := owners[file]; !ok {
					owners[file], _, _ = strings.Cut(name, ":")
				}
			}
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it was removed just now
			return nil, err
		}
		if room -= n; room < 0 {
			return nil, fmt.Errorf("lists of files in %s are larger than %d bytes", InfoDir, int64(maxLists))
		}
	}
	return owners, nil
}

// scanList calls line with each line of a list.
func scanList(root hostfs.Root, name string, r *bufio.Reader, line func([]byte)) (size int64, err error) {
	f, fi, err := root.OpenFile(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if fi.Size() > maxList {
		return 0, fmt.Errorf("%s is larger than %d bytes", name, maxList)
	}
	r.Reset(io.LimitReader(f, maxList))
	for {
		b, err := r.ReadSlice('\n')
		switch {
		case err == nil:
			line(b[:len(b)-1])
		case errors.Is(err, bufio.ErrBufferFull): // no path
		case errors.Is(err, io.EOF):
			line(b)
			return fi.Size(), nil
		default:
			return fi.Size(), fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// aliases maps the names under which the lists may have the wanted files to those.
func aliases(root hostfs.Root, names []string) (map[string][]string, error) {
	text, err := root.ReadFile(diversionsFile, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	from := diversions(text)
	merged := map[string]bool{}
	for _, dir := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		fi, err := root.Lstat("/" + dir)
		merged[dir] = err == nil && fi.Mode()&fs.ModeSymlink != 0
	}
	all := make(map[string][]string, 2*len(names))
	for _, name := range names {
		known := []string{name}
		if old, ok := from[name]; ok {
			known = append(known, old)
		}
		for _, n := range known {
			all[n] = append(all[n], name)
			rest, ok := strings.CutPrefix(n, "/usr")
			if dir, _, deeper := strings.Cut(strings.TrimPrefix(rest, "/"), "/"); ok && deeper && merged[dir] {
				all[rest] = append(all[rest], name)
			}
		}
	}
	return all, nil
}

// diversions maps the names that files were moved to to those that packages have
// them by. An entry is three lines: the name, the new name, and who asked for it.
func diversions(text []byte) map[string]string {
	from := map[string]string{}
	lines := strings.Split(string(text), "\n")
	for i := 0; i+2 < len(lines); i += 3 {
		from[lines[i+1]] = lines[i]
	}
	return from
}

// Override is an entry of statoverride: the owner and mode that the administrator,
// or a package's script, wants a file to have.
type Override struct {
	User, Group string // a name, or "#" and a number
	Mode        uint32
	Path        string
}

// ReadOverrides parses /var/lib/dpkg/statoverride: lines of user, group, mode and
// path. Lines that dpkg would not have written are left out.
func ReadOverrides(text []byte) []Override {
	var all []Override
	for line := range bytes.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(string(line), "\n"), " ", 4)
		if len(f) < 4 || !strings.HasPrefix(f[3], "/") {
			continue
		}
		mode, err := strconv.ParseUint(f[2], 8, 12)
		if err != nil {
			continue
		}
		all = append(all, Override{f[0], f[1], uint32(mode), f[3]})
	}
	return all
}
