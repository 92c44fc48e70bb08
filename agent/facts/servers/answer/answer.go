// Package answer holds the form in which a server's configuration answers one
// question: may strangers do this?
package answer

import (
	"fmt"
	"slices"

	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Answer is what the configuration of one server, or of one of its parts, says to
// one question. The zero Answer is not known.
type Answer struct {
	Server string `json:"server"` // postfix, squid, bind, …
	// Name is the server, and what part of it (a share, a view, a zone).
	Name    string `json:"name"`
	Known   bool   `json:"known"`   // false: Reason says why it could not be judged
	Allowed bool   `json:"allowed"` // strangers may
	// Public: the configuration makes the server listen on more than loopback.
	Public bool   `json:"public"`
	Reason string `json:"reason"` // what decides, in words
	// Places are the lines that decide.
	Places []finding.Evidence `json:"places"`
}

// maxWord bounds a name and a reason, maxPlaces the lines kept for people.
const (
	maxWord   = 300
	maxPlaces = 8
)

// Say sets the verdict.
func (a *Answer) Say(allowed bool, format string, args ...any) {
	a.Known, a.Allowed = true, allowed
	a.Reason = text.Clean(fmt.Sprintf(format, args...), maxWord)
}

// Unknown sets that there is no verdict.
func (a *Answer) Unknown(format string, args ...any) {
	a.Known, a.Allowed = false, false
	a.Reason = text.Clean(fmt.Sprintf(format, args...), maxWord)
}

// At adds a line that decides, once. A place without a file is none.
func (a *Answer) At(file string, line int, raw string) {
	e := finding.Evidence{File: file, Line: line, Text: text.Clean(raw, maxWord)}
	if file == "" || len(a.Places) == maxPlaces || slices.Contains(a.Places, e) {
		return
	}
	a.Places = append(a.Places, e)
}

// More returns the answer of those parts of a server that are not asked, because there
// are so many. Nothing is known of them.
func More(server string) Answer {
	a := New(server, "")
	a.Public = true
	a.Unknown("there is more in its configuration than is asked")
	return a
}

// New returns the answer of a server, or of the part of it that is named.
func New(server, part string) Answer {
	name := server
	if part != "" {
		name += " " + text.Clean(part, maxWord)
	}
	return Answer{Server: server, Name: name}
}
