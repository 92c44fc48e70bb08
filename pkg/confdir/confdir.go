// Package confdir lists the files of a configuration that lies in several directories,
// such as /etc/sysctl.d and /usr/lib/sysctl.d (sysctl.d(5), modprobe.d(5)): all of them
// in the order of their names, and of two of one name that in the stronger directory.
// What a link to /dev/null means is left to the reader of the files.
package confdir

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"seawall/pkg/hostfs"
)

// Most is how many files are listed.
const Most = 512

// Files lists the files in dirs, the strongest first, whose name is one of the
// configuration's; names that begin with a dot are none. Problems says what could not
// be read, and whether there are more files.
func Files(root hostfs.Root, dirs []string, is func(name string) bool) (files, problems []string) {
	dirOf := map[string]string{}
	for _, dir := range dirs {
		names, err := root.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err.Error())
		}
		for _, n := range names {
			if n[0] != '.' && is(n) && dirOf[n] == "" {
				dirOf[n] = dir
			}
		}
	}
	for n := range dirOf {
		files = append(files, n)
	}
	slices.Sort(files)
	if len(files) > Most {
		problems = append(problems, fmt.Sprintf("more than %d files", Most))
		files = files[:Most]
	}
	for i, n := range files {
		files[i] = path.Join(dirOf[n], n)
	}
	return files, problems
}
