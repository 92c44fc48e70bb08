package containers

import (
	"seawall/agent/facts/containers/inspect"
	"seawall/agent/facts/fact"
)

// Facts is what is known of the container engines of a host.
type Facts struct {
	Meta       fact.Meta          `json:"meta"`
	Docker     Docker             `json:"docker"`
	Containers inspect.Containers `json:"containers"` // Docker's
	Podman     Podman             `json:"podman"`
	Containerd Containerd         `json:"containerd"`
	Kubelet    Kubelet            `json:"kubelet"`
	LXD        LXD                `json:"lxd"`
	// Files are files, directories and sockets of the engines.
	Files []File `json:"files"`
}

// Docker is dockerd's configuration.
type Docker struct {
	Installed bool   `json:"installed"`
	Known     bool   `json:"known"` // its configuration could be read
	Reason    string `json:"reason"`
	Valid     bool   `json:"valid"`   // dockerd would start with it
	Problem   string `json:"problem"` // why it would not
	Running   bool   `json:"running"`
	// Settings are those that checks ask for, by their names in daemon.json; each has
	// a value, a default where it is not set.
	Settings map[string]Setting `json:"settings"`
	Hosts    []Host             `json:"hosts"`      // addresses that it listens on
	Insecure []fact.Text        `json:"insecure"`   // insecure-registries
	Members  []Member           `json:"members"`    // of the group that may use the socket
	Firewall bool               `json:"firewall"`   // ufw is enabled, which published ports pass by
	FromUnit string             `json:"from_unit"`  // the unit file that holds the flags
	DataRoot string             `json:"data_root"`  // where containers are kept
	LogLimit bool               `json:"log_limits"` // logs of containers are bounded
}

// Setting is the value in force of a setting.
type Setting struct {
	Value string `json:"value"` // as in daemon.json: "true", "false", a string
	Set   bool   `json:"set"`   // false: the default
	File  string `json:"file"`
	Line  int    `json:"line"`
	Raw   string `json:"raw"`
}

// Host is an address that a daemon listens on.
type Host struct {
	Address string `json:"address"`
	TCP     bool   `json:"tcp"`
	Local   bool   `json:"local"` // a loopback address
	File    string `json:"file"`
	Line    int    `json:"line"`
	Raw     string `json:"raw"`
}

// Member is an account in a group that is as good as root.
type Member struct {
	Name  string `json:"name"`
	Admin bool   `json:"admin"` // may become root anyhow: in the group sudo, wheel or admin
	Group string `json:"group"`
	Line  int    `json:"line"` // in /etc/group, 0 for a primary group
}

// Podman is the configuration of podman, buildah and skopeo.
type Podman struct {
	Installed bool        `json:"installed"`
	Known     bool        `json:"known"`
	Reason    string      `json:"reason"`
	Insecure  []fact.Text `json:"insecure"` // registries that are asked without TLS
	Search    []fact.Text `json:"search"`   // registries that a short name is looked up in
	ShortName fact.Text   `json:"short_name"`
}

// Containerd is containerd's own configuration.
type Containerd struct {
	Installed bool      `json:"installed"`
	Known     bool      `json:"known"`
	Reason    string    `json:"reason"`
	TCP       fact.Text `json:"tcp"` // the address that its API listens on, "" for none
}

// Kubelet is the agent of Kubernetes.
type Kubelet struct {
	Installed     bool      `json:"installed"`
	Known         bool      `json:"known"`
	Reason        string    `json:"reason"`
	Anonymous     fact.Text `json:"anonymous"`      // "true", "false"
	Authorization fact.Text `json:"authorization"`  // Webhook, AlwaysAllow
	ReadOnlyPort  fact.Text `json:"read_only_port"` // "0" is off
}

// LXD is the container manager of Ubuntu, and Incus.
type LXD struct {
	Installed bool     `json:"installed"`
	Members   []Member `json:"members"`
}

// File is a file or socket of an engine.
type File struct {
	Kind   string `json:"kind"` // config, unit, certificate, key, socket
	Path   string `json:"path"`
	Error  string `json:"error"`
	Mode   int    `json:"mode"`
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	Text   string `json:"text"` // "0660 root:docker"
	Shared bool   `json:"shared"`
	Group  string `json:"group"`
}
