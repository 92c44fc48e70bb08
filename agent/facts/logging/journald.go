package logging

import (
	"errors"
	"io/fs"
	"strings"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/service"
	"seawall/pkg/redact"
	"seawall/pkg/text"
	"seawall/pkg/unitfile"
)

// journald reads the journal's configuration.
func (r *reader) journald(j *Journald) {
	j.Installed = service.Installed(r.root, "/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald")
	j.Service, j.Upload, j.Remote = r.states[unitJournald], r.states[unitUpload], r.states[unitRemote]
	for _, dir := range unitfile.ConfigDirectories() {
		for _, name := range []string{"journald.conf", "journal-upload.conf"} {
			r.f.Meta.Depend(dir+"/"+name, dir+"/"+name+".d/")
		}
	}
	r.f.Meta.Depend("/var/log/journal")
	u, err := unitfile.LoadConfig(r.root, "journald.conf")
	if err != nil {
		j.Reason = text.Clean(err.Error(), text.Limit)
		j.Persistent.Reason = j.Reason
		return
	}
	j.Known, j.Settings = true, r.defaults(u.Fragment)
	for _, key := range keys() {
		all := u.Values("Journal", key)
		if len(all) == 0 {
			continue
		}
		s := all[len(all)-1]
		value := text.Clean(s.Value, 256)
		j.Settings[strings.ToLower(key)] = fact.Text{Value: value, Set: true, File: s.File, Line: s.Line, Raw: key + "=" + value}
	}
	j.Persistent = r.persistent(j.Settings["storage"])
	if u, err := unitfile.LoadConfig(r.root, "journal-upload.conf"); err == nil {
		if all := u.Values("Upload", "URL"); len(all) > 0 {
			s := all[len(all)-1]
			url := text.Clean(redact.Text(s.Value), 256)
			j.UploadURL = fact.Text{Value: url, Set: true, File: s.File, Line: s.Line, Raw: "URL=" + url}
		}
	}
}

// keys are those of [Journal] that are read.
func keys() []string {
	return []string{"Storage", "Compress", "Seal", "ForwardToSyslog", "ForwardToWall", "ForwardToConsole", "SystemMaxUse", "SystemKeepFree",
		"SystemMaxFileSize", "SystemMaxFiles", "RuntimeMaxUse", "RuntimeKeepFree", "MaxRetentionSec", "MaxFileSec", "RateLimitIntervalSec",
		"RateLimitBurst", "MaxLevelStore", "MaxLevelSyslog", "ReadKMsg", "Audit"}
}

// defaults are those of journald.conf(5), changed by what the main file has in
// comments: the defaults that the distribution built in.
func (r *reader) defaults(main string) map[string]fact.Text {
	d := map[string]fact.Text{}
	for _, key := range keys() {
		d[strings.ToLower(key)] = fact.Text{}
	}
	for key, value := range map[string]string{"storage": "auto", "compress": "yes", "seal": "yes", "forwardtosyslog": "no", "maxlevelstore": "debug",
		"ratelimitintervalsec": "30s", "ratelimitburst": "10000", "systemmaxfiles": "100", "maxfilesec": "1month", "readkmsg": "yes"} {
		d[key] = fact.Text{Value: value}
	}
	if main == "" {
		return d
	}
	b, err := r.root.ReadFile(main, 256<<10)
	if err != nil {
		return d
	}
	for line := range strings.Lines(string(b)) {
		key, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "#")), "=")
		key = strings.ToLower(key)
		if _, known := d[key]; ok && known && strings.HasPrefix(line, "#") && value != "" {
			d[key] = fact.Text{Value: text.Clean(value, 256)}
		}
	}
	return d
}

// persistent says whether the journal is on disk.
func (r *reader) persistent(storage fact.Text) fact.Tri {
	switch strings.ToLower(storage.Value) {
	case "persistent":
		return fact.Tri{Known: true, Yes: true, Reason: "Storage=persistent"}
	case "volatile", "none":
		return fact.Tri{Known: true, Reason: "Storage=" + strings.ToLower(storage.Value)}
	}
	switch fi, err := r.root.Stat("/var/log/journal"); {
	case errors.Is(err, fs.ErrNotExist):
		return fact.Tri{Known: true, Reason: "Storage=auto, and there is no /var/log/journal"}
	case err != nil:
		return fact.Tri{Reason: text.Clean(err.Error(), text.Limit)}
	case !fi.IsDir():
		return fact.Tri{Known: true, Reason: "Storage=auto, and /var/log/journal is no directory"}
	}
	return fact.Tri{Known: true, Yes: true, Reason: "Storage=auto, and there is /var/log/journal"}
}
