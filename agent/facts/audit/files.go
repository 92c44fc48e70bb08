package audit

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"seawall/agent/facts/owner"
	"seawall/pkg/text"
)

const (
	defaultLog = "/var/log/audit/audit.log"
	maxFiles   = 1000
)

// tools are the programs of the audit package.
func tools() []string {
	return []string{"auditctl", "auditd", "augenrules", "aureport", "ausearch", "autrace", "audisp-remote", "audisp-syslog"}
}

// files looks at the modes and owners of auditd's files.
func (r *reader) files(f *Facts) {
	names := owner.Load(r.root)
	f.FilesKnown = true
	add := func(name, kind string) {
		if len(f.Files) >= maxFiles {
			f.FilesKnown, f.FilesReason = false, "there are more files than are looked at"
			return
		}
		fi, err := r.root.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		file := File{Path: text.Clean(name, text.Limit), Kind: kind, Mode: -1}
		if err != nil {
			file.Error = text.Clean(err.Error(), text.Limit)
		} else {
			file.Mode, file.UID, file.GID = owner.Of(fi)
			file.Group = names.Group(file.GID)
		}
		f.Files = append(f.Files, file)
	}
	log := f.Conf.Settings["log_file"].Value
	if !strings.HasPrefix(log, "/") {
		log = defaultLog
	}
	add(path.Dir(log), FileLogDir)
	r.inDir(f, path.Dir(log), func(name string) {
		if strings.HasPrefix(name, path.Base(log)) {
			add(path.Join(path.Dir(log), name), FileLog)
		}
	})
	for _, dir := range []string{"/etc/audit", rulesDir, "/etc/audit/plugins.d", "/etc/audisp/plugins.d"} {
		r.inDir(f, dir, func(name string) {
			if strings.HasSuffix(name, ".conf") || strings.HasSuffix(name, ".rules") {
				add(path.Join(dir, name), FileConfig)
			}
		})
	}
	for _, tool := range tools() {
		name := path.Join("/usr/sbin", tool)
		if _, err := r.root.Stat(name); err != nil {
			name = path.Join("/sbin", tool)
		}
		add(name, FileTool)
	}
	f.Meta.Depend(path.Dir(log), "/etc/audisp/plugins.d/")
	f.Meta.Depend(owner.Files()...)
}

// inDir calls each with the names in a directory, none where it is not there.
func (r *reader) inDir(f *Facts, dir string, each func(name string)) {
	names, err := r.root.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.FilesKnown, f.FilesReason = false, unreadable(err)
	}
	for _, n := range names {
		each(n)
	}
}
