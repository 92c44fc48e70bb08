// Package host reads what a host says of itself in a heartbeat: operating
// system, kernel, times, load, memory, and what the cloud says it is.
//
// Everything is read from files of /proc, /sys, /etc and /run, through gopsutil
// where it reads nothing else; no program is run and no metadata service is
// asked. Which machine it is comes from package machine, a Droplet's region and tags
// from what cloud-init left in /run/cloud-init/instance-data.json. What cannot be
// read stays empty.
package host

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"
	"golang.org/x/sys/unix"

	"seawall/agent/machine"
	"seawall/pkg/distro"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// Limits on what the cloud's metadata may put into a heartbeat.
const (
	maxTags     = 64
	maxTag      = 255
	maxMetadata = 1 << 20
)

// Read returns the host's facts as they are now. It never fails: what is missing
// is empty, and what went wrong is joined in the error for the log.
func Read(ctx context.Context, root hostfs.Root, version string) (finding.Host, error) {
	h := finding.Host{
		Arch:         runtime.GOARCH,
		CPUs:         uint32(runtime.NumCPU()),
		AgentVersion: version,
	}
	var problems []string
	note := func(what string, err error) {
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", what, err))
		}
	}
	name, err := os.Hostname()
	note("read host name", err)
	h.Name = text.Clean(name, maxTag)
	h.Kernel, err = host.KernelVersionWithContext(ctx)
	note("read kernel version", err)
	boot, err := host.BootTimeWithContext(ctx)
	note("read boot time", err)
	if err == nil {
		h.BootTime = time.Unix(int64(boot), 0).UTC()
	}
	h.UptimeSeconds, err = host.UptimeWithContext(ctx)
	note("read uptime", err)
	if avg, err := load.AvgWithContext(ctx); err == nil {
		h.Load1, h.Load5, h.Load15 = avg.Load1, avg.Load5, avg.Load15
	} else {
		note("read load", err)
	}
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		h.MemoryTotal, h.MemoryFree = m.Total, m.Available
	} else {
		note("read memory", err)
	}
	note("read os-release", readOS(root, &h))
	m := machine.Read(root)
	h.MachineID, h.DropletID = m.MachineID, m.DropletID
	readCloud(root, &h)
	if len(problems) > 0 {
		return h, fmt.Errorf("host facts: %s", strings.Join(problems, "; "))
	}
	return h, nil
}

func readOS(root hostfs.Root, h *finding.Host) error {
	err := os.ErrNotExist
	for _, name := range distro.Files() {
		var b []byte
		if b, err = root.ReadFile(name, 0); err == nil {
			release := distro.ParseOS(b)
			h.OS = text.Clean(release.PrettyName, maxTag)
			h.OSID = text.Clean(release.ID, maxTag)
			h.OSVersion = text.Clean(release.VersionID, maxTag)
			return nil
		}
	}
	return err
}

// readCloud fills in what is known of a Droplet.
func readCloud(root hostfs.Root, h *finding.Host) {
	if !machine.Droplet(root) {
		return
	}
	b, err := root.ReadFile("/run/cloud-init/instance-data.json", maxMetadata)
	if err != nil {
		return
	}
	var data struct {
		V1 struct {
			Region string `json:"region"`
		} `json:"v1"`
		DS struct {
			MetaData struct {
				Region string   `json:"region"`
				Tags   []string `json:"tags"`
			} `json:"meta_data"`
		} `json:"ds"`
	}
	if err := json.Unmarshal(b, &data); err != nil {
		return // half written at boot; the next heartbeat reads it again
	}
	h.Region = data.DS.MetaData.Region
	if h.Region == "" {
		h.Region = data.V1.Region
	}
	h.Region = text.Clean(h.Region, maxTag)
	for _, tag := range data.DS.MetaData.Tags[:min(maxTags, len(data.DS.MetaData.Tags))] {
		h.Tags = append(h.Tags, text.Clean(tag, maxTag))
	}
}

// Self returns what this process has used since it started: CPU time in seconds,
// and resident memory now in bytes.
func Self() (cpu float64, rss uint64) {
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &ru) == nil {
		cpu = seconds(ru.Utime) + seconds(ru.Stime)
	}
	// statm: size resident shared text lib data dt, in pages (proc(5)).
	var size, resident uint64
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if _, err := fmt.Sscan(string(b), &size, &resident); err == nil {
			rss = resident * uint64(os.Getpagesize())
		}
	}
	return cpu, rss
}

func seconds(t unix.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
