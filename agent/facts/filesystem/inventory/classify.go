package inventory

import (
	"strings"

	"golang.org/x/sys/unix"

	"seawall/pkg/mounts"
)

// zone is what a directory is to the host.
type zone int

const (
	zoneCommand   zone = 1 << iota // programs that root runs
	zoneLibrary                    // what programs load
	zoneEtc                        // configuration
	zoneTemporary                  // everybody may make files
	zoneHidden                     // there, in a directory whose name begins with a dot
	zoneDev
)

// Temporary are the directories where everybody may make files.
func Temporary() []string { return []string{"/tmp", "/var/tmp", "/dev/shm"} }

// zoneOf says what the files in a directory are.
func zoneOf(dir string) zone {
	for _, top := range Temporary() {
		switch {
		case strings.HasPrefix(dir, top+"/."):
			return zoneTemporary | zoneHidden
		case mounts.Below(dir, top):
			return zoneTemporary
		}
	}
	in := func(dirs ...string) bool {
		for _, d := range dirs {
			if mounts.Below(dir, d) {
				return true
			}
		}
		return false
	}
	switch {
	case in("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec"):
		return zoneCommand
	case in("/usr/lib", "/usr/lib64", "/usr/lib32", "/lib", "/lib64", "/lib32", "/usr/local/lib", "/usr/local/lib64"):
		return zoneLibrary
	case in("/etc"):
		return zoneEtc
	case in("/dev"):
		return zoneDev
	}
	return 0
}

// Bits of a set of kinds, in the order of kindNames.
const (
	bitSetuid = iota
	bitWritableFile
	bitWritableDir
	bitUnowned
	bitDevice
	bitInDev
	bitCommand
	bitLibrary
	bitEtc
	bitDisguised
	bitTemporary
	kindCount
)

func kindNames() [kindCount]string {
	return [...]string{KindSetuid, KindWritableFile, KindWritableDir, KindUnowned, KindDevice, KindInDev, KindCommand,
		KindLibrary, KindEtc, KindDisguised, KindTemporary}
}

// firstPerson is the first number of an account that is a person's (login.defs(5)
// UID_MIN), nobody that of the account for those without one.
const (
	firstPerson = 1000
	nobody      = 65534
)

// kinds says as what an entry stands out, by its stat, its name, and the directory
// that it is in. It is the same for a walk and for a second look.
func (s *scan) kinds(st *unix.Stat_t, z zone, name []byte) (set int) {
	mode := st.Mode
	format := mode & unix.S_IFMT
	regular := format == unix.S_IFREG
	if regular && (mode&unix.S_ISUID != 0 || mode&unix.S_ISGID != 0 && mode&0o010 != 0) {
		set |= 1 << bitSetuid
	}
	if mode&0o002 != 0 {
		set |= open(mode, z)
	}
	if (st.Uid != 0 || st.Gid != 0) && s.nameless(st) {
		set |= 1 << bitUnowned
	}
	if format == unix.S_IFCHR || format == unix.S_IFBLK {
		if z&zoneDev == 0 && !harmless(st) {
			set |= 1 << bitDevice
		}
		return set
	}
	if disguised(name) && (format == unix.S_IFDIR || mode&0o111 != 0) {
		set |= 1 << bitDisguised
	}
	if z == 0 {
		return set
	}
	return set | s.inZone(st, z, name, regular)
}

// open says as what an entry that everybody may write stands out.
func open(mode uint32, z zone) int {
	switch {
	case mode&unix.S_IFMT == unix.S_IFREG && z&zoneTemporary == 0:
		return 1 << bitWritableFile
	case mode&unix.S_IFMT == unix.S_IFDIR && mode&unix.S_ISVTX == 0:
		return 1 << bitWritableDir
	}
	return 0
}

// inZone says as what an entry stands out because of where it lies. What everybody
// may write is listed as that.
func (s *scan) inZone(st *unix.Stat_t, z zone, name []byte, regular bool) int {
	program := regular && st.Mode&0o111 != 0
	switch {
	case z&zoneDev != 0 && regular:
		return 1 << bitInDev
	case z&zoneTemporary != 0 && program && (z&zoneHidden != 0 || len(name) > 0 && name[0] == '.'):
		return 1 << bitTemporary
	case z&(zoneCommand|zoneLibrary|zoneEtc) == 0 || st.Mode&0o002 != 0:
	case z&zoneCommand != 0 && s.changed(st):
		return 1 << bitCommand
	case z&zoneLibrary != 0 && s.changed(st):
		return 1 << bitLibrary
	case z&zoneEtc != 0 && s.personal(st):
		return 1 << bitEtc
	}
	return 0
}

// shared reports whether a group with others than root in it may write.
func (s *scan) shared(st *unix.Stat_t) bool {
	return st.Mode&0o020 != 0 && st.Gid != 0 && s.names.Shared(int(st.Gid))
}

// changed reports whether others than root can change a file of the system. A
// setuid program of another account (at) is told by its bit.
func (s *scan) changed(st *unix.Stat_t) bool {
	return st.Mode&unix.S_ISUID == 0 && (st.Uid != 0 || s.shared(st))
}

// personal reports whether a person can change a file.
func (s *scan) personal(st *unix.Stat_t) bool {
	return st.Uid >= firstPerson && st.Uid != nobody || s.shared(st) && s.persons(int(st.Gid))
}

// persons reports whether a person's account is in a group.
func (s *scan) persons(gid int) bool {
	for _, name := range s.names.Members(gid) {
		if uid, ok := s.names.UID(name); ok && uid >= firstPerson && uid != nobody {
			return true
		}
	}
	return false
}

// nameless reports whether the owner or the group has no name. Numbers that systemd
// gives to services as they start (61184–65519), and those that were given to a
// user's containers, have none by design.
func (s *scan) nameless(st *unix.Stat_t) bool {
	const dynamicFirst, dynamicLast = 61184, 65519
	given := func(id uint32) bool {
		if id >= dynamicFirst && id <= dynamicLast {
			return true
		}
		for _, r := range s.subids {
			if id >= r.first && id-r.first < r.count {
				return true
			}
		}
		return false
	}
	if _, ok := s.names.User(int(st.Uid)); !ok && !given(st.Uid) {
		return true
	}
	_, ok := s.names.Group(int(st.Gid))
	return !ok && !given(st.Gid)
}

// harmless reports whether a device gives nothing away: null, zero, full, random
// and urandom, which chroots have, and the whiteouts of overlayfs.
func harmless(st *unix.Stat_t) bool {
	if st.Rdev == 0 {
		return true
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR || unix.Major(st.Rdev) != 1 {
		return false
	}
	switch unix.Minor(st.Rdev) {
	case 3, 5, 7, 8, 9:
		return true
	}
	return false
}

// disguised reports whether a name is made to be overlooked: dots and blanks alone
// ("...", ".. "), a blank at its end, or control characters.
func disguised(name []byte) bool {
	if len(name) == 0 {
		return false
	}
	first, last := name[0], name[len(name)-1]
	if first > '.' && last > ' ' {
		return control(name)
	}
	return strings.Trim(string(name), ". ") == "" || last == ' ' && first == '.' || control(name)
}

func control(name []byte) bool {
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			return true
		}
	}
	return false
}
