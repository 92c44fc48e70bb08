// Package renewal reads whether certificates renew themselves: the lineages of
// certbot, lego, acme.sh and dehydrated, the timer or cron job that runs the client,
// and how its last run ended.
package renewal

import "seawall/agent/facts/fact"

// Client is an ACME client that keeps certificates on this host.
type Client struct {
	Name      string    `json:"name"` // certbot, lego, acme.sh, dehydrated
	Directory string    `json:"directory"`
	Lineages  []Lineage `json:"lineages"`
	// Active says whether something runs the client: a timer or a cron job, which
	// Place names.
	Active   fact.Tri `json:"active"`
	Place    string   `json:"place"`
	Line     int      `json:"line"`
	Disabled string   `json:"disabled"` // how to switch it on, "" where it is
	// LastRun says whether the last run succeeded.
	LastRun fact.Tri `json:"last_run"`
	LogFile string   `json:"log_file"`
}

// Lineage is one certificate that a client renews.
type Lineage struct {
	Client        string    `json:"client"`
	Name          string    `json:"name"`
	File          string    `json:"file"` // its settings
	Certificate   string    `json:"certificate"`
	Authenticator fact.Text `json:"authenticator"`
	// Unattended says whether it can be renewed without a person.
	Unattended fact.Tri  `json:"unattended"`
	Autorenew  fact.Text `json:"autorenew"`
	Staging    bool      `json:"staging"` // from a test authority that nobody trusts
}
