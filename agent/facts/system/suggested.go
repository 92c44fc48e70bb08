package system

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/dnf"
	"seawall/pkg/finding"
	"seawall/pkg/hostfs"
	"seawall/pkg/pkgver"
	"seawall/pkg/repodata"
	"seawall/pkg/rpmdb"
	"seawall/pkg/text"
)

const procStat = "/proc/stat"

// suggested asks for a reboot where a package was installed since the host booted
// and the vendor's advisory for that build says that it needs one. The advisories
// are read only where something was installed since. dnf keeps them for builds that
// are no longer offered, too; where they cannot be read nothing is said, since the
// kernel's answer does not depend on them.
func (r *Reboot) suggested(root hostfs.Root, packages []rpmdb.Package) {
	if len(installedSince(root, packages)) == 0 {
		return
	}
	conf, err := dnf.Load(root)
	if err != nil {
		return
	}
	var folders [][]string
	for i := range conf.Repos {
		if conf.Repos[i].Enabled {
			folders = append(folders, conf.Repos[i].Folders)
		}
	}
	r.suggestedIn(root, packages, folders)
}

// installedSince are the packages that were installed after the host booted.
func installedSince(root hostfs.Root, packages []rpmdb.Package) map[string]*rpmdb.Package {
	since := map[string]*rpmdb.Package{}
	booted, ok := bootTime(root)
	for i := range packages {
		if p := &packages[i]; ok && p.InstallTime.After(booted) {
			since[p.Name] = p
		}
	}
	return since
}

// suggestedIn looks into the caches of repositories.
func (r *Reboot) suggestedIn(root hostfs.Root, packages []rpmdb.Package, folders [][]string) {
	since := installedSince(root, packages)
	want := func(name []byte) bool { return since[string(name)] != nil }
	each := func(a *repodata.Advisory) {
		for _, p := range a.Packages {
			have := since[p.Name]
			if p.RebootSuggested && have != nil && p.Arch == have.Arch && pkgver.RPM(p.EVR, have.EVR()) == 0 {
				r.ask(have, a.ID)
			}
		}
	}
	for _, f := range folders {
		scanAdvisories(root, f, want, each)
	}
}

// ask notes that a package asks for a reboot.
func (r *Reboot) ask(p *rpmdb.Package, advisory string) {
	name := text.Clean(p.Name, maxWord)
	for _, have := range r.Packages {
		if have == name {
			return
		}
	}
	if len(r.Packages) == maxPackages {
		return
	}
	advisory = text.Clean(advisory, maxWord)
	r.Packages = append(r.Packages, name)
	r.Applicable = true
	r.Evidence = append(r.Evidence, finding.Evidence{Text: text.Clean(name+" "+p.EVR()+" was installed on "+p.InstallTime.UTC().Format(time.RFC3339)+", after the host booted; "+advisory+" suggests a reboot", text.Limit)})
	if !r.Required.Yes {
		r.Required = fact.Tri{Known: true, Yes: true, Reason: advisory + " suggests a reboot for " + name}
	}
}

// scanAdvisories reads what the first folder with metadata has of advisories.
func scanAdvisories(root hostfs.Root, folders []string, want func([]byte) bool, each func(*repodata.Advisory)) {
	for _, dir := range folders {
		dir = path.Join(dir, "repodata")
		b, err := root.ReadFile(path.Join(dir, "repomd.xml"), 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return
		}
		md, err := repodata.ParseMD(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, d := range md.Pick("updateinfo") {
			f, _, err := root.OpenFile(path.Join(dir, path.Base(d.Href)))
			if err != nil {
				continue
			}
			if in, err := repodata.Open(f, d); err == nil {
				// What stood before damage was said by the vendor all the same.
				_ = repodata.ScanAdvisories(in, want, each)
				in.Close()
			}
			f.Close()
			return
		}
		return
	}
}

// bootTime is when the kernel started, by the present clock.
func bootTime(root hostfs.Root) (time.Time, bool) {
	b, err := root.ReadFile(procStat, 0)
	if err != nil {
		return time.Time{}, false
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "btime "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return time.Unix(n, 0), err == nil && n > 0
		}
	}
	return time.Time{}, false
}
