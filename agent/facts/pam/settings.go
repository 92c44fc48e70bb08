package pam

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/pamconf"
)

// The modules' own files.
const (
	qualityFile = "/etc/security/pwquality.conf"
	historyFile = "/etc/security/pwhistory.conf"
	lockoutFile = "/etc/security/faillock.conf"
)

// qualityDefaults are libpwquality's; pam_cracklib's differ.
func qualityDefaults(module string) map[string]string {
	d := map[string]string{"difok": "1", "minlen": "8", "dcredit": "0", "ucredit": "0", "lcredit": "0", "ocredit": "0", "minclass": "0",
		"maxrepeat": "0", "maxsequence": "0", "maxclassrepeat": "0", "gecoscheck": "0", "dictcheck": "1", "usercheck": "1",
		"enforcing": "1", "retry": "1", "enforce_for_root": "no", "local_users_only": "no"}
	switch module {
	case "pam_cracklib":
		for _, k := range []string{"dcredit", "ucredit", "lcredit", "ocredit"} {
			d[k] = "1"
		}
		d["minlen"], d["difok"] = "9", "5"
	case "pam_passwdqc":
		return map[string]string{"min": "disabled,24,11,8,7", "enforce": "everyone", "retry": "3"}
	}
	return d
}

func lockoutDefaults() map[string]string {
	return map[string]string{"deny": "3", "fail_interval": "900", "unlock_time": "600", "root_unlock_time": "", "even_deny_root": "no",
		"local_users_only": "no", "admin_group": ""}
}

// settings are names and values, a later one over an earlier.
type settings map[string]fact.Text

func newSettings(defaults map[string]string) settings {
	s := make(settings, len(defaults))
	for k, v := range defaults {
		s[k] = fact.Text{Value: v}
	}
	return s
}

// set takes "name = value", "name=value" or the bare name of a switch. Names that are
// not known are the module's own business.
func (s settings) set(words, file string, n int, raw string) {
	name, value, ok := strings.Cut(words, "=")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	if !ok {
		name, value, _ = strings.Cut(name, " ")
		if value = strings.TrimSpace(value); value == "" {
			value = "yes"
		}
	}
	if _, known := s[name]; known {
		s[name] = fact.Text{Value: clean(value), Set: true, File: file, Line: n, Raw: clean(raw)}
	}
}

// arguments takes those of a rule.
func (s settings) arguments(rule *pamconf.Rule) {
	for _, a := range rule.Args {
		s.set(a, rule.File, rule.Line, line(rule).Raw)
	}
}

// file takes the lines of a module's file.
func (r *reader) file(s settings, name string) {
	r.Meta.Depend(name)
	data, err := r.root.ReadFile(name, 0)
	if err != nil {
		return
	}
	n := 0
	for l := range strings.Lines(string(data)) {
		n++
		raw := strings.TrimSpace(l)
		l, _, _ = strings.Cut(raw, "#")
		if l = strings.TrimSpace(l); l != "" {
			s.set(l, name, n, raw)
		}
	}
}

// numbers are the settings that are numbers; "never" is 0.
func (s settings) numbers() map[string]int {
	out := map[string]int{}
	for k, t := range s {
		if n, err := strconv.Atoi(t.Value); err == nil {
			out[k] = n
		} else if t.Value == "never" {
			out[k] = 0
		}
	}
	return out
}

// qualitySettings reads libpwquality's files: those of the directory first, then the
// main one, whose values stay (pwquality_read_config).
func (r *reader) qualitySettings(rule *pamconf.Rule) settings {
	s := newSettings(qualityDefaults(rule.Module))
	if rule.Module == "pam_pwquality" {
		dir := qualityFile + ".d"
		r.Meta.Depend(dir + "/")
		names, err := r.root.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.leave("quality", clean(err.Error()))
		}
		if len(names) > maxFiles {
			r.leave("quality", dir+" has more files than are read")
		}
		for _, n := range names[:min(len(names), maxFiles)] {
			if strings.HasSuffix(n, ".conf") {
				r.file(s, path.Join(dir, n))
			}
		}
		r.file(s, qualityFile)
	}
	s.arguments(rule)
	return s
}

// maxFiles bounds the names of a directory that are looked at.
const maxFiles = 200

// leave says that the settings of a module are not all known.
func (r *reader) leave(module, why string) {
	for _, part := range []string{"settings", "numbers", "shortest", "enforced"} {
		r.Meta.Leave(module+"."+part, why)
	}
}

// shortest is the length of the shortest password that gets through.
func shortest(module string, s settings) int {
	if module == "pam_passwdqc" {
		least := 0
		for part := range strings.SplitSeq(s["min"].Value, ",") {
			if n, err := strconv.Atoi(part); err == nil && (least == 0 || n < least) {
				least = n
			}
		}
		return least
	}
	n := s.numbers()
	length, must := n["minlen"], 0
	for _, k := range []string{"dcredit", "ucredit", "lcredit", "ocredit"} {
		if n[k] > 0 {
			length -= n[k]
		} else {
			must -= n[k]
		}
	}
	return max(length, must, 6) // libpwquality's own least
}
