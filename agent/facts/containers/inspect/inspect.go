// Package inspect reads what Docker keeps of its containers, of what "docker inspect"
// shows that which decides how far a container is from its host.
//
// Each has a directory below the data-root, with config.v2.json and hostconfig.json.
// They are Docker's own format, stable since 1.10; one that cannot be read makes its
// checks unknown.
package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"seawall/pkg/hostfs"
	"seawall/pkg/redact"
	"seawall/pkg/text"
)

const (
	maxName = 512 // bytes of a name in a fact
	maxList = 200
)

// Containers are those that Docker keeps, running or not.
type Containers struct {
	Known  bool        `json:"known"`
	Reason string      `json:"reason"`
	List   []Container `json:"list"`
	More   int         `json:"more"` // beyond what is listed
}

// Container is one of Docker's containers.
type Container struct {
	ID          string   `json:"id"` // 12 digits
	Name        string   `json:"name"`
	Image       string   `json:"image"`
	Running     bool     `json:"running"` // when its state was last written
	Error       string   `json:"error"`   // why nothing else is known of it
	Privileged  bool     `json:"privileged"`
	Socket      string   `json:"socket"` // an engine's socket that is mounted in it
	Mounts      []string `json:"mounts"` // sensitive directories of the host that it may write
	Namespaces  []string `json:"namespaces"`
	Added       []string `json:"added"`      // capabilities that amount to root
	Unconfined  []string `json:"unconfined"` // of seccomp, AppArmor and SELinux those that are off
	Devices     []string `json:"devices"`    // disks and memory of the host
	Published   []Port   `json:"published"`  // on all addresses
	MemoryLimit int      `json:"memory_limit"`
	PidsLimit   int      `json:"pids_limit"`
	NoNewPrivs  bool     `json:"no_new_privs"`
	ReadOnly    bool     `json:"read_only"`
	User        string   `json:"user"` // "" is root
	Cut         bool     `json:"cut"`  // one of the lists is longer than is listed
	File        string   `json:"file"`
}

// Port is a port of a container that is published on the host.
type Port struct {
	Host      string `json:"host"` // address and port, "0.0.0.0:5432"
	Container string `json:"container"`
	Risky     string `json:"risky"` // what listens there by custom and should not be public, or ""
}

// Read reads what is in dir, "containers" below the data-root; there says that there
// is such a directory.
func Read(root hostfs.Root, dir string) (c Containers, there bool) {
	c.List = []Container{}
	ids, err := root.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Known = true
		return c, false
	case err != nil:
		c.Reason = clean(err.Error())
		return c, false
	}
	c.Known = true
	for _, id := range ids {
		if len(id) != 64 {
			continue
		}
		if len(c.List) == maxList {
			c.More++
			continue
		}
		c.List = append(c.List, container(root, dir+"/"+id, id))
	}
	slices.SortFunc(c.List, func(a, b Container) int { return strings.Compare(a.Name, b.Name) })
	return c, true
}

// config is what is read of config.v2.json.
type config struct {
	ID     string
	Name   string
	Config struct{ Image, User string }
	State  struct{ Running bool }
}

// hostConfig is what is read of hostconfig.json.
type hostConfig struct {
	Binds  []string
	Mounts []struct {
		Type, Source string
		ReadOnly     bool
	}
	Privileged, ReadonlyRootfs                         bool
	NetworkMode, PidMode, IpcMode, UTSMode, UsernsMode string
	CapAdd, SecurityOpt                                []string
	PortBindings                                       map[string][]struct{ HostIp, HostPort string }
	Devices                                            []struct{ PathOnHost string }
	Memory                                             int
	PidsLimit                                          *int
}

// container reads one container.
func container(root hostfs.Root, dir, id string) Container {
	c := Container{ID: clean(id[:12]), Name: clean(id[:12]), File: clean(dir + "/hostconfig.json"), Mounts: []string{}, Namespaces: []string{},
		Added: []string{}, Unconfined: []string{}, Devices: []string{}, Published: []Port{}}
	var conf config
	var host hostConfig
	for _, one := range []struct {
		name string
		into any
	}{{"config.v2.json", &conf}, {"hostconfig.json", &host}} {
		b, err := root.ReadFile(dir+"/"+one.name, 0)
		if err == nil {
			err = json.Unmarshal(b, one.into)
		}
		if err != nil {
			c.Error = text.Clean(fmt.Sprintf("%s: %v", one.name, err), maxName)
			return c
		}
	}
	if name := strings.TrimPrefix(conf.Name, "/"); name != "" {
		c.Name = clean(name)
	}
	c.Image, c.User, c.Running = clean(redact.Image(conf.Config.Image)), clean(conf.Config.User), conf.State.Running
	c.Privileged, c.ReadOnly, c.MemoryLimit = host.Privileged, host.ReadonlyRootfs, host.Memory
	if host.PidsLimit != nil {
		c.PidsLimit = *host.PidsLimit
	}
	c.mounts(&host)
	c.isolation(&host)
	c.ports(&host)
	return c
}

// mounts notes directories of the host that decide over it.
func (c *Container) mounts(h *hostConfig) {
	add := func(source string, readOnly bool) {
		source = path.Clean(source)
		switch base := path.Base(source); {
		case base == "docker.sock" || base == "containerd.sock" || base == "podman.sock" || base == "crio.sock":
			c.Socket = clean(source) // read-only does not keep anybody from writing to a socket
		case readOnly:
		case sensitive(source):
			c.Mounts = c.add(c.Mounts, source)
		}
	}
	for _, b := range h.Binds {
		parts := strings.Split(b, ":")
		if strings.HasPrefix(parts[0], "/") { // a volume otherwise
			add(parts[0], len(parts) > 2 && slices.Contains(strings.Split(parts[2], ","), "ro"))
		}
	}
	for _, m := range h.Mounts {
		if m.Type == "bind" {
			add(m.Source, m.ReadOnly)
		}
	}
}

// add adds to one of the lists, to a bound.
func (c *Container) add(list []string, name string) []string {
	if len(list) == maxList {
		c.Cut = true
		return list
	}
	return append(list, clean(name))
}

// sensitive reports whether who writes a directory of the host becomes root on it.
func sensitive(dir string) bool {
	return slices.Contains([]string{"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root", "/run", "/sbin",
		"/sys", "/usr", "/usr/bin", "/usr/lib", "/usr/local/bin", "/usr/sbin", "/var", "/var/lib", "/var/lib/docker", "/var/run",
		"/var/spool/cron", "/etc/cron.d", "/etc/cron.daily", "/etc/ssh", "/etc/sudoers.d", "/etc/systemd", "/etc/systemd/system",
		"/root/.ssh", "/etc/pam.d", "/etc/profile.d"}, dir)
}

// isolation notes what a container shares with the host.
func (c *Container) isolation(h *hostConfig) {
	for _, n := range []struct{ name, mode string }{
		{"network", h.NetworkMode}, {"pid", h.PidMode}, {"ipc", h.IpcMode}, {"uts", h.UTSMode}, {"user", h.UsernsMode},
	} {
		if n.mode == "host" {
			c.Namespaces = append(c.Namespaces, n.name)
		}
	}
	for _, name := range h.CapAdd {
		short := strings.TrimPrefix(strings.ToUpper(name), "CAP_")
		if slices.Contains([]string{"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "BPF", "SYS_BOOT",
			"MAC_ADMIN", "SYS_TIME", "SYSLOG", "PERFMON"}, short) {
			c.Added = c.add(c.Added, short)
		}
	}
	c.security(h)
	for _, d := range h.Devices {
		if sensitiveDevice(d.PathOnHost) {
			c.Devices = c.add(c.Devices, d.PathOnHost)
		}
	}
}

// sensitiveDevice reports whether a device is a disk or memory of the host.
func sensitiveDevice(name string) bool {
	return slices.ContainsFunc([]string{"/dev/sd", "/dev/vd", "/dev/xvd", "/dev/nvme", "/dev/dm-", "/dev/mapper", "/dev/mem", "/dev/kmem", "/dev/disk"},
		func(p string) bool { return strings.HasPrefix(name, p) })
}

// security notes which of seccomp, AppArmor and SELinux are off.
func (c *Container) security(h *hostConfig) {
	for _, o := range h.SecurityOpt {
		key, value, _ := strings.Cut(strings.Replace(o, ":", "=", 1), "=")
		switch {
		case key == "no-new-privileges":
			c.NoNewPrivs = value != "false"
		case key == "label" && (h.Privileged || h.PidMode == "host" || h.IpcMode == "host"):
			// dockerd takes the label away by itself then (daemon/create.go).
		case value == "unconfined" || key == "label" && value == "disable":
			c.Unconfined = c.add(c.Unconfined, key)
		}
	}
}

// ports notes what is published on all addresses of the host.
func (c *Container) ports(h *hostConfig) {
	for _, inside := range slices.Sorted(maps.Keys(h.PortBindings)) {
		number, _, _ := strings.Cut(inside, "/")
		for _, b := range h.PortBindings[inside] {
			if b.HostIp != "" && b.HostIp != "0.0.0.0" && b.HostIp != "::" {
				continue
			}
			if len(c.Published) == maxList {
				c.Cut = true
				break
			}
			address := b.HostIp
			if address == "" {
				address = "0.0.0.0"
			}
			c.Published = append(c.Published, Port{Host: clean(address + ":" + b.HostPort), Container: clean(inside), Risky: risky(number)})
		}
	}
	slices.SortFunc(c.Published, func(a, b Port) int { return strings.Compare(a.Host+a.Container, b.Host+b.Container) })
}

// risky names what listens on a port by custom and is not for everybody.
func risky(port string) string {
	return map[string]string{"1433": "SQL Server", "2375": "the Docker API", "2379": "etcd", "3306": "MySQL", "5432": "PostgreSQL",
		"5984": "CouchDB", "6379": "Redis", "7000": "Cassandra", "8086": "InfluxDB", "8500": "Consul", "9042": "Cassandra",
		"9200": "Elasticsearch", "11211": "memcached", "15672": "RabbitMQ's console", "27017": "MongoDB", "33060": "MySQL", "5601": "Kibana",
		"9090": "Prometheus", "9100": "node_exporter"}[port]
}

func clean(s string) string { return text.Clean(s, maxName) }
