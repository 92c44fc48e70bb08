package redact

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// Mark stands where a secret was.
const Mark = "***"

// maxCommand bounds what is looked at; a finding keeps less. What is beyond is
// dropped.
const maxCommand = 16 << 10

// Redactor hides secrets, those too that are named by words of its own.
type Redactor struct {
	words []string // as normal writes them
	forms func() []form
}

// New returns a Redactor to which a name that has one of the words in it (of letters,
// digits, dots, dashes and underscores, in any case) is that of a secret, as password is
// to all.
func New(words ...string) *Redactor {
	r := &Redactor{}
	for _, w := range words {
		if w = normal(w); w != "" {
			r.words = append(r.words, w)
		}
	}
	// Compiled at their first use: most programs that link the package never redact.
	r.forms = sync.OnceValue(func() []form { return compile(r.words) })
	return r
}

// usual has no words of its own.
var usual = New()

// Command returns the command line whose arguments are separated by NUL, as
// Linux keeps it, with its secrets hidden and written as a shell would take it.
func Command(raw []byte) string { return usual.Command(raw) }

// Args returns args with their secrets hidden.
func Args(args []string) []string { return usual.args(args) }

// Text returns s, a command line or any text in one string, with its secrets
// hidden.
func Text(s string) string { return usual.Text(s) }

// Command is the package's Command with r's own words.
func (r *Redactor) Command(raw []byte) string {
	if len(raw) == 0 {
		return "" // not '', which is one empty argument: a kernel thread has none
	}
	cut := len(raw) > maxCommand
	if cut {
		raw = raw[:maxCommand]
	}
	var args []string
	for arg := range bytes.SplitSeq(raw, []byte{0}) {
		args = append(args, string(arg))
	}
	args = r.args(args)
	for i, a := range args {
		args[i] = quote(a)
	}
	line := strings.Join(args, " ")
	if cut {
		line += " …"
	}
	return line
}

func (r *Redactor) args(args []string) []string {
	out := make([]string, len(args))
	w := walker{r: r}
	for i, a := range args {
		if strings.ContainsAny(a, " \t\n;|&") && !w.hide {
			out[i] = r.Text(a)
			continue
		}
		out[i] = w.word(a)
	}
	return out
}

// Text is the package's Text with r's own words.
func (r *Redactor) Text(s string) string {
	s = r.shapes(s)
	var out strings.Builder
	w := walker{r: r}
	for len(s) > 0 {
		n := strings.IndexAny(s, separators)
		switch {
		case n == 0:
			if strings.ContainsAny(s[:1], ";|&\n") {
				w = walker{r: r}
			}
			out.WriteByte(s[0])
			s = s[1:]
			continue
		case n < 0:
			n = len(s)
		}
		out.WriteString(w.word(s[:n]))
		s = s[n:]
	}
	return out.String()
}

// Image returns the name of an image or of a registry of images without the user and
// password that may stand before it.
func Image(name string) string {
	host, rest, _ := strings.Cut(name, "/")
	at := strings.LastIndexByte(host, '@')
	if !strings.Contains(host[:max(at, 0)], ":") || strings.HasPrefix(host[at+1:], "sha256:") {
		return Text(name) // what follows an @ may be a digest
	}
	if host = Mark + host[at:]; rest != "" {
		host += "/" + rest
	}
	return host
}

const separators = " \t\n;|&'\"()"

// walker goes over the words of one command.
type walker struct {
	r       *Redactor
	program string
	last    string
	hide    bool // the next word is a secret
	userpw  bool // the next word is user:password
}

func (w *walker) word(s string) string {
	last := w.last
	w.last = s
	switch {
	case w.hide:
		w.hide = false
		return Mark
	case s == "=" && w.r.secretName(last): // "password = x"
		w.hide = true
		return s
	case w.userpw:
		w.userpw = false
		return w.r.afterColon(s)
	case w.program == "" && !strings.Contains(s, "="):
		w.program = base(s)
		return w.r.shapes(s)
	case known(base(s)): // behind sudo, docker exec, sh -c '
		w.program = base(s)
		return s
	}
	if name, value, ok := strings.Cut(s, "="); ok && w.r.secretName(name) && value != "" {
		return name + "=" + Mark
	}
	if strings.HasPrefix(s, "-") {
		return w.option(s)
	}
	w.announce(s)
	return w.r.shapes(s)
}

// announce looks at a word that may say that the next is a secret.
func (w *walker) announce(s string) {
	if name, ok := strings.CutSuffix(s, ":"); ok && w.r.secretName(name) {
		// "password: x"; of these two the form told already what to keep.
		n := normal(name)
		w.hide = !strings.HasSuffix(n, "authorization") && !strings.HasSuffix(n, "cookie")
	}
	switch normal(s) {
	case "aws-secret-access-key", "aws-session-token", "requirepass", "masterauth":
		w.hide = true
	case "password":
		w.hide = w.program == "mysqladmin"
	case "login":
		if w.program == "docker" || w.program == "podman" {
			w.program += " login"
		}
	}
}

// base returns a program's name without its directory, and a login shell's
// without its dash.
func base(s string) string { return strings.TrimPrefix(s[strings.LastIndexByte(s, '/')+1:], "-") }

// option looks at a word that begins with "-".
func (w *walker) option(s string) string {
	name := strings.TrimLeft(s, "-")
	if w.r.secretName(name) && len(name) > 1 {
		w.hide = true
		return s
	}
	if name == "user" || name == "proxy-user" {
		w.userpw = true
		return s
	}
	if strings.HasPrefix(s, "--user=") || strings.HasPrefix(s, "--proxy-user=") {
		return w.r.afterColon(s)
	}
	if strings.HasPrefix(s, "--") || len(s) < 2 {
		return w.r.shapes(s)
	}
	return w.letters(s)
}

// letters looks at a word of short options.
func (w *walker) letters(s string) string {
	letter := shortOption(w.program)
	switch {
	case (w.program == "curl" || w.program == "smbclient") && (s[1] == 'u' || s[1] == 'U'):
		if len(s) == 2 {
			w.userpw = true
			return s
		}
		return s[:2] + w.r.afterColon(s[2:])
	case letter != 0 && s[1] == letter && len(s) == 2:
		// mysql alone takes no password from the next word.
		w.hide = !strings.HasPrefix(w.program, "mysql") && !strings.HasPrefix(w.program, "mariadb")
		return s
	case letter != 0 && s[1] == letter:
		return s[:2] + Mark
	}
	return w.r.shapes(s)
}

// shortOption returns the letter of a program's option that takes a password.
func shortOption(program string) byte {
	switch program {
	case "mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlshow", "mysqlcheck", "mysqlbinlog", "mysqlslap",
		"mariadb", "mariadb-dump", "mariadb-admin", "sshpass", "docker login", "podman login", "useradd", "usermod", "groupadd",
		"groupmod", "7z", "7za", "7zz", "mongo", "mongosh", "mongodump", "mongorestore", "rar", "unrar":
		return 'p'
	case "zip", "unzip", "sqlcmd", "bcp", "mosquitto_pub", "mosquitto_sub", "ipmitool":
		return 'P'
	case "redis-cli", "keydb-cli", "valkey-cli":
		return 'a'
	case "ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldappasswd", "ldapwhoami":
		return 'w'
	}
	return 0
}

// known reports whether a program's options are looked at by its name.
func known(program string) bool {
	switch program {
	case "curl", "smbclient", "docker", "podman":
		return true
	}
	return shortOption(program) != 0
}

// afterColon hides what follows the first ":" (or "%", as smbclient has it).
func (r *Redactor) afterColon(s string) string {
	i := strings.IndexAny(s, ":%")
	if i < 0 {
		return r.shapes(s)
	}
	return s[:i+1] + Mark
}

// secretName reports whether a variable, option or field of the name holds a
// secret.
func (r *Redactor) secretName(name string) bool {
	n := normal(name)
	switch n {
	case "pwd", "oldpwd", "password-file", "passwordfile", "pass-file", "token-file", "secret-name", "passwd-file",
		"password-stdin", "no-password", "password-prompt", "ask-password", "ask-pass":
		return false
	}
	for _, word := range []string{
		"password", "passwd", "passphrase", "secret", "token", "apikey", "api-key", "access-key", "accesskey",
		"private-key", "privatekey", "credential", "authorization", "storepass", "keypass", "userpass", "sharedkey",
		"account-key", "accountkey", "signature", "cookie",
	} {
		if strings.Contains(n, word) {
			return true
		}
	}
	for _, word := range r.words {
		if strings.Contains(n, word) {
			return true
		}
	}
	for part := range strings.FieldsFuncSeq(n, func(r rune) bool { return r == '-' || r == '.' }) {
		switch part {
		case "pass", "psk", "pwd", "pw", "passin", "passout":
			return true
		}
	}
	return false
}

// normal writes a name in lower case with "-" between words and nothing around.
func normal(name string) string {
	name = strings.ToLower(strings.Trim(name, "-'\"${}[], \t"))
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '/' {
			return '-'
		}
		return r
	}, name)
}

// form is a secret that can be told by its form. What its first group matches
// stays.
type form struct {
	hint string // text without which the expression need not be tried; "" always
	re   *regexp.Regexp
}

// compile makes the forms, of names with one of words too.
func compile(words []string) []form {
	var more strings.Builder
	for _, w := range words {
		more.WriteString("|" + strings.ReplaceAll(regexp.QuoteMeta(w), "-", "[_-]"))
	}
	name := `[\w.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|signature|pwd` + more.String() + `)[\w.-]*`
	list := []struct{ hint, expr string }{
		{"-----BEGIN", `(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`},
		{"://", `(?i)([a-z][a-z0-9+.-]*://[^\s/:@?#'"]*:)[^\s@/'"]+(?:@)`},
		{"://", `(?i)([a-z][a-z0-9+.-]*://)[^\s/:@?#'"]{16,}(?:@)`},
		{"", `(?i)((?:proxy-)?authorization['"]?\s*[:=]\s*['"]?(?:(?:basic|bearer|digest|token|negotiate|aws4-hmac-sha256)\s+)?)[^\s'"][^'"\n]*`},
		{":", `(?i)((?:set-)?cookie\s*:\s*)[^'"\n]+`},
		{":", `(?i)(['"]?` + name + `['"]?\s*:\s*['"])[^'"\n]*`},
		{":", `(?i)(\b` + name + `:\s*)[^\s'",}&]+`},
		{"=", `(?i)([?&;]` + name + `=)[^&#\s'"]+`},
		{"=", `(?i)(\b` + name + `\s*=\s*['"])[^'"\n]*`},
		{"=", `(?i)([?&](?:sig|auth|key|code|sas|x-amz-credential)=)[^&#\s'"]+`},
		{":", `(?i)(\bpass:)[^\s'"]+`},
		{"", `(?i)(identified\s+by\s+['"]?)[^\s'"]+`},
		{"ey", `()\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}`},
		{"", `()\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{8,}`},
		{"_", `()\b(?:gh[pousr]|github_pat|do[opr]_v1|sk_live|sk_test|rk_live|pk_live|npm|whsec|shpat)_\w{8,}`},
		{"-", `()\b(?:glpat|xox[abeoprs]|sk|pypi|dckr_pat|ATATT|sk-ant|sk-proj)-[\w-]{10,}`},
		{".", `()\b(?:hv[sb]|SG)\.[\w.-]{10,}`},
		{"AIza", `()\bAIza[\w-]{10,}`},
	}
	made := make([]form, len(list))
	for i, l := range list {
		made[i] = form{l.hint, regexp.MustCompile(l.expr)}
	}
	return made
}

// shapes hides secrets that are known by their form.
func (r *Redactor) shapes(s string) string {
	for _, f := range r.forms() {
		if f.hint == "" || strings.Contains(s, f.hint) {
			s = f.re.ReplaceAllStringFunc(s, func(m string) string {
				kept := f.re.FindStringSubmatch(m)[1]
				if strings.HasSuffix(m, "@") {
					return kept + Mark + "@"
				}
				return kept + Mark
			})
		}
	}
	return s
}

// quote writes an argument as a shell would need it.
func quote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n'\"\\$`;|&<>(){}!") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
