package filesystem

import (
	"path"
	"strings"

	"seawall/pkg/mounts"
)

// encrypted says of each file system on a device, and of swap, whether device-mapper
// encrypts it.
func (r *reader) encrypted() {
	e := &r.f.Encrypted
	e.Volumes, e.Swaps, e.Keys = []Volume{}, []Volume{}, []File{}
	r.crypttab()
	if r.table == nil {
		e.Reason = "an image has no block devices"
		return
	}
	e.Known = true
	for _, m := range r.f.Mounts {
		at := r.table[m.Path]
		if mounts.Kind(at.Type) != mounts.Disk || m.Path == "/boot" {
			continue
		}
		v := r.volume(m.Path, at.Source, at.Device)
		e.Any = e.Any || v.Encrypted
		e.Volumes = append(e.Volumes, v)
	}
	r.swaps()
}

// swaps reads /proc/swaps: "NAME TYPE SIZE USED PRIORITY" after a heading.
func (r *reader) swaps() {
	e := &r.f.Encrypted
	b, err := r.root.ReadFile("/proc/swaps", 0)
	if err != nil {
		e.Known, e.Reason = false, clean(err.Error())
		return
	}
	for i, line := range strings.Split(string(b), "\n") {
		fields := strings.Fields(line)
		if i == 0 || len(fields) < 2 || len(e.Swaps) == maxList || strings.HasPrefix(path.Base(fields[0]), "zram") {
			continue // zram is memory
		}
		name := strings.ReplaceAll(fields[0], `\040`, " ")
		if fields[1] == "file" {
			m, _ := r.table.Over(name)
			e.Swaps = append(e.Swaps, r.volume(name, m.Source, m.Device))
			continue
		}
		e.Swaps = append(e.Swaps, r.volume(name, name, ""))
	}
}

// volume looks a block device up in /sys, by its name or by its numbers.
func (r *reader) volume(name, source, device string) Volume {
	v := Volume{Path: clean(name), Source: clean(source)}
	dir := "/sys/dev/block/" + device
	if device == "" || strings.HasPrefix(device, "0:") { // btrfs has a number of its own
		base := path.Base(source)
		dir = "/sys/class/block/" + base
		if !r.root.Exists(dir) {
			dir = r.mapped(base)
		}
	}
	if dir == "" || !r.root.Exists(dir) {
		v.Reason = "its block device is not in /sys"
		return v
	}
	v.Known = true
	v.Encrypted = r.crypt(dir, 0)
	v.Reason = "not encrypted by this host"
	if v.Encrypted {
		v.Reason = "on a dm-crypt device"
	}
	return v
}

// mapped finds the block device that device-mapper calls name.
func (r *reader) mapped(name string) string {
	all, err := r.root.ReadDir("/sys/class/block")
	if err != nil {
		return ""
	}
	for _, dev := range all {
		if !strings.HasPrefix(dev, "dm-") {
			continue
		}
		b, err := r.root.ReadFile("/sys/class/block/"+dev+"/dm/name", 0)
		if err == nil && strings.TrimSpace(string(b)) == name {
			return "/sys/class/block/" + dev
		}
	}
	return ""
}

// crypt reports whether a block device is dm-crypt's, or lies on one.
func (r *reader) crypt(dir string, depth int) bool {
	const deepest = 6 // LVM on RAID on LUKS, and room
	if b, err := r.root.ReadFile(dir+"/dm/uuid", 0); err == nil && strings.HasPrefix(string(b), "CRYPT-") {
		return true
	}
	below, err := r.root.ReadDir(dir + "/slaves")
	if err != nil || depth == deepest || len(below) > maxList {
		return false
	}
	for _, dev := range below {
		if !r.crypt("/sys/class/block/"+dev, depth+1) {
			return false
		}
	}
	return len(below) > 0
}

// crypttab lists the key files that /etc/crypttab names.
func (r *reader) crypttab() {
	const name = "/etc/crypttab"
	r.f.Meta.Depend(name)
	b, err := r.root.ReadFile(name, 0)
	if err != nil {
		return
	}
	for _, c := range mounts.ParseCrypttab(b) {
		// A key from a device is made anew at each boot, as for swap.
		if !strings.HasPrefix(c.Key, "/") || strings.HasPrefix(c.Key, "/dev/") || len(r.f.Encrypted.Keys) == maxList {
			continue
		}
		r.f.Meta.Depend(c.Key)
		f := r.file("crypt_key", c.Key)
		f.From, f.Line = name, c.Line
		r.f.Encrypted.Keys = append(r.f.Encrypted.Keys, f)
	}
}
