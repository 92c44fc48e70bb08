// Package console is where a command of people's meets the world: its output, its
// environment, its terminal and its exit status.
package console

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"seawall/agent/look"
	"seawall/agent/usage"
	"seawall/pkg/text"
)

// The exit statuses.
const (
	Findings = 1
	Problem  = 2
)

// Console is what main gives to the commands, and what tests give.
type Console struct {
	Stdout, Stderr io.Writer
	Environ        []string
	Terminal       bool // Stdout is one
	ErrTerminal    bool // Stderr is one
	Width          int  // of the terminal, 0 where not known
}

// ExitError ends the program with a status. Where Err is nil, what there was to say
// has been said.
type ExitError struct {
	Code int
	Err  error
}

// Exit ends the program with a status, when everything has been said.
func Exit(code int) error {
	if code == 0 {
		return nil
	}
	return &ExitError{Code: code}
}

// Error is the message of what went wrong, or the status.
func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit status %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns what went wrong.
func (e *ExitError) Unwrap() error { return e.Err }

// Complain writes an error on a line of its own, and each of several that were
// joined. What an error says is escaped and bounded, so that a name in it cannot
// forge a line.
func (c *Console) Complain(err error) {
	for _, message := range usage.Messages(err) {
		fmt.Fprintf(c.Stderr, "seawall: %s\n", text.Terminal(text.Clean(message, text.Limit)))
	}
}

// Options says how reports look here: with colour on a terminal, unless NO_COLOR
// (https://no-color.org) or a dumb terminal speaks against it.
func (c *Console) Options() look.Options {
	noColor := slices.ContainsFunc(c.Environ, func(e string) bool {
		return strings.HasPrefix(e, "NO_COLOR=") && e != "NO_COLOR=" || e == "TERM=dumb"
	})
	return look.Options{Color: c.Terminal && !noColor, Width: c.Width}
}
