package cloud

import "seawall/agent/facts/fact"

// Facts is what is known of the host as a cloud's.
type Facts struct {
	Meta     fact.Meta `json:"meta"`
	Provider string    `json:"provider"` // "digitalocean", as cloud-init writes them; "" where not known
	Region   string    `json:"region"`
	Instance string    `json:"instance"` // the provider's number of it
	Source   string    `json:"source"`   // the file that names the provider
	Init     Init      `json:"init"`
	Agents   []Agent   `json:"agents"` // of DigitalOcean
	Root     Root      `json:"root"`
	Stated   Stated    `json:"stated"`
	Image    Image     `json:"image"`
}

// Init is cloud-init.
type Init struct {
	Installed bool `json:"installed"`
	// Result is what it says of its last run: yes is without errors.
	Result      fact.Tri    `json:"result"`
	Errors      []string    `json:"errors"`
	Sources     fact.Text   `json:"sources"`   // datasource_list
	Pinned      bool        `json:"pinned"`    // one source alone, besides None
	PwAuth      fact.Text   `json:"pw_auth"`   // ssh_pwauth: "true" lets sshd take passwords
	Passwords   []fact.Text `json:"passwords"` // lines that set one, the value left out
	ConfigKnown bool        `json:"config_known"`
	Reason      string      `json:"reason"` // why not
	Files       []File      `json:"files"`  // that hold user data and the like
	Logs        []File      `json:"logs"`
}

// File is a file and who may read it.
type File struct {
	Path string `json:"path"`
	Mode int    `json:"mode"`
	Text string `json:"text"`
	Open bool   `json:"open"` // everybody may read it
}

// Agent is a program of the provider.
type Agent struct {
	Name      string `json:"name"`
	Installed bool   `json:"installed"`
	Path      string `json:"path"`
}

// Root is the password of root against the day on which the host was made.
type Root struct {
	Known   bool   `json:"known"`
	Reason  string `json:"reason"`
	Set     bool   `json:"set"`
	Changed string `json:"changed"` // YYYY-MM-DD
	Created string `json:"created"` // the host, by cloud-init; "" where not known
	First   bool   `json:"first"`   // it is the one that the host was made with
	Line    int    `json:"line"`    // of /etc/shadow
}

// Stated is what the host's owner says of what cannot be seen from the host.
type Stated struct {
	File     string    `json:"file"`
	Present  bool      `json:"present"`
	Problem  string    `json:"problem"`  // why the file does not count
	Line     int       `json:"line"`     // of the problem
	Backups  fact.Text `json:"backups"`  // "yes", "no"
	Firewall fact.Text `json:"firewall"` // a name, "no"
}

// Image is what should not be in an image, as far as it is there.
type Image struct {
	Known bool   `json:"known"`
	Items []Item `json:"items"`
}

// Item is one such thing.
type Item struct {
	Kind string `json:"kind"` // authorized_keys, password, history, private_key, log, instance, host_key, machine_id, agent
	Path string `json:"path"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}
