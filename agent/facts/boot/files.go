package boot

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"seawall/agent/facts/owner"
	"seawall/pkg/hostfs"
)

const maxFiles = 256

// readFiles looks at the files below /boot whose content becomes the kernel, or
// decides which one. more says that there are others.
func readFiles(root hostfs.Root) (all []File, more bool, err error) {
	all = []File{}
	for _, dir := range []string{"/boot", directories[0], directories[1], "/boot/loader", "/boot/loader/entries"} {
		names, err := root.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return all, more, err
		}
		all = append(all, file(root, dir, "directory"))
		for _, n := range names {
			k := kind(dir, n)
			switch {
			case k == "":
			case len(all) >= maxFiles:
				more = true
			default:
				all = append(all, file(root, path.Join(dir, n), k))
			}
		}
	}
	names, err := root.ReadDir("/boot/efi/EFI")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return all, more, err
	}
	for _, n := range names {
		name := path.Join("/boot/efi/EFI", n, "grub.cfg")
		switch {
		case !root.Exists(name):
		case len(all) >= maxFiles:
			more = true
		default:
			all = append(all, file(root, name, "config"))
		}
	}
	return all, more, nil
}

// kind says what a file of a directory is, "" where it does not matter.
func kind(dir, name string) string {
	switch {
	case dir == "/boot/loader/entries" && strings.HasSuffix(name, ".conf"), name == "grub.cfg", name == "user.cfg", name == "grubenv", name == "custom.cfg":
		return "config"
	case dir != "/boot":
		return ""
	case strings.HasPrefix(name, "vmlinuz"), strings.HasPrefix(name, "vmlinux"), strings.HasPrefix(name, "Image"):
		return "kernel"
	case strings.HasPrefix(name, "initrd"), strings.HasPrefix(name, "initramfs"):
		return "initrd"
	case strings.HasPrefix(name, "System.map"):
		return "symbols"
	}
	return ""
}

func file(root hostfs.Root, name, kind string) File {
	f := File{Path: name, Kind: kind, Mode: -1}
	fi, err := root.Stat(name)
	if err != nil {
		f.Error = err.Error()
		return f
	}
	f.Mode, f.UID, f.GID = owner.Of(fi)
	if kind == "config" {
		b, err := root.ReadFile(name, 0)
		if f.Secret = secret(b); err != nil {
			f.Error = err.Error()
		}
	}
	return f
}
