package schedule

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/crontab"
	"seawall/pkg/redact"
	"seawall/pkg/text"
)

const (
	maxTable = 1 << 20
	// usualPath is where cron looks for programs where the crontab does not say.
	usualPath = "/usr/bin:/bin"
)

// system reads the system's crontabs.
func (r *reader) system() {
	r.f.Meta.Depend("/etc/crontab", "/etc/anacrontab", "/etc/cron.d/")
	if r.path("/etc/crontab", PathCrontab, "") {
		r.table("/etc/crontab", "", crontab.System)
	}
	if r.path("/etc/anacrontab", PathCrontab, "") {
		r.table("/etc/anacrontab", "root", crontab.Anacron)
	}
	r.path("/etc/cron.d", PathDir, "")
	for _, n := range r.dir("/etc/cron.d", "paths", "jobs", "broken", "ignored") {
		name := path.Join("/etc/cron.d", n)
		if strings.HasPrefix(n, ".") || left(n) || !r.path(name, PathCrontab, "") {
			continue
		}
		if why := r.passedOver(n); why != "" {
			r.f.Ignored = append(r.f.Ignored, fact.Text{Value: why, Set: true, File: text.Clean(name, text.Limit)})
			continue
		}
		r.table(name, "", crontab.System)
	}
}

// left reports whether a file is one that a package manager or an editor left behind.
func left(name string) bool {
	return strings.HasSuffix(name, "~") || slices.ContainsFunc([]string{".dpkg-", ".ucf-", ".rpmsave", ".rpmorig", ".rpmnew", ".bak", ".disabled", ".old", ".swp"},
		func(s string) bool { return strings.Contains(name, s) })
}

// passedOver says why cron does not read a file of cron.d. Debian's cron takes names
// of letters, digits, "_" and "-" alone.
func (r *reader) passedOver(name string) string {
	p := r.f.Paths[len(r.f.Paths)-1]
	debian := r.f.Cron.Service.Unit == "cron.service"
	switch {
	case debian && strings.Trim(strings.Map(plain, name), "-_") != "":
		return "cron reads no file whose name has more than letters, digits, \"-\" and \"_\""
	case p.UID != 0:
		return "cron reads no file that root does not own"
	case p.Mode&0o022 != 0:
		return "cron reads no file that others may write"
	}
	return ""
}

// plain drops the characters that a name may have.
func plain(c rune) rune {
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
		return -1
	}
	return c
}

// table reads one crontab.
func (r *reader) table(name, user string, format crontab.Format) {
	b, err := r.root.ReadFile(name, maxTable)
	if err != nil {
		r.incomplete(err.Error(), "jobs", "broken")
		return
	}
	t := crontab.Parse(b, format)
	if t.More {
		r.incomplete(name+" has more, or longer, lines than are looked at", "jobs", "broken")
	}
	search := t.Path
	if search == "" {
		search = usualPath
	}
	for _, p := range t.Problems {
		if len(r.f.Broken) == maxJobs {
			r.f.Meta.Leave("broken", "there are more faulty lines than are listed")
			break
		}
		r.f.Broken = append(r.f.Broken, fact.Text{Value: p.Reason, Set: true, File: text.Clean(name, text.Limit), Line: p.Line, Raw: hidden(p.Text)})
	}
	for _, j := range t.Jobs {
		if format == crontab.System {
			user = j.User
		}
		programs, more := crontab.Programs(j.Command)
		if more {
			r.incomplete("a job of "+name+" has more words than are looked at", "jobs")
		}
		r.job(Job{File: text.Clean(name, text.Limit), Line: j.Line, User: text.Clean(user, 64), When: text.Clean(j.When, 128), Text: hidden(j.Command)},
			programs, search)
	}
}

// hidden is a command line without its secrets.
func hidden(command string) string { return text.Clean(redact.Text(command), 512) }

// job notes a job and its programs.
func (r *reader) job(j Job, programs []string, search string) {
	if len(r.f.Jobs) == maxJobs {
		r.incomplete("there are more jobs than are looked at", "jobs")
		return
	}
	uid, ok := r.names.UID(j.User)
	if !ok {
		uid = 0
	}
	j.Root = j.User == "root" || ok && uid == 0
	j.UserState = r.states[j.User]
	switch {
	case r.states == nil:
		j.UserState = StateUnknown
	case j.UserState == "":
		j.UserState = StateAbsent
	}
	for _, name := range programs {
		if p, ok := r.program("jobs", name, search, uid); ok {
			j.Programs = append(j.Programs, p)
		}
	}
	r.f.Jobs = append(r.f.Jobs, j)
}

// periodic looks at the programs of cron.hourly and its kin, which run as root.
func (r *reader) periodic() {
	for _, period := range []string{"hourly", "daily", "weekly", "monthly", "yearly"} {
		dir := "/etc/cron." + period
		r.f.Meta.Depend(dir + "/")
		if !r.path(dir, PathDir, "") {
			continue
		}
		for _, n := range r.dir(dir, "paths", "jobs", "broken") {
			name := path.Join(dir, n)
			if strings.HasPrefix(n, ".") || left(n) || !r.path(name, PathScript, "") {
				continue
			}
			if p := r.f.Paths[len(r.f.Paths)-1]; p.Mode&0o111 != 0 {
				r.job(Job{File: p.Path, User: "root", When: period}, []string{name}, usualPath)
			}
		}
	}
}

// spools reads users' crontabs.
func (r *reader) spools() {
	for _, dir := range []string{"/var/spool/cron", "/var/spool/cron/crontabs"} {
		r.f.Meta.Depend(dir + "/")
		if !r.path(dir, PathSpool, "") {
			continue
		}
		for _, n := range r.dir(dir, "paths", "jobs", "broken") {
			name := path.Join(dir, n)
			fi, err := r.root.Lstat(name)
			if err == nil && fi.IsDir() || strings.HasPrefix(n, ".") || strings.HasPrefix(n, "tmp.") || strings.HasPrefix(n, "#") {
				continue
			}
			if user := text.Clean(n, 64); r.path(name, PathUser, user) {
				r.f.Paths[len(r.f.Paths)-1].UserUID = r.uid(n)
				r.table(name, user, crontab.User)
			}
		}
	}
}

// uid is a user's number, -1 where there is none.
func (r *reader) uid(name string) int {
	if uid, ok := r.names.UID(name); ok {
		return uid
	}
	return -1
}

// users says of each user whether the account is one that is in use: expired, or
// locked by usermod -L, which puts "!" before a password that is there. One that
// never had a password is no sign of anything. It returns nil where that is not known.
func (r *reader) users() map[string]string {
	states := map[string]string{}
	passwd, err := r.root.ReadFile("/etc/passwd", 16<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return states
	}
	if err != nil { // who is root, too, is not known then
		r.incomplete(err.Error(), "jobs", "timers")
		return nil
	}
	for line := range strings.Lines(string(passwd)) {
		name, _, _ := strings.Cut(line, ":")
		states[text.Clean(name, 64)] = StateUnknown
	}
	shadow, err := r.root.ReadFile("/etc/shadow", 16<<20)
	if err != nil {
		return states
	}
	today := r.env.Now().Unix() / int64(24*time.Hour/time.Second)
	for line := range strings.Lines(string(shadow)) {
		fields := strings.Split(strings.TrimRight(line, "\n"), ":")
		name := text.Clean(fields[0], 64)
		if _, known := states[name]; !known || len(fields) < 8 {
			continue
		}
		states[name] = StateOK
		if strings.HasPrefix(fields[1], "!$") || strings.HasPrefix(fields[1], "!!$") {
			states[name] = StateLocked
		}
		if day, err := strconv.ParseInt(fields[7], 10, 32); err == nil && day <= today {
			states[name] = StateExpired
		}
	}
	return states
}
