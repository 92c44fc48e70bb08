package crontab

import (
	"path"
	"slices"
	"strings"
)

// Programs names what a command line runs, in order, each once: the commands
// themselves, the scripts that interpreters are given, the programs behind wrappers
// (nice, flock, sudo), and the directory of run-parts. Words that only a shell could
// tell ($X, $(…)) are left out. more says that there are more words than are looked at.
func Programs(command string) (all []string, more bool) {
	add := func(name string) {
		if name != "" && !strings.ContainsAny(name, "$`*?") && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	list, more := commands(command)
	for _, words := range list {
		more = simple(words, add) || more
	}
	return all, more
}

// simple looks at the words of one simple command. It returns what Programs does of
// the text that a shell is given.
func simple(words []string, add func(string)) (more bool) {
	for len(words) > 0 {
		w := words[0]
		base := path.Base(w)
		switch {
		case strings.Contains(w, "=") && !strings.HasPrefix(w, "/"):
			words = words[1:]
			continue // VAR=value command
		case slices.Contains(keywords(), w):
			words = words[1:]
			continue
		case slices.Contains(builtins(), w):
			return false
		case w == "." || w == "source":
			if len(words) > 1 {
				add(words[1])
			}
			return false
		}
		add(w)
		switch {
		case interpreter(base):
			return script(words[1:], add)
		case base == "run-parts":
			if dir := words[len(words)-1]; strings.HasPrefix(dir, "/") {
				add(dir)
			}
			return false
		case slices.Contains(wrappers(), base):
			words = behind(base, words[1:])
			continue
		}
		return false
	}
	return false
}

// script is what an interpreter is given: "-c TEXT", or the first word that is no
// option.
func script(words []string, add func(string)) (more bool) {
	for i, w := range words {
		if strings.HasPrefix(w, "-") && strings.HasSuffix(w, "c") && !strings.HasPrefix(w, "--") {
			if i+1 == len(words) {
				return false
			}
			all, more := Programs(words[i+1])
			for _, p := range all {
				add(p)
			}
			return more
		}
		if !strings.HasPrefix(w, "-") {
			if strings.Contains(w, "/") {
				add(w)
			}
			return false
		}
	}
	return false
}

// behind returns the command that a wrapper runs: what follows its options and its
// own arguments.
func behind(wrapper string, words []string) []string {
	skip := map[string]int{"flock": 1, "timeout": 1, "chroot": 1, "setuidgid": 1, "runuser": 0, "sudo": 0}[wrapper]
	valued := map[string]string{"nice": "n", "ionice": "cn", "sudo": "ugC", "flock": "wE", "timeout": "ks", "env": "u", "runuser": "u", "chrt": "",
		"systemd-cat": "tp", "chronic": "", "setsid": "", "nohup": "", "stdbuf": "ioe"}[wrapper]
	for len(words) > 0 {
		w := words[0]
		switch {
		case w == "--":
			words = words[1:]
		case len(w) == 2 && w[0] == '-' && strings.Contains(valued, w[1:]):
			words = words[min(2, len(words)):]
			continue
		case strings.HasPrefix(w, "-"):
			words = words[1:]
			continue
		case skip > 0:
			skip--
			words = words[1:]
			continue
		}
		break
	}
	return words
}

func interpreter(base string) bool {
	for _, name := range []string{"python", "perl", "php", "ruby", "node", "lua"} {
		if strings.HasPrefix(base, name) {
			return true
		}
	}
	return slices.Contains([]string{"sh", "bash", "dash", "zsh", "ksh", "busybox", "awk", "tclsh"}, base)
}

func wrappers() []string {
	return []string{"nice", "ionice", "env", "sudo", "flock", "timeout", "nohup", "exec", "setsid", "chrt", "runuser", "systemd-cat", "chronic", "time",
		"command", "xargs", "stdbuf", "setuidgid"}
}

func keywords() []string {
	return []string{"if", "then", "else", "elif", "fi", "while", "until", "do", "done", "!", "{", "}", "for", "case", "esac", "in"}
}

func builtins() []string {
	return []string{"cd", "test", "[", "[[", "true", "false", ":", "echo", "export", "umask", "ulimit", "set", "unset", "exit", "return", "wait", "eval",
		"printf", "read", "trap", "sleep"}
}

// commands splits a command line into simple commands of words, redirections left
// out. Quotes are taken off; a word in double quotes keeps its dollar signs.
func commands(line string) (all [][]string, more bool) {
	s := splitter{line: line}
	for s.i = 0; s.i < len(line) && !s.comment; s.i++ {
		if s.quote != 0 {
			s.quoted(line[s.i])
		} else {
			s.plain(line[s.i])
		}
	}
	s.endCommand()
	return s.all, s.more
}

type splitter struct {
	line    string
	i       int
	all     [][]string
	words   []string
	word    strings.Builder
	begun   bool // a word, be it empty
	quote   byte
	target  bool // the next word is a redirection's
	comment bool
	count   int
	more    bool
}

// quoted takes a character inside quotes.
func (s *splitter) quoted(c byte) {
	switch {
	case c == '\\' && s.quote == '"' && s.i+1 < len(s.line):
		s.i++
		s.word.WriteByte(s.line[s.i])
	case c == s.quote:
		s.quote = 0
	default:
		s.word.WriteByte(c)
	}
}

// plain takes a character outside of quotes.
func (s *splitter) plain(c byte) {
	switch c {
	case '\\':
		if s.i++; s.i < len(s.line) {
			s.word.WriteByte(s.line[s.i])
		}
		s.begun = true
	case '"', '\'':
		s.quote, s.begun = c, true
	case ' ', '\t':
		s.endWord()
	case '>', '<':
		s.redirect()
	case ';', '&', '|', '(', ')', '\n':
		s.endCommand()
	default:
		if s.comment = c == '#' && !s.begun; s.comment {
			return
		}
		s.word.WriteByte(c)
		s.begun = true
	}
}

// redirect drops the number of a descriptor before a redirection, and its marks.
func (s *splitter) redirect() {
	if strings.Trim(s.word.String(), "0123456789") == "" {
		s.word.Reset()
		s.begun = false
	}
	s.endWord()
	s.target = true
	for s.i+1 < len(s.line) && strings.IndexByte("><&|", s.line[s.i+1]) >= 0 {
		s.i++
	}
}

func (s *splitter) endWord() {
	if s.begun && !s.target {
		if s.more = s.count == maxWords; !s.more {
			s.words = append(s.words, s.word.String())
			s.count++
		}
	}
	s.target = s.target && !s.begun
	s.word.Reset()
	s.begun = false
}

func (s *splitter) endCommand() {
	s.endWord()
	if len(s.words) > 0 {
		s.all = append(s.all, s.words)
	}
	s.words, s.target = nil, false
}
