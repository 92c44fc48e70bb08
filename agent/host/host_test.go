package host

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
)

const instanceData = `{
 "v1": {"region": "ams3", "instance_id": "386734086"},
 "ds": {"meta_data": {"droplet_id": 386734086, "region": "nyc3", "tags": ["web", "env:prod", "a<b>\u0007"]}}
}`

func TestCloud(t *testing.T) {
	droplet := map[string]string{
		"sys/class/dmi/id/sys_vendor":       "DigitalOcean\n",
		"sys/class/dmi/id/product_serial":   "386734086\n",
		"run/cloud-init/instance-data.json": instanceData,
		"etc/machine-id":                    "0123456789abcdef0123456789abcdef\n",
		"etc/os-release":                    "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
	}
	without := func(name string) map[string]string {
		m := map[string]string{}
		for k, v := range droplet {
			if k != name {
				m[k] = v
			}
		}
		return m
	}
	type cloud struct {
		ID, Region string
		Tags       []string
	}
	tags := []string{"web", "env:prod", "a<b>\a"}
	tests := []struct {
		name  string
		files map[string]string
		want  cloud
	}{
		{"droplet", droplet, cloud{"386734086", "nyc3", tags}},
		{"without firmware serial", without("sys/class/dmi/id/product_serial"), cloud{"386734086", "nyc3", tags}},
		{"without cloud-init", without("run/cloud-init/instance-data.json"), cloud{ID: "386734086"}},
		{"elsewhere", without("sys/class/dmi/id/sys_vendor"), cloud{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := Read(context.Background(), image.Of(t, tt.files), "v1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, cloud{h.DropletID, h.Region, h.Tags}); diff != "" {
				t.Error(diff)
			}
		})
	}

	h, err := Read(context.Background(), image.Of(t, droplet), "v1")
	if err != nil {
		t.Fatal(err)
	}
	if h.OS != "Debian GNU/Linux 12 (bookworm)" || h.OSID != "debian" || h.OSVersion != "12" {
		t.Errorf("operating system %q %q %q", h.OS, h.OSID, h.OSVersion)
	}
	if strings.Contains(h.MachineID, "0123456789abcdef") || len(h.MachineID) != 32 {
		t.Errorf("machine id %q gives /etc/machine-id away", h.MachineID)
	}
}

func TestCloudIsBounded(t *testing.T) {
	many := `{"ds": {"meta_data": {"tags": ["` + strings.Repeat(`x","`, 1000) + strings.Repeat("y", 100_000) + `"]}}}`
	h, err := Read(context.Background(), image.Of(t, map[string]string{
		"sys/class/dmi/id/sys_vendor":       "DigitalOcean",
		"sys/class/dmi/id/product_serial":   strings.Repeat("9", 200),
		"run/cloud-init/instance-data.json": many,
		"etc/os-release":                    "ID=debian\n",
	}), "v1")
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Tags) != maxTags {
		t.Errorf("%d tags, want %d", len(h.Tags), maxTags)
	}
}

func TestThisHost(t *testing.T) {
	h, err := Read(context.Background(), hostfs.Root{}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	if h.Kernel == "" || h.BootTime.IsZero() || h.UptimeSeconds == 0 || h.MemoryTotal <= h.MemoryFree ||
		h.CPUs != uint32(runtime.NumCPU()) || h.OSID == "" {
		t.Errorf("incomplete: %+v", h)
	}
	if cpu, rss := Self(); cpu <= 0 || rss < 1<<20 {
		t.Errorf("self: %v s, %d bytes", cpu, rss)
	}
	var none finding.Host
	if cmp.Equal(none, h) {
		t.Error("nothing read")
	}
}
