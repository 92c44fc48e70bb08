package restart

import (
	"encoding/json"
	"errors"
	"fmt"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

// parseReply reads an answer, and bounds what is in it as Scan does. What it does
// not know in it is left out: the other end can be newer.
func parseReply(data []byte) (Facts, error) {
	f := empty()
	if err := json.Unmarshal(data, &f); err != nil {
		return Facts{}, fmt.Errorf("parse the answer: %w", err)
	}
	f.Meta = fact.Meta{State: fact.StateKnown}
	if f.Scanned < 1 || f.Denied < 0 || f.Partial < 0 || f.More < 0 || f.MoreUnits < 0 {
		return Facts{}, errors.New("parse the answer: nothing was looked at")
	}
	f.Processes, f.Units = first(f.Processes, maxProcesses), first(f.Units, maxUnits)
	for i := range f.Processes {
		p := &f.Processes[i]
		clean(&p.Comm, &p.Exe, &p.Unit, &p.User)
		p.Files = files(p.Files)
	}
	for i := range f.Units {
		u := &f.Units[i]
		clean(&u.Name, &u.Kind, &u.Command)
		u.Files, u.PIDs = files(u.Files), first(u.PIDs, maxPIDs)
	}
	f.Limited, f.Stale = text.Clean(f.Limited, text.Limit), ""
	return f, nil
}

// first returns at most n of list, which is never nil.
func first[E any](list []E, n int) []E {
	if list == nil {
		return []E{}
	}
	return list[:min(len(list), n)]
}

func files(names []string) []string {
	names = first(names, maxFiles)
	for i := range names {
		clean(&names[i])
	}
	return names
}

func clean(words ...*string) {
	for _, w := range words {
		*w = text.Clean(*w, maxCommand)
	}
}
