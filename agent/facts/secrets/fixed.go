package secrets

import (
	"path"
	"strings"

	"seawall/pkg/leak"
	"seawall/pkg/unitfile"
)

const (
	unitDir  = "/etc/systemd/system"
	maxUnits = 500 // files of a directory
	maxAdded = 50  // of one unit
)

// fixed searches the places that every host has.
func (r *reader) fixed() {
	both := leak.Settings | leak.Commands
	r.search("/etc/environment", "", what{place: PlaceEnvironment, mode: leak.Settings})
	r.search("/etc/profile", "", what{place: PlaceStartup, mode: both})
	r.search("/etc/bash.bashrc", "", what{place: PlaceStartup, mode: both})
	r.search("/etc/bashrc", "", what{place: PlaceStartup, mode: both})
	r.search("/etc/crontab", "", what{place: PlaceCron, mode: both})
	r.f.Meta.Depend("/etc/environment", "/etc/profile", "/etc/crontab")
	for dir, w := range map[string]what{
		"/etc/default":     {place: PlaceEnvironment, mode: leak.Settings},
		"/etc/sysconfig":   {place: PlaceEnvironment, mode: leak.Settings},
		"/etc/profile.d":   {place: PlaceStartup, mode: both},
		"/etc/cron.d":      {place: PlaceCron, mode: both},
		"/etc/cron.hourly": {place: PlaceCron, mode: both},
		"/etc/cron.daily":  {place: PlaceCron, mode: both},
		"/etc/cron.weekly": {place: PlaceCron, mode: both},
		"/usr/local/bin":   {place: PlaceCron, mode: leak.Commands},
		"/usr/local/sbin":  {place: PlaceCron, mode: leak.Commands},
	} {
		if strings.HasPrefix(dir, "/etc/") {
			r.f.Meta.Depend(dir + "/")
		}
		for _, name := range r.list(dir, maxUnits) {
			full := path.Join(dir, name)
			if fi, err := r.root.Stat(full); err == nil && fi.Mode().IsRegular() && fi.Size() <= maxFile { // no settings and no scripts are as long
				r.search(full, "", w)
			}
		}
	}
	const data = "/var/lib/cloud/instance"
	for _, name := range []string{"user-data.txt", "user-data.txt.i", "vendor-data.txt", "scripts/part-001"} {
		r.search(path.Join(data, name), "", what{place: PlaceUserData, mode: both})
	}
	r.f.Meta.Depend(data, data+"/user-data.txt")
}

// units searches the units of the host's owner, and the files that their
// environment comes from.
func (r *reader) units() {
	r.f.Meta.Depend(unitDir + "/")
	for _, name := range r.list(unitDir, maxUnits) {
		full := path.Join(unitDir, name)
		switch {
		case strings.HasSuffix(name, ".service.d"):
			for _, d := range r.list(full, maxAdded) {
				if strings.HasSuffix(d, ".conf") {
					r.unit(path.Join(full, d))
				}
			}
		case strings.HasSuffix(name, ".service"):
			r.unit(full)
		}
	}
}

// unit searches one file of a unit: what it sets itself, and what it runs.
func (r *reader) unit(name string) {
	fi, err := r.root.Stat(name)
	if err != nil || !fi.Mode().IsRegular() {
		return
	}
	b, err := r.root.ReadFile(name, maxFile)
	if err != nil {
		r.cut(err.Error())
		return
	}
	r.f.Searched.Files++
	r.f.Searched.Bytes += len(b)
	var found []leak.Leak
	for _, s := range unitfile.Parse(name, b) {
		switch {
		case s.Section != "Service":
		case s.Key == "Environment" || strings.HasPrefix(s.Key, "Exec"):
			for _, l := range leak.Scan([]byte(s.Value), leak.Settings|leak.Commands) {
				l.Line = s.Line
				found = append(found, l)
			}
		case s.Key == "EnvironmentFile":
			r.environment(strings.Trim(strings.TrimPrefix(s.Value, "-"), `"'`))
		}
	}
	r.keep(name, "", what{place: PlaceUnit}, found)
}

// environment searches a file that a unit takes its environment from.
func (r *reader) environment(file string) {
	if !path.IsAbs(file) || strings.ContainsAny(file, "*?[%") {
		return
	}
	r.f.Meta.Depend(file)
	if fi, err := r.root.Stat(file); err == nil && fi.Mode().IsRegular() {
		delete(r.seen, file) // as an environment it is searched more closely
		r.drop(file)
		r.search(file, "", what{place: PlaceEnvironment, mode: leak.Settings})
	}
}

// drop forgets what was found in a file.
func (r *reader) drop(name string) {
	kept := r.f.Leaks[:0]
	for _, l := range r.f.Leaks {
		if l.File != name {
			kept = append(kept, l)
		}
	}
	r.f.Leaks = kept
}
