package frame

import (
	"time"

	"seawall/collector/fleet"
)

// Page is what every page's template gets.
type Page struct {
	Title   string
	Section string   // of the menu ([Frame.Menu]), or ""
	API     string   // the path of the same as JSON, or ""
	Live    *Live    // nil: the page does not change by itself
	Scripts []string // names of the page's own scripts among the static files
	Body    any      // the page's own model
	Chrome
}

// Chrome is what stands around a page's content. [Frame] fills it in.
type Chrome struct {
	Now      time.Time
	Visitor  Visitor
	SignedIn bool
	Path     string // of this page with its query, to come back to
	Form     string // the token that forms must carry
	Flash    string // what was just done
	Theme    string // light, dark or "": the reader's system decides
	Version  string
	Style    string   // address of the style sheet
	Code     []string // addresses of the scripts
	Icon     string   // address of the icon
	Menu     []Item
	Account  bool // there is a page of one's own account
}

// Live says which events concern a page.
type Live struct {
	Host  fleet.HostID
	Check string
	// Since is the newest event that the page shows; -1 when it shows none and
	// wants none that happened before it listens.
	Since int64
}

// Item is one entry of the menu.
type Item struct {
	Section string // what pages name in Page.Section
	Path    string
	Label   string
}

// menu is the menu in its order. An item shows to who may use the route of its path,
// and not at all when there is no such route.
func menu() []Item {
	return []Item{
		{"overview", "/", "Overview"},
		{"hosts", "/hosts", "Hosts"},
		{"checks", "/checks", "Checks"},
		{"detections", "/detections", "Detections"},
		{"changes", "/changes", "Changes"},
		{"patches", "/patches", "Patches"},
		{"waivers", "/waivers", "Waivers"},
		{"alerts", "/alerts", "Alerts"},
		{"reports", "/reports", "Reports"},
		{"users", "/users", "Users"},
		{"trail", "/trail", "Trail"},
		{"settings", "/settings", "Settings"},
	}
}

// Menu has the menu show what is in routes.
func (f *Frame) Menu(routes []Route) {
	by := make(map[string]Route, len(routes))
	for _, r := range routes {
		by[r.Pattern] = r
	}
	f.items = nil
	_, f.account = by["GET /account"]
	for _, i := range menu() {
		pattern := "GET " + i.Path
		if i.Path == "/" {
			pattern += "{$}"
		}
		if r, ok := by[pattern]; ok {
			f.items = append(f.items, entitled{i, r})
		}
	}
}

// entitled is an item of the menu with the route that it leads to.
type entitled struct {
	Item
	to Route
}
