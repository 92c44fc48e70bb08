package pamconf

import (
	"path"
	"slices"
	"strings"
)

// Type is what a stack is for.
type Type string

// The four stacks of a service.
const (
	Auth     Type = "auth"
	Account  Type = "account"
	Password Type = "password"
	Session  Type = "session"
)

// Rule is one line of a stack.
type Rule struct {
	Type    Type
	Control string // as written, in lower case
	Module  string // the file's name without path and ".so"; empty of a substack's mark
	Args    []string
	Silent  bool // "-": a missing module is not logged; it fails all the same
	// Broken says why the line always fails; empty: it does not.
	Broken string
	File   string
	Line   int
	Raw    string

	level    int
	substack bool // the mark where one begins
	actions  map[string]string
}

// Arg returns the value of an argument "name=value", or of the bare "name" with an
// empty value. The last one counts.
func (r *Rule) Arg(name string) (value string, ok bool) {
	for _, a := range slices.Backward(r.Args) {
		if n, v, _ := strings.Cut(a, "="); n == name {
			return v, true
		}
	}
	return "", false
}

// Stack is the rules of one type, substacks and includes in place.
type Stack []Rule

// Service is the configuration of one program.
type Service struct {
	Name string
	// File is the service's own, empty where it has none and "other" holds.
	File   string
	stacks map[Type]Stack
}

// Stack returns the rules of a type.
func (s *Service) Stack(t Type) Stack { return s.stacks[t] }

// action returns what a result leads to.
func (r *Rule) action(result string) string {
	if a, ok := r.actions[result]; ok {
		return a
	}
	if a, ok := r.actions["default"]; ok {
		return a
	}
	return "bad"
}

// words are the controls that stand for a list of actions.
func words() map[string]map[string]string {
	return map[string]map[string]string{
		"required":   {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "bad"},
		"requisite":  {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "die"},
		"optional":   {"success": "ok", "new_authtok_reqd": "ok", "default": "ignore"},
		"sufficient": {"success": "done", "new_authtok_reqd": "done", "default": "ignore"},
	}
}

// results are the names of what modules return (pam.d(5)), in libpam's order.
func results() []string {
	return []string{"success", "open_err", "symbol_err", "service_err", "system_err", "buf_err", "perm_denied", "auth_err",
		"cred_insufficient", "authinfo_unavail", "user_unknown", "maxtries", "new_authtok_reqd", "acct_expired", "session_err",
		"cred_unavail", "cred_expired", "cred_err", "no_module_data", "conv_err", "authtok_err", "authtok_recover_err",
		"authtok_lock_busy", "authtok_disable_aging", "try_again", "ignore", "abort", "authtok_expired", "module_unknown", "bad_item",
		"conv_again", "incomplete"}
}

// fields takes a line apart: words between blanks, or what is between brackets.
func fields(line string) (out []string) {
	const blank = " \t\r\v\f"
	for line = strings.TrimLeft(line, blank); line != ""; line = strings.TrimLeft(line, blank) {
		if line[0] != '[' {
			i := strings.IndexAny(line, blank)
			if i < 0 {
				return append(out, line)
			}
			out, line = append(out, line[:i]), line[i:]
			continue
		}
		inner, rest := bracketed(line)
		out, line = append(out, inner), rest
	}
	return out
}

// bracketed reads from "[" to "]"; "\]" does not end it. The brackets of a control
// stay, so that it is known as one; fields of arguments drop them.
func bracketed(line string) (inner, rest string) {
	var b strings.Builder
	b.WriteByte('[')
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == ']':
			i++
			b.WriteByte(']')
		case line[i] == ']':
			return b.String() + "]", line[i+1:]
		default:
			b.WriteByte(line[i])
		}
	}
	return b.String(), ""
}

// parse reads one line. Of one that libpam cannot read the rule is broken.
func parse(line string) (r Rule) {
	f := fields(line)
	r.Raw = line
	if name, ok := strings.CutPrefix(f[0], "-"); ok {
		r.Silent, f[0] = true, name
	}
	r.Type = Type(strings.ToLower(f[0]))
	if !slices.Contains([]Type{Auth, Account, Password, Session}, r.Type) {
		r.Broken = "the type is none that PAM knows"
	}
	if len(f) < 2 {
		r.Broken = "there is no control"
		return r
	}
	r.Control = strings.ToLower(f[1])
	if strings.HasPrefix(f[1], "[") {
		r.Control = f[1]
		r.actions = actions(f[1])
	} else {
		r.actions = words()[r.Control]
	}
	if r.Broken == "" && r.actions == nil && r.Control != "include" && r.Control != "substack" {
		r.Broken = "the control is none that PAM knows"
	}
	if len(f) < 3 {
		r.Broken = "there is no module"
		return r
	}
	r.Module = strings.TrimSuffix(path.Base(f[2]), ".so")
	for _, a := range f[3:] {
		if strings.HasPrefix(a, "[") {
			a = strings.TrimSuffix(a[1:], "]")
		}
		r.Args = append(r.Args, a)
	}
	return r
}

// actions reads "[value=action …]"; nil where libpam would not.
func actions(control string) map[string]string {
	inner, ok := strings.CutSuffix(control[1:], "]")
	if !ok {
		return nil
	}
	out := map[string]string{}
	rest := strings.TrimLeft(inner, " \t")
	for rest != "" {
		name, after, ok := strings.Cut(rest, "=")
		name = strings.TrimSpace(name)
		if !ok || name != "default" && !slices.Contains(results(), name) {
			return nil
		}
		after = strings.TrimLeft(after, " \t")
		n := strings.IndexAny(after, " \t")
		if n < 0 {
			n = len(after)
		}
		action := after[:n]
		if !slices.Contains([]string{"ignore", "ok", "done", "bad", "die", "reset"}, action) &&
			(action == "" || strings.Trim(action, "0123456789") != "" || len(action) > 4) {
			return nil
		}
		if _, twice := out[name]; !twice || name != "default" { // the first default has filled all gaps
			out[name] = action
		}
		rest = strings.TrimLeft(after[n:], " \t")
	}
	return out
}
