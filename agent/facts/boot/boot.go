package boot

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/bootcfg"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

// Read reads how the host boots.
func Read(_ context.Context, env fact.Env) Facts {
	begin := time.Now()
	f := Facts{Meta: fact.Meta{State: fact.StateKnown}, Entries: []Entry{}}
	readEntries(&f, env.Root)
	var more bool
	if f.Grub, more = readGrub(env.Root); more {
		f.Meta.Leave("grub.password", "GRUB has more superusers than are looked at")
	}
	var err error
	if f.Files, more, err = readFiles(env.Root); err != nil {
		f.Reason = cmp.Or(f.Reason, err.Error())
	}
	if more {
		f.Meta.Leave("files", "there are more files below /boot than are looked at")
	}
	f.FilesKnown = err == nil
	readUnits(&f, env.Root)
	readFirmware(&f, env)
	f.Meta.Took = time.Since(begin)
	return f
}

func readEntries(f *Facts, root hostfs.Root) {
	b := bootcfg.Read(root)
	f.Meta.Depend(b.Depends...)
	f.Meta.Depend("/boot/grub/user.cfg", "/boot/grub2/user.cfg")
	f.RunningKnown, f.NextKnown, f.Reason = b.RunningKnown, b.NextKnown, text.Clean(b.Reason, maxText)
	var defaults []string
	if b.DefaultsKnown {
		d := b.Defaults
		f.Defaults = fact.Text{Value: text.Clean(d.Text, maxText), Set: true, File: d.File, Line: d.Line, Raw: text.Clean(d.Raw, maxText)}
		for _, w := range words(d.Text) {
			defaults = append(defaults, w.text)
		}
	}
	if shared(root) {
		f.RunningKnown = false // it is that of the container's host
	}
	if f.RunningKnown {
		f.Entries = append(f.Entries, entry(b.Running, true, nil))
	}
	for _, l := range b.Next[:min(len(b.Next), maxEntries)] {
		f.Entries = append(f.Entries, entry(l, false, defaults))
	}
}

// shared reports whether the kernel is that of a container's host: systemd and the
// engines leave a mark.
func shared(root hostfs.Root) bool {
	for _, name := range []string{"/run/systemd/container", "/run/.containerenv", "/.dockerenv"} {
		if root.Exists(name) {
			return true
		}
	}
	return false
}

// readUnits reads what systemd's files say of shells and keys at the console.
func readUnits(f *Facts, root hostfs.Root) {
	for _, name := range []string{"debug-shell.service", "ctrl-alt-del.target", "rescue.service", "emergency.service"} {
		for _, dir := range unitfile.Directories() {
			if strings.HasPrefix(dir, "/etc") || strings.HasPrefix(dir, "/usr/lib") {
				f.Meta.Depend(path.Join(dir, name))
			}
		}
	}
	f.Meta.Depend("/etc/systemd/system/rescue.service.d/", "/etc/systemd/system/emergency.service.d/", "/etc/systemd/system/sysinit.target.wants/")
	switch u, err := unitfile.Load(root, "debug-shell.service"); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		f.DebugShell.Reason = err.Error()
	case err != nil || u.Masked || u.Start == "":
		f.DebugShell = fact.Tri{Known: true, Reason: "nothing starts it"}
	default:
		f.DebugShell = fact.Tri{Known: true, Yes: true, Reason: u.Start}
	}
	switch u, err := unitfile.Load(root, "ctrl-alt-del.target"); {
	case errors.Is(err, fs.ErrNotExist):
		f.CtrlAltDel.Reason = "the host has no unit ctrl-alt-del.target"
	case err != nil:
		f.CtrlAltDel.Reason = err.Error()
	default:
		f.CtrlAltDel = fact.Tri{Known: true, Yes: !u.Masked, Reason: u.Fragment}
	}
	f.Rescue = []Rescue{}
	for _, name := range []string{"rescue.service", "emergency.service"} {
		if r, ok := rescue(root, name); ok {
			f.Rescue = append(f.Rescue, r)
		}
	}
}

// rescue says whether a unit asks for root's password: systemd's own runs
// systemd-sulogin-shell or sulogin, which asks unless it is forced not to where
// root has none.
func rescue(root hostfs.Root, name string) (r Rescue, ok bool) {
	r.Unit = name
	u, err := unitfile.Load(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return r, false
	}
	if err != nil {
		r.Asks.Reason = err.Error()
		return r, true
	}
	r.File = u.Fragment
	if u.Masked {
		r.Asks = fact.Tri{Known: true, Yes: true, Reason: "it is masked"}
		return r, true
	}
	start := u.Values("Service", "ExecStart")
	if len(start) == 0 {
		r.Asks.Reason = name + " starts nothing"
		return r, true
	}
	s := start[len(start)-1]
	r.Asks = fact.Tri{Known: true, Yes: strings.Contains(s.Value, "sulogin"), Reason: "it runs " + text.Clean(s.Value, maxText)}
	for _, e := range u.Values("Service", "Environment") {
		if strings.Contains(e.Value, "SYSTEMD_SULOGIN_FORCE=1") || strings.Contains(e.Value, "SYSTEMD_SULOGIN_FORCE=y") {
			s, r.Asks.Yes, r.Asks.Reason = e, false, "it asks nothing where root has no password"
		}
	}
	if strings.Contains(s.Value, "--force") || strings.Contains(s.Value, "sulogin -e") {
		r.Asks.Yes, r.Asks.Reason = false, "it asks nothing where root has no password"
	}
	r.File, r.Line, r.Raw = s.File, s.Line, text.Clean(s.Key+"="+s.Value, maxText)
	return r, true
}

const secureBoot = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

func readFirmware(f *Facts, env fact.Env) {
	if !env.Live() {
		f.EFI.Reason = "an image was not booted by any firmware"
		f.SecureBoot.Reason = f.EFI.Reason
		return
	}
	f.EFI = fact.Tri{Known: true, Yes: env.Root.Exists("/sys/firmware/efi/efivars"), Reason: "/sys/firmware/efi/efivars"}
	if !f.EFI.Yes {
		f.SecureBoot.Reason = "the host was not booted by EFI"
		return
	}
	f.SecureBoot = secure(env.Root)
}

func secure(root hostfs.Root) fact.Tri {
	b, err := root.ReadFile(secureBoot, 64)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fact.Tri{Known: true, Reason: "the firmware has none"}
	case err != nil:
		return fact.Tri{Reason: err.Error()}
	case len(b) != 5: // four bytes of attributes, one of value
		return fact.Tri{Reason: secureBoot + " is not what it should be"}
	}
	return fact.Tri{Known: true, Yes: b[4] == 1, Reason: secureBoot}
}
