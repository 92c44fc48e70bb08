package encryption

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs/image"
	"seawall/pkg/mounts"
)

// devices is a host with LVM on LUKS (253:0 on dm-1), a plain disk (254:1), a loop of
// devices, and RAID of which one half is encrypted.
func devices(swaps string) map[string]string {
	return map[string]string{"sys/dev/block/253:0/dm/uuid": "LVM-x\n", "sys/dev/block/253:0/slaves/dm-1/": "",
		"sys/class/block/dm-1/dm/uuid": "CRYPT-LUKS2-1-data\n", "sys/class/block/dm-1/dm/name": "data\n", "sys/dev/block/254:1/slaves/": "",
		"sys/class/block/round/slaves/round/": "", "sys/dev/block/9:0/slaves/dm-1/": "", "sys/dev/block/9:0/slaves/sda/": "", "sys/class/block/sda/": "",
		"proc/swaps": swaps}
}

// TestVolume: a device is encrypted where it, or all that it lies on, is dm-crypt's.
func TestVolume(t *testing.T) {
	d := Devices{Root: image.Of(t, devices(""))}
	for name, tt := range map[string]struct {
		source, device   string
		known, encrypted bool
	}{
		"a plain disk":         {"/dev/vda1", "254:1", true, false},
		"LVM on LUKS":          {"/dev/mapper/vg-data", "253:0", true, true},
		"btrfs on LUKS":        {"/dev/mapper/data", "0:44", true, true},
		"half of a RAID":       {"/dev/md0", "9:0", true, false},
		"a device in a circle": {"/dev/round", "", true, false},
		"one that is not here": {"/dev/none", "", false, false},
		"another number":       {"/dev/vdz", "252:9", false, false},
	} {
		v := d.Volume("/x", tt.source, tt.device)
		if v.Known != tt.known || v.Encrypted != tt.encrypted || v.Reason == "" || v.Path != "/x" || v.Source != tt.source {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestSwaps: devices and files, but no compressed memory.
func TestSwaps(t *testing.T) {
	d := Devices{Root: image.Of(t, devices("Filename Type Size Used Priority\n/dev/zram0 partition 1 0 1\n/dev/dm-1 partition 1 0 1\n"+
		"/swap\\040file file 1 0 1\n/dev/none partition 1 0 1\nbroken\n"))}
	table, err := mounts.ParseInfo([]byte("27 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := d.Swaps(table.Index())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range all {
		got = append(got, fmt.Sprint(v.Path, " ", v.Known, " ", v.Encrypted))
	}
	if diff := cmp.Diff([]string{"/dev/dm-1 true true", "/swap file true false", "/dev/none false false"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := (Devices{Root: image.Of(t, nil)}).Swaps(nil); err == nil {
		t.Error("a host without /proc/swaps has no swap")
	}
}

// FuzzSwaps: whatever stands in /proc/swaps, the list is bounded and names no device
// that is not in /sys.
func FuzzSwaps(f *testing.F) {
	f.Add("Filename Type\n/dev/dm-1 partition 1 0 1\n/swap file\n")
	f.Add(strings.Repeat("/dev/../x file\n", maxList+9))
	f.Fuzz(func(t *testing.T, swaps string) {
		all, err := Devices{Root: image.Of(t, map[string]string{"proc/swaps": swaps})}.Swaps(nil)
		if err == nil && len(all) > maxList {
			t.Errorf("%d areas", len(all))
		}
		for _, v := range all {
			if v.Encrypted {
				t.Errorf("%+v is encrypted on a host without devices", v)
			}
		}
	})
}
