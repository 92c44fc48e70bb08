package startup

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"seawall/pkg/mounts"
)

const maxMountInfo = 8 << 20

// Replaced returns those of names that this process sees as they once were. A sandbox
// that shows single files (BindReadOnlyPaths=) goes on to show one that another has taken
// the place of, as editors and DHCP clients do it: whoever wants to see the new one has to
// start again.
func Replaced(names ...string) []string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMountInfo))
	if err != nil {
		return nil
	}
	table, err := mounts.ParseInfo(text)
	if err != nil {
		return nil
	}
	return gone(table, names)
}

// OldResolver names a file of name resolution that this process sees as it once was, or "".
// A resolv.conf that was not there when the sandbox was made never comes into it.
func OldResolver() string {
	const resolver = "/etc/resolv.conf"
	if _, err := os.Stat(resolver); errors.Is(err, fs.ErrNotExist) {
		return resolver
	}
	return strings.Join(Replaced(resolver, "/etc/hosts", "/etc/nsswitch.conf"), ", ")
}

// gone returns those of names that the kernel marks as having no name any more.
func gone(table mounts.Table, names []string) []string {
	var list []string
	for _, m := range table {
		if strings.HasSuffix(m.Root, "//deleted") && slices.Contains(names, m.Path) {
			list = append(list, m.Path)
		}
	}
	return list
}
