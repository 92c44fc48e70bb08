// Package argument takes the arguments of one line of sshd_config(5) in turn:
// words of a list, names, files, the rest of the line. It says what sshd says of
// what is missing or wrong. Which keyword takes what is for package option, and
// numbers are for package quantity.
package argument

import (
	"fmt"
	"strings"
)

// Error is a refusal of a line.
type Error struct {
	Text string
	// Soft errors are counted, and refuse the file when it ends; any other ends
	// the reading at once.
	Soft bool
	// Located: Text is a whole message that names its line.
	Located bool
	// Before is a message of its own that sshd prints first.
	Before string
}

// Error is what sshd prints; the caller adds file and line.
func (e *Error) Error() string { return e.Text }

// Fatal returns an error that ends the reading.
func Fatal(format string, args ...any) error { return &Error{Text: fmt.Sprintf(format, args...)} }

// Soft returns an error that is counted.
func Soft(format string, args ...any) error {
	return &Error{Text: fmt.Sprintf(format, args...), Soft: true}
}

// List is a line on its way through a keyword's reader. What the reader does not
// take is too much.
type List struct {
	Left    []string // unquoted
	Rest    string   // the unparsed text after the keyword
	Keyword string   // as written
	Active  bool     // false in a Match block that does not apply
	Release int      // the server's, 902 for OpenSSH 9.2
	// Earlier returns what the lines before have set of a keyword; nil is nothing.
	Earlier func(keyword string) []string

	Out   []string // what sshd -T would print, one text a line
	Force bool     // the value counts though another line was first
}

// Next takes the next argument. An empty one is as good as none.
func (a *List) Next() (string, bool) {
	if len(a.Left) == 0 {
		return "", false
	}
	arg := a.Left[0]
	a.Left = a.Left[1:]
	return arg, arg != ""
}

// All takes every argument that is left.
func (a *List) All() []string {
	list := a.Left
	a.Left = nil
	return list
}

// Set makes text the value.
func (a *List) Set(text string) { a.Out = []string{text} }

// Join makes the words of list the value, on one line; no word is no value.
func (a *List) Join(list []string) {
	if len(list) > 0 {
		a.Set(strings.Join(list, " "))
	}
}
