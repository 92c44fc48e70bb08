package inventory

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"seawall/pkg/dpkg"
	"seawall/pkg/names"
	"seawall/pkg/text"
)

// packages answers which package a program comes from.
type packages struct {
	known     bool
	reason    string
	owners    map[string]string
	overrides map[string]dpkg.Override
	names     *names.Names
}

// packages asks the database for all programs with bits or capabilities.
func (s *scan) packages() *packages {
	p := &packages{names: s.names, overrides: map[string]dpkg.Override{}}
	var programs []string
	for _, kind := range []string{KindSetuid, KindCapable} {
		for _, it := range s.items[kind] {
			programs = append(programs, it.Path)
		}
	}
	var err error
	p.owners, err = dpkg.Owners(s.env.Root, programs)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		p.reason = text.Clean(err.Error(), text.Limit)
		return p
	case err != nil:
		p.reason = "no package database that is read"
		return p
	}
	p.known = true
	if b, err := s.env.Root.ReadFile(dpkg.OverrideFile, 0); err == nil {
		for _, o := range dpkg.ReadOverrides(b) {
			p.overrides[o.Path] = o
		}
	}
	return p
}

// judge says where a program has its bits from.
func (p *packages) judge(it *Item) {
	it.Powerful = powerful(it.Path)
	it.PackageKnown = p.known
	if !p.known {
		it.Reason = p.reason
		return
	}
	it.Package = text.Clean(p.owners[it.Path], maxName)
	bits := letters(it)
	o, registered := p.overrides[it.Path]
	switch {
	case it.Kind == KindSetuid && registered && int(o.Mode)&0o6000 == it.Mode&0o6000:
		it.Expected, it.Reason = true, "registered with dpkg-statoverride"
	case it.Package == "":
		it.Reason = "belongs to no package"
	case shippedAs(it.Path, bits) && it.Kind == KindSetuid, it.Kind == KindCapable && (!it.Root || shippedAs(it.Path, bits)):
		it.Expected, it.Reason = true, "as "+it.Package+" installs it"
	default:
		it.Reason = it.Package + " is not known to install it so"
	}
}

// letters are the bits of a program as the table shipped has them.
func letters(it *Item) string {
	if it.Kind == KindCapable {
		return "c"
	}
	var b strings.Builder
	if it.Mode&unix.S_ISUID != 0 {
		b.WriteByte('u')
	}
	if it.Mode&unix.S_ISGID != 0 && it.Mode&0o010 != 0 {
		b.WriteByte('g')
	}
	return b.String()
}

// stat is what the kernel said of a file.
func stat(fi fs.FileInfo) (unix.Stat_t, bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return unix.Stat_t{}, false
	}
	return unix.Stat_t{Mode: st.Mode, Uid: st.Uid, Gid: st.Gid, Nlink: st.Nlink, Rdev: st.Rdev, Dev: st.Dev, Size: st.Size}, true
}
