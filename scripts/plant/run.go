package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// stepLimit bounds each script: a package is installed in less.
const stepLimit = 3 * time.Minute

// host is the machine that is broken.
type host struct {
	seawall string
	names   []string // of the checks that are looked at, all when there are none

	installed []string // packages that the cases before needed
}

// install takes away the packages of the cases before, and brings those of c. It
// reports whether anything changed.
func (h *host) install(ctx context.Context, c *Case) (changed bool, err error) {
	if slices.Equal(h.installed, c.Needs) {
		return false, nil
	}
	const apt = "apt-get -qq -y -o Dpkg::Use-Pty=0 "
	if len(h.installed) > 0 {
		if out, err := h.script(ctx, apt+"--autoremove purge "+strings.Join(h.installed, " ")); err != nil {
			return true, fmt.Errorf("remove packages: %w\n%s", err, out)
		}
		h.installed = nil
	}
	if len(c.Needs) > 0 {
		h.installed = c.Needs
		if out, err := h.script(ctx, apt+"--no-install-recommends install "+strings.Join(c.Needs, " ")); err != nil {
			return true, fmt.Errorf("install packages: %w\n%s", err, out)
		}
	}
	return true, nil
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
	cmd := exec.CommandContext(ctx, h.seawall, append([]string{"check", "--format", "json", "--profile", "all"}, h.names...)...)
	var errText bytes.Buffer
	cmd.Stderr = &errText
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || len(out) == 0) {
		return nil, fmt.Errorf("run seawall check: %w: %s", err, tail(errText.String()))
	}
	return parseState(out)
}

// do plants one fault and follows it to its end. before is the state of the machine,
// nil where that is not known; it returns the state afterwards, nil when it went wrong.
func (h *host) do(ctx context.Context, c *Case, before state) (after state, err error) {
	if c.Cleanup != "" {
		defer func() {
			if out, bad := h.script(ctx, "set -e\n"+c.Cleanup); bad != nil {
				err = errors.Join(err, fmt.Errorf("cleanup: %w\n%s", bad, out))
			}
			after = nil
		}()
	}
	if before, err = h.prepare(ctx, c, before); err != nil {
		return nil, err
	}
	if out, err := h.script(ctx, "set -e\n"+c.Break); err != nil {
		return nil, fmt.Errorf("break: %w\n%s", err, out)
	}
	broken, err := h.look(ctx)
	if err != nil {
		return nil, err
	}
	found := broken.worst(c.Check, c.Resource)
	if found.Status != c.Want {
		err = fmt.Errorf("is %s after the break: %s", cmp.Or(found.Status, "not there"), found.Actual)
	}
	if flips := before.flips(broken, append(c.Also, c.Check)...); len(flips) > 0 {
		err = errors.Join(err, fmt.Errorf("the break flips others too:\n%s", strings.Join(flips, "\n")))
	}
	if err != nil {
		return nil, errors.Join(err, h.mend(ctx, c, found))
	}
	if err := h.mend(ctx, c, found); err != nil {
		return nil, err
	}
	fixed, err := h.look(ctx)
	if err != nil {
		return nil, err
	}
	if now := fixed.worst(c.Check, c.Resource); !good(now.Status) && (c.Resource == "" || now.Status != "") {
		err = fmt.Errorf("is %s after its fix: %s", now.Status, now.Actual)
	}
	if flips := before.flips(fixed, c.Also...); len(flips) > 0 {
		err = errors.Join(err, fmt.Errorf("after its fix others differ:\n%s", strings.Join(flips, "\n")))
	}
	return fixed, err
}

func good(status string) bool { return slices.Contains([]string{"pass", "not_applicable"}, status) }

// prepare brings the machine into the state in which the check passes.
func (h *host) prepare(ctx context.Context, c *Case, before state) (state, error) {
	if c.Prepare != "" {
		if out, err := h.script(ctx, "set -e\n"+c.Prepare); err != nil {
			return nil, fmt.Errorf("prepare: %w\n%s", err, out)
		}
		before = nil
	}
	look := func() (err error) {
		if before == nil {
			before, err = h.look(ctx)
		}
		return err
	}
	if err := look(); err != nil {
		return nil, err
	}
	stands := func() result { return before.worst(c.Check, c.Resource) }
	if r := stands(); r.Status == "fail" {
		if err := h.mend(ctx, c, r); err != nil {
			return nil, fmt.Errorf("before the break: %w", err)
		}
		before = nil
		if err := look(); err != nil {
			return nil, err
		}
	}
	if r := stands(); !good(r.Status) && (c.Resource == "" || r.Status != "") {
		return nil, fmt.Errorf("is %s before the break: %s", cmp.Or(r.Status, "not there"), r.Actual)
	}
	return before, nil
}

// mend pastes the fix.
func (h *host) mend(ctx context.Context, c *Case, r result) error {
	text := c.Fix
	if text == "" {
		text = r.Remediation
		for word, value := range c.With {
			text = regexp.MustCompile(`\b`+regexp.QuoteMeta(word)+`\b`).ReplaceAllLiteralString(text, value)
		}
	}
	if text == "" {
		return errors.New("has no fix")
	}
	if out, err := h.script(ctx, text); err != nil {
		return fmt.Errorf("fix: %w\n%s\n%s", err, text, out)
	}
	return nil
}
