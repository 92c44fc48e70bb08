package page

import (
	"time"

	"seawall/collector/web/list"
)

// Join is the model of the page that adds a host.
type Join struct {
	Families, Formats, Lives []list.Option
	Collector, Repo          string
	Package, Labels          string
	Approval                 bool
	Problems                 []string // with what was asked for

	Own     bool   // the collector's own command invites, and the dashboard does not
	Command string // then that command
	Text    string // the user-data, or the script
	Shell   bool   // it is a script
	Token   string // its id
	Expires time.Time
	Now     time.Time
}

// AddHost returns the page that adds a host.
func AddHost(now time.Time, j Join) Page {
	j.Now = now
	return Page{Title: "Add a host", Section: "hosts", Body: j}
}
