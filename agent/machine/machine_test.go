package machine

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs/image"
)

const (
	bootFile = "proc/sys/kernel/random/boot_id"
	rawID    = "0123456789abcdef0123456789abcdef"
	rawUUID  = "4C4C4544-0042-3510-8054-B4C04F4E4D31"
)

func droplet(serial string) map[string]string {
	return map[string]string{
		"sys/class/dmi/id/sys_vendor":       "DigitalOcean\n",
		"sys/class/dmi/id/product_serial":   serial,
		"sys/class/dmi/id/product_uuid":     rawUUID + "\n",
		"run/cloud-init/instance-data.json": `{"ds": {"meta_data": {"droplet_id": 386734086}}}`,
		"etc/machine-id":                    rawID + "\n",
		bootFile:                            "boot-1\n",
	}
}

func TestRead(t *testing.T) {
	m := Read(image.Of(t, droplet("386734086\n")))
	if m.DropletID != "386734086" || m.HostName == "" {
		t.Errorf("%+v", m)
	}
	for _, hash := range []string{m.MachineID, m.ProductUUID} {
		if len(hash) != 32 || strings.Contains(hash, rawID[:8]) || strings.Contains(strings.ToUpper(hash), rawUUID[:8]) {
			t.Errorf("%q gives away what it was made of", hash)
		}
	}
	files := droplet("")
	delete(files, "sys/class/dmi/id/product_serial")
	if m := Read(image.Of(t, files)); m.DropletID != "386734086" {
		t.Errorf("from cloud-init: %+v", m)
	}
	files["run/cloud-init/instance-data.json"] = `{"ds": `
	if m := Read(image.Of(t, files)); m.DropletID != "" {
		t.Errorf("from half of a file: %+v", m)
	}
	files = droplet("VMware-42 ed")
	if m := Read(image.Of(t, files)); m.DropletID != "" {
		t.Errorf("what is no number: %+v", m)
	}
	delete(files, "sys/class/dmi/id/sys_vendor")
	files["sys/class/dmi/id/product_serial"] = "386734086"
	files["sys/class/dmi/id/product_uuid"] = "00000000-0000-0000-0000-000000000000"
	files["etc/machine-id"] = "uninitialized\n"
	if m := Read(image.Of(t, files)); m != (Machine{HostName: m.HostName}) {
		t.Errorf("what says nothing: %+v", m)
	}
}

func TestDiffers(t *testing.T) {
	a := Machine{DropletID: "1", MachineID: "aa", ProductUUID: "bb"}
	tests := []struct {
		name string
		b    Machine
		want bool
	}{
		{"same", a, false},
		{"nothing known", Machine{}, false},
		{"other droplet, all else copied", Machine{DropletID: "2", MachineID: "aa", ProductUUID: "bb"}, true},
		{"same droplet, new machine id", Machine{DropletID: "1", MachineID: "cc", ProductUUID: "bb"}, false},
		{"droplet not known, same machine id", Machine{MachineID: "aa"}, false},
		{"droplet not known, other machine id", Machine{MachineID: "cc"}, true},
		{"other firmware", Machine{MachineID: "aa", ProductUUID: "dd"}, true},
		{"other name alone", Machine{HostName: "x"}, false},
	}
	for _, tt := range tests {
		if got := a.Differs(tt.b); got != tt.want || tt.b.Differs(a) != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestAddAndCovers(t *testing.T) {
	some := Machine{HostName: "new", MachineID: "aa"}
	all := some.Add(Machine{HostName: "old", DropletID: "1", MachineID: "bb", ProductUUID: "cc"})
	if want := (Machine{"new", "1", "aa", "cc"}); all != want {
		t.Error(cmp.Diff(want, all))
	}
	if some.Covers(all) || !all.Covers(some) || !some.Covers(Machine{HostName: "x"}) {
		t.Error("covers")
	}
}

// TestKnown has the sensor leave what only it may read, and the uplink add it.
func TestKnown(t *testing.T) {
	spool := t.TempDir()
	sensor := image.Of(t, droplet("386734086"))
	files := map[string]string{"etc/machine-id": rawID, bootFile: "boot-1"}
	uplink := image.Of(t, files)
	if m, err := Known(spool, uplink); err == nil || m.DropletID != "" || m.MachineID == "" {
		t.Errorf("before the sensor: %+v, %v", m, err)
	}
	if err := Write(spool, sensor, Read(sensor)); err != nil {
		t.Fatal(err)
	}
	got, err := Known(spool, uplink)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Read(sensor), got); diff != "" {
		t.Error(diff)
	}
	if fi, err := os.Stat(filepath.Join(spool, fileName)); err != nil || fi.Mode() != 0o640 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}

	// A copied disk holds the original's file, which the sensor sees as it is.
	if m, err := Left(spool); err != nil || m != Read(sensor) || !m.Differs(Read(image.Of(t, droplet("386734087")))) {
		t.Errorf("left: %+v, %v", m, err)
	}
	files[bootFile] = "boot-2"
	if m, err := Known(spool, image.Of(t, files)); err == nil || m.DropletID != "" {
		t.Errorf("of another boot: %+v, %v", m, err)
	}
	// A sandbox that hides the boot's id leaves the file's time.
	delete(files, bootFile)
	hidden := image.Of(t, files)
	if m, err := Known(spool, hidden); err != nil || m.DropletID != "386734086" {
		t.Errorf("fresh, boot hidden: %+v, %v", m, err)
	}
	long := time.Now().Add(-10 * 365 * 24 * time.Hour)
	if err := os.Chtimes(filepath.Join(spool, fileName), long, long); err != nil {
		t.Fatal(err)
	}
	if m, err := Known(spool, hidden); err == nil || m.DropletID != "" {
		t.Errorf("old, boot hidden: %+v, %v", m, err)
	}
}

// TestKnownIsCareful puts what no sensor writes in the file's place.
func TestKnownIsCareful(t *testing.T) {
	tests := map[string]func(name string) error{
		"pipe":      func(name string) error { return syscall.Mkfifo(name, 0o644) },
		"link":      func(name string) error { return os.Symlink("/etc/passwd", name) },
		"directory": func(name string) error { return os.Mkdir(name, 0o755) },
		"huge":      func(name string) error { return os.WriteFile(name, make([]byte, maxFile+1), 0o644) },
	}
	for i, seed := range seeds()[1:] {
		tests[string(rune('a'+i))] = func(name string) error { return os.WriteFile(name, []byte(seed), 0o644) }
	}
	for name, put := range tests {
		spool := t.TempDir()
		if err := put(filepath.Join(spool, fileName)); err != nil {
			t.Fatal(err)
		}
		m, err := Known(spool, image.Of(t, nil))
		if err == nil || m != (Machine{HostName: m.HostName}) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func seeds() []string {
	return []string{
		`{"version":1,"boot":"b","machine":{"host_name":"h","droplet_id":"1","machine_id":"ab","product_uuid":"cd"}}`,
		`{"version":2}`,
		`{"version":1,"machine":{"droplet_id":"1;2"}}`,
		`{"version":1,"machine":{"machine_id":"` + strings.Repeat("a", 65) + `"}}`,
		`{"version":1,"machine":{"product_uuid":"XY"}}`,
		`[]`,
		"",
	}
}

// FuzzNote reads any bytes: what is taken is what a sensor may say.
func FuzzNote(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseNote(b)
		if err != nil {
			return
		}
		m := n.Machine
		if len(m.HostName) > maxName || len(m.DropletID) > 20 || len(m.MachineID) > 64 || len(m.ProductUUID) > 64 ||
			strings.ContainsAny(m.DropletID+m.MachineID+m.ProductUUID, "\n\x1b<&\"' ") {
			t.Errorf("taken: %+v", n)
		}
	})
}

func TestSeeds(t *testing.T) {
	for i, seed := range seeds() {
		if _, err := parseNote([]byte(seed)); (err == nil) != (i == 0) {
			t.Errorf("seed %d: %v", i, err)
		}
	}
}
