package report

import (
	"io"

	"seawall/agent/facts/sshd"
)

// setting is a keyword's value as JSON has it.
type setting struct {
	Value any    `json:"value"` // string, or list where the keyword repeats
	File  string `json:"file"`
	Line  int    `json:"line"`
}

// Settings writes the settings of one connection as an object of keywords.
func Settings(w io.Writer, settings map[string]sshd.Setting) error {
	out := map[string]setting{}
	for keyword, s := range settings {
		one := setting{Value: s.Value, File: s.File, Line: s.Line}
		if len(s.Values) > 1 {
			one.Value = s.Values
		}
		out[keyword] = one
	}
	return JSON(w, out)
}
