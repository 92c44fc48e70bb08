package filesystem

import (
	"errors"
	"io/fs"
	"strings"

	"seawall/agent/facts/filesystem/encryption"
	"seawall/pkg/mounts"
)

// encrypted says of each file system on a device, and of swap, whether device-mapper
// encrypts it.
func (r *reader) encrypted() {
	e := &r.f.Encrypted
	e.Volumes, e.Swaps, e.Keys = []encryption.Volume{}, []encryption.Volume{}, []File{}
	r.crypttab()
	if r.table == nil {
		e.Reason = "an image has no block devices"
		return
	}
	e.Known = true
	sys := encryption.Devices{Root: r.root}
	for _, m := range r.f.Mounts {
		at := r.table[m.Path]
		if mounts.Kind(at.Type) != mounts.Disk || m.Path == "/boot" {
			continue
		}
		v := sys.Volume(m.Path, at.Source, at.Device)
		e.Any = e.Any || v.Encrypted
		e.Volumes = append(e.Volumes, v)
	}
	swaps, err := sys.Swaps(r.table)
	if err != nil {
		e.Known, e.Reason = false, clean(err.Error())
	}
	e.Swaps = append(e.Swaps, swaps...)
}

// crypttab lists the key files that /etc/crypttab names.
func (r *reader) crypttab() {
	const name = "/etc/crypttab"
	r.f.Meta.Depend(name)
	b, err := r.root.ReadFile(name, 0)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.f.Meta.Leave("encrypted.keys", clean(err.Error()))
		}
		return
	}
	for _, c := range mounts.ParseCrypttab(b) {
		// A key from a device is made anew at each boot, as for swap.
		if !strings.HasPrefix(c.Key, "/") || strings.HasPrefix(c.Key, "/dev/") {
			continue
		}
		if len(r.f.Encrypted.Keys) == maxList {
			r.f.Meta.Leave("encrypted.keys", name+" names more keys than are looked at")
			return
		}
		r.f.Meta.Depend(c.Key)
		f := r.file("crypt_key", c.Key)
		f.From, f.Line = name, c.Line
		r.f.Encrypted.Keys = append(r.f.Encrypted.Keys, f)
	}
}
