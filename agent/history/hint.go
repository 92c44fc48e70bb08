package history

import (
	"errors"
	"fmt"
	"io/fs"
)

// Hint says what an error that is met by reading the spool may come from.
func Hint(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; does the sensor run, and with this spool?", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; root, and members of the group seawall-spool, may read it", err)
	}
	return err
}
