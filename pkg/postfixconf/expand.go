package postfixconf

import "strings"

// expansion expands the values of one configuration, or of one service.
type expansion struct {
	config  *Config
	service *Service
	written int
	steps   int
}

// expand replaces what begins with a dollar.
func (e *expansion) expand(s string, depth int) string {
	if depth > maxDepth || !strings.Contains(s, "$") {
		return s
	}
	var b strings.Builder
	for s != "" {
		before, after, ok := strings.Cut(s, "$")
		e.written += len(before)
		b.WriteString(before)
		if !ok || e.written > maxValue {
			break
		}
		s = after
		switch {
		case strings.HasPrefix(s, "$"):
			b.WriteString("$")
			s = s[1:]
		case strings.HasPrefix(s, "{") || strings.HasPrefix(s, "("):
			inner, rest := balanced(s)
			b.WriteString(e.braces(inner, depth))
			s = rest
		default:
			n := nameLength(s)
			b.WriteString(e.value(s[:n], depth))
			s = s[n:]
		}
	}
	return b.String()
}

// braces is what stands between "${" and "}".
func (e *expansion) braces(s string, depth int) string {
	n := nameLength(s)
	name, rest := s[:n], strings.TrimLeft(s[n:], " \t")
	switch {
	case name == "":
		return "" // a comparison
	case rest == "":
		return e.value(name, depth)
	case rest[0] != '?' && rest[0] != ':':
		return ""
	}
	set := e.value(name, depth) != ""
	text := strings.TrimLeft(rest[1:], " \t")
	yes, no := text, ""
	if strings.HasPrefix(text, "{") {
		yes, text = balanced(text)
		if text = strings.TrimLeft(text, " \t"); strings.HasPrefix(text, ":") {
			no = strings.TrimLeft(text[1:], " \t")
			if strings.HasPrefix(no, "{") {
				no, _ = balanced(no)
			}
		}
	}
	if rest[0] == ':' {
		yes, no = no, yes
	}
	if set {
		return e.expand(yes, depth+1)
	}
	return e.expand(no, depth+1)
}

// value is what a parameter named in another expands to.
func (e *expansion) value(name string, depth int) string {
	if e.steps++; e.steps > maxSteps {
		return ""
	}
	got, ok := e.config.lookup(e.service, name)
	if !ok {
		return e.expand(standard(name), depth+1)
	}
	return e.expand(got.Value, depth+1)
}

// standard are the defaults from which other values are usually made.
func standard(name string) string {
	switch name {
	case "config_directory":
		return DefaultDir
	case "queue_directory":
		return "/var/spool/postfix"
	case "data_directory":
		return "/var/lib/postfix"
	case "mydestination":
		return "$myhostname, localhost.$mydomain, localhost"
	case "myorigin":
		return "$myhostname"
	case "mynetworks_style":
		return "host"
	}
	return ""
}

func nameLength(s string) int {
	return len(s) - len(strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"))
}

// balanced divides s, which begins with a bracket, behind the one that closes it.
func balanced(s string) (inner, rest string) {
	closing := byte('}')
	if s[0] == '(' {
		closing = ')'
	}
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case s[0]:
			depth++
		case closing:
			if depth--; depth == 0 {
				return s[1:i], s[i+1:]
			}
		}
	}
	return s[1:], ""
}
