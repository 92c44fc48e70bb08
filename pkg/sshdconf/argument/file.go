package argument

import "strings"

// none makes every spelling of "none" the one that sshd prints.
func none(s string) string {
	if strings.EqualFold(s, "none") {
		return "none"
	}
	return s
}

// absolute is what sshd, started by root in "/", makes of a file name.
func absolute(path string) string {
	path = none(Home(path))
	if path == "none" || strings.HasPrefix(path, "/") {
		return path
	}
	return "//" + path
}

// Home replaces "~/" by the home of root, who starts sshd.
func Home(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return "/root/" + rest
	}
	return path
}

// File reads a file name.
func File(a *List, arg string) error {
	a.Set(absolute(arg))
	return nil
}

// FileUnless reads a file name, or a word that is none.
func FileUnless(word string) func(*List, string) error {
	return func(a *List, arg string) error {
		if !strings.EqualFold(arg, word) {
			arg = absolute(arg)
		}
		a.Set(arg)
		return nil
	}
}

// Pattern reads a file name with tokens, which need not be absolute.
func Pattern(a *List, arg string) error {
	a.Set(none(Home(arg)))
	return nil
}
