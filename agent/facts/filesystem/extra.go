package filesystem

import (
	"errors"
	"io/fs"
	"strings"

	"seawall/pkg/distro"
	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

// banners reads the texts that are shown before and after login.
func (r *reader) banners() {
	r.f.Banners = []Banner{}
	var os distro.OS
	for _, name := range distro.Files() {
		if b, err := r.root.ReadFile(name, 0); err == nil {
			os = distro.ParseOS(b)
			break
		}
	}
	for _, name := range []string{"/etc/motd", "/etc/issue", "/etc/issue.net"} {
		one := Banner{Path: name}
		b, err := r.root.ReadFile(name, 0)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			one.Exists, one.Error = true, clean(err.Error())
		default:
			one.Exists = true
			one.look(string(b), os.ID)
		}
		r.f.Banners = append(r.f.Banners, one)
	}
}

// look finds what a text tells of the system: escapes of agetty(8), which stand for
// the system's name, release, version, machine and os-release, and the
// distribution's name.
func (b *Banner) look(words, id string) {
	for n, line := range strings.Split(words, "\n") {
		for _, escape := range []string{`\s`, `\r`, `\v`, `\m`, `\S`} {
			if strings.Contains(line, escape) {
				b.Tells, b.Line, b.Raw = escape, n+1, text.Clean(line, maxName)
				return
			}
		}
		if id != "" && strings.Contains(strings.ToLower(line), strings.ToLower(id)) {
			b.Tells, b.Line, b.Raw = "the distribution's name", n+1, text.Clean(line, maxName)
			return
		}
	}
}

// integrity looks for AIDE and its like.
func (r *reader) integrity() {
	in := &r.f.Integrity
	in.Known = true
	for _, p := range []string{"/usr/bin/aide", "/usr/sbin/aide", "/usr/sbin/tripwire", "/usr/sbin/samhain"} {
		r.f.Meta.Depend(p)
		if in.Program == "" && r.root.Exists(p) {
			in.Program = p
		}
	}
	for _, p := range []string{"/var/lib/aide/aide.db", "/var/lib/aide/aide.db.gz", "/var/lib/samhain/samhain_file"} {
		r.f.Meta.Depend(p)
		if in.Database == "" && r.root.Exists(p) {
			in.Database = p
		}
	}
	for _, unit := range []string{"dailyaidecheck.timer", "aidecheck.timer", "aide-check.timer", "aide.timer"} {
		r.f.Meta.Depend("/etc/systemd/system/timers.target.wants/" + unit)
		if u, err := unitfile.Load(r.root, unit); err == nil && !u.Masked && u.Start != "" {
			in.Schedule, in.Scheduled = clean(u.Start), true
			return
		}
	}
	r.cron(in)
}

// cron looks for a cron job that names one of the programs.
func (r *reader) cron(in *Integrity) {
	files := []string{"/etc/crontab", "/etc/anacrontab", "/var/spool/cron/crontabs/root", "/var/spool/cron/root"}
	for _, dir := range []string{"/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly"} {
		all, _ := r.entries(dir) // one that is found counts
		for _, n := range all {
			files = append(files, dir+"/"+n)
		}
	}
	for _, name := range files {
		b, err := r.root.ReadFile(name, 0)
		if err != nil {
			if errors.Is(err, fs.ErrPermission) {
				in.Reason = clean(err.Error())
			}
			continue
		}
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			if !strings.HasPrefix(line, "#") && (strings.Contains(line, "aide") || strings.Contains(line, "tripwire") || strings.Contains(line, "samhain")) {
				in.Schedule, in.Scheduled = clean(name), true
				return
			}
		}
	}
}

// leftovers counts what an image should not hold.
func (r *reader) leftovers() {
	l := &r.f.Leftovers
	l.Known, l.Folders = true, []Leftover{}
	for _, one := range []struct {
		kind, path string
		count      func(name string) bool
	}{
		{"tmp", "/tmp", belongs},
		{"tmp", "/var/tmp", belongs},
		{"crash", "/var/crash", func(n string) bool { return n != "kexec_cmd" }},
		{"crash", "/var/lib/systemd/coredump", anyName},
		{"crash", "/var/spool/abrt", anyName},
		{"archives", "/var/cache/apt/archives", func(n string) bool { return strings.HasSuffix(n, ".deb") }},
		{"archives", "/var/cache/dnf", func(n string) bool { return strings.Contains(n, "-") }},
		{"mail", "/var/mail", func(n string) bool { return r.filled("/var/mail/" + n) }},
		{"mail", "/var/spool/mail", func(n string) bool { return r.filled("/var/spool/mail/" + n) }},
	} {
		left := Leftover{Kind: one.kind, Path: one.path}
		if f := r.file(one.kind, one.path); f.Error != "" {
			left.Error = f.Error
		}
		all, err := r.root.ReadDir(one.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			left.Error = clean(err.Error())
		}
		for _, n := range all {
			if one.count(n) {
				if left.Count++; left.First == "" {
					left.First = clean(n)
				}
			}
		}
		l.Folders = append(l.Folders, left)
	}
}

func anyName(string) bool { return true }

// belongs reports whether a name in a directory for temporary files was left there
// by somebody: not by systemd, cloud-init or the X server, as they start.
func belongs(name string) bool {
	for _, p := range []string{"systemd-private-", "snap-private-tmp", ".X11-unix", ".ICE-unix", ".XIM-unix", ".font-unix", ".Test-unix",
		"cloud-init"} {
		if strings.HasPrefix(name, p) {
			return false
		}
	}
	return true
}

// filled reports whether a file has anything in it.
func (r *reader) filled(name string) bool {
	fi, err := r.root.Stat(name)
	return err == nil && fi.Mode().IsRegular() && fi.Size() > 0
}
