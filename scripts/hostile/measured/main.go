// Command measured runs the command of its arguments, and writes to descriptor 3 how
// much memory that took at most, in KiB.
//
// It stands between a test and what the test measures: to the kernel, the memory of the
// process that started a command counts as the command's own (exec_mmap in fs/exec.c
// keeps it in the maximum), and a test under the race detector is larger than any.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "measured:", err)
	}
	os.Exit(code)
}

func run(args []string) (code int, err error) {
	if len(args) == 0 {
		return 125, errors.New("no command")
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 125, err
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 125, errors.New("the kernel does not say what it took")
	}
	if _, err := fmt.Fprintln(os.NewFile(3, "usage"), used.Maxrss); err != nil {
		return 125, fmt.Errorf("say what it took: %w", err)
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil
	}
	return 126, fmt.Errorf("%s: %s", args[0], cmd.ProcessState)
}
