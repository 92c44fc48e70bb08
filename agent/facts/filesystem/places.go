package filesystem

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"seawall/agent/facts/filesystem/capacity"
	"seawall/agent/facts/filesystem/hush"
	"seawall/pkg/mounts"
	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

// separate are the directories that are to be file systems of their own.
func separate() []string {
	return []string{"/tmp", "/dev/shm", "/home", "/var", "/var/tmp", "/var/log", "/var/log/audit"}
}

// places describes how they are mounted, reason being why nobody knows of now.
func (r *reader) places(reason string) {
	for _, name := range separate() {
		p := Place{Path: name, Running: r.table != nil, Known: r.table != nil || r.tabErr == nil, Reason: reason}
		if m, ok := r.table[name]; ok {
			p.Mounted, p.Separate, p.Type, p.Source, p.Now = true, !r.table.Same(m), clean(m.Type), clean(m.Source), flags(m.Options)
		}
		p.Boot = r.boot(name)
		p.Text = p.describe()
		r.f.Places[name] = p
	}
}

// boot says what mounts a place at the next boot.
func (r *reader) boot(name string) Boot {
	fromUnit, fragment := r.bootUnit(name)
	if fromUnit.Known && strings.HasPrefix(fragment, "/etc/") {
		return fromUnit
	}
	for _, e := range slices.Backward(r.tab) {
		if e.Path == name && !e.Flags.NoAuto && e.Problem == "" {
			_, raw := hush.Entry(&e)
			return Boot{Known: true, By: "fstab", Flags: flags(e.Flags), File: "/etc/fstab", Line: e.Line, Raw: raw}
		}
	}
	if fromUnit.Known {
		return fromUnit
	}
	if name == "/dev/shm" && r.root.Exists("/usr/lib/systemd/systemd") || name == "/dev/shm" && r.root.Exists("/lib/systemd/systemd") {
		// src/shared/mount-setup.c mounts it for every service, unasked.
		return Boot{Known: true, By: "systemd", Flags: Flags{Nodev: true, Nosuid: true}}
	}
	return Boot{}
}

// bootUnit says what the mount unit of a place says, and where that unit is.
func (r *reader) bootUnit(name string) (b Boot, fragment string) {
	unit := strings.ReplaceAll(strings.TrimPrefix(name, "/"), "/", "-") + ".mount"
	for _, dir := range unitfile.Directories()[:1] {
		r.f.Meta.Depend(path.Join(dir, unit))
	}
	u, err := unitfile.Load(r.root, unit)
	if err != nil || u.Masked {
		return Boot{}, ""
	}
	b = Boot{Known: u.Start != "", By: "unit", File: clean(u.Fragment)}
	if all := u.Values("Mount", "Options"); len(all) > 0 {
		s := all[len(all)-1]
		b.Flags, b.File, b.Line = flags(mounts.ParseOptions(s.Value)), clean(s.File), s.Line
		b.Raw = text.Clean("Options="+s.Value, text.Limit)
	}
	return b, u.Fragment
}

// describe says in words how a place is mounted.
func (p *Place) describe() string {
	now := "not known whether mounted now"
	switch {
	case p.Running && p.Mounted:
		now = "mounted now with " + p.Now.String()
	case p.Running:
		now = "no file system of its own now"
	}
	boot := "nothing mounts it at boot"
	if p.Boot.Known {
		boot = fmt.Sprintf("at boot by %s with %s", p.Boot.By, p.Boot.Flags)
	}
	return now + "; " + boot
}

// String lists the flags that are set.
func (f Flags) String() string {
	var set []string
	for _, o := range []struct {
		on   bool
		name string
	}{{f.Nodev, "nodev"}, {f.Nosuid, "nosuid"}, {f.Noexec, "noexec"}} {
		if o.on {
			set = append(set, o.name)
		}
	}
	if len(set) == 0 {
		return "none of nodev, nosuid, noexec"
	}
	return strings.Join(set, ", ")
}

// mounted lists the file systems that hold files, each once.
func (r *reader) mounted() {
	r.f.Mounts = []Mount{}
	seen := map[string]bool{}
	for _, m := range r.order {
		if r.table[m.Path] != m || seen[m.Device] && mounts.Kind(m.Type) != mounts.Network || !holds(m) || r.isFile(m) {
			continue
		}
		if len(r.f.Mounts) == maxList {
			for _, list := range []string{"mounts", "encrypted.volumes"} {
				r.f.Meta.Leave(list, "more file systems are mounted than are looked at")
			}
			return
		}
		seen[m.Device] = true
		out := Mount{Path: clean(m.Path), Type: clean(m.Type), Source: clean(hush.Source(m.Source)), Now: flags(m.Options),
			Network: mounts.Kind(m.Type) == mounts.Network, ReadOnly: m.Options.ReadOnly || m.SuperReadOnly}
		for _, e := range r.tab {
			out.MeantWritable = out.MeantWritable || e.Path == m.Path && !e.Flags.ReadOnly && e.Problem == ""
		}
		out.Space = r.space(m)
		r.f.Mounts = append(r.f.Mounts, out)
	}
}

// holds reports whether a mount holds files of the host's own.
func holds(m mounts.Mount) bool {
	switch mounts.Kind(m.Type) {
	case mounts.Disk, mounts.Network, mounts.Foreign:
		return true
	case mounts.Memory:
		return m.Path == "/tmp" || m.Path == "/run" || m.Path == "/var/tmp"
	}
	return m.Path == "/"
}

// isFile reports whether a single file is mounted, as engines of containers do.
func (r *reader) isFile(m mounts.Mount) bool {
	if m.Root == "/" || mounts.Kind(m.Type) == mounts.Network {
		return false
	}
	fi, err := r.root.Lstat(m.Path)
	return err == nil && !fi.IsDir()
}

// space asks how full a file system is. One of another host may not answer, and is
// not asked.
func (r *reader) space(m mounts.Mount) capacity.Space {
	switch {
	case mounts.Kind(m.Type) == mounts.Network:
		return capacity.Unknown("a file system of another host is not asked")
	case r.own.Differs(r.table, m.Path):
		return capacity.Unknown("this process cannot see it")
	}
	return capacity.Of(r.root.Path(m.Path))
}
