package audit

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"seawall/agent/facts/audit/cover"
	"seawall/pkg/auditrule"
	"seawall/pkg/text"
)

// maxCovered bounds the rules that are asked about events. Hosts have some hundred.
const maxCovered = 4000

// keepDisk keeps a rule on disk in the order in which the kernel will have it.
func (r *reader) keepDisk(rule auditrule.Rule, d DiskRule) {
	if !r.live {
		rule = r.watched(rule, d.Text)
	}
	line := cover.Line{Text: d.Text, File: d.File, Line: d.Line}
	if strings.HasPrefix(d.Text, "-A") {
		r.onDisk.Rules = slices.Insert(r.onDisk.Rules, 0, rule)
		r.onDisk.Lines = slices.Insert(r.onDisk.Lines, 0, line)
		return
	}
	r.onDisk.Rules = append(r.onDisk.Rules, rule)
	r.onDisk.Lines = append(r.onDisk.Lines, line)
}

// watched makes a watch (-w) one of a file or of a directory as the image has it:
// auditctl looks, and the parser would look at this machine.
func (r *reader) watched(rule auditrule.Rule, text string) auditrule.Rule {
	rest, ok := strings.CutPrefix(text, "-w ")
	if !ok {
		return rule
	}
	name, options, _ := strings.Cut(strings.TrimSpace(rest), " ")
	perm := "rwxa"
	words := strings.Fields(options)
	for i, w := range words {
		if w == "-p" && i+1 < len(words) {
			perm = words[i+1]
		}
	}
	kind := "path"
	if fi, err := r.root.Stat(name); err == nil && fi.IsDir() {
		kind = "dir"
	}
	if again, err := auditrule.Parse("-a always,exit -F " + kind + "=" + strings.TrimRight(name, "/") + " -F perm=" + perm); err == nil {
		return again
	}
	return rule
}

// cover says what the rules record.
func (r *reader) cover(f *Facts) {
	r.onDisk.Known, r.inKernel.Known = f.Rules.DiskKnown, f.Rules.LoadedKnown
	more := false
	for _, rules := range []*cover.Rules{&r.onDisk, &r.inKernel} {
		if len(rules.Rules) > maxCovered {
			rules.Rules, more = rules.Rules[:maxCovered], true
		}
	}
	sudoLog, err := r.sudoLog()
	f.Cover = cover.Judge(cover.Host{UIDMin: r.uidMin(), SudoLog: sudoLog, Exists: r.exists, Resolve: r.resolve}, r.onDisk, r.inKernel)
	f.Cover.Known = f.Rules.DiskKnown && (f.Rules.LoadedKnown || !r.live)
	if !f.Cover.Known {
		f.Cover.Reason = f.Rules.Reason
	}
	if more {
		f.Cover.Known, f.Cover.Reason = false, "there are more rules than are looked at"
	}
	if err != nil {
		f.Cover.Known, f.Cover.Reason = false, "the log file of sudo is not known: "+text.Clean(err.Error(), text.Limit)
	}
	f.Meta.Depend("/etc/login.defs", "/etc/sudoers", "/etc/sudoers.d/")
}

func (r *reader) exists(name string) bool {
	_, err := r.root.Lstat(name)
	return err == nil
}

// resolve follows the links that directories of the system are on most hosts.
func (r *reader) resolve(dir string) string {
	dir = path.Clean(dir)
	for range 8 {
		at, rest := dir, ""
		for at != "/" {
			target, err := r.root.Readlink(at)
			if err != nil {
				at, rest = path.Dir(at), path.Join(path.Base(at), rest)
				continue
			}
			if !path.IsAbs(target) {
				target = path.Join(path.Dir(at), target)
			}
			at = path.Join(target, rest)
			break
		}
		if at == "/" {
			return dir
		}
		dir = at
	}
	return dir
}

// uidMin is the first number of people's accounts.
func (r *reader) uidMin() uint32 {
	const usual = 1000
	b, err := r.root.ReadFile("/etc/login.defs", 0)
	if err != nil {
		return usual
	}
	for line := range strings.Lines(string(b)) {
		if words := strings.Fields(line); len(words) >= 2 && words[0] == "UID_MIN" {
			if n, err := strconv.ParseUint(words[1], 10, 31); err == nil {
				return uint32(n)
			}
		}
	}
	return usual
}

// sudoLog is the file that Defaults logfile names in sudoers, the last one counting.
// The error is of a file that could not be read and may name another.
func (r *reader) sudoLog() (found string, err error) {
	pattern := regexp.MustCompile(`(?m)^[ \t]*Defaults[^#\n]*?[ \t,]logfile[ \t]*=[ \t]*"?(/[^",\s]+)`)
	names := []string{"/etc/sudoers"}
	more, err := r.root.ReadDir("/etc/sudoers.d")
	for _, name := range more {
		if !strings.ContainsAny(name, ".~") {
			names = append(names, path.Join("/etc/sudoers.d", name))
		}
	}
	for _, name := range names {
		b, readErr := r.root.ReadFile(name, 0)
		if readErr != nil {
			if !errors.Is(readErr, fs.ErrNotExist) {
				err = readErr
			}
			continue
		}
		if all := pattern.FindAllSubmatch(b, -1); len(all) > 0 {
			found = string(all[len(all)-1][1])
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return found, err
}
