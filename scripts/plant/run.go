package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// stepLimit bounds each script: a package is installed in less, even where a busy
// processor is emulated.
const stepLimit = 5 * time.Minute

// host is the machine that is broken.
type host struct {
	seawall string
	names   []string // of the checks that are looked at, all when there are none

	narrow    bool // look at a round's families alone
	looks     int
	needed    []string // packages that the cases before needed
	installed []string // those of them that the machine did not have
}

// install takes away the packages of the cases before that these do not need, and
// brings those that are not there yet. What the machine had all along stays. It
// reports whether anything changed.
func (h *host) install(ctx context.Context, needs []string) (changed bool, err error) {
	const apt = "apt-get -qq -y -o Dpkg::Use-Pty=0 "
	if slices.Equal(h.needed, needs) {
		return false, nil
	}
	h.needed = nil // until it is known
	has := func(name string) bool {
		out, err := h.script(ctx, "dpkg-query -Wf '${db:Status-Status}' "+name)
		return err == nil && out == "installed"
	}
	wanted := func(name string) bool { return slices.Contains(needs, name) }
	if gone := slices.DeleteFunc(slices.Clone(h.installed), wanted); len(gone) > 0 {
		changed, h.installed = true, slices.DeleteFunc(h.installed, func(name string) bool { return !wanted(name) })
		if out, err := h.script(ctx, apt+"--autoremove purge "+strings.Join(gone, " ")); err != nil {
			return true, fmt.Errorf("remove packages: %w\n%s", err, out)
		}
	}
	if missing := slices.DeleteFunc(slices.Clone(needs), has); len(missing) > 0 {
		changed, h.installed = true, append(h.installed, missing...)
		if out, err := h.script(ctx, apt+"--no-install-recommends install "+strings.Join(missing, " ")); err != nil {
			return true, fmt.Errorf("install packages: %w\n%s", err, out)
		}
	}
	h.needed = needs
	return changed, nil
}

// script runs bash. Nobody answers its questions.
func (h *host) script(ctx context.Context, text string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "/bin/bash", "-c", text)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/root", &out, &out
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "PAGER=cat", "EDITOR=true", "SYSTEMD_PAGER=cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it left a process behind that holds its output
	}
	return tail(out.String()), err
}

// tail keeps the last lines.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

// look asks seawall.
func (h *host) look(ctx context.Context) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	h.looks++
	cmd := exec.CommandContext(ctx, h.seawall, append([]string{"check", "--format", "json", "--profile", "all"}, h.names...)...)
	var errText bytes.Buffer
	cmd.Stderr = &errText
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || len(out) == 0) {
		return nil, fmt.Errorf("run seawall check: %w: %s", err, tail(errText.String()))
	}
	return parseState(out)
}
