package secrets

import "seawall/agent/facts/fact"

// Facts is what is known of secrets on the disk.
type Facts struct {
	Meta     fact.Meta `json:"meta"`
	Searched Searched  `json:"searched"`
	// Leaks are the secrets that were found: of each file at most one that is a
	// private key, and one that is not.
	Leaks []Leak `json:"leaks"`
	// Files hold secrets by their nature.
	Files []File `json:"files"`
	// Web is what lies below the root of a web site and is nobody's business.
	Web []WebFile `json:"web"`
}

// Searched says where secrets were looked for.
type Searched struct {
	Known    bool     `json:"known"`
	Files    int      `json:"files"` // that were read
	Bytes    int      `json:"bytes"`
	Homes    []string `json:"homes"`
	WebRoots []string `json:"web_roots"`
	Cut      string   `json:"cut"` // what was left out, "" where nothing was
}

// The places of a leak.
const (
	PlaceHistory     = "history"     // of a shell or a client
	PlaceHome        = "home"        // a file in a home
	PlaceApp         = "app"         // settings of an application: .env, compose files
	PlaceEnvironment = "environment" // a file that is the environment of services or sessions
	PlaceUnit        = "unit"
	PlaceStartup     = "startup" // what shells run when somebody logs in
	PlaceCron        = "cron"
	PlaceWeb         = "web"
	PlaceUserData    = "user_data" // of cloud-init
)

// Leak is a secret in a file.
type Leak struct {
	Place     string `json:"place"`
	Kind      string `json:"kind"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	Raw       string `json:"raw"`  // what it is, in words: never the line itself
	More      int    `json:"more"` // others in the same file
	User      string `json:"user"` // whose home it lies in
	Mode      int    `json:"mode"`
	Text      string `json:"text"` // mode and owner
	Open      bool   `json:"open"` // everybody may read it
	Key       bool   `json:"key"`  // a private key
	Encrypted bool   `json:"encrypted"`
}

// File holds secrets by its nature.
type File struct {
	Kind string `json:"kind"` // "cloud", "database", "developer"
	Path string `json:"path"`
	User string `json:"user"`
	Mode int    `json:"mode"`
	Text string `json:"text"`
	Open bool   `json:"open"` // everybody may read it, or a group with others in it
}

// WebFile lies below the root of a web site.
type WebFile struct {
	Kind   string `json:"kind"` // "git", "backup", "settings"
	Path   string `json:"path"`
	Root   string `json:"root"`
	Denied bool   `json:"denied"` // the server's configuration refuses it
}
