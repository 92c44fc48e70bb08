// Package encryption says of block devices whether device-mapper encrypts them
// (dm-crypt, as LUKS and crypttab set it up), by what /sys says of them and of those
// that they lie on. What a file system or a disk encrypts by itself is not seen.
package encryption

import (
	"path"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/mounts"
	"seawall/pkg/text"
)

const (
	maxName = 512 // bytes of a path in a fact
	maxList = 200 // of areas of swap, of which the kernel takes 32, and of devices below one
)

// Volume is a file system or swap area on a block device.
type Volume struct {
	Path      string `json:"path"` // where it is mounted; of swap the device or file
	Source    string `json:"source"`
	Known     bool   `json:"known"`
	Encrypted bool   `json:"encrypted"`
	Reason    string `json:"reason"` // how it is known, or why not
}

// Devices are the block devices of the host that Root is of.
type Devices struct{ Root hostfs.Root }

// Swaps reads /proc/swaps: "NAME TYPE SIZE USED PRIORITY" after a heading. Of a file
// the table says which device it is on.
func (d Devices) Swaps(table mounts.Index) ([]Volume, error) {
	b, err := d.Root.ReadFile("/proc/swaps", 0)
	if err != nil {
		return nil, err
	}
	var all []Volume
	for i, line := range strings.Split(string(b), "\n") {
		fields := strings.Fields(line)
		if i == 0 || len(fields) < 2 || len(all) == maxList || strings.HasPrefix(path.Base(fields[0]), "zram") {
			continue // zram is memory
		}
		name := strings.ReplaceAll(fields[0], `\040`, " ")
		if fields[1] == "file" {
			m, _ := table.Over(name)
			all = append(all, d.Volume(name, m.Source, m.Device))
			continue
		}
		all = append(all, d.Volume(name, name, ""))
	}
	return all, nil
}

// Volume looks a block device up in /sys, by its name or by its numbers.
func (d Devices) Volume(name, source, device string) Volume {
	v := Volume{Path: clean(name), Source: clean(source)}
	dir := "/sys/dev/block/" + device
	if device == "" || strings.HasPrefix(device, "0:") { // btrfs has a number of its own
		base := path.Base(source)
		dir = "/sys/class/block/" + base
		if !d.Root.Exists(dir) {
			dir = d.mapped(base)
		}
	}
	if dir == "" || !d.Root.Exists(dir) {
		v.Reason = "its block device is not in /sys"
		return v
	}
	v.Known = true
	v.Encrypted = d.crypt(dir, 0)
	v.Reason = "not encrypted by this host"
	if v.Encrypted {
		v.Reason = "on a dm-crypt device"
	}
	return v
}

// mapped finds the block device that device-mapper calls name.
func (d Devices) mapped(name string) string {
	all, err := d.Root.ReadDir("/sys/class/block")
	if err != nil {
		return ""
	}
	for _, dev := range all {
		if !strings.HasPrefix(dev, "dm-") {
			continue
		}
		b, err := d.Root.ReadFile("/sys/class/block/"+dev+"/dm/name", 0)
		if err == nil && strings.TrimSpace(string(b)) == name {
			return "/sys/class/block/" + dev
		}
	}
	return ""
}

// crypt reports whether a block device is dm-crypt's, or lies on one.
func (d Devices) crypt(dir string, depth int) bool {
	const deepest = 6 // LVM on RAID on LUKS, and room
	if b, err := d.Root.ReadFile(dir+"/dm/uuid", 0); err == nil && strings.HasPrefix(string(b), "CRYPT-") {
		return true
	}
	below, err := d.Root.ReadDir(dir + "/slaves")
	if err != nil || depth == deepest || len(below) > maxList {
		return false
	}
	for _, dev := range below {
		if !d.crypt("/sys/class/block/"+dev, depth+1) {
			return false
		}
	}
	return len(below) > 0
}

func clean(s string) string { return text.Clean(s, maxName) }
