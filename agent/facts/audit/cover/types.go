package cover

import "seawall/pkg/auditrule"

// Facts says what the rules in the kernel and those on disk record.
type Facts struct {
	// Known says that the rules of both places are known, of an image those on disk;
	// Reason says why not.
	Known  bool   `json:"known"`
	Reason string `json:"reason"`
	// Themes maps the names of themes ("identity", "time-change") to what is known.
	Themes map[string]Theme `json:"themes"`
	// Exec says which programs' starts by people who logged in are recorded.
	Exec Exec `json:"exec"`
	// Off are the rules, on disk or loaded, that switch all of it off.
	Off []Line `json:"off"`
}

// Theme is a kind of event that rules are wanted for.
type Theme struct {
	// Applies says that the host has what the theme is about; Absent says what is not
	// there.
	Applies bool   `json:"applies"`
	Absent  string `json:"absent"`
	// DiskGaps and LoadedGaps are the events that the rules do not record, in words.
	// They say something only where the rules themselves are known.
	DiskGaps   []string `json:"disk_gaps"`
	LoadedGaps []string `json:"loaded_gaps"`
	// Text says the same to people.
	Text string `json:"text"`
	// Rules are those on disk that record some of the theme, and those that hide it.
	Rules []Line `json:"rules"`
}

// Exec says which programs' starts are recorded, by the rules of both places that
// are known.
type Exec struct {
	// All says that every start is.
	All bool `json:"all"`
	// Paths are the programs, and Dirs the directories (they end in "/"), that are
	// recorded one by one.
	Paths []string `json:"paths"`
	Dirs  []string `json:"dirs"`
}

// Line is a rule and where it stands; a loaded one stands nowhere.
type Line struct {
	Text string `json:"text"`
	File string `json:"file"`
	Line int    `json:"line"`
}

// Rules are rules of one place, in their order.
type Rules struct {
	Known bool
	Rules []auditrule.Rule
	Lines []Line // of each rule
}
