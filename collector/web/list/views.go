package list

// Views are the saved views that a visitor sees above the list of hosts.
type Views struct {
	Links []View
	Query string // of the list as it is now; "": there is nothing to save
	Share bool   // the visitor may share
}

// View is a saved view that leads to its list.
type View struct {
	ID, Name, Path string
	By             string // who shares it, where that is another
	Shared         bool
	May            bool // the visitor may remove it
	Here           bool // it is the list that is shown
}
