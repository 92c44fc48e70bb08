package accounts

import (
	"slices"
	"strconv"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

const (
	loginDefs   = "/etc/login.defs"
	useraddFile = "/etc/default/useradd"
)

// builtIn are the values that shadow-utils takes where login.defs or useradd's file
// say nothing.
func builtIn() (login, useradd map[string]string) {
	return map[string]string{
			"PASS_MAX_DAYS": "-1", "PASS_MIN_DAYS": "-1", "PASS_WARN_AGE": "-1", "ENCRYPT_METHOD": "DES", "UMASK": "022",
			"UID_MIN": "1000", "UID_MAX": "60000", "HOME_MODE": "", "USERGROUPS_ENAB": "no", "LOGIN_RETRIES": "5", "LOGIN_TIMEOUT": "60",
			"LOG_OK_LOGINS": "no", "CREATE_HOME": "no", "SHA_CRYPT_MIN_ROUNDS": "", "SHA_CRYPT_MAX_ROUNDS": "", "YESCRYPT_COST_FACTOR": "",
			"ENV_SUPATH": "PATH=/sbin:/bin:/usr/sbin:/usr/bin", "FAIL_DELAY": "", "DEFAULT_HOME": "yes",
		}, map[string]string{
			"INACTIVE": "-1", "SHELL": "", "HOME": "/home", "SKEL": "/etc/skel", "EXPIRE": "",
		}
}

// defaults reads the defaults of new accounts.
func (r *reader) defaults() {
	login, useradd := builtIn()
	r.Numbers = map[string]int{}
	r.LoginDefs = r.settings(loginDefs, login, " \t\"")
	r.Useradd = r.settings(useraddFile, useradd, "=")
	r.umasks()
	r.rootPath()
}

// settings reads the listed names of a file of names and values; the last line of a
// name counts (lib/getdef.c, src/useradd.c). They take no line as long as to be cut here.
func (r *reader) settings(file string, names map[string]string, between string) map[string]fact.Text {
	r.Meta.Depend(file)
	out := make(map[string]fact.Text, len(names))
	for name, value := range names {
		out[name] = fact.Text{Value: value}
	}
	data, err := r.root.ReadFile(file, 0)
	if err != nil {
		data = nil // the program takes its own values then
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		i := strings.IndexAny(line, between)
		if i <= 0 || line[0] == '#' {
			continue
		}
		name, value := line[:i], strings.TrimLeft(line[i:], between)
		if _, ok := names[name]; !ok {
			continue
		}
		value, _, _ = strings.Cut(value, `"`)
		out[name] = fact.Text{Value: text.Clean(strings.TrimSpace(value), text.Limit), Set: true, File: file, Line: n, Raw: clean(line)}
	}
	for name, t := range out {
		base := 0
		if name == "UMASK" {
			base = 8 // as pam_umask reads it
		}
		if v, err := strconv.ParseInt(t.Value, base, 32); err == nil {
			r.Numbers[name] = int(v)
		}
	}
	return out
}

// umasks reads what the shells' files set.
func (r *reader) umasks() {
	for _, file := range r.shellFiles() {
		var masks, timeouts []Setting
		for s := range r.statements(file) {
			if m, ok := umask(s.text); ok {
				masks = append(masks, Setting{Value: m, Text: clean(s.word(1)), Set: true, File: file, Line: s.line, Raw: clean(s.text)})
			}
			if t, ok := timeout(s.text); ok {
				t.File, t.Line, t.Raw = file, s.line, clean(s.text)
				timeouts = append(timeouts, t)
			}
		}
		r.Umasks = append(r.Umasks, masks...)
		for i, m := range masks { // of one file the weakest, of the files the last
			if i == 0 || m.Value&^r.Umask.Value == 0 {
				r.Umask = m
			}
		}
		r.timeouts(timeouts)
	}
	// All were looked at for the one in force: these are shown.
	r.Umasks, r.Timeouts = r.Umasks[:min(len(r.Umasks), maxList)], r.Timeouts[:min(len(r.Timeouts), maxList)]
	r.RootUmasks = []Setting{}
	for _, file := range []string{"/root/.profile", "/root/.bash_profile", "/root/.bashrc"} {
		r.Meta.Depend(file)
		for s := range r.statements(file) {
			if m, ok := umask(s.text); ok {
				r.RootUmasks = append(r.RootUmasks, Setting{Value: m, Text: clean(s.word(1)), Set: true, File: file, Line: s.line, Raw: clean(s.text)})
			}
		}
	}
	if len(r.RootUmasks) > maxList {
		r.Meta.Leave("root_umasks", "root's files set umask more often than is looked at")
		r.RootUmasks = r.RootUmasks[:maxList]
	}
}

// timeouts adds those of one file. Once readonly, a value stays.
func (r *reader) timeouts(of []Setting) {
	for i, t := range of {
		switch {
		case t.Text == "": // only made readonly
			r.Timeout.Locked = r.Timeout.Locked || r.Timeout.Set
			continue
		case r.Timeout.Locked:
		case i == 0 || t.Value == 0 || r.Timeout.Value != 0 && t.Value > r.Timeout.Value:
			r.Timeout = t
		}
		r.Timeouts = append(r.Timeouts, t)
	}
}

// umask reads "umask 027" or "umask u=rwx,g=rx,o=".
func umask(statement string) (int, bool) {
	f := strings.Fields(statement)
	if len(f) < 2 || f[0] != "umask" {
		return 0, false
	}
	arg := f[len(f)-1]
	if n, err := strconv.ParseUint(arg, 8, 16); err == nil && n <= 0o777 {
		return int(n), true
	}
	return symbolic(arg)
}

// symbolic reads the form of umask that says what is allowed.
func symbolic(arg string) (int, bool) {
	mask := 0o777
	for part := range strings.SplitSeq(arg, ",") {
		who, allowed, ok := strings.Cut(part, "=")
		if !ok || strings.Trim(who, "ugoa") != "" || strings.Trim(allowed, "rwx") != "" {
			return 0, false
		}
		bits := 0
		for i, c := range "xwr" {
			if strings.ContainsRune(allowed, c) {
				bits |= 1 << i
			}
		}
		for i, c := range "ogu" {
			if who == "" || strings.ContainsRune(who, c) || strings.Contains(who, "a") {
				mask = mask&^(7<<(3*i)) | (7&^bits)<<(3*i)
			}
		}
	}
	return mask, true
}

// timeout reads an assignment of TMOUT. "readonly TMOUT" alone has no text.
func timeout(statement string) (s Setting, ok bool) {
	f := strings.Fields(statement)
	for len(f) > 0 && (slices.Contains([]string{"export", "readonly", "declare", "typeset"}, f[0]) || strings.HasPrefix(f[0], "-")) {
		s.Locked = s.Locked || f[0] == "readonly" || strings.HasPrefix(f[0], "-") && strings.Contains(f[0], "r")
		f = f[1:]
	}
	if len(f) == 0 {
		return s, false
	}
	value, assigned := strings.CutPrefix(f[0], "TMOUT=")
	if !assigned {
		return s, f[0] == "TMOUT" && s.Locked
	}
	n, err := strconv.Atoi(strings.Trim(value, `"'`))
	if err != nil || n < 0 {
		return s, false
	}
	s.Value, s.Text, s.Set = n, text.Clean(value, maxText), true
	return s, true
}
