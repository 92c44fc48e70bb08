package leak

import (
	"path"
	"strings"
)

// command finds passwords among the arguments of commands.
func (s *scanner) command(line string) {
	if !strings.Contains(line, " -") && !strings.Contains(line, "chpasswd") {
		return
	}
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	const most = 200
	program := ""
	for i, w := range words[:min(len(words), most)] {
		next := ""
		if i+1 < len(words) {
			next = firstWord(words[i+1])
		}
		switch base := path.Base(strings.Trim(w, "\"'`(")); base {
		case "sshpass", "mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "mariadb-admin", "curl", "wget", "docker", "podman", "chpasswd":
			program = base
		case "|", ";", "&&", "||":
			if base != "|" {
				program = ""
			}
		}
		if argument(program, w, next) || program == "chpasswd" && piped(words[:i]) {
			s.add(Leak{Kind: "password in a command"})
			return
		}
	}
}

// argument reports whether a word, perhaps with the next one, gives a password to
// a program.
func argument(program, word, next string) bool {
	if !strings.HasPrefix(word, "--") {
		return letter(program, word, next)
	}
	if name, value, ok := strings.Cut(word, "="); ok {
		return named(name) != "" && given(firstWord(value), 6)
	}
	return named(word) == "password" && given(next, 6)
}

// letter is argument for an option of one letter, which means what the program says.
func letter(program, word, next string) bool {
	rest, short := strings.CutPrefix(word, "-p")
	switch program {
	case "sshpass":
		return short && (given(firstWord(rest), 4) || rest == "" && given(next, 4))
	case "docker", "podman":
		return word == "-p" && given(next, 8) && !strings.Contains(next, ":") && mixed(next)
	case "curl", "wget":
		_, password, ok := strings.Cut(next, ":")
		return word == "-u" && ok && given(password, 4)
	}
	client := strings.HasPrefix(program, "mysql") || strings.HasPrefix(program, "mariadb")
	return client && short && given(firstWord(rest), 4)
}

// given reports whether an argument is a password of at least so many characters.
func given(v string, least int) bool {
	return len(v) >= least && !strings.HasPrefix(v, "-") && !strings.HasPrefix(v, "$") && !placeholder(v)
}

// piped reports whether chpasswd is given "user:password".
func piped(words []string) bool {
	for i, w := range words {
		if w != "echo" && w != "printf" || i+1 >= len(words) {
			continue
		}
		_, password, ok := strings.Cut(strings.Trim(words[i+1], "\"'"), ":")
		if ok && len(password) >= 4 && !placeholder(password) {
			return true
		}
	}
	return false
}
