package kaudit

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Why kernel audit cannot be used. Errors of this package wrap one of them, and
// the system's error, where it fits.
var (
	// ErrUnsupported: the kernel has no audit, or was booted with audit=0.
	ErrUnsupported = errors.New("the kernel has no audit support, or it was disabled at boot (audit=0)")
	// ErrNamespace: the kernel serves audit only outside of containers.
	ErrNamespace = errors.New("kernel audit is not served in this container or user namespace")
	// ErrPermission: CAP_AUDIT_CONTROL or CAP_AUDIT_READ is missing.
	ErrPermission = errors.New("no permission: CAP_AUDIT_CONTROL (or CAP_AUDIT_READ to listen) is needed")
	// ErrLocked: the configuration is locked until the next boot (auditctl -e 2).
	ErrLocked = errors.New("the audit configuration is locked until reboot (enabled 2)")
	// ErrExists: the rule is loaded already.
	ErrExists = errors.New("rule exists")
	// ErrNoRule: the rule to delete is not loaded.
	ErrNoRule = errors.New("no such rule")
	// ErrClosed: the connection was closed.
	ErrClosed = os.ErrClosed
)

// HeldError says that another process is the audit daemon.
type HeldError struct{ PID uint32 }

// Error names the process that holds the registration.
func (e *HeldError) Error() string {
	return fmt.Sprintf("process %d is registered as audit daemon", e.PID)
}

// reason wraps err, of the operation doing, with what it means.
func reason(doing string, err error) error {
	var why error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EAFNOSUPPORT):
		why = ErrUnsupported
	case errors.Is(err, unix.ECONNREFUSED):
		why = ErrNamespace
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		why = ErrPermission
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, why, err)
}
