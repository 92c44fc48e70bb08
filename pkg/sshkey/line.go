package sshkey

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Line is one line of an authorized_keys file.
type Line struct {
	Key
	Options []Option
	Comment string
}

// Option is an option of a line, its name in lower case.
type Option struct {
	Name, Value string
}

// Has reports whether an option is there.
func (l *Line) Has(name string) bool {
	return slices.ContainsFunc(l.Options, func(o Option) bool { return o.Name == name })
}

// Value is the value of an option, empty where it is not there.
func (l *Line) Value(name string) string {
	for _, o := range l.Options {
		if o.Name == name {
			return o.Value
		}
	}
	return ""
}

// LineLimit bounds a line. The longest key that sshd takes has 8 KiB; options are
// short.
const LineLimit = 64 << 10

const blanks = " \t"

// ParseLine reads a line; nil for one that is empty or a comment.
func ParseLine(s string) (*Line, error) {
	s = strings.TrimRight(s, "\r\n")
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	s = strings.TrimLeft(s, blanks)
	if s == "" || s[0] == '#' {
		return nil, nil
	}
	if len(s) > LineLimit {
		return nil, errors.New("the line is too long")
	}
	l, err := keyAndComment(s)
	if err == nil {
		return l, nil
	}
	end := optionsEnd(s)
	if end == len(s) || strings.HasPrefix(s, "ssh-") || strings.HasPrefix(s, "ecdsa-") || strings.HasPrefix(s, "sk-") {
		return nil, err // no option is named so
	}
	if l, err = keyAndComment(strings.TrimLeft(s[end:], blanks)); err != nil {
		return nil, err
	}
	l.Options, err = parseOptions(s[:end])
	return l, err
}

func keyAndComment(s string) (*Line, error) {
	kind, rest := word(s)
	data, comment := word(rest)
	if data == "" {
		return nil, errors.New("there is no key")
	}
	blob, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, errors.New("there is no key")
	}
	k, err := Parse(blob)
	if err != nil {
		return nil, err
	}
	if r := (reader{rest: blob}); string(r.next()) != kind {
		return nil, fmt.Errorf("the key is not of the kind %.64q that it is said to be", kind)
	}
	return &Line{Key: k, Comment: comment}, nil
}

// word takes the first word of s off.
func word(s string) (first, rest string) {
	i := strings.IndexAny(s, blanks)
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], blanks)
}

// optionsEnd is where the options of a line end.
func optionsEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t'):
			return i
		}
	}
	return len(s)
}

// switches are the options without a value; all but the first two may have "no-"
// before them.
func switches() []string {
	return []string{"restrict", "cert-authority", "port-forwarding", "agent-forwarding", "x11-forwarding", "pty", "user-rc",
		"touch-required", "verify-required"}
}

func values() []string {
	return []string{"command", "principals", "from", "expiry-time", "environment", "permitopen", "permitlisten", "tunnel"}
}

func parseOptions(s string) (list []Option, err error) {
	for s != "" {
		n := len(s)
		if i := strings.IndexAny(s, `=,`); i >= 0 {
			n = i
		}
		name := strings.ToLower(s[:n])
		bare := strings.TrimPrefix(name, "no-")
		plain := slices.Contains(switches(), name) || slices.Index(switches(), bare) > 1
		s = s[n:]
		o := Option{Name: name}
		switch {
		case strings.HasPrefix(s, "=") && slices.Contains(values(), name):
			if o.Value, s, err = quoted(s[1:]); err != nil {
				return nil, fmt.Errorf("option %s: %w", name, err)
			}
		case !plain:
			return nil, fmt.Errorf("sshd does not know the option %.64q", name)
		}
		list = append(list, o)
		switch {
		case s == "":
		case s[0] != ',' || len(s) == 1:
			return nil, fmt.Errorf("something unexpected follows the option %s", name)
		default:
			s = s[1:]
		}
	}
	return list, nil
}

// quoted takes a value between quotes off s.
func quoted(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		return "", s, errors.New("its value has no quotes")
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
			b.WriteByte('"')
		case s[i] == '"':
			return b.String(), s[i+1:], nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", s, errors.New("its value has no end")
}
