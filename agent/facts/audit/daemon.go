package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"

	"seawall/agent/facts/fact"
)

const (
	unit     = "auditd.service"
	busLimit = 5 * time.Second
)

// daemon fills what is known of auditd itself.
func (r *reader) daemon(ctx context.Context, f *Facts) {
	f.Installed = r.installed()
	if !r.live {
		f.Active = fact.Tri{Reason: imageReason}
		f.Enabled = r.enabledOnDisk()
		return
	}
	active, enabled := askSystemd(ctx)
	// The kernel's word needs no systemd: auditd holds its place.
	if !active.Known && f.Kernel.Known && f.Kernel.PIDComm == "auditd" {
		active = fact.Tri{Known: true, Yes: true, Reason: fmt.Sprintf("process %d is the kernel's audit daemon", f.Kernel.PID)}
	}
	f.Active, f.Enabled = active, enabled
}

func (r *reader) installed() fact.Tri {
	for _, name := range []string{"/usr/sbin/auditd", "/sbin/auditd"} {
		switch _, err := r.root.Stat(name); {
		case err == nil:
			return fact.Tri{Known: true, Yes: true, Reason: name}
		case !errors.Is(err, fs.ErrNotExist):
			return fact.Tri{Reason: err.Error()}
		}
	}
	return fact.Tri{Known: true, Reason: "no /usr/sbin/auditd"}
}

// askSystemd asks for the unit's states over D-Bus. Without D-Bus nothing is
// known.
func askSystemd(ctx context.Context) (active, enabled fact.Tri) {
	ctx, cancel := context.WithTimeout(ctx, busLimit)
	defer cancel()
	conn, err := systemd.NewSystemConnectionContext(ctx)
	if err != nil && ctx.Err() != nil {
		no := fact.Tri{Reason: fmt.Sprintf("D-Bus did not answer within %v", busLimit)}
		return no, no
	}
	if err != nil {
		no := fact.Tri{Reason: fmt.Sprintf("no D-Bus: %v", err)}
		return no, no
	}
	defer conn.Close()
	state := func(name string) (string, error) {
		p, err := conn.GetUnitPropertyContext(ctx, unit, name)
		if err != nil {
			return "", err
		}
		s, ok := p.Value.Value().(string)
		if !ok {
			return "", fmt.Errorf("property %s is no text", name)
		}
		return s, nil
	}
	if s, err := state("ActiveState"); err != nil {
		active.Reason = fmt.Sprintf("ask systemd: %v", err)
	} else {
		active = fact.Tri{Known: true, Yes: s == "active" || s == "reloading", Reason: unit + " is " + s}
	}
	if s, err := state("UnitFileState"); err != nil {
		enabled.Reason = fmt.Sprintf("ask systemd: %v", err)
	} else {
		enabled = fact.Tri{Known: true, Yes: strings.HasPrefix(s, "enabled") || s == "alias", Reason: unit + " is " + s}
		if s == "" {
			enabled.Reason = "systemd has no " + unit
		}
	}
	return active, enabled
}

// enabledOnDisk looks for the links that systemctl enable makes.
func (r *reader) enabledOnDisk() fact.Tri {
	const etc = "/etc/systemd/system"
	if target, err := r.root.Readlink(path.Join(etc, unit)); err == nil && path.Clean(target) == "/dev/null" {
		return fact.Tri{Known: true, Reason: unit + " is masked"}
	}
	found := false
	for _, dir := range []string{etc, "/usr/lib/systemd/system", "/lib/systemd/system"} {
		names, err := r.root.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return fact.Tri{Reason: err.Error()}
		}
		for _, n := range names {
			found = found || n == unit
			if !strings.HasSuffix(n, ".wants") && !strings.HasSuffix(n, ".requires") {
				continue
			}
			if _, err := r.root.Lstat(path.Join(dir, n, unit)); err == nil {
				return fact.Tri{Known: true, Yes: true, Reason: path.Join(dir, n, unit)}
			}
		}
	}
	if !found {
		return fact.Tri{Known: true, Reason: "there is no " + unit}
	}
	return fact.Tri{Known: true, Reason: "no target wants " + unit}
}
