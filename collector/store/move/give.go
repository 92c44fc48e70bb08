package move

import (
	"errors"
	"os"
	"syscall"
)

// Give gives files and folders in a folder to whom that belongs, when root made them for
// somebody else's program. For others it does nothing. Names are relative to the folder,
// and lead nowhere else, whatever its owner does meanwhile.
func Give(folder string, names ...string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("the system does not say who owns a folder")
	}
	for _, name := range names {
		if err := root.Lchown(name, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	return nil
}
