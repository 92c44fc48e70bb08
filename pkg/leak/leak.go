package leak

import (
	"bytes"
	"strings"
)

// Mode says what to look for beside tokens, keys and URLs.
type Mode int

// Modes, to be added up.
const (
	Settings Mode = 1 << iota // values by the names of settings
	Commands                  // arguments of commands
)

// Limit is how many leaks of one text are told, and lineLimit how much of one line
// is looked at for settings and commands.
const (
	Limit     = 64
	lineLimit = 4096
)

// Leak is a secret that was found.
type Leak struct {
	Kind      string // for people: "token of GitHub"
	Line      int    // from 1
	Key       bool   // a private key
	Encrypted bool   // of a key: a passphrase protects it
}

// Scan finds the secrets in a text, in the order of lines, one of a kind for each
// line.
func Scan(text []byte, mode Mode) []Leak {
	s := &scanner{text: text, mode: mode}
	for start := 0; start < len(text) && len(s.found) < Limit; {
		s.number++
		end := bytes.IndexByte(text[start:], '\n')
		if end < 0 {
			end = len(text)
		} else {
			end += start
		}
		s.line(start, end)
		start = end + 1
	}
	return s.found
}

type scanner struct {
	text   []byte
	mode   Mode
	number int
	found  []Leak
}

func (s *scanner) add(l Leak) {
	l.Line = s.number
	for i := len(s.found) - 1; i >= 0 && s.found[i].Line == l.Line; i-- {
		if s.found[i].Kind == l.Kind {
			return
		}
	}
	if len(s.found) < Limit {
		s.found = append(s.found, l)
	}
}

// line looks at the line text[start:end].
func (s *scanner) line(start, end int) {
	line := s.text[start:end]
	before := len(s.found)
	s.tokens(line)
	if i := bytes.Index(line, []byte("-----BEGIN ")); i >= 0 {
		s.pem(start + i)
	} else if bytes.HasPrefix(line, []byte("PuTTY-User-Key-File-")) {
		s.putty(start)
	}
	if bytes.Contains(line, []byte("://")) {
		s.urls(line)
	}
	if len(s.found) > before || s.mode == 0 || len(line) > lineLimit {
		return // what is told already needs no second name
	}
	if s.mode&Settings != 0 {
		s.setting(string(line))
	}
	if s.mode&Commands != 0 && len(s.found) == before {
		s.command(string(line))
	}
}

// tokens finds tokens of known forms, which begin where a word does.
func (s *scanner) tokens(line []byte) {
	word := false // the byte before belongs to a word
	for i := 0; i < len(line); i++ {
		c := line[i]
		if !word && starts[c] {
			if kind, n := token(line[i:]); n > 0 {
				s.add(Leak{Kind: kind})
				i += n - 1
				word = true
				continue
			}
		}
		word = alnum(c) || c == '_'
	}
}

// urls finds URLs with a password.
func (s *scanner) urls(line []byte) {
	for {
		i := bytes.Index(line, []byte("://"))
		if i < 0 {
			return
		}
		scheme := i > 0 && alnum(line[i-1])
		line = line[i+3:]
		end := bytes.IndexAny(line, "/ \t\"'`<>@,;)\\")
		if !scheme || end < 0 || line[end] != '@' || end > 512 || end+1 == len(line) || !alnum(line[end+1]) && line[end+1] != '[' {
			continue
		}
		_, password, ok := strings.Cut(string(line[:end]), ":")
		if ok && len(password) >= 4 && !placeholder(password) {
			s.add(Leak{Kind: "password in a URL"})
		}
	}
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
